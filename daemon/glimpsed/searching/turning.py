"""One page of an answer: hits that are still there, in the order in which they were first found."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from glimpsed.searching.exact import Demands
from glimpsed.searching.pages import Kept
from glimpsed.searching.ports import Hit, Table

FARTHEST = 10_000
"""Hits that can be paged through."""
_TWINS = 8  # other paths of a picture that are tried where its first is gone


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a question: the best hits, so many as are sure of their order."""

    hits: Sequence[Hit]
    more: bool
    """Whether there are others beyond."""
    used: tuple[str, ...] = ()
    """Ids of the encoders that took part."""
    warnings: tuple[str, ...] = ()
    nothing_fits: bool = False
    """Whether words were asked for and no hit is better than `maybe`."""


async def turn(
    answer: Kept,
    begin: int,
    k: int,
    *,
    find: Callable[[int], Awaitable[Found]],
    table: Table,
    demands: Demands,
) -> tuple[list[Hit], int | None, tuple[str, ...]]:
    """The `k` hits from the place `begin` on, the place of the next page, None at the end, and warnings.

    `find` gives the best hits of the question as the table stands, as many as wanted where there are as many. What is
    remembered keeps its order; what has vanished since is left out; what is found anew comes after it, once.
    """
    shown: list[Hit] = []
    warnings: tuple[str, ...] = ()
    at, looked = begin, len(answer.hits)
    while True:
        # One hit more than the page has tells whether there is a next one.
        places = answer.left(at, k + 1 - len(shown))
        there = await _there([answer.hits[place] for place in places if place < looked], table, demands)
        for place in places:
            hit = there.get(answer.hits[place].path) if place < looked else answer.hits[place]
            if hit is None:
                answer.drop(place)
            elif len(shown) == k:
                return shown, place, warnings
            else:
                shown.append(hit)
            at = place + 1
        if places:
            continue
        if not answer.more:
            return shown, None, warnings
        warnings = await _extend(answer, begin + k + 1, find)


async def _extend(answer: Kept, wanted: int, find: Callable[[int], Awaitable[Found]]) -> tuple[str, ...]:
    """Find more hits; after this there are some, or `more` is False."""
    wanted = max(wanted, len(answer.hits) + 1)
    while True:
        found = await find(min(wanted, FARTHEST + 1))
        if not answer.hits:
            answer.used, answer.nothing_fits = found.used, found.nothing_fits
        fresh = answer.add(found.hits, more=found.more, most=FARTHEST)
        if fresh or not answer.more:
            return found.warnings
        if wanted > FARTHEST:  # all that can be found was found before
            answer.more = False
        wanted *= 2


async def _there(hits: Sequence[Hit], table: Table, demands: Demands) -> dict[str, Hit]:
    """Those of the hits whose picture is still there and still fits, by their path; perhaps under another one."""
    if not hits:
        return {}
    rows = await table.select({hit.path for hit in hits})

    def fits(path: str, content_id: str) -> bool:
        row = rows.get(path)
        return row is not None and row.content_id == content_id and demands.met(row)

    found = {hit.path: hit for hit in hits if fits(hit.path, hit.id)}
    left = [hit for hit in hits if hit.path not in found and hit.also]
    if left:
        rows = await table.select({path for hit in left for path in hit.also[:_TWINS]})
        for hit in left:
            if (path := next((path for path in hit.also[:_TWINS] if fits(path, hit.id)), None)) is not None:
                others = tuple(other for other in hit.also if other != path)
                found[hit.path] = replace(hit, path=path, also=others)
    return found
