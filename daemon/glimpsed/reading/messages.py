"""What the daemon and a picture worker say to each other.

Paths travel as bytes: not every one is UTF-8. Both sides decode into these types and nothing else.
"""

import msgspec

from glimpsed.reading.confinement import Confinement
from glimpsed.reading.sources import Source
from glimpsed.records import Content, Fault, Part, Stamp


class Greet(msgspec.Struct, tag=True, frozen=True):
    """The first request to every worker: it is up, and what bounds it?"""


class Read(msgspec.Struct, tag=True, frozen=True):
    """Read the picture at `path`; one of the `known` contents only as far as its place goes."""

    path: bytes
    known: frozenset[str]


class Hash(msgspec.Struct, tag=True, frozen=True):
    """Tell the content id of the file at `path`."""

    path: bytes


class Recognise(msgspec.Struct, tag=True, frozen=True):
    """Read the words in the picture at `path`, if its content is still `content_id`."""

    path: bytes
    content_id: str
    page: int = 0
    """Of a file with several, from 0: each is asked for by itself, and has the time of one picture."""
    packs: tuple[str, ...] = ()
    """What tesseract may be asked for, in this order; see `languages.order`."""


class Explain(msgspec.Struct, tag=True, frozen=True):
    """Read the picture at `path` anew and tell where all of it came from; nothing is kept."""

    path: bytes
    pixels: bool
    """The words in it, too, line by line …"""
    drawn: bool
    """… and drawn into a copy."""
    packs: tuple[str, ...] = ()
    """As in `Recognise`."""
    page: int = 0
    """Whose words are read, from 0; the first is drawn."""


Request = Greet | Read | Hash | Recognise | Explain


class Greeted(msgspec.Struct, tag=True, frozen=True):
    """What bounds the worker, by its own account: of one that no picture has reached yet."""

    confinement: tuple[Confinement, ...]


class Got(msgspec.Struct, tag=True, frozen=True):
    """A `records.Reading`, without its path."""

    stamp: Stamp
    beside: str
    content_id: str
    content: Content | None
    sidecar_parts: tuple[Part, ...]
    sidecar_content: Content | None
    thumbnail: bytes | None
    milliseconds: float


class Hashed(msgspec.Struct, tag=True, frozen=True):
    """The content id of the bytes that the file had at `stamp`."""

    content_id: str
    stamp: Stamp


class Recognised(msgspec.Struct, tag=True, frozen=True):
    """The words, or why there are none to be had."""

    text: str
    fault: Fault | None
    milliseconds: float
    pages: int = 1
    """How many the file has that are worth reading."""
    unread: int = 0
    """Lines in scripts that nothing here can write."""
    languages: tuple[str, ...] = ()
    """Of the lines that tesseract read, ISO 639-1."""
    unusable: tuple[str, ...] = ()
    """Which of the models that are named in the configuration are left out, and why."""


class Sighted(msgspec.Struct, frozen=True):
    """One line of text in a picture, as OCR has it; pixels of the upright picture, from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float
    text: str
    score: float
    """Confidence, 0 to 1."""
    by: str
    """What read it: see `lines.Line`."""
    told: bool
    """Whether it counts as words."""
    page: int = 1
    """Of the file, from 1, as far as they are read for words."""


class Explained(msgspec.Struct, tag=True, frozen=True):
    """What a picture says now, and which of its blocks and sidecars says what."""

    stamp: Stamp
    content: Content
    sources: tuple[Source, ...]
    beside: str
    lines: tuple[Sighted, ...] | None
    """In reading order, those that are no words at the end; None where they were not asked for or cannot be had."""
    fault: Fault | None
    """Why the words in it could not be read."""
    drawn: bytes | None
    """A PNG."""
    milliseconds: dict[str, float]
    """By what was done: `file`, `fields`, `pixels`, `ocr`, `drawing`."""
    pages: int = 1
    """How many the file has that are worth reading."""


class Failed(msgspec.Struct, tag=True, frozen=True):
    """A `records.Unread`, without its path."""

    stamp: Stamp | None
    fault: Fault | None


Reply = Greeted | Got | Hashed | Recognised | Explained | Failed
