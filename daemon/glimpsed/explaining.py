"""What is to be said of rows, paths and formats: pure, but for looks at the disk or the table that say so."""

import os
import stat
from collections import Counter
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime

from glimpsed import files
from glimpsed.indexing.retry import is_due
from glimpsed.reading import formats
from glimpsed.records import Current, Row
from glimpsed.serving import models
from glimpsed.storing.table import Table

_NO_FIELDS = frozenset((
    "path", "folder", "content_id", "mtime_ns", "ctime_ns", "inode", "beside", "description", "text", "text_id", "cut",
    "reader", "ocr", "encoder", "vector", "base_encoder", "base_cut", "strong", "sparse", "others", "missing_since",
    "attempts", "retry_at", "error", "indexed_at",
))  # fmt: skip
"""What of a row is no field of the picture: keys, states, texts and vectors, which are told for themselves."""


def row_state(row: Row, current: Current, now: float) -> tuple[str, str]:
    """What a row counts as, and why."""
    if row.missing_since is not None:
        return "missing", "its file is gone; it is kept for a while in case it comes back"
    if row.error is not None and not is_due(row.retry_at, now):
        return "error", row.error
    if not current.has_reader(row.reader) or is_due(row.retry_at, now):
        return "stale", "it is to be read again"
    if not current.has_ocr(row.ocr):
        return "stale", "the words in the picture are still to be read"
    if row.encoder != current.encoder or row.base[0] != (current.fallback or current.encoder):
        return "stale", "it is still to be encoded by the chosen encoder"
    return "fresh", "it is indexed as it is on disk"


async def formats_status(table: Table) -> models.FormatsStatus:
    """What can be read here, and what not. Raises TableError."""
    readable = [form for form in formats.FORMATS if formats.readable(form)]
    unreadable = [form for form in formats.FORMATS if form not in readable]
    # Asked often, and on most machines there is nothing to count.
    lacking = unreadable or not formats.installed(formats.DEVELOPER)
    lost = [error for _, error in await table.with_error(formats.UNREADABLE_PATTERN)] if lacking else []
    counts = Counter(form.name for form in map(formats.named, lost) if form is not None)
    reasons = {form: formats.unreadable(form) for form in unreadable}
    reasons |= {form: formats.undeveloped(form) for form in readable if counts[form.name]}
    return models.FormatsStatus(
        readable=[form.name for form in readable],
        unreadable=[
            models.FormatStatus(
                name=form.name,
                suffixes=list(form.suffixes),
                pictures=counts[form.name],
                reason=reason,
            )
            for form, reason in reasons.items()
        ],
    )


def row_hint(row: Row, state: str, *, forgotten_at: str | None) -> str | None:
    """What helps against the state of a row, or what comes next; None where nothing is to be said."""
    if state == "missing":
        return f"it is forgotten after {forgotten_at}"
    if state != "error":
        again = row.error is None and row.retry_at is not None
        return f"what stands beside it cannot be read: tried again after {moment(row.retry_at)}" if again else None
    tried = f"tried {row.attempts} times; " if row.attempts > 1 else ""
    if row.retry_at is not None:
        return f"{tried}it is tried again after {moment(row.retry_at)}"
    if formats.named(row.error) is not None:
        return "it is read when the daemon starts with what it takes"
    return f"{tried}it is read again when the file changes, or by `glimpse retry`"


def row_fields(row: Row) -> dict[str, object]:
    """All fields of the picture that a row has, whichever these are; those without a value are left out."""
    values = {one.name: getattr(row, one.name) for one in fields(row) if one.name not in _NO_FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def owners(path: str) -> list[str]:
    """The pictures on disk that the sidecar `path` belongs to; none where it is no sidecar. Blocks."""
    if files.is_picture(path) or not files.is_sidecar(path):
        return []
    return [owner for owner in files.owners(path) if os.path.isfile(owner)]


def unchanged(rows: list[Row], *, follow: bool) -> int | None:
    """A descriptor, to be closed by the caller, of the first file that is on disk as it was read. Blocks.

    What was put in its place since is not opened: neither another file of the same size and time, nor, unless `follow`,
    one that a link on the way leads to out of its folder.
    """
    for row in rows:
        with suppress(OSError):
            link = 0 if follow else os.O_NOFOLLOW
            descriptor = os.open(row.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | link)
            status = os.fstat(descriptor)
            stamp = files.stamp_of(status)
            same = (stamp.inode, stamp.mtime_ns, stamp.size) == (row.inode, row.mtime_ns, row.size)
            real = os.readlink(f"/proc/self/fd/{descriptor}")
            if same and stat.S_ISREG(status.st_mode) and (follow or files.inside(real, os.path.realpath(row.folder))):
                return descriptor
            os.close(descriptor)
    return None


def moment(seconds: float | None) -> str | None:
    """Seconds since the epoch as people read them, UTC; None also where no calendar has them."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return None
