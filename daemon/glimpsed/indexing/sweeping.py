"""Thumbnails of contents that no row has any more are removed: after an edit, and after a kill between two steps."""

from collections.abc import Iterable
from functools import partial
from typing import Final

from anyio import to_thread

from glimpsed.indexing.context import Context
from glimpsed.records import Written

_MOST: Final = 10_000  # content ids that wait; what is beyond is found at the next start
_GROUP: Final = 256


def outdate(context: Context, written: Iterable[Written]) -> None:
    """Take note of contents that rows had before these changes."""
    for one in written:
        if one.before is None or one.after is None or not one.before.content_id:
            continue
        if one.before.content_id != one.after.content_id and len(context.outdated) < _MOST:
            context.outdated.add(one.before.content_id)


async def sweep(context: Context) -> None:
    """Until cancelled."""
    stored = await to_thread.run_sync(context.thumbnails.stored)
    await to_thread.run_sync(context.thumbnails.remove, [path for path in stored.strays if path.endswith(".part")])
    known = frozenset(context.table.presence.known("content_id", stored.ids))
    context.outdated.update([one for one in stored.ids if one not in known][:_MOST])
    while True:
        beats = context.committed.beats
        if not context.outdated:
            await context.committed.wait(beats)
            continue
        # A picture that is read just now may have this content: its thumbnail is kept before its row is.
        await context.backlog.calm()
        some = list(context.outdated)[:_GROUP]
        left = await context.insist(partial(context.table.by_content, some))
        await to_thread.run_sync(_drop, context, [one for one in some if not left.get(one)])
        context.outdated.difference_update(some)


def _drop(context: Context, ids: Iterable[str]) -> None:
    for one in ids:
        context.thumbnails.drop(one)
