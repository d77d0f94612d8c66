"""One value from one place of a picture, named as exiftool names it; and whom to believe where places differ.

Order by the Metadata Working Group (Guidelines for Handling Image Metadata 2.0, section 5): EXIF, then XMP, then
IPTC; but IPTC before XMP where its digest tells that a program changed it that knew nothing of XMP.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from glimpsed.reading import prompts
from glimpsed.reading.texts import clean
from glimpsed.records import CONTENT_LABELS


class Field(NamedTuple):
    """What one place says."""

    source: str
    """Group and tag, such as `EXIF:ImageDescription`, `IPTC:City`, `XMP-dc:description` or `PNG:Title`."""
    label: str
    """Of the part of a description that it belongs to; or `taken`, `position`, `make`, `model`, `lens`; or empty where
    it says nothing to people."""
    text: str
    """Clean. A date as ISO 8601; a position as degrees north and east, with a comma between them."""


def worded(source: str, label: str, raw: str) -> Field:
    """The field of a text that a program may have filled: of what a picture generator was told, what it was to show."""
    told = prompts.words(raw)
    if told is None:
        return Field(source, label, clean(raw))
    return Field(source, label, clean(told)) if told else Field(source, "", clean(raw))


_DATES = (
    ("EXIF:DateTimeOriginal",),
    ("EXIF:CreateDate",),
    ("XMP-exif:DateTimeOriginal", "XMP-photoshop:DateCreated", "IPTC:DateCreated"),
    ("XMP-exif:DateTimeDigitized", "XMP-xmp:CreateDate", "IPTC:DigitalCreationDate"),
)
"""Most trusted first; of one line, the first in the order of the fields. All others come behind them in that order,
and last of all when the file was changed, which is seldom when it was taken."""
CHANGED = "EXIF:ModifyDate"


def taken(fields: Iterable[Field]) -> Field | None:
    """The field that tells when the picture was taken."""
    ranks = {source: rank for rank, sources in enumerate(_DATES) for source in sources}
    ranks[CHANGED] = len(_DATES) + 1
    dated = (field for field in fields if field.label == "taken" and field.text)
    return min(dated, key=lambda field: ranks.get(field.source, len(_DATES)), default=None)


def first(fields: Iterable[Field], label: str) -> str:
    """The first text of that label; empty where there is none."""
    return next((field.text for field in fields if field.label == label and field.text), "")


def position(fields: Iterable[Field]) -> tuple[float, float] | None:
    """Degrees north and east."""
    north, comma, east = first(fields, "position").partition(",")
    return (float(north), float(east)) if comma else None


def position_text(place: tuple[float, float] | None) -> str:
    """A position as the text of a field; empty where there is none."""
    return "" if place is None else f"{place[0]!r},{place[1]!r}"


def groups(fields: Sequence[Field]) -> Iterable[Sequence[Field]]:
    """The fields of EXIF, of all XMP, of IPTC and so on, each for itself."""
    names = dict.fromkeys(field.source.partition(":")[0].partition("-")[0] for field in fields)
    return [[field for field in fields if field.source.startswith((f"{name}:", f"{name}-"))] for name in names]


_MARKUP = re.compile(r"<[^<>]*>")
_SLASHED = frozenset({"XMP-digiKam:TagsList", "XMP-microsoft:LastKeywordXMP", "XMP-microsoft:LastKeywordIPTC"})
"""Keywords whose levels stand between slashes; in others a slash is part of a word, and a bar parts levels."""
_MACHINE = ("darktable|",)
"""Hierarchies that programs keep for themselves."""


def pairs(fields: Iterable[Field]) -> Iterator[tuple[str, str]]:
    """Label and text of all that is words; each level of a hierarchy of keywords for itself."""
    for source, label, text in fields:
        if label == "keywords" and not text.startswith(_MACHINE):
            # ACDSee's hierarchy is XML within a text.
            plain = _MARKUP.sub("|", text) if text.startswith("<") else text
            levels = re.split(r"[|/]" if source in _SLASHED else r"\|", plain)
            yield from ((label, level.strip()) for level in levels if level.strip())
        elif label in CONTENT_LABELS and label != "keywords" and text:
            yield label, text
