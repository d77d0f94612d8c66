"""From lists of neighbours and matches to one list of candidates with their places in each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Found = Sequence[tuple[str, float]]
"""(path, score), best first."""

SAME = 1e-6
"""Scores that differ by less are equal: copies of one text share a place."""


class Signals(Protocol):
    """What a stronger encoder says of a row, besides the cosine."""

    @property
    def path(self) -> str:
        """Of the row."""
        ...

    @property
    def sparse(self) -> float | None:
        """The product of the token weights."""
        ...

    @property
    def colbert(self) -> float | None:
        """The mean of each word's best match."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row that the question may mean."""

    path: str
    dense_place: int | None = None
    """From 1; None where it is no near neighbour."""
    dense: float | None = None
    """The cosine in the space of the encoder that placed it; None where only its other signals placed it."""
    text_place: int | None = None
    sparse: float | None = None
    """The product of the token weights."""
    colbert: float | None = None


def places(found: Found) -> dict[str, int]:
    """The place of each path, from 1; equal scores share one, and none is skipped after them."""
    result: dict[str, int] = {}
    place, last = 0, float("inf")
    for path, score in found:
        if last - score > SAME or not place:
            place, last = place + 1, score
        result.setdefault(path, place)
    return result


def merge_dense(
    fallback: Found, strong: Mapping[str, tuple[int, float | None]], carriers: Collection[str]
) -> dict[str, tuple[int, float | None]]:
    """One order of neighbours out of two encoders' lists, whose scores cannot be compared.

    `strong` has the place, from 1, that the chosen encoder gives to each of its rows, and the cosine where known. The
    fallback has placed every row. The places that it gave to rows which have the chosen encoder's vector
    (`carriers`) are dealt out among them anew, in the chosen encoder's order; the others keep theirs. So the chosen
    encoder has the say over its rows, and being refreshed first is no advantage. Rows that only the chosen
    encoder's list holds come after the dealt places are used up. Returns (place, cosine) by path.
    """
    if not strong:
        return {path: (place, score) for (path, score), place in zip(fallback, _each(fallback), strict=True)}
    theirs = {path: one for path, one in strong.items() if path in carriers}
    base = places(fallback)
    slots = sorted({base[path] for path, _ in fallback if path in carriers})
    last = max(base.values(), default=0)
    result: dict[str, tuple[int, float | None]]
    result = {path: (base[path], score) for path, score in fallback if path not in carriers}
    order = {place: rank for rank, place in enumerate(sorted({place for place, _ in theirs.values()}))}
    for path, (theirs_place, score) in theirs.items():
        rank = order[theirs_place]
        place = slots[rank] if rank < len(slots) else last + 1 + rank - len(slots)
        result[path] = (place, score)
    return result


def _each(found: Found) -> Iterable[int]:
    by_path = places(found)
    return [by_path[path] for path, _ in found]


def union(
    dense: Mapping[str, tuple[int, float | None]], matched: Found, signals: Iterable[Signals] = ()
) -> list[Candidate]:
    """Every row of either list, once; neighbours first, each list in its order. `signals` has what else is known."""
    text = places(matched)
    known = {one.path: (one.sparse, one.colbert) for one in signals}
    near = sorted(dense, key=lambda path: dense[path][0])
    found = []
    for path in [*near, *(path for path in text if path not in dense)]:
        place, cosine = dense.get(path, (None, None))
        sparse, colbert = known.get(path, (None, None))
        found.append(Candidate(path, place, cosine, text.get(path), sparse, colbert))
    return found
