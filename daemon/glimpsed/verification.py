"""Answers `/v1/verify`: compares, mends if asked, compares again, and tells how far it is meanwhile."""

import base64
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
from anyio import create_memory_object_stream, create_task_group
from anyio.abc import ObjectSendStream

from glimpsed import files
from glimpsed.errors import TableError
from glimpsed.events import Event
from glimpsed.indexing.differences import Difference, Findings, Kind
from glimpsed.indexing.mending import mend
from glimpsed.indexing.verifying import Note, Place, Verifier
from glimpsed.pipeline import Pipeline
from glimpsed.serving import verified

_TELL_EVERY = 0.5  # seconds between two lines about how far it is


class Verification:
    """One at a time: who asks meanwhile waits."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._context = pipeline.context
        self._turn = anyio.Lock()

    @asynccontextmanager
    async def run(
        self, places: Sequence[Place], *, full: bool, repair: bool
    ) -> AsyncIterator[AsyncIterator[verified.VerifyLine]]:
        """The lines of one verification; leaving the block ends it."""
        out, lines = create_memory_object_stream[verified.VerifyLine](1)
        async with create_task_group() as group, lines:
            group.start_soon(self._run, out, places, full, repair)
            yield lines
            group.cancel_scope.cancel()

    async def _run(
        self, out: ObjectSendStream[verified.VerifyLine], places: Sequence[Place], full: bool, repair: bool
    ) -> None:
        progress = verified.Progress(what="waiting", done=0, of=None)

        def note(what: str, done: int, of: int | None) -> None:
            progress.what, progress.done, progress.of = what, done, of

        async def tell() -> None:
            while True:
                await out.send(verified.VerifyLine(progress=progress.model_copy()))
                await anyio.sleep(_TELL_EVERY)

        async with out:
            async with create_task_group() as telling:
                telling.start_soon(tell)
                async with self._turn:
                    try:
                        last = verified.VerifyLine(result=await self._verify(places, note, full=full, repair=repair))
                    except TableError as error:
                        last = verified.VerifyLine(problem=str(error))
                telling.cancel_scope.cancel()
            await out.send(last)

    async def _verify(self, places: Sequence[Place], note: Note, *, full: bool, repair: bool) -> verified.Verified:
        began, context = time.monotonic(), self._context
        pipeline = self._pipeline
        verifier = Verifier(context, pipeline.folders, pipeline.scans, pipeline.inbox)  # others after a reload
        found = await verifier.check(places, note, full=full)
        left: Findings | None = None
        if repair and found.differences:
            await mend(found, context, note)
            contents = {one.path for one in found.of([Kind.CONTENT, Kind.UNREADABLE])}
            left = await verifier.check(places, note, full=full, hashed=contents)
        state = "differs" if found.differences else "equal"
        if left is not None:
            state = "not mended" if left.differences else "mended"
        counts = await context.table.counts(context.current, context.wall())
        milliseconds = round((time.monotonic() - began) * 1000, 1)
        context.journal.say(Event.TABLE_VERIFIED, state=state, full=full, differences=found.counts, ms=milliseconds)
        return verified.Verified.model_validate(
            {
                "state": state,
                "full": full,
                "compared": _compared(found),
                "counts": found.counts,
                "differences": list(map(_shown, (left or found).told() if state == "not mended" else found.told())),
                "left": {} if left is None else left.counts,
                "under_way": verified.UnderWay(
                    waiting=context.backlog.waiting + len(self._pipeline.inbox),
                    stale=counts.stale,
                    scanning=self._pipeline.scans.waiting > 0,
                    differing=(left or found).under_way,
                ),
                "errors": counts.errors,
                "missing": counts.missing,
                "warnings": (left or found).warnings,
                "took_ms": milliseconds,
            }
        )


def _compared(found: Findings) -> verified.Compared:
    return verified.Compared(
        pictures=found.pictures,
        rows=found.rows,
        hashed=found.hashed,
        thumbnails=found.thumbnails,
        texts=found.texts,
        vectors=found.vectors,
    )


def _shown(one: Difference) -> verified.DifferenceShown:
    exact, shown = os.fsencode(one.path), files.shown(one.path)
    coded = None if os.fsencode(shown) == exact else base64.b64encode(exact).decode("ascii")
    return verified.DifferenceShown(kind=one.kind.value, path=shown or None, path_bytes=coded, what=one.what)
