"""What the service manager is told while the daemon starts, runs and ends; see systemd.py for how."""

import time
from collections.abc import Callable, Iterable

import anyio
from anyio import CapacityLimiter, to_thread

from glimpsed import systemd
from glimpsed.answers import Answers
from glimpsed.events import Journal
from glimpsed.silence import Silence
from glimpsed.vigil import Vigil, every
from glimpsed.watching.echo import Echo

_STATUS_EVERY = 5.0  # seconds between two lines for `systemctl status`
_EXTENSION = 30.0  # seconds that are asked for at once, to start or to end
_EXTEND_EVERY = 10.0  # seconds between two times of asking

LONGEST_START = 3600.0
"""Seconds that are asked for in all until the daemon is ready: a damaged table may be looked through."""


async def ask_for_time(seconds: float) -> None:
    """Ask the manager for patience with a start or an end, time and again until cancelled, for so many seconds."""
    with anyio.move_on_after(seconds):
        while True:
            systemd.extend(_EXTENSION)
            await anyio.sleep(_EXTEND_EVERY)


async def tell_status(answers: Answers, vigil: Vigil) -> None:
    """Keep the line that `systemctl status` shows, until cancelled."""
    told = ""
    while True:
        line = vigil.line or await answers.line()
        if line != told:
            systemd.status(line)
            told = line
        await anyio.sleep(_STATUS_EVERY)


async def keep_vigil(
    vigil: Vigil, parts: Callable[[], Iterable[tuple[str, Silence]]], echo: Echo, journal: Journal
) -> None:
    """Tell the watchdog that all parts live, for as long as they do; until cancelled.

    That this task comes to its turn shows that the event loop lives.
    """
    pause = every(systemd.watchdog_seconds())
    threads = CapacityLimiter(1)  # its own: others may wait for theirs
    while True:
        with anyio.move_on_after(pause):
            await to_thread.run_sync(echo.call, abandon_on_cancel=True, limiter=threads)
        verdict = vigil.look(time.monotonic(), [("the reader of file events", echo.silence), *parts()])
        for event, said in verdict.said:
            journal.say(event, **said)
        if verdict.alive:
            systemd.notify("WATCHDOG=1")
        elif vigil.line is not None:
            systemd.status(vigil.line)
        await anyio.sleep(pause)
