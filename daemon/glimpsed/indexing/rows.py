"""How rows come about: each change is a small value whose `apply` is pure and is given the row as it stands.

What comes from the bytes and what comes from the place are kept apart by label, so a moved, re-captioned or
OCR'd picture is described anew without being read again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from glimpsed.indexing import dating
from glimpsed.reading import description
from glimpsed.reading.description import describe
from glimpsed.records import Content, Description, Encoding, Part, Row, Stamp

OCR_FAILED = "OCR failed: "
ENCODING_FAILED = "could not be encoded: "

_MADE = ("encoder", "cut", "vector", "base_encoder", "base_cut", "strong", "sparse", "others")
"""What of a row belongs to its text: made by encoders, and gone when it changes."""
_BARE = Row(path="", folder="")
_LARGEST = 2**31 - 1  # pixels; the columns are of 32 bits


def content_parts(row: Row) -> tuple[Part, ...]:
    """What the picture's bytes said at the first pass."""
    return tuple(part for part in description.content_parts(row.description) if part.label != "ocr")


def sidecar_parts(row: Row) -> tuple[Part, ...]:
    """What its sidecars said."""
    return tuple(part for part in row.description if part.label == "sidecar")


def ocr_text(row: Row) -> str | None:
    """What the second pass found; None where it found nothing or was not done."""
    return description.ocr_of(row.description)


def fit(row: Row, *, fallback: str, encodings: Mapping[str, Encoding], sources: Iterable[Row | None] = ()) -> Row:
    """`row` with the vectors of its text: those of a source with the same text, else the new encoding.

    Without either its encoder is None, which makes it stale: the refresh encodes it.
    """
    for source in sources:
        if source is not None and source.text_id == row.text_id and source.vector is not None:
            return replace(row, **{name: getattr(source, name) for name in _MADE})
    made = encodings.get(row.text_id)
    row = unencoded(row)
    return row if made is None else replace(row, vector=made.dense, encoder=fallback, cut=made.cut)


@dataclass(frozen=True, slots=True)
class Draft:
    """A path's new row on its way to the table, all but its encoding."""

    row: Row
    """Without description and vectors."""
    content: tuple[Part, ...]
    place: tuple[Part, ...]
    ocr: str | None
    why: str
    sources: tuple[Row, ...] = ()
    """Rows whose vectors may serve, if the text is the same."""
    milliseconds: dict[str, float] = field(default_factory=dict)

    def describe(self) -> Description:
        """The description as far as is known now; the second pass may have added words by commit time."""
        return describe(self.content, self.place, ocr=self.ocr)

    def apply(self, current: Row | None, *, fallback: str, encodings: Mapping[str, Encoding]) -> Row:
        """The new row. Words that the second pass put there meanwhile stay, if the content is the same."""
        row, ocr = self.row, self.ocr
        if row.ocr is None and current is not None and same_pixels(current, row):
            row, ocr = replace(row, ocr=current.ocr), ocr_text(current)
        row = described(row, describe(self.content, self.place, ocr=ocr))
        return fit(row, fallback=fallback, encodings=encodings, sources=(current, *self.sources))


@dataclass(frozen=True, slots=True)
class Worded:
    """What the second pass adds to one path's row."""

    path: str
    content_id: str
    ocr: str | None
    """Id of the second pass; None where it came to no end."""
    text: str | None
    why: str = "ocr"
    milliseconds: dict[str, float] = field(default_factory=dict)

    def describe(self, row: Row) -> Description:
        """The description of `row` with the new words."""
        return description.with_ocr(row.description, self.text or "")

    def apply(self, current: Row | None, *, fallback: str, encodings: Mapping[str, Encoding]) -> Row | None:
        """The row with the words; None where the content changed meanwhile."""
        if current is None or current.content_id != self.content_id:
            return None
        row = described(replace(current, ocr=self.ocr), self.describe(current))
        if current.error is not None and current.error.startswith(OCR_FAILED):
            row = replace(row, error=None, retry_at=None, attempts=0)
        return fit(row, fallback=fallback, encodings=encodings, sources=(current,))


def same_pixels(before: Row, row: Row) -> bool:
    """Whether what the second pass read for `before` is what it would read for `row`: of the same content, as large."""
    smaller = before.reader == description.UNDEVELOPED != row.reader
    return before.content_id == row.content_id != "" and not smaller


def described(row: Row, words: Description) -> Row:
    """`row` with this description."""
    return replace(row, description=words.parts, text=words.text, text_id=words.text_id)


def placed(row: Row, *, path: str, folder: str, stamp: Stamp, beside: str, now: float) -> Row:
    """`row` for a file that stands at `path` now, with its stamp; not missing."""
    return replace(
        row,
        path=path,
        folder=folder,
        mtime_ns=stamp.mtime_ns,
        ctime_ns=stamp.ctime_ns,
        size=stamp.size,
        inode=stamp.inode,
        beside=beside,
        missing_since=None,
        indexed_at=now,
    )


def of_content(content: Content, *, reader: str) -> Row:
    """The columns that a content fills, for any path.

    What a broken file declares may be no size that the table could hold: then it has none, and its row is there.
    """
    width, height = content.width or 0, content.height or 0
    sized = 0 < width <= _LARGEST and 0 < height <= _LARGEST
    return Row(
        path="",
        folder="",
        content_id=content.content_id,
        format=content.format,
        width=width if sized else None,
        height=height if sized else None,
        taken_at=content.taken_at,
        taken_from=content.taken_from,
        camera=content.camera,
        latitude=content.latitude,
        longitude=content.longitude,
        place=_place(content),
        reader=reader,
    )


def with_sidecar(row: Row, sidecar: Content | None) -> Row:
    """`row` with the fields that only its sidecar tells; the picture's own come first."""
    if sidecar is None:
        return row
    located = row.latitude is not None
    place = None if located else _place(sidecar)
    return replace(
        dating.by_sidecar(row, sidecar),
        camera=row.camera or sidecar.camera,
        latitude=row.latitude if located else sidecar.latitude,
        longitude=row.longitude if located else sidecar.longitude,
        place=" · ".join(filter(None, (row.place, place))) or None,
    )


def told_by_sidecar(row: Row, sidecar: Content | None) -> tuple[Part, ...]:
    """The words for the fields that only the sidecar of `row` tells; `row` is that without the sidecar."""
    if sidecar is None:
        return ()
    located = row.latitude is not None
    itself = {"camera": row.camera is not None, "place": located, "placenames": located}
    itself["date"] = dating.by_sidecar(row, sidecar) is row
    return tuple(part for part in sidecar.parts if not itself[part.label])


def _place(content: Content) -> str | None:
    return " · ".join(part.text for part in content.parts if part.label == "place") or None


def gone(current: Row | None, now: float) -> Row | None:
    """The row as missing."""
    if current is None or current.missing_since is not None:
        return None
    return replace(current, missing_since=now)


def restamped(current: Row | None, *, stamp: Stamp, beside: str, content_id: str) -> Row | None:
    """The row of an unchanged content with a new stamp, and no longer missing."""
    if current is None or current.content_id != content_id:
        return None
    return placed(current, path=current.path, folder=current.folder, stamp=stamp, beside=beside, now=current.indexed_at)


def strengthened(current: Row | None, *, text_id: str, encoder: str, encoding: Encoding) -> Row | None:
    """The row with the chosen encoder's vectors; None where its text changed meanwhile."""
    if current is None or current.text_id != text_id:
        return None
    base, base_cut = current.base
    others = {one: made for one, made in current.encodings.items() if one != encoder}
    row = replace(
        current,
        base_encoder=base,
        base_cut=base_cut,
        strong=encoding.dense,
        sparse=encoding.sparse,
        encoder=encoder,
        cut=encoding.cut,
        others=others,
    )
    return _encoded(row)


def reencoded(current: Row | None, *, text_id: str, encoder: str, encoding: Encoding) -> Row | None:
    """The row with the fallback's vector made anew; None where its text changed meanwhile.

    What stronger encoders made stays: it is of the same text.
    """
    if current is None or current.text_id != text_id:
        return None
    if current.strong is None:
        return _encoded(replace(current, vector=encoding.dense, encoder=encoder, cut=encoding.cut))
    return _encoded(replace(current, vector=encoding.dense, base_encoder=encoder, base_cut=encoding.cut))


def unencoded(row: Row) -> Row:
    """`row` without what encoders made of its text: the refresh has it made anew."""
    return replace(row, **{name: getattr(_BARE, name) for name in _MADE})


def _encoded(row: Row) -> Row:
    """`row` without the error that its text could not be encoded."""
    if row.error is None or not row.error.startswith(ENCODING_FAILED):
        return row
    return replace(row, error=None, retry_at=None, attempts=0)
