"""Which texts go through one forward pass together, and what is prepared meanwhile: decisions without a model."""

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

_CLEAN_BATCHES = 64  # without trouble, before a budget that was halved is doubled again
_ALIKE = 0.8  # of the longest text: one shorter than this is rather computed in the next batch than padded in this

_G = TypeVar("_G")
_M = TypeVar("_M")


class Passed(NamedTuple):
    """What went through a model in batches."""

    batches: int = 0
    tokens: int = 0
    """Of the texts themselves."""
    padding: int = 0
    """Tokens that only fill shorter texts up to the longest one of their batch."""

    def plus(self, other: "Passed") -> "Passed":
        """Both together."""
        return Passed(*(one + more for one, more in zip(self, other, strict=True)))

    def since(self, before: "Passed") -> "Passed":
        """What came after `before`."""
        return Passed(*(one - less for one, less in zip(self, before, strict=True)))


class Budget:
    """How many padded tokens go into one batch: halved when memory runs out, and by and by grown again."""

    def __init__(self, tokens: int, enough: int | None = None) -> None:
        """`enough` tokens keep the device busy: a batch that has them takes no text that is mostly padding."""
        self.most = tokens
        self.tokens = tokens
        self.enough = tokens if enough is None else enough
        self.counted = Passed()
        """What went through so far."""
        self._clean = 0

    def take(self, lengths: Sequence[int]) -> int:
        """How many of the next texts (tokens each, longest first) make a batch; one at least if there are any."""
        longest = max(1, lengths[0]) if lengths else 1
        fitting = min(len(lengths), max(1, self.tokens // longest))
        for count in range(-(-self.enough // longest), fitting):
            if count and lengths[count] < _ALIKE * longest:
                return count
        return fitting

    def halve(self, padded: int) -> None:
        """A batch of so many padded tokens did not fit."""
        self.tokens = max(1, min(self.tokens, padded) // 2)
        self._clean = 0

    def passed(self, lengths: Sequence[int] = ()) -> None:
        """A batch went through, of texts of so many tokens each."""
        tokens = sum(lengths)
        self.counted = self.counted.plus(Passed(1, tokens, max(lengths, default=0) * len(lengths) - tokens))
        self._clean += 1
        if self._clean >= _CLEAN_BATCHES and self.tokens < self.most:
            self.tokens, self._clean = min(self.most, self.tokens * 2), 0


def windows(sizes: Sequence[int], most: int) -> list[list[int]]:
    """The places of `sizes`, largest first, in groups of at most `most` together; one too large is a group alone."""
    groups: list[list[int]] = []
    room = 0
    for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
        if not groups or sizes[place] > room:
            groups.append([])
            room = most
        groups[-1].append(place)
        room -= sizes[place]
    return groups


def one_ahead(make: Callable[[_G], _M], given: Iterable[_G]) -> Generator[_M, None, None]:
    """What `make` makes of each, in order; the next one is made in a thread while the caller works on the last.

    `make` is called by one thread at a time. What it raises comes out where its result would. Close the iterator
    (`contextlib.closing`) if you do not exhaust it.
    """
    rest = iter(given)
    try:
        first = next(rest)
    except StopIteration:
        return
    made = make(first)
    with ThreadPoolExecutor(1, "one-ahead") as thread:  # starts no thread before there is a second one
        for one in rest:
            following = thread.submit(make, one)
            yield made
            made = following.result()
        yield made
