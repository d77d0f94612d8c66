"""What a settled path needs, from one stat and the table. Pure: the disk was asked before, nothing is done here."""

from collections.abc import Mapping
from dataclasses import dataclass

from glimpsed.indexing.retry import is_due
from glimpsed.records import Fault, Row, Stamp


@dataclass(frozen=True, slots=True)
class Seen:
    """A settled path as the disk shows it now."""

    path: str
    stamp: Stamp | None
    """None where no regular file is there."""
    beside: str = ""
    refused: Fault | None = None
    """Why the file system would not tell (EIO, EACCES, …); then `stamp` is None too, but the file is not gone."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """The row is true already."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The file vanished: its row becomes missing."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The file system would not tell: try again later."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Back:
    """The very file of a missing row is there again: nothing is read."""


@dataclass(frozen=True, slots=True)
class Rehash:
    """Only the change time differs: perhaps just its name or rights were touched."""

    row: Row


@dataclass(frozen=True, slots=True)
class Moved:
    """A file without sidecars that is known under another path or folder: nothing is read."""

    twin: Row


@dataclass(frozen=True, slots=True)
class Read:
    """The picture has to be read; of the contents in `known` there is a reading already."""

    known: frozenset[str]
    why: str


Work = Nothing | Gone | Refused | Back | Rehash | Moved | Read

Identity = tuple[int, int, int]


def identity(stamp: Stamp) -> Identity:
    """What a file keeps when it is renamed: inode, size and modification time."""
    return (stamp.inode, stamp.size, stamp.mtime_ns)


def decide(
    seen: Seen,
    row: Row | None,
    *,
    folder: str,
    twins: Mapping[Identity, Row],
    by_size: Mapping[int, frozenset[str]],
    reader: str,
    reader_partly: str | None = None,
    now: float,
) -> Work:
    """The least work that makes the row of `seen.path` true.

    `folder` is the one that the path is indexed for now. `twins` holds rows of other
    paths by identity, `by_size` the content ids already read of each size. `reader` and
    `reader_partly` are those of `Current`: a row of either need not be read again.
    """
    if seen.refused is not None:
        return Refused(seen.refused)
    if seen.stamp is None:
        return Nothing() if row is None or row.missing_since is not None else Gone()
    known = by_size.get(seen.stamp.size, frozenset())
    if row is None:
        twin = twins.get(identity(seen.stamp))
        if twin is not None and _whole(twin, reader):
            return _moved(seen, twin)
        return Read(known, "new")
    if is_due(row.retry_at, now):
        return Read(frozenset(), "tried again")
    if row.reader is None or row.reader not in (reader, reader_partly):
        return Read(frozenset(), "new reader")
    if row.folder != folder and row.stamp == seen.stamp:  # the folders were configured anew
        return _moved(seen, row) if _whole(row, reader) else Read(frozenset(), "moved")
    same_bytes = identity(row.stamp) == identity(seen.stamp) and bool(row.content_id)
    if same_bytes and row.error is None and row.retry_at is not None and row.missing_since is None:
        return Read(frozenset(), "sidecar")  # which was refused: no state of it tells its permissions
    if row.stamp == seen.stamp and row.beside == seen.beside:
        return Nothing() if row.missing_since is None else Back()
    touched = row.beside == seen.beside and row.stamp.ctime_ns != seen.stamp.ctime_ns
    if same_bytes and touched and row.folder == folder:
        return Rehash(row)
    if same_bytes:
        return Read(frozenset(), "sidecar")
    return Read(known, "changed")


def _moved(seen: Seen, twin: Row) -> Work:
    # Sidecars are read where they lie now; the bytes are hashed on the way and found known. What the twin's sidecars
    # told is not of its bytes: those have to be read again.
    if twin.beside:
        return Read(frozenset(), "moved")
    return Moved(twin) if not seen.beside else Read(frozenset({twin.content_id}), "moved")


def _whole(row: Row, reader: str) -> bool:
    return bool(row.content_id) and row.reader == reader and row.error is None
