"""Waiting for one's turn at an encoder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from glimpsed.encoding.batch import Courtesy, Lane, Turns
from glimpsed.idling import Use

COMES_BACK = 0.1
"""Seconds that the candidates of a question may take to be gathered before batches go on; mostly it is a third."""


class Line:
    """Those who wait for an encoder, and since when nobody has used it."""

    def __init__(self) -> None:
        self._turns: Turns[Turn] = Turns()
        self._courtesy = Courtesy(COMES_BACK)
        self._back = anyio.Event()
        self._use = Use()

    @asynccontextmanager
    async def turn(self, lane: Lane) -> AsyncIterator["Turn"]:
        """Hold the encoder, and keep it from being unloaded meanwhile."""
        if lane is Lane.QUESTION:
            self._courtesy.came()
            self._back.set()
        with self._use.held():
            async with Turn(self._turns, lane) as turn:
                yield turn

    def alone(self) -> "Turn":
        """A turn that does not count as use."""
        return Turn(self._turns, Lane.QUESTION)

    async def wait_unused(self, seconds: float) -> None:
        """Wait until it has been used, and then not for so long."""
        await self._use.wait_unused(seconds)

    def expect(self) -> None:
        """While it has its turn: a question was encoded, and its search will be back to have candidates scored."""
        self._courtesy.asked(anyio.current_time())
        self._back = anyio.Event()

    async def stand_aside(self, turn: "Turn") -> None:
        """Before a batch begins: let a search that is expected back go first. Not twice for one batch."""
        left = self._courtesy.left(anyio.current_time())
        if left:
            # The turn is kept meanwhile: given away, it would be a worse lane's.
            with anyio.move_on_after(left):
                await self._back.wait()
            await turn.again()


class Turn:
    """The encoder for one caller, as long as the block lasts."""

    def __init__(self, turns: "Turns[Turn]", lane: Lane) -> None:
        self._turns = turns
        self._lane = lane
        self._called = anyio.Event()
        self._holds = False

    async def __aenter__(self) -> "Turn":
        if not self._turns.ask(self, self._lane):
            await self._wait()
        self._holds = True
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._holds:
            self._pass_on()

    async def again(self, *, last: bool = False) -> None:
        """Let those of better lanes go first; with `last`, those of its own lane too."""
        following = self._turns.again(self, self._lane, last=last)
        if following is not self:
            self._holds, self._called = False, anyio.Event()
            following._called.set()
            await self._wait()
            self._holds = True

    async def _wait(self) -> None:
        try:
            await self._called.wait()
        except BaseException:
            if not self._turns.give_up(self):
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        following = self._turns.leave()
        if following is not None:
            following._called.set()
