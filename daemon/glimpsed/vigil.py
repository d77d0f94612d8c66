"""Whether all parts of the daemon live: what the service manager's watchdog is told, and the log. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from glimpsed.events import Event
from glimpsed.silence import Silence

EVERY = 20.0
"""Seconds between two looks where the service manager does not want to hear more often."""

_SHARE = 3  # looks in the time that the manager waits: one may come late


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one look found."""

    alive: bool
    """Whether every part lives, so that the watchdog may be told so."""
    said: tuple[tuple[Event, Mapping[str, object]], ...] = ()
    """What is worth saying, and what of it: parts that fell silent, or answer again."""


class Vigil:
    """Looks at the parts time and again."""

    def __init__(self) -> None:
        self._silent: dict[str, float] = {}

    @property
    def line(self) -> str | None:
        """What `systemctl status` should show; None while all parts live."""
        worst = max(self._silent.items(), key=lambda one: one[1], default=None)
        return None if worst is None else f"stuck: {worst[0]} has not answered for {worst[1]:.0f} s"

    def look(self, now: float, parts: Iterable[tuple[str, Silence]]) -> Verdict:
        """How the parts, each with its name, are now."""
        silent = {name: seconds for name, part in parts if (seconds := part.overdue(now)) is not None}
        fell = [
            (Event.PART_STUCK, {"part": name, "seconds": round(seconds)})
            for name, seconds in silent.items()
            if name not in self._silent
        ]
        back = [(Event.PART_ANSWERS, {"part": name}) for name in self._silent if name not in silent]
        self._silent = silent
        return Verdict(not silent, (*fell, *back))


def every(watchdog: float | None) -> float:
    """Seconds between two looks, where the manager wants to hear within `watchdog` seconds, if it wants to at all."""
    return EVERY if watchdog is None else min(EVERY, watchdog / _SHARE)
