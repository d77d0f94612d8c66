"""Forgetting pictures for good because somebody asks: rows, thumbnails, words in indexes, old versions of them all."""

import os
import shlex
import time
from functools import partial

import anyio
from anyio import to_thread

from glimpsed import files
from glimpsed.config import Log
from glimpsed.errors import StateError, UsageError
from glimpsed.events import Event
from glimpsed.indexing.context import Context
from glimpsed.indexing.rows import gone
from glimpsed.pipeline import Pipeline
from glimpsed.records import Change, Row
from glimpsed.serving import models
from glimpsed.storing.purging import drop_set_aside
from glimpsed.watching.hiding import hiding
from glimpsed.watching.ignore import FILE

_UNDER_WAY = 10.0  # seconds for what is just being read there
_GROUP = 256


async def forget(pipeline: Pipeline, paths: list[str]) -> models.Forgotten:
    """See Door."""
    context, began = pipeline.context, time.monotonic()
    if not paths:
        raise UsageError("no path is given", hint="name the files or directories to forget")
    asked = list(map(os.path.normpath, paths))
    rows: dict[str, None] = {}
    for place in asked:
        rows |= dict.fromkeys(await context.table.known(place))
    for place in asked:
        await to_thread.run_sync(_refuse_watched, pipeline, place, [row for row in rows if files.inside(row, place)])
    with anyio.move_on_after(_UNDER_WAY):
        await context.backlog.drained(rows)
    ids = {row.content_id for row in (await context.table.select(list(rows))).values() if row.content_id}
    await _delete(list(rows), context)
    await context.writer.purge()
    try:
        kept = await context.table.content_ids()
        await to_thread.run_sync(context.thumbnails.keep_only, kept)
        await to_thread.run_sync(drop_set_aside, context.config.store.path)
    except OSError as error:
        raise StateError(
            f"not all could be removed: {error.strerror}", where=files.shown(str(error.filename))
        ) from error
    taken = round((time.monotonic() - began) * 1000, 1)
    context.journal.say(Event.FORGOTTEN_FOR_GOOD, pictures=len(rows), ms=taken)  # not which: the log stays
    return models.Forgotten(pictures=len(rows), warnings=[*_copies(len(ids & kept)), _logs(context.config.log)])


def _refuse_watched(pipeline: Pipeline, place: str, rows: list[str]) -> None:
    """UsageError where one of the rows at or below `place` would come back. Blocks."""
    folders = pipeline.folders
    folders.read_rules(place)
    watched = next((row for row in rows if _watched(pipeline, row)), None)
    if watched is None:
        return
    folder = files.folder_of(place, folders.names)
    what = f"{files.shown(watched)} is still watched, and would be indexed again"
    if folder is None or place == folder:
        outer = shlex.quote(files.shown(pipeline.folders.folder_of(watched) or place))
        reload = "systemctl --user reload glimpsed"
        raise UsageError(what, hint=f"first watch its folder no longer: glimpse folder remove {outer}, then {reload}")
    line = hiding(place, folder, directory=place != watched)
    raise UsageError(what, hint=f"first hide it, by this line in {files.shown(os.path.join(folder, FILE))}: {line}")


def _watched(pipeline: Pipeline, path: str) -> bool:
    """Whether a scan would find the picture; of a folder that is offline one that may come back."""
    folder = pipeline.folders.folder_of(path)
    return folder is not None and (os.path.lexists(path) or not pipeline.folders.there(folder, path))


async def _delete(paths: list[str], context: Context) -> None:
    now = context.wall()

    def hide(current: Row | None) -> Row | None:
        return None if current is None else gone(current, now)

    for start in range(0, len(paths), _GROUP):
        group = paths[start : start + _GROUP]
        await context.insist(partial(context.writer.commit, [Change(path, hide) for path in group]))
        await context.insist(partial(context.writer.forget, group))
    context.committed.beat()


def _copies(count: int) -> list[str]:
    return [f"{count} of them are indexed from another path too, and stay there"] if count else []


def _logs(log: Log) -> str:
    place = (
        f"{files.shown(log.file)} and the files rotated from it" if log.file else "journald, or what keeps its output"
    )
    return f"logs may still name them, and are not cleaned: {place}"
