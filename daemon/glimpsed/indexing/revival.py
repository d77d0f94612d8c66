"""Files that no decoder was installed for are read once there is one."""

from dataclasses import replace
from functools import partial

from anyio.abc import ObjectSendStream

from glimpsed.indexing.context import Context, Pending
from glimpsed.reading import formats
from glimpsed.records import Row


async def revive(commit: ObjectSendStream[Pending], context: Context) -> None:
    """Make rows stale that lacked what is installed by now; once, as the daemon starts: what there is is seen then."""
    async with commit:
        for path, error in await context.insist(partial(context.table.with_error, formats.UNREADABLE_PATTERN)):
            if formats.helped(error):
                await commit.send(_due(path, context.wall()))


def _due(path: str, now: float) -> Pending:
    def apply(current: Row | None, _: object) -> Row | None:
        if current is None or not formats.helped(current.error):
            return None
        return replace(current, retry_at=now)

    return Pending(path, apply=apply, finished=lambda _: None)
