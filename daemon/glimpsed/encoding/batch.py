"""Which texts are encoded together, and when: decisions that take the time and return what to do."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from glimpsed.encoding.encoder import Text

_Who = TypeVar("_Who")


class Lane(IntEnum):
    """What goes before what."""

    QUESTION = 0
    FIRST = 1
    """First pass: makes a picture findable."""
    SECOND = 2
    """Second pass and refresh: makes a findable picture better findable."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One text that waits to be encoded."""

    key: str
    """Its text id."""
    text: Text
    tokens: int
    since: float
    """Seconds, on the caller's clock: when it was first added."""


class Batch:
    """Collects texts until they are worth a batch. Equal keys are one text; the first lane goes before the second.

    A batch holds at most `max_count` texts of at most `max_tokens` tokens together, except that a text too large
    by itself is a batch of its own. No text waits longer than `max_age` seconds for the others.
    """

    def __init__(self, max_tokens: int, max_count: int, max_age: float) -> None:
        self._max_tokens = max_tokens
        self._max_count = max_count
        self._max_age = max_age
        self._lanes: dict[Lane, dict[str, Waiting]] = {Lane.FIRST: {}, Lane.SECOND: {}}  # in order of arrival

    def add(self, key: str, text: Text, tokens: int, now: float, lane: Lane = Lane.FIRST) -> bool:
        """Let a text wait. False where it waits already; then the better of both lanes counts."""
        for held, waiting in self._lanes.items():
            known = waiting.get(key)
            if known is not None:
                if lane < held:
                    del waiting[key]
                    self._lanes[lane][key] = known
                return False
        self._lanes[lane][key] = Waiting(key, text, tokens, now)
        return True

    def take(self, now: float, *, idle: bool) -> list[Waiting] | None:
        """The next batch, or None while it is better to wait.

        With `idle` (the encoder has nothing to do) whatever waits is a batch; else a batch is taken when it is full
        or when a text has waited for `max_age`.
        """
        if not self.waiting:
            return None
        batch, full = self._next()
        due = self.next_due()
        if not (idle or full or (due is not None and due <= now)):
            return None
        for one in batch:
            for waiting in self._lanes.values():
                waiting.pop(one.key, None)
        return batch

    def next_due(self) -> float | None:
        """When `take` will return a batch even if the encoder is busy and nothing is added; None if nothing waits."""
        # Ages are not ordered within a lane: a text keeps its age when it changes lanes.
        oldest = min((one.since for waiting in self._lanes.values() for one in waiting.values()), default=None)
        return None if oldest is None else oldest + self._max_age

    @property
    def waiting(self) -> int:
        """How many texts wait."""
        return sum(map(len, self._lanes.values()))

    def _next(self) -> tuple[list[Waiting], bool]:
        """The texts of the next batch, and whether no more would fit."""
        batch: list[Waiting] = []
        tokens = 0
        for waiting in self._lanes.values():
            for one in waiting.values():
                if batch and (len(batch) >= self._max_count or tokens + one.tokens > self._max_tokens):
                    return batch, True
                batch.append(one)
                tokens += one.tokens
        return batch, len(batch) >= self._max_count or tokens >= self._max_tokens


class Pace:
    """How many texts to give an encoder at once so that a question behind them waits for about `target` seconds.

    Learned from what the last batches took; a text's share of the work is its `weight` (its tokens, roughly).
    """

    def __init__(self, target: float, *, start: float, smoothing: float = 0.3) -> None:
        """`start`: the weight of the first batch, before anything is known."""
        self._target = target
        self._weight = start
        self._smoothing = smoothing

    def share(self, weights: Sequence[int]) -> int:
        """How many of the texts, from the first, make the next batch: at least one if there are any."""
        total = 0
        for number, weight in enumerate(weights):
            total += weight
            if number and total > self._weight:
                return number
        return len(weights)

    def took(self, weight: int, seconds: float) -> None:
        """Learn from a batch."""
        fair = weight * self._target / max(seconds, 1e-6)
        # One batch says little (a page fault, a busy core), so it changes the next by no more than twice.
        fair = min(max(fair, self._weight / 2), self._weight * 2)
        self._weight = max(1.0, self._weight + self._smoothing * (fair - self._weight))


class Reach:
    """How much text to score anew at once so that it takes about `target` seconds, learned from what it took."""

    def __init__(self, target: float, *, start: float) -> None:
        """`start`: the weight (tokens, roughly) before anything is known."""
        self._target = target
        self._weight = start

    @property
    def room(self) -> int:
        """The weight of the texts that fit."""
        return int(self._weight)

    def took(self, weight: int, seconds: float) -> None:
        """Learn from texts that were scored."""
        fair = weight * self._target / max(seconds, 1e-6)
        if fair < self._weight and seconds < self._target / 2:
            return  # little text takes nearly as long as some: it does not tell how long much would take
        self._learn(min(fair, self._weight * 4))

    def missed(self) -> None:
        """Scoring was given up, for it took too long."""
        self._learn(0.0)

    def _learn(self, fair: float) -> None:
        self._weight = max(1.0, (self._weight + fair) / 2)


class Courtesy:
    """Whether a batch should let a search go on first, whose question was encoded and whose candidates will be scored.

    Else a batch that begins between the two makes it wait for a second one.
    """

    def __init__(self, patience: float) -> None:
        """`patience`: seconds that a search has to come back; it need not, if it found nothing to score."""
        self._patience = patience
        self._until = 0.0

    def asked(self, now: float) -> None:
        """A question was encoded whose search is expected back."""
        self._until = now + self._patience

    def came(self) -> None:
        """It is back, or another one came."""
        self._until = 0.0

    def left(self, now: float) -> float:
        """Seconds that a batch should stand aside; 0 where it may begin."""
        return max(0.0, self._until - now)


class Turns(Generic[_Who]):
    """Whose turn it is at an encoder that serves one at a time: the best lane, then the longest waiting."""

    def __init__(self) -> None:
        self._busy = False
        self._queues: dict[Lane, deque[_Who]] = {lane: deque() for lane in Lane}

    def ask(self, who: _Who, lane: Lane) -> bool:
        """Whether it is the asker's turn at once; if not it waits until `leave` names it."""
        if not self._busy:
            self._busy = True
            return True
        self._queues[lane].append(who)
        return False

    def leave(self) -> _Who | None:
        """End of a turn; the one returned has the next."""
        for queue in self._queues.values():
            if queue:
                return queue.popleft()
        self._busy = False
        return None

    def again(self, who: _Who, lane: Lane, *, last: bool = False) -> _Who:
        """The holder could go on; the one returned has the next turn: a better lane's, else the holder itself.

        With `last` all of its own lane go first, too.
        """
        if last:
            self._queues[lane].append(who)
        else:
            self._queues[lane].appendleft(who)
        following = self.leave()
        assert following is not None
        return following

    def give_up(self, who: _Who) -> bool:
        """Wait no longer. False where it is the asker's turn already: it has to leave."""
        for queue in self._queues.values():
            if who in queue:
                queue.remove(who)
                return True
        return False
