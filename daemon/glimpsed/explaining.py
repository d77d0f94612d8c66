"""What is to be said of rows, and of the formats they are of."""

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from glimpsed import files
from glimpsed.reading import formats
from glimpsed.records import Current, Row
from glimpsed.serving import models
from glimpsed.storing.table import Table


def row_state(row: Row, current: Current, now: float) -> tuple[str, str]:
    """What a row counts as, and why."""
    if row.missing_since is not None:
        return "missing", "its file is gone; it is kept for a while in case it comes back"
    if row.error is not None and not (row.retry_at is not None and row.retry_at <= now):
        return "error", row.error
    if row.reader != current.reader or row.retry_at is not None:
        return "stale", "it is to be read again"
    if current.ocr is not None and row.ocr != current.ocr:
        return "stale", "the words in the picture are still to be read"
    if row.encoder != current.encoder or row.base[0] != (current.fallback or current.encoder):
        return "stale", "it is still to be encoded by the chosen encoder"
    return "fresh", "it is indexed as it is on disk"


async def formats_status(table: Table) -> models.FormatsStatus:
    """What can be read here, and what not. Raises TableError."""
    counts = Counter(name for _, name in await table.with_error(formats.UNREADABLE_PATTERN))
    readable = [form for form in formats.FORMATS if formats.readable(form)]
    return models.FormatsStatus(
        readable=[form.name for form in readable],
        unreadable=[
            models.FormatStatus(
                name=form.name,
                suffixes=list(form.suffixes),
                pictures=counts[form.name],
                reason=formats.unreadable(form),
            )
            for form in formats.FORMATS
            if form not in readable
        ],
    )


def unchanged(rows: list[Row]) -> Path | None:
    """The first that is on disk as it was read."""
    for row in rows:
        with suppress(OSError):
            stamp = files.look(row.path)
            if stamp is not None and (stamp.mtime_ns, stamp.size) == (row.mtime_ns, row.size):
                return Path(row.path)
    return None


def moment(seconds: float | None) -> str | None:
    """Seconds since the epoch as people read them, UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
