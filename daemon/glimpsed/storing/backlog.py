"""The table is the queue: what is to do is a query."""

import heapq
import math
from collections.abc import Collection
from functools import partial
from typing import Any, NamedTuple

from glimpsed.records import Counts, Current, Row
from glimpsed.storing import sql
from glimpsed.storing.arrays import values
from glimpsed.storing.columns import of
from glimpsed.storing.engine import Engine
from glimpsed.storing.reads import converted
from glimpsed.storing.vanished import Vanished


class Failure(NamedTuple):
    """A row whose picture could not be read."""

    path: str
    error: str
    attempts: int
    retry_at: float | None


class Recent(NamedTuple):
    """The same, and when it was tried last."""

    path: str
    error: str
    attempts: int
    at: float
    """Seconds since the epoch."""


class Backlog(Vanished):
    """What is to do, and how far it is done."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._counted: tuple[object, Counts, float] | None = None
        """The last counts: of what, and the time at which a row's retry makes them others."""

    async def stale(self, current: Current, now: float, limit: int, exclude: Collection[str] = ()) -> list[Row]:
        """At most `limit` rows that the refresh has work with, but those of the paths in `exclude`.

        Rows to be read again come first, then those whose pixels are to be read for words, then those to be
        encoded; among equals the newest file. `now` and `retry_at` are seconds since the epoch.
        """
        if limit <= 0:
            return []
        passed = set(exclude)
        chosen: list[str] = []
        for condition in (
            sql.reading_due(current, now),
            sql.ocr_due(current),
            sql.encoder_due(current, self._marker(current)),
        ):
            table = await self._engine.select(["path", "mtime_ns"], condition, newest=limit + len(passed))
            paths = [path for path in await converted(_paths, table) if path not in passed]
            chosen += paths[: limit - len(chosen)]
            passed.update(paths)
            if len(chosen) >= limit:
                break
        if not chosen:
            return []
        rows = await self.rows(chosen)
        return [rows[path] for path in chosen if path in rows]

    async def next_retry(self, now: float) -> float | None:
        """When the next row is to be read again that is not due yet, in seconds since the epoch; None: no such row."""
        where = f"{sql.PRESENT} AND retry_at IS NOT NULL AND retry_at > {now!r}"
        due = values(await self._engine.select(["retry_at"], where), "retry_at")
        return min(due, default=None)

    async def failed(self, places: Collection[str]) -> list[str]:
        """The paths at or below these that could not be read, not wholly, or not for words; missing ones left out."""
        found: dict[str, None] = {}
        for place in places:
            where = f"{sql.PRESENT} AND (error IS NOT NULL OR retry_at IS NOT NULL) AND {sql.inside(place)}"
            found |= dict.fromkeys(await converted(_paths, await self._engine.select(["path"], where)))
        return list(found)

    async def last_errors(self, most: int) -> list[Recent]:
        """The rows, not missing, that could not be read or whose second pass failed: at most so many, latest first.

        Reads what is said of each of them.
        """
        columns = ("path", "error", "attempts", "indexed_at")
        found = await self._pairs(columns, f"{sql.PRESENT} AND error IS NOT NULL")
        latest = heapq.nlargest(most, found, key=lambda one: one[-1])
        return [Recent(*one) for one in latest]

    async def failures(self, places: Collection[str]) -> list[Failure]:
        """What could not be read at or below these paths, by path; missing ones left out."""
        columns = ("path", "error", "attempts", "retry_at")
        found: set[Failure] = set()
        for place in places:
            where = f"{sql.PRESENT} AND error IS NOT NULL AND {sql.inside(place)}"
            found.update(Failure(*one) for one in await self._pairs(columns, where))
        return sorted(found, key=lambda one: one.path)

    async def unfinished(self, current: Current, *, indexed_before: float, now: float) -> int:
        """How many rows made at or before that time have yet to go through the first or second pass, or to be encoded.

        Rows with an error are through: what helps them is not a matter of waiting. A vector of any encoder will do.
        What was made after `now` was made before the clock was set back, and counts.
        """
        made = f"(indexed_at <= {indexed_before!r} OR indexed_at > {now!r})"
        return await self._engine.count(f"{sql.unfinished(current)} AND {made}")

    async def counts(self, current: Current, now: float) -> Counts:
        """All rows, each counted once: missing, else errors (an error and no retry due), else stale, else fresh.

        Reads the table only where these may be others than at the last call: it is asked time and again.
        """
        what = (self.version, current, self._marker(current))
        if self._counted is not None and self._counted[0] == what and now < self._counted[2]:
            return self._counted[1]
        columns = {
            "missing": sql.MISSING,
            "stale": sql.stale(current, now, self._marker(current)),
            "error": "error IS NOT NULL",
            "retry_at": "retry_at",
        }
        counts, due = await converted(partial(_counts, now=now), await self._engine.select(columns))
        self._counted = what, counts, due
        return counts

    async def encoded(self, current: Current) -> tuple[int, int]:
        """How many rows the chosen encoder has encoded, and how many it should have: those with text and without error.

        Both are 0 where the fallback is chosen.
        """
        if not current.fallback:
            return 0, 0
        marker, wanted = self._marker(current), sql.to_encode(current)
        total = await self._engine.count(wanted)
        return (0 if marker is None else await self._engine.count(f"{wanted} AND {marker} IS NOT NULL")), total

    async def unread(self, current: Current) -> int:
        """How many rows that are not missing have lines that could not be read with what is installed."""
        if current.ocr is None or current.ocr_partly is None:
            return 0
        return await self._engine.count(f"{sql.PRESENT} AND ocr = {sql.text(current.ocr_partly)}")

    def _marker(self, current: Current) -> str | None:
        """The column that tells which rows the chosen encoder has encoded; None where there is none."""
        columns = of(self.columns, current.encoder)
        return None if columns is None else columns.cut


def _paths(table: Any) -> list[str]:
    return values(table, "path")


def _counts(table: Any, now: float) -> tuple[Counts, float]:
    """The counts, and when the next retry is due."""
    missing = stale = errors = 0
    for gone, due, error in zip(*(values(table, name) for name in ("missing", "stale", "error")), strict=True):
        missing += gone
        stale += not gone and due
        errors += not gone and not due and error
    later = (at for at in values(table, "retry_at") if at is not None and at > now)
    return Counts(table.num_rows - missing - stale - errors, stale, missing, errors), min(later, default=math.inf)
