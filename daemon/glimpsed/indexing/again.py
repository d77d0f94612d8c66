"""Pictures that could not be read are tried once more because somebody asks."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from glimpsed.indexing.backlog import GROUP
from glimpsed.indexing.context import Context
from glimpsed.records import Change, Row


async def try_again(paths: Sequence[str], context: Context) -> int:
    """Make the rows of these paths that wait for a retry or have an error stale, as if never tried; how many.

    The refresh does the work, and whoever dies over one of them is tried twice more, as with a new picture.
    """
    now = context.wall()

    def due(current: Row | None) -> Row | None:
        return replace(current, attempts=0, retry_at=now) if current is not None and _failed(current) else None

    count = 0
    for start in range(0, len(paths), GROUP):
        changes = [Change(path, due) for path in paths[start : start + GROUP]]
        written = await context.insist(partial(context.writer.commit, changes), rows=len(changes))
        count += sum(one.before is not None and _failed(one.before) for one in written)
        context.committed.beat()
    return count


def _failed(row: Row) -> bool:
    return (row.error is not None or row.retry_at is not None) and row.missing_since is None
