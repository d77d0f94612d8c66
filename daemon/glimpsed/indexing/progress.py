"""How the chosen encoder comes through the rows: how fast, and what of it is worth saying, and when. Pure."""

from collections import deque
from dataclasses import dataclass

from glimpsed.events import Event

EVERY = 10.0
"""Seconds between two lines about it."""

WINDOW = 60.0
"""Seconds that the rate is taken over: what was before says little about what is to come."""

FEW = 64
"""Rows; as many are through in a round, and new pictures bring them all the time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast it goes, and how long it will take; None where nothing was encoded lately."""

    rate: float | None
    """Rows a second."""
    seconds_left: float | None


class Progress:
    """Follows one encoder at a time; told of counts and of finished rounds, on any clock in seconds."""

    def __init__(self) -> None:
        self.encoder: str | None = None
        """Whose counts are known."""
        self.running = False
        """Whether a beginning was told of, and no end yet."""
        self._rounds: deque[tuple[float, float, int]] = deque()
        self._said = 0.0

    def worth_counting(self, encoder: str, found: int, now: float) -> bool:
        """Whether `counted` should be told how far `encoder` is, where a round found so many stale rows.

        Counting reads a column of the whole table.
        """
        if encoder != self.encoder:
            return True
        if self.running:
            return not found or now - self._said >= EVERY
        return found >= FEW

    def counted(self, encoder: str, done: int, total: int, now: float) -> Event | None:
        """What to say, now that `encoder` has encoded `done` of `total` rows."""
        another, self.encoder = encoder != self.encoder, encoder
        if another:
            self.running = False
            self._rounds.clear()
        if done >= total:
            ended, self.running = self.running, False
            return Event.REFRESH_FINISHED if ended else None
        if not self.running and (another or total - done >= FEW):
            self.running, self._said = True, now
            return Event.REFRESH_STARTED
        if self.running and now - self._said >= EVERY:
            self._said = now
            return Event.REFRESH_PROGRESS
        return None

    def made(self, rows: int, began: float, now: float) -> None:
        """A round that began then has given so many rows their vectors."""
        if rows:
            self._rounds.append((began, now, rows))
            self._forget(now)

    def pace(self, left: int, now: float) -> Pace:
        """How fast it went lately, and how long it will take for `left` rows."""
        self._forget(now)
        if not self._rounds:
            return Pace(None, None)
        seconds = self._rounds[-1][1] - self._rounds[0][0]
        rate = sum(rows for _, _, rows in self._rounds) / max(seconds, 1e-3)
        return Pace(rate, left / rate)

    def _forget(self, now: float) -> None:
        while self._rounds and now - self._rounds[0][1] > WINDOW:
            self._rounds.popleft()
