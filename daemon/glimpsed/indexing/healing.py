"""Damage to the table's files that is met while it is used: looked into at once, and mended without being told to."""

from typing import Final

import anyio

from glimpsed.errors import TableError
from glimpsed.events import Event
from glimpsed.indexing.context import Context
from glimpsed.storing.faults import BrokenTableError
from glimpsed.storing.probing import prove_rows

_PAUSE: Final = 60.0
"""Seconds between two looks: what one of them has not mended, or found to be nothing, the next one would not either."""


async def heal(context: Context, *, pause: float = _PAUSE) -> None:
    """Until cancelled: whenever damage is met, read all rows, and build all indexes anew.

    Raises BrokenTableError where rows cannot be read: only opening the table anew helps then.
    """
    met = anyio.Event()
    errors: list[BrokenTableError] = []

    def note(error: BrokenTableError) -> None:
        errors[:] = [error]
        met.set()

    context.table.engine.broken = note
    while True:
        await met.wait()
        context.journal.say(Event.TABLE_DAMAGED, error=errors[0])
        try:
            await prove_rows(context.table.engine, whole=True)
            await context.writer.reindex()
        except BrokenTableError:
            raise
        except TableError as error:  # no room, or a disk that fails for a while: the next look tries again
            context.journal.say(Event.COMMIT_FAILED, rows=0, error=f"mending the table: {error}")
        else:
            met = anyio.Event()
            context.committed.beat()
        await anyio.sleep(pause)
