"""Waiting for one's turn at an encoder."""

import anyio

from glimpsed.encoding.batch import Lane, Turns


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

    async def again(self) -> None:
        """Let those of better lanes go first."""
        following = self._turns.again(self, self._lane)
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
