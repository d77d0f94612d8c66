"""Looks whether a lost device is back, in a fresh process, while the encoder in use goes on answering."""

from collections.abc import Awaitable, Callable

import anyio

from glimpsed.encoding.choose import Choice
from glimpsed.encoding.comeback import Comeback
from glimpsed.encoding.process import EncoderProcess
from glimpsed.encoding.selecting import Selector
from glimpsed.errors import EncoderError


class Returning:
    """The shell around `Comeback`. A device is back when the encoder was loaded there and has encoded texts."""

    def __init__(
        self,
        comeback: Comeback,
        selector: Selector,
        *,
        used: Callable[[], str | None],
        fresh: Callable[[], EncoderProcess],
        take: Callable[[EncoderProcess, Choice], Awaitable[None]],
        missed: Callable[[], None],
    ) -> None:
        """`used` is as `Comeback` has it, `fresh` makes a process of its own.

        `take` uses a process in the place of the one in use and leaves that one in it; `missed` is called after each
        look in vain.
        """
        self._comeback = comeback
        self._selector = selector
        self._used = used
        self._fresh = fresh
        self._take = take
        self._missed = missed
        self._news = anyio.Event()

    def wake(self) -> None:
        """Something that `Comeback` decides on has changed."""
        self._news.set()

    async def run(self) -> None:
        """Look whenever it is due; for ever."""
        while True:
            self._news = anyio.Event()
            due = self._comeback.due(self._used())
            if due is None:
                await self._news.wait()
                continue
            with anyio.move_on_after(due - anyio.current_time()) as waiting:
                await self._news.wait()
            if waiting.cancelled_caught:
                await self._look()

    async def _look(self) -> None:
        used, process = self._used(), self._fresh()
        try:
            choice = await self._load(process, self._comeback.better(used))
            if choice is not None:
                await self._take(process, choice)
        finally:
            with anyio.CancelScope(shield=True):
                await process.stop()
        if choice is None:
            self._comeback.missed(used, anyio.current_time())
            self._missed()

    async def _load(self, process: EncoderProcess, wanted: frozenset[str]) -> Choice | None:
        """The choice, loaded and tried; None where none of the wanted devices serves."""
        failed: dict[str, str] = {}
        if await self._selector.look() is None:
            return None
        try:
            found = [device for device in await process.probe() if device.name in wanted]
            choice = await self._selector.load(process, found, lambda: failed, lose=failed.__setitem__)
            if choice.encoder == "fallback":
                return None
            await process.measure()
        except EncoderError:
            return None
        return choice
