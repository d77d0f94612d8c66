"""Being told to stop, and what else signals ask for."""

import math
import os
import signal
import time

import anyio
from anyio import CancelScope, open_signal_receiver
from anyio.abc import TaskStatus

from glimpsed import systemd
from glimpsed.events import Event, Journal
from glimpsed.indexing.backlog import Pulse
from glimpsed.telling import LONGEST_START, ask_for_time

_ENDING = 120.0  # seconds beyond the grace time that may be asked for to end: encoders finish what they are at


class Stop:
    """Two signals: the first closes the source, the second (or the deadline) cuts the drain short. SIGHUP reloads."""

    def __init__(self, grace: float, journal: Journal) -> None:
        self.grace = grace
        self._journal = journal
        self.asked = anyio.Event()
        self.drain = CancelScope()
        self.at = math.inf
        self.hurried = False
        """Whether a second signal came."""
        self.reload = Pulse()
        """Beats at each SIGHUP."""
        self._terminal = _has_terminal()

    def draining(self) -> CancelScope:
        """What the work is done in until it has drained: cut short by the deadline or a second signal."""
        self.drain = CancelScope(deadline=self.drain.deadline)
        if self.hurried:
            self.drain.cancel()
        return self.drain

    async def on_signals(self, *, task_status: TaskStatus[None]) -> None:
        """Listen for SIGTERM, SIGINT and SIGHUP."""
        with open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            task_status.started()
            async for number in signals:
                if number == signal.SIGHUP and not (self._terminal and not _has_terminal()):
                    self.reload.beat()
                    continue  # a terminal that was closed ends what runs in it
                name = signal.Signals(number).name
                if self.asked.is_set():
                    self.hurried = True
                    self._journal.say(Event.DAEMON_CUT_SHORT, why=f"a second signal, {name}")
                    self.drain.cancel()
                    continue
                systemd.stopping("finishing what was read")
                self._journal.say(Event.DAEMON_STOPPING, why=name, grace=self.grace)
                self.at = time.monotonic()
                self.drain.deadline = anyio.current_time() + self.grace
                self.asked.set()


async def wait_for_manager(starting: CancelScope, stop: Stop) -> None:
    """Of the service manager, until `starting` is cancelled, and again once the daemon is told to stop."""
    with starting:
        await ask_for_time(LONGEST_START)
    await stop.asked.wait()
    await ask_for_time(stop.grace + _ENDING)


def _has_terminal() -> bool:
    """Whether there is a terminal that it was started in and that is still open."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
