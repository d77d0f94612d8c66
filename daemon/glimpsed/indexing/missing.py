"""Looking after missing rows: those whose file is found elsewhere go, and those of a mass disappearance are kept."""

import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import partial
from typing import Final

import anyio

from glimpsed.errors import TableError
from glimpsed.events import Event
from glimpsed.files import key_of, shown
from glimpsed.indexing.context import Context
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.losses import FEWEST, Judged, Loss, judge
from glimpsed.indexing.memory import Memory

_GROUP: Final = 500


class Missing:
    """Keeps what vanished all at once, and lets go of what only moved."""

    def __init__(self, folders: Folders, context: Context) -> None:
        self._folders = folders
        self._context = context
        self._memory = Memory(context.config.store.path, "losses.json")
        self._judged = _judged(self._memory.read())
        self._lock = anyio.Lock()

    @property
    def losses(self) -> dict[str, tuple[Loss, ...]]:
        """The mass disappearances that last, by folder."""
        found = {name: self._judged[key_of(name)] for name in self._folders.names if key_of(name) in self._judged}
        return {name: judged.losses for name, judged in found.items() if judged.losses}

    @property
    def kept(self) -> list[tuple[str, float, float]]:
        """Folder and time of the rows that are not to be forgotten: missing since then, or until then."""
        return [(name, loss.since, loss.until) for name, losses in self.losses.items() for loss in losses]

    @property
    def warnings(self) -> list[str]:
        """What to say of them in the status."""
        return [
            f"{shown(name)}: {loss.pictures:,} of {loss.of:,} pictures vanished at once, {_day(loss.since)}; they are"
            " kept until they are back, or glimpse forget names them"
            for name, losses in self.losses.items()
            for loss in losses
        ]

    async def run(self) -> None:
        """Until cancelled: look whenever something was committed."""
        context = self._context
        while True:
            beats = context.committed.beats
            await self.look()
            await context.committed.wait(beats)

    async def look(self) -> None:
        """Once nothing is read or expected: let go of what moved, judge what is missing then, and say what is new."""
        async with self._lock:
            await self._context.backlog.calm()
            await self._drop_moved()
            await self._judge()

    async def _judge(self) -> None:
        context, before = self._context, dict(self._judged)
        counts = await context.insist(partial(context.table.folder_counts, missing=True))
        for name in self._folders.names:
            known = self._judged.get(key_of(name), Judged())
            if known.until > context.wall():  # the clock was set back since: what is there decides
                known = Judged(losses=known.losses)
            if counts.get(name, 0) < FEWEST and not known.losses:
                continue
            missing, present = await context.insist(partial(context.table.times, name))
            judged = judge(known, missing, present, share=context.config.watch.mass_missing)
            self._judged[key_of(name)] = judged
            for loss in judged.losses:
                if not any(loss.since <= one.until and one.since <= loss.until for one in known.losses):
                    context.journal.say(Event.MASS_MISSING, folder=shown(name), pictures=loss.pictures, of=loss.of)
        if self._judged != before:
            self._memory.write({key: asdict(judged) for key, judged in self._judged.items()})

    async def _drop_moved(self) -> None:
        """Delete missing rows whose file has a row at another place: nothing is known by them alone."""
        context, folders = self._context, self._folders
        if not context.table.missing:
            context.places = set() if context.places is not None else None
            return
        some, context.places = context.places, set()
        if some is not None and not some:
            return
        unseen = folders.unseen()
        paths = await context.insist(
            partial(
                context.table.moved,
                some,
                lambda folder, path: folder not in unseen and not folders.offline(folder, path),
            )
        )
        for start in range(0, len(paths), _GROUP):
            try:
                await context.writer.forget(paths[start : start + _GROUP])
            except TableError as error:
                context.journal.say(Event.COMMIT_FAILED, rows=len(paths) - start, error=str(error))
                context.places = None  # all of them again, next time
                return


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _judged(told: object) -> dict[str, Judged]:
    """What was decided in an earlier run; where that cannot be had, all is judged anew by what is there now."""
    if not isinstance(told, Mapping):
        return {}
    names = {field.name for field in fields(Loss)}
    found: dict[str, Judged] = {}
    for key, one in told.items():
        try:
            losses = tuple(Loss(**{name: loss[name] for name in names}) for loss in one["losses"])
            found[str(key)] = Judged(float(one["until"]), losses)
        except (KeyError, TypeError, ValueError):
            continue
    return found
