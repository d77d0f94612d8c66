"""When a picture was taken: its bytes tell it, or else a sidecar, or else its file's name.

When a file was changed, as EXIF has it, comes last of what the bytes say, and of all: it is seldom when the picture was
taken. Where nothing tells it, `taken_at` stays empty, and a search goes by the time of the file.
"""

from dataclasses import replace

from glimpsed.reading import name_dates
from glimpsed.reading.dates import words
from glimpsed.reading.fields import CHANGED
from glimpsed.records import Content, Part, Row

SIDECAR = "sidecar"
MTIME = "mtime"
"""What a date comes from that no row has: it is its file's."""


def by_sidecar(row: Row, sidecar: Content) -> Row:
    """`row` with the date that its sidecar tells, if its bytes tell none that is better."""
    if sidecar.taken_at is None or _settled(row):
        return row
    return replace(row, taken_at=sidecar.taken_at, taken_from=SIDECAR)


def by_name(row: Row, path: str) -> Row:
    """`row` with the date in the name of its file, if nothing better tells one."""
    if _settled(row):
        return row
    told = name_dates.taken(path)
    return row if told is None else replace(row, taken_at=told, taken_from=name_dates.SOURCE)


def name_words(row: Row) -> tuple[Part, ...]:
    """The date as people type it, where it came from the name; the words of other dates stand in the description."""
    if row.taken_at is None or row.taken_from != name_dates.SOURCE:
        return ()
    return (Part("above", words(row.taken_at)),)


def of_bytes(row: Row) -> Row:
    """`row` without a date that only its place told. The day that its bytes tell stands in the description still."""
    if row.taken_at is None or row.taken_from not in {SIDECAR, name_dates.SOURCE}:
        return row
    days = [part.text[:10] for part in row.description if part.label == "date"]
    if row.taken_from == SIDECAR:
        # The sidecar's own day may stand there, too.
        days = [day for day in days if day != row.taken_at[:10]]
    day = next(iter(days), None)
    return replace(row, taken_at=day and f"{day}T00:00:00", taken_from=day and CHANGED)


def told_by(row: Row) -> str | None:
    """What tells when the picture was taken; `mtime` where nothing but the file's own time does."""
    return MTIME if row.taken_at is None else row.taken_from


def _settled(row: Row) -> bool:
    return row.taken_at is not None and row.taken_from != CHANGED
