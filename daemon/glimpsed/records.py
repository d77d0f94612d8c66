"""The plain records that travel between the rooms. No behaviour beyond small derivations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpsed.filters import Filters as Filters  # noqa: PLC0414  it is one of the records
from glimpsed.freshness import Counts as Counts  # noqa: PLC0414  so are these
from glimpsed.freshness import Current as Current  # noqa: PLC0414


class Stamp(NamedTuple):
    """What tells one state of a file from another, from one stat(2)."""

    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int


class Known(NamedTuple):
    """What a scan needs of a row."""

    stamp: Stamp
    beside: str
    missing: bool


class Part(NamedTuple):
    """A labelled part of a description."""

    label: str
    text: str


CONTENT_LABELS = (
    "caption", "title", "keywords", "people", "place", "author", "comment", "date", "camera", "placenames", "ocr",
)  # fmt: skip
"""Labels of what comes from the bytes: they belong to the content id."""

PLACE_LABELS = ("sidecar", "name", "directory", "above")
"""Labels of what comes from where the file lies: they belong to the path."""

ENCODED_LABELS = (
    "caption", "title", "sidecar", "keywords", "people", "place", "name", "ocr", "directory", "comment", "author",
)  # fmt: skip
"""Labels of the parts that are encoded, most telling first; the others are full-text indexed only."""


class FaultKind(StrEnum):
    """Why a picture could not be read, as far as it decides what happens next."""

    BROKEN = "broken"
    """Corrupt, empty or no picture at all: only a change of the file helps."""
    TRUNCATED = "truncated"
    """Its end is missing: perhaps it is still being written."""
    TOO_LARGE = "too-large"
    """More pixels or bytes than the limits allow."""
    UNSUPPORTED = "unsupported"
    """What decodes its format is not installed."""
    UNREADABLE = "unreadable"
    """The file system refused (EACCES, EIO, …): may pass."""
    CRASHED = "crashed"
    """The worker died or ran out of time or memory over it: may pass, once or twice."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a picture could not be read."""

    kind: FaultKind
    what: str


@dataclass(frozen=True, slots=True)
class Content:
    """What the bytes of a picture say: all that is made once a content id."""

    content_id: str
    """BLAKE3 of the bytes, 64 hex digits."""
    format: str | None = None
    """A name of `reading.formats`, such as `jpeg`."""
    width: int | None = None
    """Pixels, after orientation."""
    height: int | None = None
    taken_at: str | None = None
    """ISO 8601 local time, with its offset and parts of a second where the picture tells them."""
    taken_from: str | None = None
    """Which field tells it, such as `EXIF:DateTimeOriginal`."""
    camera: str | None = None
    latitude: float | None = None
    """Degrees north, WGS 84."""
    longitude: float | None = None
    parts: tuple[Part, ...] = ()
    """With labels of CONTENT_LABELS; `ocr` only of a drawing, whose text needs no pixels."""
    fault: Fault | None = None
    undeveloped: bool = False
    """Whether a small preview was all that could be seen of a RAW, for what would develop it is not installed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the first pass learned from one path; the stamp is that of the very bytes that were read."""

    path: str
    stamp: Stamp
    beside: str
    content_id: str
    content: Content | None
    """None where the caller knew the content already."""
    sidecar_parts: tuple[Part, ...]
    sidecar_content: Content | None = None
    """Fields that only a sidecar tells (date, place); its content_id is empty."""
    thumbnail: bytes | None = None
    """A WebP of at most 512 pixels a side."""
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Unread:
    """A path that could not be read this time. Without a content id the bytes themselves could not be had."""

    path: str
    stamp: Stamp | None
    """None where the file is gone, or changed while it was read."""
    fault: Fault | None
    """None where the file is gone, or changed while it was read: look again."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the second pass read from the pixels of one content."""

    content_id: str
    text: str
    """Lines in reading order, joined by newlines; empty where there are none."""
    fault: Fault | None = None
    """Why there are none, or, with text, no more: of pages behind those that could be read."""
    milliseconds: float = 0.0
    unread: int = 0
    """Lines in scripts that nothing here can write."""


@dataclass(frozen=True, slots=True)
class Description:
    """The words of one picture, and what of them is encoded."""

    parts: tuple[Part, ...]
    text: str
    """All parts, for the full-text index."""
    encoded: tuple[str, ...]
    """The texts of the parts to encode, most telling first."""
    text_id: str
    """Hash of `encoded`: equal texts are encoded once."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """Token weights of one text, by ascending token id."""

    tokens: NDArray[np.int32]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoding:
    """One text in one encoder's space."""

    dense: NDArray[np.float32]
    """Unit length, shape (dimension,)."""
    sparse: Sparse | None = None
    cut: int = 0
    """How many parts did not fit and were left out or shortened."""
    colbert: NDArray[np.floating[Any]] | None = None
    """A vector of unit length for each token but the first, shape (tokens - 1, dimension); seldom asked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One path in the table. Field names are column names."""

    path: str
    """As Python has it (surrogateescape); the table keeps `files.key_of`."""
    folder: str
    content_id: str = ""
    """Empty where the bytes could not be read."""
    mtime_ns: int = 0
    ctime_ns: int = 0
    size: int = 0
    inode: int = 0
    beside: str = ""
    """State of the sidecars, see `files.beside`."""
    format: str | None = None
    width: int | None = None
    height: int | None = None
    taken_at: str | None = None
    taken_from: str | None = None
    """What tells it: see `Content.taken_from`, or a sidecar, or the file's name."""
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    place: str | None = None
    description: tuple[Part, ...] = ()
    text: str = ""
    text_id: str = ""
    cut: int = 0
    """How many parts of the description the encoder of `encoder` could not take whole."""
    reader: str | None = None
    """Id of the first pass that made this row; None where it has to be read again."""
    ocr: str | None = None
    """Id of the second pass; None until done."""
    encoder: str | None = None
    """Id of the strongest encoder whose vector is there: the chosen one's, else that of `vector`. No column."""
    vector: NDArray[np.float32] | None = field(default=None, compare=False)
    """The fallback's, of the encoded parts."""
    base_encoder: str | None = field(default=None, compare=False)
    """Id of the encoder that made `vector`, where `strong` is there too; the column `encoder`. See `base`."""
    base_cut: int = field(default=0, compare=False)
    """The `cut` that belongs to it."""
    strong: NDArray[np.float32] | None = field(default=None, compare=False)
    """The chosen encoder's, whose id is in `encoder`, where that is another one."""
    sparse: Sparse | None = field(default=None, compare=False)
    others: Mapping[str, Encoding] = field(default_factory=dict, compare=False)
    """What other encoders made of the same text, by their ids: kept until the chosen one has been through."""
    missing_since: float | None = None
    """Seconds since the epoch."""
    attempts: int = 0
    retry_at: float | None = None
    error: str | None = None
    indexed_at: float = 0.0

    @property
    def stamp(self) -> Stamp:
        """The state of the file that this row was made from."""
        return Stamp(self.mtime_ns, self.ctime_ns, self.size, self.inode)

    @property
    def base(self) -> tuple[str | None, int]:
        """Id of the encoder that made `vector`, and its `cut`; only of a row that was read with its vectors."""
        if self.strong is None or self.base_encoder is None:
            return self.encoder, self.cut
        return self.base_encoder, self.base_cut

    @property
    def encodings(self) -> Mapping[str, Encoding]:
        """What the encoders other than that of `vector` made of the text, by their ids."""
        if self.strong is None or self.encoder is None:
            return self.others
        return {**self.others, self.encoder: Encoding(self.strong, self.sparse, self.cut)}


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of one path's row, decided against the row as it stands at commit time.

    `apply(current)` is pure; it returns the new row, or None to leave all as it is. That is how slow work
    (OCR, encoding) never overwrites what a newer reading has put there meanwhile.
    """

    path: str
    apply: Callable[["Row | None"], "Row | None"]


@dataclass(frozen=True, slots=True)
class Written:
    """What one change did."""

    path: str
    before: Row | None
    after: Row | None
    """None where the change left all as it was."""
