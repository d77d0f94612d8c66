"""Mends what a verification found: through the pipeline and the one writer, never beside them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import anyio
from anyio import to_thread

from glimpsed.indexing.backlog import GROUP
from glimpsed.indexing.context import Context
from glimpsed.indexing.differences import INDEXES, LOOKED_AT, READ_AGAIN, Difference, Findings, Kind
from glimpsed.indexing.retry import is_due
from glimpsed.indexing.rows import unencoded
from glimpsed.records import Change, Row

_PATIENCE: Final = 60.0  # seconds without a commit, after which what is not mended is told as such


async def mend(found: Findings, context: Context, note: Callable[[str, int, int | None], None]) -> None:
    """Mend all that differs, as far as it can be, and wait until that is done. Raises TableError."""
    total = len(found.differences)
    note("mending", 0, total)
    doubled = [one.path for one in found.of([Kind.DOUBLED])]
    if doubled:
        await context.insist(partial(context.writer.drop, doubled))
    await _change(found.of(READ_AGAIN), context, lambda row: _again(row, context.wall()))
    await _change(found.of([Kind.VECTOR]), context, unencoded)
    if found.of(INDEXES):
        await context.insist(context.writer.reindex)
    if found.of([Kind.COUNT]):
        await context.insist(context.writer.take_stock)
    orphans = [one.path for one in found.of([Kind.THUMBNAIL_ORPHANED])]
    await to_thread.run_sync(context.thumbnails.remove, orphans)
    looked_at = [*doubled, *(one.path for one in found.of(LOOKED_AT))]
    for path in looked_at:
        await context.backlog.room()
        context.backlog.hint(path, mtime=0.0)
    read = [one.path for one in found.of([*READ_AGAIN, Kind.VECTOR])]
    await _until_done(looked_at, read, context, lambda left: note("mending", total - left, total))


async def _change(differences: Sequence[Difference], context: Context, apply: Callable[[Row], Row]) -> None:
    """Change the rows of these; the refresh does the rest."""
    paths = list({one.path: None for one in differences})

    def changed(row: Row | None) -> Row | None:
        return None if row is None else apply(row)

    for start in range(0, len(paths), GROUP):
        changes = [Change(path, changed) for path in paths[start : start + GROUP]]
        await context.insist(partial(context.writer.commit, changes), rows=len(changes))
        context.committed.beat()


def _again(row: Row, now: float) -> Row:
    return replace(row, attempts=0, retry_at=now)


async def _until_done(
    hinted: Sequence[str], read: Sequence[str], context: Context, left: Callable[[int], None]
) -> None:
    """Until the hinted paths are looked at and the others read and encoded, or nothing happens any more."""
    while True:
        beats = context.committed.beats
        waiting = context.backlog.pending().intersection(hinted)
        due = await _due(read, context)
        left(len(waiting) + due)
        if not waiting and not due:
            return
        with anyio.move_on_after(_PATIENCE) as quiet:
            if due:
                await context.committed.wait(beats)
            else:
                await context.backlog.drained(waiting)
        if quiet.cancelled_caught and context.paused is None and not context.backlog.busy:
            return


async def _due(paths: Sequence[str], context: Context) -> int:
    now, count = context.wall(), 0
    for start in range(0, len(paths), GROUP):
        rows = await context.insist(partial(context.table.rows, paths[start : start + GROUP]))
        for row in rows.values():
            count += row.missing_since is None and (
                is_due(row.retry_at, now) or (row.encoder is None and row.text_id != "" and row.error is None)
            )
    return count
