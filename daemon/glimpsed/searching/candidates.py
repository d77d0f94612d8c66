"""From lists of neighbours and matches to one list of candidates with their places in each."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

Found = Sequence[tuple[str, float]]
"""(path, score), best first."""

SAME = 1e-6
"""Scores that differ by less are equal: copies of one text share a place."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row that the question may mean."""

    path: str
    dense_place: int | None = None
    """From 1; None where it is no near neighbour."""
    dense: float | None = None
    """The cosine in the space of the encoder that placed it."""
    text_place: int | None = None


def places(found: Found) -> dict[str, int]:
    """The place of each path, from 1; equal scores share one, and none is skipped after them."""
    result: dict[str, int] = {}
    place, last = 0, float("inf")
    for path, score in found:
        if last - score > SAME or not place:
            place, last = place + 1, score
        result.setdefault(path, place)
    return result


def merge_dense(fallback: Found, strong: Found, carriers: Collection[str]) -> dict[str, tuple[int, float]]:
    """One order of neighbours out of two encoders' lists, whose similarities cannot be compared.

    The fallback has placed every row. The places that it gave to rows which have the chosen encoder's vector
    (`carriers`) are dealt out among them anew, in the chosen encoder's order; the others keep theirs. So the chosen
    encoder has the say over its rows, and being refreshed first is no advantage. Rows that only the chosen
    encoder's list holds come after the dealt places are used up. Returns (place, cosine) by path.
    """
    if not strong:
        return {path: (place, score) for (path, score), place in zip(fallback, _each(fallback), strict=True)}
    theirs = [(path, score) for path, score in strong if path in carriers]
    order = places(theirs)
    base = places(fallback)
    slots = sorted({base[path] for path, _ in fallback if path in carriers})
    last = max(base.values(), default=0)
    result = {path: (base[path], score) for path, score in fallback if path not in carriers}
    for path, score in theirs:
        rank = order[path] - 1
        place = slots[rank] if rank < len(slots) else last + 1 + rank - len(slots)
        result[path] = (place, score)
    return result


def _each(found: Found) -> Iterable[int]:
    by_path = places(found)
    return [by_path[path] for path, _ in found]


def union(dense: dict[str, tuple[int, float]], matched: Found) -> list[Candidate]:
    """Every row of either list, once; neighbours first, each list in its order."""
    text = places(matched)
    near = sorted(dense, key=lambda path: dense[path][0])
    found = [Candidate(path, *dense[path], text.get(path)) for path in near]
    return found + [Candidate(path, text_place=place) for path, place in text.items() if path not in dense]
