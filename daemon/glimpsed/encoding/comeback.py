"""When to look whether a device that was given up can be used again: decided on what is told and the time. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

FIRST = 30.0
"""Seconds until it is looked for the first time: a driver that starts anew, a game that ends."""

LONGEST = 1800.0
"""Seconds between two looks at most; each pause is twice the one before."""

STEADY = 600.0
"""Seconds that a device which came back has to serve; if it is lost before, the pauses go on growing."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A device that was given up."""

    device: str
    reason: str
    looked: int = 0
    """How often it was looked for since, in vain."""


class Comeback:
    """The devices that were given up, and when it is worth a look.

    `used` is everywhere the device that the stronger encoder runs on, `""` where the fallback stands in for it, and
    None while nothing can be said. A GPU is better than the CPU, anything is better than the fallback; for what is no
    better nobody looks, nor while nothing asks for it.
    """

    def __init__(self) -> None:
        self._lost: dict[str, Lost] = {}
        self._back: dict[str, float] = {}  # when devices came back
        self._pause = FIRST
        self._next = 0.0
        self._asked = False
        self._owed = False

    @property
    def lost(self) -> tuple[Lost, ...]:
        """What was given up and is not back."""
        return tuple(self._lost.values())

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why, by device."""
        return {one.device: one.reason for one in self._lost.values()}

    def lose(self, device: str, reason: str, now: float) -> None:
        """The device cannot be used."""
        known = self._lost.get(device)
        if known is not None:
            self._lost[device] = replace(known, reason=reason)
            return
        self._lost[device] = Lost(device, reason)
        came = self._back.pop(device, None)
        if came is not None and now - came < STEADY:
            self._grow()
        else:
            self._pause = FIRST
        self._next = now + self._pause

    def ask(self) -> bool:
        """Something wants the encoder. Whether that is news."""
        if self._asked or not self._lost:
            return False
        self._asked = True
        return True

    def owe(self) -> bool:
        """Rows wait for the encoder, which asks for it as long as the fallback stands in. Whether that is news."""
        if self._owed or not self._lost:
            return False
        self._owed = True
        return True

    def better(self, used: str | None) -> frozenset[str]:
        """Those that it would be worth to have back."""
        if used is None or used not in ("", "cpu"):
            return frozenset()
        return frozenset(self._lost) - {used}

    def due(self, used: str | None) -> float | None:
        """When to look for `better(used)`; None while there is no reason to."""
        wanted = self._asked or (self._owed and used == "")
        return self._next if wanted and self.better(used) else None

    def missed(self, used: str | None, now: float) -> None:
        """It was looked for them, in vain."""
        for device in self.better(used):
            self._lost[device] = replace(self._lost[device], looked=self._lost[device].looked + 1)
        self._asked = False
        self._grow()
        self._next = now + self._pause

    def found(self, device: str, now: float) -> None:
        """The device is used again."""
        self._lost.pop(device, None)
        self._back[device] = now
        self._asked = self._owed = False

    def _grow(self) -> None:
        self._pause = min(2 * self._pause, LONGEST)
