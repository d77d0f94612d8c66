"""What keeps work from going on although there is some: `glimpse pause`, a battery, a busy machine."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread

from glimpsed import manners
from glimpsed.config import Work
from glimpsed.errors import StateError
from glimpsed.events import Event, Journal

ASKED: Final = "somebody paused it; `glimpse resume` lets it go on"
BATTERY: Final = "the machine runs on its battery"
BUSY: Final = "other programs use the machine"

_LOOK_AGAIN: Final = {BATTERY: 20.0, BUSY: 3.0}  # seconds
_MARK: Final = "paused"  # a file in the state directory


@dataclass(frozen=True, slots=True)
class Held:
    """What waits, and why."""

    what: str
    """`indexing` or `second pass`."""
    why: str


class Hold:
    """Where stages wait before they begin with a picture. Searching never does.

    `power` and `stat` are where the kernel tells of supplies and CPU time.
    """

    def __init__(
        self,
        config: Work,
        state: str,
        journal: Journal,
        *,
        power: Path = manners.POWER,
        stat: Path = manners.STAT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._mark = Path(state, _MARK)
        self._journal = journal
        self._power, self._stat, self._clock = power, stat, clock
        self._busy = manners.Busy()
        self._urgent = 0
        self._waiting: str | None = None
        self._changed = anyio.Event()
        self.asked = config.stay_paused and self._mark.exists()
        """Whether somebody paused all indexing."""

    @property
    def held(self) -> tuple[Held, ...]:
        """What waits now."""
        if self.asked:
            return (Held("indexing", ASKED),)
        return () if self._waiting is None else (Held("second pass", self._waiting),)

    async def pause(self, paused: bool) -> bool:
        """Pause all indexing, or let it go on; whether that is another state than before. Raises StateError."""
        try:
            await to_thread.run_sync(self._remember, paused)
        except OSError as error:
            raise StateError(f"the pause cannot be kept: {error.strerror}", where=os.fspath(self._mark)) from error
        before, self.asked = self.asked, paused
        if before is not paused:
            why = ASKED if paused else "somebody asked for it"
            self._journal.say(Event.INDEXING_PAUSED if paused else Event.INDEXING_RESUMED, reason=why)
            self._beat()
        return before is not paused

    async def first(self) -> None:
        """Wait while all indexing is paused."""
        while self.asked:
            await self._changed.wait()

    async def second(self) -> None:
        """Wait while what can wait should: before a picture of the second pass, or a round of the refresh."""
        while True:
            await self.first()
            why = self._why()
            if why != self._waiting:
                self._waiting = why
                event = Event.SECOND_PASS_GOES_ON if why is None else Event.SECOND_PASS_WAITS
                self._journal.say(event, reason=why or "nothing is in its way any more")
            if why is None:
                return
            with anyio.move_on_after(_LOOK_AGAIN[why]):
                await self._changed.wait()

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Somebody waits for all that is to do: within, nothing but a pause holds it."""
        self._urgent += 1
        self._beat()
        try:
            yield
        finally:
            self._urgent -= 1

    def _why(self) -> str | None:
        if self._urgent:
            return None
        if not self._config.on_battery and manners.on_battery(self._power):
            return BATTERY
        if self._config.give_way and self._busy.look(manners.cpu_times(self._stat), self._clock()):
            return BUSY
        return None

    def _beat(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    def _remember(self, paused: bool) -> None:
        if paused:
            os.close(os.open(self._mark, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        else:
            with suppress(FileNotFoundError):
                self._mark.unlink()
