"""SVG drawings: their size and the words in them, without drawing anything.

Source: SVG 2 sections 5.5 to 5.8 (`title`, `desc`, `metadata`) and 11 (`text`). No entity is expanded by the parser:
those that drawing programs declare, plain names for long addresses, are put in before it, within a limit.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from glimpsed.reading import bounds
from glimpsed.reading.texts import clean

_HEAD = 64 << 10
_ROOT = re.compile(rb"<(?:[A-Za-z][\w.-]*:)?svg[\s/>]")
_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!--|!DOCTYPE\s+svg|(?:[A-Za-z][\w.-]*:)?svg[\s/>])")
_DOCTYPE = re.compile(rb"<!DOCTYPE\s[^\[>]*(?:\[(.*?)\]\s*)?>", re.DOTALL)
_ENTITY = re.compile(rb"<!ENTITY\s+([A-Za-z_][\w.-]{0,60})\s+(?:\"([^\"&%<]{0,1000})\"|'([^'&%<]{0,1000})')\s*>")
_MOST_ENTITIES = 100
_PACKED = b"\x1f\x8b"
_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([a-z]*|%)\s*")
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 9.6 / 2.54, "em": 16.0}
_SAYING = {"title": "title", "desc": "caption", "text": "ocr"}
_LABELS = {"title": "title", "description": "caption", "subject": "keywords", "creator": "author"}
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"


class BadDrawing(Exception):  # noqa: N818 - becomes a fault, no error of ours
    """It cannot be read; its text says why."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What one drawing says."""

    size: tuple[int, int] | None
    """Width and height in pixels of 1/96 inch, where it tells them."""
    texts: tuple[tuple[str, str], ...]
    """Label and text; what is drawn as text is labelled `ocr`, for it is what people see."""


def is_svg(data: bytes) -> bool:
    """Whether these bytes are a drawing, packed or not."""
    head = _inflated(data, _HEAD) if data[:2] == _PACKED else data[:_HEAD]
    return head is not None and _START.match(head) is not None and _ROOT.search(head) is not None


def read(data: bytes) -> Drawing:
    """Raises BadDrawing and nothing else."""
    plain = _unpacked(data) if data[:2] == _PACKED else data
    spent = bounds.now()
    if len(plain) > spent.bounds.inflated:
        spent.too_much(f"a drawing of {len(plain):,} bytes", "max_inflated", spent.bounds.inflated)
        raise BadDrawing(f"more than {spent.bounds.inflated} bytes")
    try:
        root = fromstring(_without_entities(plain), forbid_dtd=True)
        return Drawing(_size(root), tuple(_texts(root)))
    except ParseError as error:
        raise BadDrawing(f"no XML: {error}") from None
    except (DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise BadDrawing(f"no XML that is read: {type(error).__name__}") from None


def _unpacked(data: bytes) -> bytes:
    spent = bounds.now()
    plain = _inflated(data, spent.inflatable + 1)
    if plain is None:
        raise BadDrawing("it cannot be inflated")
    whole = len(plain) <= spent.inflatable
    spent.inflated(len(plain), whole=whole)
    if not whole:
        raise BadDrawing(f"more than {spent.bounds.inflated} bytes")
    return plain


def _inflated(data: bytes, limit: int) -> bytes | None:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, limit)
    except zlib.error:
        return None


def _without_entities(data: bytes) -> bytes:
    """The drawing without its document type, and with the plain entities that this declared."""
    found = _DOCTYPE.search(data, 0, _HEAD)
    if found is None:
        return data
    body, most = data[found.end() :], bounds.now().bounds.inflated
    for number, entity in enumerate(_ENTITY.finditer(found[1] or b"")):
        value = entity[2] or entity[3] or b""
        name = b"&" + entity[1] + b";"
        if number >= _MOST_ENTITIES or len(body) + body.count(name) * len(value) > most:
            raise BadDrawing("its entities make it too large")
        body = body.replace(name, value)
    return data[: found.start()] + body


def _texts(root: Element) -> Iterator[tuple[str, str]]:
    told: set[Element] = set()
    for element in root.iter():
        if element in told:
            continue
        for attribute, value in element.attrib.items():
            space, _, name = attribute.lstrip("{").rpartition("}")
            if space == _DUBLIN_CORE and name in _LABELS:
                yield _LABELS[name], clean(value)
        space, _, name = str(element.tag).lstrip("{").rpartition("}")
        if space == _DUBLIN_CORE:
            # The `title` of whoever made it or published it is a name, not that of the drawing.
            told.update(element.iter())
            if name in _LABELS:
                # Names stand in bags and agents; each is an item of its own.
                yield from ((_LABELS[name], one) for one in map(clean, element.itertext()) if one)
        elif name in _SAYING and (text := clean("".join(_lines(element)))):
            yield _SAYING[name], text


def _lines(element: Element) -> Iterator[str]:
    """The text of an element; a line that has a place of its own begins anew."""
    if element.text:
        yield element.text
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        if name == "tspan" and ("y" in child.attrib or "dy" in child.attrib):
            yield "\n"
        elif name in {"title", "desc"}:
            continue  # said already
        yield from _lines(child)
        if child.tail:
            yield child.tail


def _size(root: Element) -> tuple[int, int] | None:
    width, height = (_pixels(root.get(name, "")) for name in ("width", "height"))
    if width is None or height is None:
        box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
        if len(box) != 4:
            return None
        width, height = _pixels(box[2]), _pixels(box[3])
    if width is None or height is None or not (0 < width < 1e6 and 0 < height < 1e6):
        return None
    return max(1, round(width)), max(1, round(height))


def _pixels(length: str) -> float | None:
    found = _LENGTH.fullmatch(length)
    return None if found is None or found[2] not in _UNITS else float(found[1]) * _UNITS[found[2]]
