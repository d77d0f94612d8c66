"""What leaves the table: rows of folders that are not configured any more, and missing rows whose time has come."""

from functools import partial

import anyio
from anyio.abc import ObjectSendStream

from glimpsed import files
from glimpsed.errors import TableError
from glimpsed.events import Event
from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.missing import Missing
from glimpsed.indexing.rows import gone
from glimpsed.records import Row, Written

_OFTEN = 3600.0  # seconds between two looks for what to forget
_GROUP = 256


async def tidy(commit: ObjectSendStream[Pending], folders: Folders, missing: Missing, context: Context) -> None:
    """Until cancelled."""
    async with commit:
        await _strangers(commit, folders, context)
        while True:
            await missing.look()
            await _forget(folders, missing, context)
            await anyio.sleep(min(_OFTEN, max(1.0, context.config.watch.forget_after)))


async def _strangers(commit: ObjectSendStream[Pending], folders: Folders, context: Context) -> None:
    """Rows of folders that were configured once: the picture may be indexed for another folder now, or for none."""
    for folder in await context.insist(context.table.folder_counts):
        if folder in folders.names:
            await _strays(folder, folders, context)
            continue
        for path, known in (await context.insist(partial(context.table.known, folder))).items():
            if folders.folder_of(path) is not None:
                await context.backlog.room()
                context.backlog.hint(path, mtime=known.stamp.mtime_ns / 1e9)
            elif not known.missing:
                await commit.send(_removed(path, context))


async def _strays(folder: str, folders: Folders, context: Context) -> None:
    """Rows of a folder that lie in another one since that is configured too."""
    for inner in folders.names:
        if inner != folder and files.inside(inner, folder):
            for path in await context.insist(partial(context.table.strayed, folder, inner)):
                await context.backlog.room()
                context.backlog.hint(path, mtime=0.0)


def _removed(path: str, context: Context) -> Pending:
    now = context.wall()

    def apply(current: Row | None, _: object) -> Row | None:
        return gone(current, now)

    def finished(written: Written) -> None:
        if written.after is not None:
            content_id = written.after.content_id
            context.journal.say(Event.PICTURE_MISSING, path=files.shown(path), content_id=content_id)

    return Pending(path, apply=apply, finished=finished)


async def _forget(folders: Folders, missing: Missing, context: Context) -> None:
    """Delete for good what has been missing for long. Nothing of a folder or disk that is offline: it may come back.

    Nor what vanished with very many others: see `Missing`.
    """
    before = context.wall() - context.config.watch.forget_after
    counts = await context.insist(partial(context.table.folder_counts, missing=True))
    places = [folder for folder in counts if folder not in folders.unseen()]
    ask = partial(context.table.forgettable, before, places, _GROUP, away=folders.away(), kept=missing.kept)
    while paths := await context.insist(ask):
        rows = await context.insist(partial(context.table.select, paths))
        try:
            await context.writer.forget(paths)
        except TableError as error:
            context.journal.say(Event.COMMIT_FAILED, rows=len(paths), error=str(error))
            return
        left = await context.insist(partial(context.table.by_content, {row.content_id for row in rows.values()}))
        for path, row in rows.items():
            if not left.get(row.content_id):
                context.thumbnails.drop(row.content_id)
            context.journal.say(Event.PICTURE_FORGOTTEN, path=files.shown(path))
