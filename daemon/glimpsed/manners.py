"""When work waits for the sake of whoever sits at the machine. Pure, but for `on_battery` and `cpu_times`."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

POWER: Final = Path("/sys/class/power_supply")
STAT: Final = Path("/proc/stat")

_BUSY: Final = 0.75
_CALM: Final = 0.5
"""Share of all cores that programs of normal priority use: from the first on the second pass waits, until it is below
the second. Between them it goes on if it did: it has the rest of the cores, and would else begin and end all the
time."""

_SPAN: Final = 1.5  # seconds that a share is taken over; times in /proc/stat have steps of 10 ms
_TURN_AFTER: Final = 600.0
_TURN: Final = 30.0
"""Seconds: on a machine that is always busy, work that has waited for so long goes on for so long."""


@dataclass(frozen=True, slots=True)
class Times:
    """CPU time of all cores together since the machine was started, in any unit: proc_stat(5)."""

    used: int
    """By programs of normal priority, and by the kernel for all."""
    whole: int
    """With what was idle, and what nice programs had: those give way as the workers do."""


def cpu_times(stat: Path = STAT) -> Times | None:
    """The machine's; None where it does not tell."""
    try:
        name, *numbers = stat.read_text("ascii").partition("\n")[0].split()
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, numbers[:8])
    except (OSError, ValueError):
        return None
    used = user + system + irq + softirq + steal
    return Times(used, used + nice + idle + iowait) if name == "cpu" else None


class Busy:
    """Whether other programs want the machine. They are told from the workers by priority: those are nice."""

    def __init__(self) -> None:
        self._before: tuple[float, Times] | None = None
        self._busy = False
        self._since = math.inf
        self._until = -math.inf

    def look(self, times: Times | None, now: float) -> bool:
        """Whether work should wait, by the CPU times at `now`, in seconds on any clock."""
        if times is None:
            return False
        if self._before is None or now - self._before[0] > 10 * _SPAN:
            self._before = now, times  # an old look says nothing of now
        elif now - self._before[0] >= _SPAN:
            whole = times.whole - self._before[1].whole
            share = (times.used - self._before[1].used) / whole if whole > 0 else 0.0
            busy = share >= (_CALM if self._busy else _BUSY)
            if busy and not self._busy:
                self._since = now
            self._busy, self._before = busy, (now, times)
        if self._busy and now >= self._since + _TURN_AFTER:
            self._since, self._until = now + _TURN, now + _TURN
        return self._busy and now >= self._until


def cores(share: float, available: Collection[int]) -> frozenset[int]:
    """The share of these cores, rounded up, one at least; the last of them, for the first have the most to do."""
    count = max(1, math.ceil(share * len(available) - 1e-9))
    return frozenset(sorted(available)[-count:])


def on_battery(root: Path = POWER) -> bool:
    """Whether the machine itself draws on a battery: one of its own discharges, and no mains are plugged in."""
    discharging = False
    try:
        supplies = sorted(root.iterdir())
    except OSError:
        return False
    for supply in supplies:
        kind = _told(supply, "type")
        if _told(supply, "scope") == "Device":
            continue  # of a mouse or a headset
        if kind == "Battery":
            discharging |= _told(supply, "status") == "Discharging"
        elif _told(supply, "online") == "1":
            return False
    return discharging


def _told(supply: Path, name: str) -> str:
    """sysfs-class-power(5)."""
    try:
        return (supply / name).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
