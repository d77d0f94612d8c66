"""From a hint to what a picture says: settling, and reading in the workers."""

from functools import partial

from anyio import to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from glimpsed import files
from glimpsed.events import Event
from glimpsed.indexing import drafting
from glimpsed.indexing.backlog import GROUP, Backlog
from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.decide import Moved, Read, Refused, Rehash
from glimpsed.indexing.holding import Hold
from glimpsed.indexing.look import Job
from glimpsed.indexing.rows import restamped
from glimpsed.reading.description import READER
from glimpsed.records import FaultKind, Reading, Row, Stamp, Unread, Written


async def settle(out: ObjectSendStream[list[str]], backlog: Backlog, hold: Hold) -> None:
    """Send each path once it is quiet, in groups; until cancelled, for paths that are not read yet are not lost."""
    async with out:
        while True:
            await hold.first()
            paths = await backlog.due()
            for start in range(0, len(paths), GROUP):
                await out.send(paths[start : start + GROUP])


async def read(inp: ObjectReceiveStream[Job], out: ObjectSendStream[Pending], context: Context) -> None:
    """Have workers read what is not known; several of this stage run side by side."""
    async with inp, out:
        async for job in inp:
            await context.hold.first()
            pending = await _read(job, context)
            if pending is not None:
                await out.send(pending)


async def _read(job: Job, context: Context) -> Pending | None:
    path = job.seen.path
    match job.work:
        case Refused(fault):
            return drafting.pending(drafting.from_fault(job, fault, context), context)
        case Moved(twin):
            return drafting.pending(drafting.from_twin(job, twin, context), context)
        case Rehash(row) if row.error is None:
            hashed = await context.workers.hash(path)
            if not isinstance(hashed, Unread) and hashed[0] == row.content_id:
                return _same(job, hashed[1], row, context)
            known: frozenset[str] = frozenset()
        case Rehash():
            known = frozenset()  # what was wrong with it may be mended
        case Read(known, _):
            pass
        case _:
            raise AssertionError(job.work)
    reading = await _whole(job, known, context)
    if isinstance(reading, Unread):
        return _unread(job, reading, context)
    if _growing(reading, context):
        _again(path, context)
        return None
    context.metrics.read.labels("known" if reading.content is None else "read").inc()
    context.metrics.looked_up("reading", hits=reading.content is None, misses=reading.content is not None)
    context.metrics.stage.labels("read").observe(reading.milliseconds / 1000)
    same = await _same_content(reading, context)
    if reading.content is None and same is None:
        _again(path, context)  # the row that knew it was forgotten meanwhile
        return None
    if reading.thumbnail is not None:
        put = partial(context.thumbnails.put, reading.content_id, reading.thumbnail)
        await context.insist(partial(to_thread.run_sync, put))
    draft = drafting.from_reading(job, reading, same, context)
    draft.milliseconds["read"] = round(reading.milliseconds, 1)
    return drafting.pending(draft, context)


async def _whole(job: Job, known: frozenset[str], context: Context) -> Reading | Unread:
    """A reading of which the row of a `known` content tells what is missing."""
    reading = await context.workers.read(job.seen.path, job.folder, known)
    if isinstance(reading, Unread) or reading.content is not None:
        return reading
    same = await _same_content(reading, context)
    if same is None or not same.beside:
        return reading
    # Only rows with sidecars know it: their fields may be those of the sidecars.
    return await context.workers.read(job.seen.path, job.folder, frozenset())


async def _same_content(reading: Reading, context: Context) -> Row | None:
    found = await context.insist(partial(context.table.by_content, [reading.content_id]))
    rows = found.get(reading.content_id, [])
    whole = [row for row in rows if row.reader == READER and row.error is None]
    return max(whole, key=lambda row: (not row.beside, row.ocr is not None, row.vector is not None), default=None)


def _same(job: Job, stamp: Stamp, row: Row, context: Context) -> Pending:
    """Only the stamp is new: the bytes are those of the row."""

    def finished(written: Written) -> None:
        if row.missing_since is not None and written.after is not None:
            shown = files.shown(written.path)
            context.journal.say(Event.PICTURE_MOVED, path=shown, content_id=content_id, why="back", before=shown)
        context.backlog.done(written.path)
        if written.before is None:
            context.backlog.hint(written.path)  # forgotten meanwhile

    beside, content_id = job.seen.beside, row.content_id
    return Pending(
        job.seen.path,
        apply=lambda current, _: restamped(current, stamp=stamp, beside=beside, content_id=content_id),
        finished=finished,
    )


def _unread(job: Job, unread: Unread, context: Context) -> Pending | None:
    if unread.fault is None:  # gone, or written to while it was read: look again when it is quiet
        _again(job.seen.path, context)
        return None
    context.say_crash(unread.fault, job.seen.path)
    context.metrics.read.labels("failed").inc()
    return drafting.pending(drafting.from_fault(job, unread.fault, context), context)


def _growing(reading: Reading, context: Context) -> bool:
    """Whether the picture's end is missing because it is still being written, as far as its age can tell."""
    fault = reading.content.fault if reading.content is not None else None
    if fault is None or fault.kind not in (FaultKind.TRUNCATED, FaultKind.BROKEN):
        return False
    age = context.wall() - reading.stamp.mtime_ns / 1e9
    return 0 <= age < context.config.watch.settle_at_most


def _again(path: str, context: Context) -> None:
    context.backlog.done(path)
    context.backlog.hint(path)
