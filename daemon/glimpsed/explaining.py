"""What is to be said of rows."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from glimpsed import files
from glimpsed.records import Current, Row


def row_state(row: Row, current: Current, now: float) -> tuple[str, str]:
    """What a row counts as, and why."""
    if row.missing_since is not None:
        return "missing", "its file is gone; it is kept for a while in case it comes back"
    if row.error is not None and not (row.retry_at is not None and row.retry_at <= now):
        return "error", row.error
    if row.reader != current.reader or row.retry_at is not None:
        return "stale", "it is to be read again"
    if not current.has_ocr(row.ocr):
        return "stale", "the words in the picture are still to be read"
    if row.encoder != current.encoder or row.base[0] != (current.fallback or current.encoder):
        return "stale", "it is still to be encoded by the chosen encoder"
    return "fresh", "it is indexed as it is on disk"


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
