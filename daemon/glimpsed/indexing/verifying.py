"""Proves that the table is what the disk says: everything is compared anew, and what differs is looked at twice.

Nothing is changed and nobody is held up: files are hashed one at a time and only while no new picture is due, and the
table is read beside its writer. What differs because work on it is under way is not told as a difference.
"""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import anyio
from anyio import to_thread

from glimpsed import files
from glimpsed.indexing.context import Context
from glimpsed.indexing.differences import Difference, Findings, Kind
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.inbox import Inbox
from glimpsed.indexing.look import see
from glimpsed.indexing.retry import is_due
from glimpsed.indexing.scans import Scans
from glimpsed.indexing.thumbnails import Stored
from glimpsed.records import Known, Row, Stamp, Unread
from glimpsed.storing import proof
from glimpsed.storing.proof import Held
from glimpsed.watching.ignore import Ignore
from glimpsed.watching.scan import Scan, scan

MOMENT: Final = 1.0
"""Seconds between the two looks at what differs: by then the kernel has told of a change that was just made."""

_PATIENCE: Final = 1.0  # seconds that the hashing of one file waits for new pictures
_GROUP: Final = 256  # paths
_OLD: Final = 3_600.0  # seconds: a thumbnail that was made so long ago is not one whose row is about to be written

Place = tuple[str, str | None]
"""A folder, and a path in it that alone is meant; None: all of it."""

Note = Callable[[str, int, int | None], None]
"""Told what is being looked at, how many so far, and of how many; None where that is not known."""


class Verifier:
    """Compares disk, table and thumbnails, as often as is asked."""

    def __init__(
        self, context: Context, folders: Folders, scans: Scans, inbox: Inbox, *, moment: float = MOMENT
    ) -> None:
        self._context = context
        self._folders = folders
        self._scans = scans
        self._inbox = inbox
        self._moment = moment

    async def check(
        self, places: Sequence[Place], note: Note, *, full: bool, hashed: Collection[str] | None = None
    ) -> Findings:
        """What differs at or below these places, and of the table as a whole.

        With `full` every file is hashed, or only those of the paths in `hashed`, all vectors are read, and every row
        is looked for in the full-text index. Raises TableError.
        """
        context, found = self._context, Findings()
        stopped = _Stop()
        try:
            suspects = [one for place in places for one in await self._compared(place, found, note, stopped)]
        finally:
            stopped.set = True  # where this was cancelled, the walk in its thread ends, too
        busy = context.backlog.busy > 0
        stored = await to_thread.run_sync(context.thumbnails.stored)
        held = await context.insist(partial(proof.held, context.table))
        found.rows = len(held)
        found.differences += _doubled(held)
        inside = [row for row in held if _within(row.path, places)]
        suspects += self._misplaced(inside)
        found.thumbnails = len(stored.ids)
        suspects += _without_thumbnail(inside, stored.ids)
        if full:
            suspects += await self._hashed(inside, hashed, found, note)
        found.differences += await self._standing(suspects, found)
        if all(under is None for _, under in places):
            known = {row.content_id for row in held}
            found.differences += await self._orphans(stored, known, found, busy=busy)
        await self._table(found, note, full=full)
        return found

    async def _compared(self, place: Place, found: Findings, note: Note, stopped: "_Stop") -> list[Difference]:
        """What a walk over the disk finds to differ in one place, by rules that are read anew."""
        name, under = place
        known = await self._context.insist(partial(self._context.table.known, name, under=under))
        names = self._folders.names
        known = {path: one for path, one in known.items() if files.folder_of(path, names) == name}
        note("files", found.pictures, None)
        walked = await to_thread.run_sync(self._walk, place, known, stopped, abandon_on_cancel=True)
        found.pictures += walked.pictures
        if walked.offline is not None:
            found.warnings.append(f"{files.shown(name)} is offline: {walked.offline}; nothing was compared there")
        found.warnings += [f"{files.shown(path)} cannot be read: not compared" for path in walked.unreadable]
        note("files", found.pictures, None)
        return [_difference(one.path, one.mtime, known.get(one.path)) for one in walked.hints]

    def _walk(self, place: Place, known: Mapping[str, Known], stopped: "_Stop") -> Scan:
        name, under = place
        watch = self._context.config.watch
        ignore = Ignore(name, watch.ignore, follow_symlinks=watch.follow_symlinks, nested=self._folders.names)
        device = os.stat(name).st_dev if self._folders.there(name, name) else None
        disks = self._folders.disks(name)
        return scan(name, ignore, known, under=under, device=device, disks=disks, stop=lambda: stopped.set)

    def _misplaced(self, rows: Iterable[Held]) -> list[Difference]:
        """Rows that are not missing and are said to lie where they do not."""
        names = self._folders.names
        found = []
        for row in rows:
            folder = files.folder_of(row.path, names)
            if not row.missing and folder != row.folder:
                what = f"its row is of {files.shown(row.folder)}"
                found.append(Difference(Kind.FOLDER, row.path, what))
        return found

    async def _hashed(
        self, rows: Sequence[Held], only: Collection[str] | None, found: Findings, note: Note
    ) -> list[Difference]:
        """Files whose bytes are not those of their row although they look the same."""
        context = self._context
        offline = self._folders.offline
        wanted = [row for row in rows if row.content_id and not row.missing and not offline(row.folder, row.path)]
        if only is not None:
            wanted = [row for row in wanted if row.path in only]
        differences = []
        for row in wanted:
            note("bytes", found.hashed, len(wanted))
            with anyio.move_on_after(_PATIENCE):
                await context.backlog.calm()
            made = await context.workers.hash(row.path)
            if isinstance(made, Unread):
                if made.fault is not None and not row.failed:
                    differences.append(Difference(Kind.UNREADABLE, row.path, made.fault.what))
                continue
            found.hashed += 1
            content_id, stamp = made
            if content_id != row.content_id and stamp == row.stamp:
                what = f"its bytes are {content_id[:12]}…, its row says {row.content_id[:12]}…"
                differences.append(Difference(Kind.CONTENT, row.path, what))
        return differences

    async def _standing(self, suspects: Sequence[Difference], found: Findings) -> list[Difference]:
        """Those that still differ in the same way a moment later, while nobody works on them."""
        if not suspects:
            return []
        await anyio.sleep(self._moment)
        standing: list[Difference] = []
        for start in range(0, len(suspects), _GROUP):
            group = suspects[start : start + _GROUP]
            pending = self._context.backlog.pending()
            seen = await to_thread.run_sync(_see, [one.path for one in group], self._folders.folder_of)
            rows = await self._context.insist(partial(self._context.table.rows, [one.path for one in group]))
            pending |= self._context.backlog.pending()
            told = len(self._inbox) > 0  # by the kernel, of whatever
            now = self._context.wall()
            for one in group:
                row = rows.get(one.path)
                if one.path in pending or told or self._scanned(one.path) or _to_be_read(row, one.kind, now):
                    found.under_way += 1
                elif self._stands(one, seen[one.path], row):
                    standing.append(one)
        return standing

    def _scanned(self, path: str) -> bool:
        """Whether a scan that comes by this path is under way."""
        name = files.folder_of(path, self._folders.names)
        return name is not None and self._scans.asked(name)

    def _stands(self, one: Difference, seen: tuple[Stamp | None, str, bool], row: Row | None) -> bool:
        stamp, beside, refused = seen
        if one.mtime is not None and stamp is not None and stamp.mtime_ns / 1e9 != one.mtime:
            return False  # it changes all the time: its time will come when it is quiet
        there = row is not None and row.missing_since is None
        match one.kind:
            case Kind.NOT_INDEXED:
                return not there and (stamp is not None or refused)
            case Kind.GONE:
                return there and stamp is None and not refused
            case Kind.CHANGED:
                changed = row is not None and (row.stamp != stamp or files.files_of(row.beside) != beside)
                return there and stamp is not None and changed
            case Kind.FOLDER:
                return row is not None and there and files.folder_of(one.path, self._folders.names) != row.folder
            case Kind.THUMBNAIL_MISSING:
                return row is not None and there and self._context.thumbnails.path(row.content_id) is None
            case _:
                return row is not None and there and row.stamp == stamp

    async def _orphans(self, stored: Stored, known: set[str], found: Findings, *, busy: bool) -> list[Difference]:
        """Files among the thumbnails that are of no row's content, nor of a picture that is read just now."""
        oldest = self._context.wall() - _OLD
        candidates = {one: made for one, made in stored.ids.items() if one not in known | self._context.outdated}
        orphans = [one for one, made in candidates.items() if not busy or made < oldest]
        found.under_way += len(candidates) - len(orphans)
        left = await self._context.insist(partial(self._context.table.by_content, orphans)) if orphans else {}
        places = [str(self._context.thumbnails.place(one)) for one in orphans if not left.get(one)]
        places += [path for path, made in stored.strays.items() if not busy or made < oldest]
        there = await to_thread.run_sync(lambda: [path for path in places if os.path.lexists(path)])
        return [Difference(Kind.THUMBNAIL_ORPHANED, path, "no row has this content") for path in there]

    async def _table(self, found: Findings, note: Note, *, full: bool) -> None:
        """What can be proved by reading the table alone."""
        table = self._context.table
        note("indexes", 0, None)
        if self._context.paused is None:
            gaps = await self._context.insist(partial(proof.gaps, table))
            found.differences += [Difference(Kind(gap.of), "", gap.what) for gap in gaps]
        missed, found.texts = await self._context.insist(partial(proof.unfound, table, every=full))
        found.differences += [Difference(Kind.FULL_TEXT, path, "it is not found by its words") for path in missed]
        if full:
            note("vectors", 0, found.rows)
            bad, found.vectors = await self._context.insist(partial(proof.bad_vectors, table))
            found.differences += [Difference(Kind.VECTOR, path, "its vector is none") for path in bad]


class _Stop:
    """Tells a walk in its thread that nobody waits for it."""

    set = False


def _difference(path: str, mtime: float | None, known: Known | None) -> Difference:
    if mtime is None:
        return Difference(Kind.GONE, path, "it is not there, or is left out, and its row does not say so")
    if known is None:
        return Difference(Kind.NOT_INDEXED, path, "it has no row", mtime or None)
    if known.missing:
        return Difference(Kind.NOT_INDEXED, path, "it is there, and its row says that it is missing", mtime or None)
    return Difference(Kind.CHANGED, path, "it is not as its row says", mtime)


def _to_be_read(row: Row | None, kind: Kind, now: float) -> bool:
    """Whether the refresh is about to read the file again."""
    if row is None or row.missing_since is not None or kind in (Kind.GONE, Kind.FOLDER):
        return False
    return is_due(row.retry_at, now)


def _within(path: str, places: Iterable[Place]) -> bool:
    return any(files.inside(path, under or name) for name, under in places)


def _doubled(rows: Iterable[Held]) -> list[Difference]:
    counts = Counter(row.path for row in rows)
    return [Difference(Kind.DOUBLED, path, f"it has {n} rows") for path, n in counts.items() if n > 1]


def _without_thumbnail(rows: Iterable[Held], stored: Collection[str]) -> list[Difference]:
    lacking = {
        row.content_id: row.path
        for row in rows
        if row.content_id and not (row.missing or row.failed) and row.format != "svg" and row.content_id not in stored
    }
    return [Difference(Kind.THUMBNAIL_MISSING, path, "it has no thumbnail") for path in lacking.values()]


def _see(paths: Iterable[str], folder_of: Callable[[str], str | None]) -> dict[str, tuple[Stamp | None, str, bool]]:
    """Stamp, state of the files beside, and whether the file system would not tell; what is ignored is not seen."""
    found: dict[str, tuple[Stamp | None, str, bool]] = {}
    for path in paths:
        if folder_of(path) is None:
            found[path] = (None, "", False)
            continue
        seen, _ = see(path)
        found[path] = (seen.stamp, files.files_of(seen.beside), seen.refused is not None)
    return found
