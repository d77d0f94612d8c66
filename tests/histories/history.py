"""Random histories by number, how they are played, and how a failing one is made shorter."""

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tests.histories.disk import ACTS
from tests.histories.world import ERRORS, World

MOST: Final = 1000
"""Above the numbers of a step."""

_OFTEN: Final = {"create": 5, "write in pieces": 2, "change": 3, "rename": 2, "move": 2, "move tree": 2, "pause": 3}
_FAULTS: Final = {
    **{"kill and start": 2, "stop": 1, "kill": 1, "start": 2, "kill child": 1, "hold": 1, "release": 1},
    **{"overflow": 1, "deafen": 1, "hear": 1, "take away": 2, "bring back": 2, "configure": 1, "settings": 0.3},
    **{"ask": 2, "scan": 1},
}
"""How often each comes; every act that is not named comes once."""


class Step(NamedTuple):
    """One thing that is done: an act on the disk or a fault, and two numbers that say to what."""

    name: str
    a: int
    b: int


def drawn(number: int, *, disk: bool = False, encoders: bool = False) -> list[Step]:
    """The history of this number; `disk` says whether it may fill it, `encoders` whether it may switch them."""
    choose = random.Random(number)
    weights = {**dict.fromkeys(ACTS, 1.0), **_OFTEN, **_FAULTS}
    weights |= {"fill disk": 1.5, "free disk": 1.5} if disk else {}
    weights |= {"switch encoder": 1.0} if encoders else {}
    names = choose.choices(list(weights), list(weights.values()), k=choose.randint(6, 24))
    begun = [Step("create", choose.randrange(MOST), choose.randrange(MOST)) for _ in range(choose.randint(2, 8))]
    return begun + [Step(name, choose.randrange(MOST), choose.randrange(MOST)) for name in names]


def play(world: World, steps: Sequence[Step], *, number: int = 0) -> None:
    """Play a history from empty trees and judge it. Raises one of ERRORS where the table is not the disk."""
    world.disk.number = number % 90 * 1000
    world.disk.clear()
    for step in steps:
        world.do(*step)
    world.judge()


def written(steps: Sequence[Step]) -> str:
    """A history as text that `read` takes."""
    return json.dumps([list(step) for step in steps])


def read(text: str) -> list[Step]:
    """The history that was written so."""
    return [Step(*step) for step in json.loads(text)]


def shorter(steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool], *, seconds: float) -> list[Step]:
    """A part of a failing history that fails, too, found within this time; all of it where none is found."""
    end = time.monotonic() + seconds
    left, size = list(steps), len(steps) // 2
    while size:
        at = 0
        while at < len(left) and time.monotonic() < end:
            fewer = left[:at] + left[at + size :]
            if fewer and fails(fewer):
                left = fewer
            else:
                at += size
        size //= 2
    return left


__all__ = ["ERRORS", "MOST", "Step", "drawn", "play", "read", "shorter", "written"]
