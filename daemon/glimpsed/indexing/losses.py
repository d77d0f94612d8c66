"""Whether very many pictures of a folder vanished at once. Pure: times in, decisions out."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

FEWEST = 50
"""Pictures: so few may vanish from however small a folder without a word."""

_TOGETHER = 300.0  # seconds between two that vanished at once


@dataclass(frozen=True, slots=True)
class Loss:
    """A mass disappearance: the rows that are missing since a time between these two are kept."""

    since: float
    """Seconds since the epoch."""
    until: float
    pictures: int
    """How many are missing of it."""
    of: int
    """How many the folder had before."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was decided of one folder; it is not decided anew when pictures come or are read again later."""

    until: float = 0.0
    """All that vanished up to then was judged."""
    losses: tuple[Loss, ...] = ()


def judge(before: Judged, missing: Iterable[float], present: Iterable[float], *, share: float) -> Judged:
    """The losses of a folder, given since when its missing rows are so, and since when the others are as they are.

    A loss is more than `share` (0 to 1) of what was there, and at least FEWEST pictures, of which each vanished within
    minutes of another. It ends when all of it is back or forgotten.
    """
    there, gone = sorted(present), sorted(missing)
    losses: list[Loss] = []
    for times in _groups(gone):
        since, until, count = times[0], times[-1], len(times)
        known = next((one for one in before.losses if one.since <= until and since <= one.until), None)
        if until > before.until:
            of = count + bisect_right(there, until)
            if count >= FEWEST and count > share * of:
                losses.append(Loss(since, until, count, of))
                continue
        if known is not None:
            losses.append(Loss(since, until, count, known.of))
    return Judged(max([before.until, *gone[-1:]]), tuple(losses))


def _groups(times: Sequence[float]) -> list[list[float]]:
    groups = [[time] for time in times[:1]]
    for before, time in pairwise(times):
        if time - before <= _TOGETHER:
            groups[-1].append(time)
        else:
            groups.append([time])
    return groups
