"""What people ask to be done: looking at the disk now, and trying again what could not be read."""

import os

from glimpsed import files
from glimpsed.errors import UsageError
from glimpsed.events import Event
from glimpsed.indexing.again import try_again
from glimpsed.pipeline import Pipeline
from glimpsed.serving import models


async def scan(pipeline: Pipeline, paths: list[str]) -> models.Scanned:
    """See Door."""
    wanted = placed(pipeline, paths)
    online = set(pipeline.folders.online())
    for done in [
        pipeline.scans.ask(folder, under=under, why="asked for") for folder, under in wanted if folder in online
    ]:
        await done.wait()
    return models.Scanned(
        paths=[files.shown(under or folder) for folder, under in wanted],
        warnings=offline(pipeline, wanted, "nothing was scanned there"),
    )


async def retry(pipeline: Pipeline, paths: list[str]) -> models.Retried:
    """See Door."""
    context = pipeline.context
    wanted = placed(pipeline, paths)
    places = [under or folder for folder, under in wanted]
    failed = await context.table.failed(places)
    pictures = await try_again(failed, context)
    context.journal.say(Event.PICTURES_RETRIED, pictures=pictures, paths=list(map(files.shown, places)))
    return models.Retried(
        pictures=pictures, warnings=offline(pipeline, wanted, "its pictures are tried when it is back")
    )


def placed(pipeline: Pipeline, paths: list[str]) -> list[tuple[str, str | None]]:
    """Folder and, where a path is less than that, the path; all folders where none is named.

    Raises UsageError for a path that lies in no folder.
    """
    if not paths:
        return [(folder, None) for folder in pipeline.folders.names]
    wanted: list[tuple[str, str | None]] = []
    for path in map(os.path.normpath, paths):
        folder = pipeline.folders.directory_folder(path) or pipeline.folders.folder_of(path)
        if folder is None:
            raise UsageError(f"{files.shown(path)} is in no watched folder, or is ignored")
        wanted.append((folder, None if path == folder else path))
    return wanted


def offline(pipeline: Pipeline, wanted: list[tuple[str, str | None]], so: str) -> list[str]:
    """Warnings about those of the folders whose files cannot be seen now."""
    unseen = {folder for folder, _ in wanted} - set(pipeline.folders.online())
    return [f"{files.shown(folder)} is offline: {so}" for folder in sorted(unseen)]
