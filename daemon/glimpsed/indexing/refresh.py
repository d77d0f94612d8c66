"""Making stale rows fresh, in the background: the table is the work queue.

One loop serves OCR, a change of encoder, new reader versions and retries. First-pass work goes before it: a round
begins only while no hint waits, newest pictures first.
"""

import time
from collections.abc import Sequence
from functools import partial

import anyio
from anyio.abc import ObjectSendStream

from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.follow import Following
from glimpsed.indexing.plan import plan
from glimpsed.indexing.round import Round
from glimpsed.indexing.shots import once_a_shot
from glimpsed.records import Row

ROUND = 64


class Refresh:
    """Works through the stale rows, round by round, and sleeps while there are none."""

    def __init__(self, out: ObjectSendStream[Pending], commit: ObjectSendStream[Pending], context: Context) -> None:
        self._encode = out
        self._commit = commit
        self._context = context
        self._following = Following(context)
        self._looking: frozenset[str] = frozenset()
        """Paths that it has had looked at; those of them that still change are left alone until they are quiet."""

    async def run(self) -> None:
        """Until cancelled; what is cut off is still stale, and found again at the next start."""
        context = self._context
        async with self._encode, self._commit:
            while True:
                await context.backlog.calm()
                beats, choice, now = context.committed.beats, context.encoders.version, context.wall()
                self._looking &= context.backlog.pending()
                ask = partial(context.table.stale, context.current, now, ROUND, exclude=self._looking)
                rows = await context.insist(ask)
                await self._following.look(len(rows))
                if rows:
                    await context.hold.second()
                done = await self._round(rows) if rows else False
                if done:
                    context.committed.beat()
                else:
                    await self._rest(beats, choice, now)

    async def _rest(self, beats: int, choice: int, now: float) -> None:
        """Until something is committed, the choice of encoder changes, a look that was asked for is done, or a retry is
        due that was not at `now`."""
        context = self._context
        due = await context.insist(partial(context.table.next_retry, now))
        async with anyio.create_task_group() as group:
            group.start_soon(self._wake_on_commit, beats, group.cancel_scope)
            group.start_soon(self._wake_on_choice, choice, group.cancel_scope)
            if self._looking:
                group.start_soon(self._wake_on_look, group.cancel_scope)
            if due is not None:
                await anyio.sleep(max(0.0, due - context.wall()))
                group.cancel_scope.cancel()

    async def _wake_on_commit(self, beats: int, scope: anyio.CancelScope) -> None:
        await self._context.committed.wait(beats)
        scope.cancel()

    async def _wake_on_choice(self, choice: int, scope: anyio.CancelScope) -> None:
        await self._context.encoders.wait_changed(choice)
        scope.cancel()

    async def _wake_on_look(self, scope: anyio.CancelScope) -> None:
        await self._context.backlog.drained(self._looking)
        scope.cancel()

    async def _round(self, rows: Sequence[Row]) -> bool:
        """Whether anything could be done."""
        context = self._context
        todo = plan(
            rows,
            context.current,
            fallback=context.encoders.fallback_id,
            can_strengthen=context.encoders.ready,
            now=context.wall(),
        )
        if todo.read:
            await self._look_again(todo.read)
            return True
        round_, began = Round(self._encode, self._commit, context), time.monotonic()
        async with anyio.create_task_group() as group:
            wanted, of_shot = await once_a_shot(todo.ocr, context)
            alike = _by_content(wanted)
            known = await context.insist(partial(context.table.by_content, list(alike))) if alike else {}
            for content_id, same in alike.items():
                group.start_soon(round_.recognise, same, [*of_shot.get(content_id, ()), *known.get(content_id, ())])
            if todo.encode:
                group.start_soon(round_.encode, todo.encode)
            if todo.strengthen:
                group.start_soon(round_.strengthen, todo.strengthen)
            if todo.forgive:
                group.start_soon(round_.forgive, todo.forgive)
        await round_.committed()
        self._following.made(round_.strengthened, began)
        await self._look_again(round_.changed)
        return round_.done

    async def _look_again(self, rows: Sequence[Row]) -> None:
        """Have these paths looked at: until then they are as stale as before."""
        for row in rows:
            await self._context.backlog.room()
            self._context.backlog.hint(row.path, mtime=row.mtime_ns / 1e9)
        self._looking = self._looking.union(row.path for row in rows)


def _by_content(rows: Sequence[Row]) -> dict[str, list[Row]]:
    alike: dict[str, list[Row]] = {}
    for row in rows:
        alike.setdefault(row.content_id, []).append(row)
    return alike
