"""Which contents came to a place or went from one: what has a row at both may have moved."""

from collections.abc import Iterable
from typing import Final

from glimpsed.indexing.context import Context
from glimpsed.records import Written

_MOST: Final = 50_000  # content ids that wait; when there are more, all missing rows are looked at


def came_or_went(context: Context, written: Iterable[Written]) -> None:
    """Take note of contents that are at a place more, or at one less, by these changes."""
    if context.places is None or not context.table.missing:
        return
    for one in written:
        before, after = one.before, one.after
        if after is None or not after.content_id:
            continue
        same = before is not None and before.content_id == after.content_id
        if before is None or not same or before.missing_since is not None or after.missing_since is not None:
            context.places.add(after.content_id)
    if len(context.places) > _MOST:
        context.places = None
