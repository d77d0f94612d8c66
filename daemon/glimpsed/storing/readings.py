"""Reading answers of the table, and knowing which reads are under way."""

import errno
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio import create_task_group, get_cancelled_exc_class


class Readings:
    """The reads of one table."""

    patience = 300.0
    """Seconds. An answer was once seen to stay out for ever, while the same table answered others."""

    def __init__(self) -> None:
        self._under_way: set[anyio.Event] = set()

    async def ended(self) -> None:
        """Wait until all that are under way now have ended: they may be of an older version of the table."""
        for read in list(self._under_way):
            await read.wait()

    async def collected(self, query: Any) -> Any:
        """A query's whole answer. TimeoutError where it does not come; it can be asked for again."""
        found: list[Any] = []

        async def read() -> None:
            found.append(await query.to_arrow())

        with anyio.move_on_after(self.patience):
            await self.apart(read)
        if not found:
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {self.patience:g} s")
        return found[0]

    async def apart(self, reading: Callable[[], Awaitable[None]]) -> None:
        """Read in a task of its own, and raise what it raises.

        The end of an answer is an exception that the library throws into whoever reads, through all that wait for it.
        Python 3.11 stops tracing frames that are resumed so; a task keeps debuggers and coverage right for the others.
        """
        failed: list[BaseException] = []
        ended = anyio.Event()

        async def read() -> None:
            try:
                await reading()
            except get_cancelled_exc_class():
                raise
            except BaseException as error:  # as it is, instead of in an ExceptionGroup
                failed.append(error)

        self._under_way.add(ended)
        try:
            async with create_task_group() as group:
                group.start_soon(read)
        finally:
            self._under_way.discard(ended)
            ended.set()
        if failed:
            raise failed[0]
