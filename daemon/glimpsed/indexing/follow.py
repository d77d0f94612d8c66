"""The end of a change of encoder, and how far it is: told in events, and the former encoder's columns dropped."""

import time
from dataclasses import replace
from functools import partial

from glimpsed.events import Event
from glimpsed.indexing.context import Context
from glimpsed.indexing.progress import Progress


class Following:
    """Looks how far the chosen encoder is, as often as is worth it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._progress: Progress = context.progress
        self._looked_at = -1  # the version of the choice at which rows were last counted for a lost device

    def made(self, rows: int, began: float) -> None:
        """A round that began then has given so many rows the chosen encoder's vectors."""
        self._progress.made(rows, began, time.monotonic())

    async def look(self, stale: int) -> None:
        """A round has found so many stale rows: say how far it is, where that is due, and end what is done."""
        context, current = self._context, self._context.current
        if not current.fallback or not context.encoders.ready:
            self._progress.encoder = None
            await self._owe()
            return
        if not stale and len(context.table.columns) > 1:
            await self._drop()
        if not self._progress.worth_counting(current.encoder, stale, time.monotonic()):
            return
        done, total = await context.insist(partial(context.table.encoded, current))
        now = time.monotonic()
        event = self._progress.counted(current.encoder, done, total, now)
        if event is not None:
            pace = self._progress.pace(total - done, now)
            told = {"rate": pace.rate, "seconds_left": pace.seconds_left} if event is Event.REFRESH_PROGRESS else {}
            context.journal.say(event, encoder=current.encoder, done=done, total=total, **told)

    async def _owe(self) -> None:
        """Where the fallback stands in for an encoder that some rows have yet to get: say that they wait for it."""
        encoders = self._context.encoders
        given_up, version = encoders.given_up, encoders.version
        if given_up is None or version == self._looked_at:
            return  # rows that are made since ask for it themselves
        self._looked_at = version
        waiting = replace(self._context.current, encoder=given_up, fallback=encoders.fallback_id)
        done, total = await self._context.insist(partial(self._context.table.encoded, waiting))
        if done < total:
            encoders.owe()

    async def _drop(self) -> None:
        """Drop what former encoders made, if the chosen one has been through all rows, be their folders offline."""
        context = self._context
        everywhere = replace(context.current, offline=())
        done, total = await context.insist(partial(context.table.encoded, everywhere))
        if done < total or context.current.encoder != everywhere.encoder:
            return
        for encoder in await context.insist(partial(context.writer.drop_encoders, everywhere.encoder)):
            context.journal.say(Event.VECTORS_DROPPED, encoder=encoder)
