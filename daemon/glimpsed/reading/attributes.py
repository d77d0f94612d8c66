"""Comments and tags that desktops keep in a file's extended attributes, or in a file that stands for these."""

import plistlib
from collections.abc import Iterator
from xml.parsers.expat import ExpatError

from glimpsed import xattrs
from glimpsed.reading import appledouble
from glimpsed.reading.texts import decode

_LABELS = {
    "kMDItemFinderComment": "comment",
    "kMDItemDescription": "caption",
    "kMDItemKeywords": "keywords",
    "_kMDItemUserTags": "keywords",
}


def texts(path: str) -> Iterator[tuple[str, str]]:
    """Label and text of each comment and tag of the file at `path`; never raises."""
    found = xattrs.read(path)
    if xattrs.COMMENT in found:
        yield "comment", decode(found[xattrs.COMMENT])
    if xattrs.TAGS in found:
        yield "keywords", decode(found[xattrs.TAGS])
    for name in xattrs.PLISTS:
        yield from _told(name, found.get(name, b""))


def of_appledouble(data: bytes) -> Iterator[tuple[str, str]]:
    """The same of the file that macOS writes in place of attributes."""
    for name, value in appledouble.attributes(data).items():
        if name == appledouble.COMMENT:
            yield "comment", value.decode()
        else:
            yield from _told(name, value)


def _told(name: str, value: bytes) -> Iterator[tuple[str, str]]:
    """What a property list under one of the Finder's names says."""
    label = _LABELS.get(name.rpartition(":")[2])
    for text in _strings(value) if label else ():
        # The Finder writes a tag's colour on a second line.
        yield label or "", text.partition("\n")[0] if label == "keywords" else text


def _strings(data: bytes) -> list[str]:
    """The strings of a property list that is one, or a list of them."""
    if not data:
        return []
    try:
        value: object = plistlib.loads(data)
    except (ValueError, ExpatError, RecursionError, OverflowError, IndexError, KeyError, TypeError, AttributeError):
        return []
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
