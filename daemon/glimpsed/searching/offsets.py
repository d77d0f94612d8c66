"""The way back from a folded text to the text as it is."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from glimpsed.folding import plain

# A sign with what belongs to it: combining marks, half-width voice marks, the second and third letter of a
# decomposed Korean syllable. ASCII stands for itself.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u3099\u309a\uff9e\uff9f\u1160-\u11ff"
_CLUSTER = re.compile(f"(?s)[\x00-\x7f]+(?![{_MARKS}])|.[{_MARKS}]*")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text for comparing that knows where in the original each of its characters comes from."""

    text: str
    _folded: tuple[int, ...] = ()
    """Where each piece of the original begins in `text`; none where both have the same places."""
    _original: tuple[int, ...] = ()
    """Where it begins in the original, and, at last, where that ends."""

    def places(self, start: int, end: int) -> tuple[int, int]:
        """From and to in the original, in whole characters, for a place in `text` that is not empty."""
        if not self._original:
            return start, end
        first = bisect_right(self._folded, start) - 1
        last = bisect_left(self._folded, end)
        return self._original[first], self._original[last]


def folded(text: str) -> Folded:
    """A text whose blanks are single, folded piece by piece."""
    if text.isascii():
        return Folded(text.lower())
    made: list[str] = []
    begins: list[int] = []
    places: list[int] = []
    at = 0
    for cluster in _CLUSTER.finditer(text):
        said, start = cluster.group(), cluster.start()
        if said.isascii():
            begins += range(at, at + len(said))
            places += range(start, start + len(said))
            made.append(said.lower())
            at += len(said)
        elif bare := _folded(said):  # what folds to nothing belongs to what is before it
            begins.append(at)
            places.append(start)
            made.append(bare)
            at += len(bare)
    return Folded("".join(made), tuple(begins), (*places, len(text)))


def merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in order, those that touch or overlap made one."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        elif start < end:
            result.append((start, end))
    return tuple(result)


@lru_cache(8192)
def _folded(cluster: str) -> str:
    return " " if cluster.isspace() else "".join(plain(cluster).split())
