"""Files that no decoder was installed for are read once there is one."""

from dataclasses import replace
from functools import partial

from anyio.abc import ObjectSendStream

from glimpsed.indexing.context import Context, Pending
from glimpsed.reading import formats
from glimpsed.records import Row


async def revive(commit: ObjectSendStream[Pending], context: Context) -> None:
    """Make rows stale whose format can be read by now; once, as the daemon starts: what is installed is seen then."""
    async with commit:
        for path, name in await context.insist(partial(context.table.with_error, formats.UNREADABLE_PATTERN)):
            form = formats.by_name(name)
            if form is not None and formats.readable(form):
                await commit.send(_due(path, context.wall()))


def _due(path: str, now: float) -> Pending:
    def apply(current: Row | None, _: object) -> Row | None:
        if current is None or formats.named(current.error) is None:
            return None
        return replace(current, retry_at=now)

    return Pending(path, apply=apply, finished=lambda _: None)
