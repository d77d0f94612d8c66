"""The first stage after settling: one look at the disk and one at the table decide what a group of paths needs."""

import os
import stat as stat_module
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anyio import to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from glimpsed import files
from glimpsed.events import Event
from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.decide import Back, Gone, Nothing, Seen, Work, decide
from glimpsed.indexing.rows import gone, restamped
from glimpsed.reading.description import READER
from glimpsed.records import Row, Stamp, Written


@dataclass(frozen=True, slots=True)
class Job:
    """A path that a worker has to look at."""

    seen: Seen
    folder: str
    row: Row | None
    work: Work


def see(path: str) -> tuple[Seen, bool]:
    """The path as the disk shows it, and whether a directory stands there instead of a file."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Seen(path, None), False
    except OSError as error:
        return Seen(path, None, refused=error.strerror or str(error)), False
    if stat_module.S_ISDIR(status.st_mode):
        return Seen(path, None), True
    if not stat_module.S_ISREG(status.st_mode):
        return Seen(path, None), False
    return Seen(path, files.stamp_of(status), files.beside(path)), False


async def look(
    inp: ObjectReceiveStream[list[str]],
    jobs: ObjectSendStream[Job],
    commit: ObjectSendStream[Pending],
    context: Context,
    folder_of: Callable[[str], str | None],
    scan_directory: Callable[[str], None],
) -> None:
    """Send each settled path where its work is done; what is true already ends here.

    `folder_of` gives the folder that a path is indexed for, None where it is ignored or in none.
    """
    async with inp, jobs, commit:
        async for paths in inp:
            sights = await to_thread.run_sync(_see_all, paths, folder_of)
            for path, (_, directory) in sights.items():
                if directory:
                    scan_directory(path)
            for job in await _decide(context, [seen for seen, _ in sights.values()], folder_of):
                await _pass_on(job, jobs, commit, context)


def _see_all(paths: Sequence[str], folder_of: Callable[[str], str | None]) -> dict[str, tuple[Seen, bool]]:
    return {path: see(path) if folder_of(path) is not None else (Seen(path, None), False) for path in paths}


async def _decide(context: Context, sights: Sequence[Seen], folder_of: Callable[[str], str | None]) -> list[Job]:
    stamps: list[Stamp] = [seen.stamp for seen in sights if seen.stamp is not None]
    rows = await context.table.rows([seen.path for seen in sights])
    new = [seen.stamp for seen in sights if seen.stamp is not None and seen.path not in rows]
    twins = await context.table.by_identity(new) if new else {}
    by_size = await context.table.by_size({stamp.size for stamp in stamps}, reader=READER) if stamps else {}
    now = context.wall()
    jobs = []
    for seen in sights:
        row = rows.get(seen.path)
        folder = folder_of(seen.path) or ""
        work = decide(seen, row, folder=folder, twins=twins, by_size=by_size, reader=READER, now=now)
        jobs.append(Job(seen, folder, row, work))
    return jobs


async def _pass_on(job: Job, jobs: ObjectSendStream[Job], commit: ObjectSendStream[Pending], context: Context) -> None:
    path, row, now = job.seen.path, job.row, context.wall()
    match job.work:
        case Nothing():
            context.backlog.done(path)
        case Gone():
            await commit.send(
                Pending(
                    path,
                    apply=lambda current, _: gone(current, now),
                    finished=lambda written: _tell(context, written, Event.PICTURE_MISSING),
                )
            )
        case Back():
            assert row is not None
            assert job.seen.stamp is not None
            stamp, beside, content_id = job.seen.stamp, job.seen.beside, row.content_id
            await commit.send(
                Pending(
                    path,
                    apply=lambda current, _: restamped(current, stamp=stamp, beside=beside, content_id=content_id),
                    finished=lambda written: _tell(
                        context, written, Event.PICTURE_MOVED, why="back", before=files.shown(written.path)
                    ),
                )
            )
        case _:
            await jobs.send(job)


def _tell(context: Context, written: Written, event: Event, **fields: object) -> None:
    if written.after is not None:
        context.journal.say(event, path=files.shown(written.path), content_id=written.after.content_id, **fields)
    context.backlog.done(written.path)
