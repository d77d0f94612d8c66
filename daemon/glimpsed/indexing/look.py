"""The first stage after settling: one look at the disk and one at the table decide what a group of paths needs."""

import os
import stat as stat_module
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from anyio import to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from glimpsed import files
from glimpsed.events import Event
from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.decide import Back, Gone, Nothing, Read, Refused, Rehash, Seen, Work, decide
from glimpsed.indexing.rows import gone, restamped
from glimpsed.reading.description import READER
from glimpsed.reading.faults import refused
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
        return Seen(path, None, refused=refused(error)), False
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
            sights = await to_thread.run_sync(_see_all, paths, folder_of, context.there)
            for sight in sights:
                if sight.scan is not None:
                    scan_directory(sight.scan)
                if sight.unsure:
                    context.backlog.done(sight.seen.path)
            sure = [sight for sight in sights if not sight.unsure]
            siblings = {sight.seen.path: sight.siblings for sight in sure if sight.siblings}
            for job in await context.insist(partial(_decide, context, sure)):
                if job.row is None and job.seen.stamp is None and job.seen.refused is None:
                    scan_directory(job.seen.path)  # perhaps a directory with a picture's name stood there
                for sibling in siblings.get(job.seen.path, ()) if _disturbs(job.work) else ():
                    context.backlog.hint(sibling, mtime=0.0)
                await _pass_on(job, jobs, commit, context)


def _disturbs(work: Work) -> bool:
    """Whether what is read for the other files of its group may differ now: not where only those have changed."""
    return not isinstance(work, Nothing | Refused | Rehash) and not (isinstance(work, Read) and work.why == "sidecar")


@dataclass(frozen=True, slots=True)
class _Sight:
    seen: Seen
    folder: str
    """Empty where the path is ignored or in none."""
    scan: str | None = None
    """A directory to scan."""
    siblings: tuple[str, ...] = ()
    """The other pictures of its group."""
    unsure: bool = False
    """Whether it is not seen because its folder, or the disk it lies on, is not: a scan tells what is true."""


def _see_all(
    paths: Sequence[str], folder_of: Callable[[str], str | None], there: Callable[[str, str], bool]
) -> list[_Sight]:
    sights: list[_Sight] = []
    for path in paths:
        folder = folder_of(path)
        if folder is None:
            sights.append(_Sight(Seen(path, None), ""))
            continue
        seen, directory = see(path)
        gone = seen.stamp is None and seen.refused is None and not directory
        unsure = gone and not there(folder, path)
        siblings = tuple(one for one in files.siblings(path) if folder_of(one) is not None)
        sights.append(_Sight(seen, folder, folder if unsure else path if directory else None, siblings, unsure))
    return sights


async def _decide(context: Context, sights: Sequence[_Sight]) -> list[Job]:
    stamps: list[Stamp] = [sight.seen.stamp for sight in sights if sight.seen.stamp is not None]
    rows = await context.table.rows([sight.seen.path for sight in sights])
    new = [sight.seen.stamp for sight in sights if sight.seen.stamp is not None and sight.seen.path not in rows]
    twins = await context.table.by_identity(new) if new else {}
    by_size = await context.table.by_size({stamp.size for stamp in stamps}, reader=READER) if stamps else {}
    now, partly = context.wall(), context.current.reader_partly
    jobs = []
    for sight in sights:
        seen, folder, row = sight.seen, sight.folder, rows.get(sight.seen.path)
        work = decide(
            seen, row, folder=folder, twins=twins, by_size=by_size, reader=READER, reader_partly=partly, now=now
        )
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
    if written.before is None and event is not Event.PICTURE_MISSING:
        context.backlog.hint(written.path)  # forgotten meanwhile: it is a new picture now
