"""A question's way through the table: encode, gather, weigh, explain."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import anyio
from anyio import to_thread

from glimpsed.errors import EncoderError, UsageError
from glimpsed.records import Filters, Row
from glimpsed.searching import candidates, centre, coverage, hits
from glimpsed.searching.candidates import Candidate, Found
from glimpsed.searching.ports import Answer, Encoders, Hit, Question, Settings, Table
from glimpsed.searching.query import Query, parse

MOST = 1000
"""Hits of one page, at most."""
FARTHEST = 10_000
"""Hits that can be paged through."""
POOL = 120
"""Rows asked of each list, at least."""
LARGEST_POOL = 20_000
COMMIT = 64
"""Rows that one version of the table can add."""
LONG = 100_000
"""Characters that are held against a question in some milliseconds."""
LOOKED_UP = 48
"""Words whose frequency is asked for; of a longer question the others count as rare."""


class Search:
    """Answers questions about the rows of a table; any number at a time."""

    def __init__(
        self,
        table: Table,
        encoders: Encoders,
        settings: Settings,
        *,
        folders: Sequence[str] = (),
        home: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._table = table
        self._encoders = encoders
        self._settings = settings
        self._folders = tuple(folders)
        self._home = home
        self._now = now
        self._counted: tuple[int | None, int] = (None, 0)

    async def search(self, question: str, k: int = 10, cursor: str | None = None) -> Answer:
        """The `k` (1 to 1,000) best hits, or those after `cursor`, an earlier answer's `next`.

        A question without words lists what the filters leave, newest first. Raises QueryError where the question
        cannot be understood, UsageError for a wrong `k` or cursor, TableError where the table cannot be read. An
        encoder that cannot answer is a warning: the words alone are searched for.
        """
        began = time.perf_counter()
        if not 1 <= k <= MOST:
            raise UsageError(f"k is {k}; it goes from 1 to {MOST}")
        query = parse(question, now=self._now(), folders=self._folders, home=self._home)
        version = self._table.version
        offset, warnings = _offset(cursor, version)
        k = min(k, FARTHEST - offset)
        used: tuple[str, ...] = ()
        if query.words:
            found, used, more = await self._by_words(query, offset + k + 1)
            warnings += more
        else:
            found = await self._by_date(query.filters, offset + k + 1)
        further = len(found) > offset + k and offset + k < FARTHEST
        return Answer(
            hits=tuple(found[offset : offset + k]),
            next=f"{offset + k}.{version}" if further else None,
            took_ms=(time.perf_counter() - began) * 1000,
            encoders=used,
            warnings=warnings,
        )

    async def _by_date(self, filters: Filters, wanted: int) -> list[Hit]:
        pool = wanted
        while True:
            rows = await self._table.recent(filters, pool)
            found = hits.by_date(rows)
            if len(found) >= wanted or len(rows) < pool or pool >= LARGEST_POOL:
                return found
            pool = min(LARGEST_POOL, pool * 4)

    async def _by_words(self, query: Query, wanted: int) -> tuple[list[Hit], tuple[str, ...], tuple[str, ...]]:
        """The best hits, `wanted` where there are as many; the encoders that took part; warnings."""
        question: Question | None = None
        asked: coverage.Asked | None = None
        warnings: tuple[str, ...] = ()

        async def encode() -> None:
            nonlocal question, warnings
            try:
                question = await self._encoders.question(query.words)
            except EncoderError as error:
                warnings = (f"searched by words alone: {error}",)

        async def weigh() -> None:
            nonlocal asked
            asked = await self._asked(query)

        await _together(encode(), weigh())
        assert asked is not None
        used: tuple[str, ...] = () if question is None else (self._encoders.fallback_id,)
        sparse = None
        if question is not None and question.strong is not None:
            used += (self._encoders.chosen_id,)
            sparse = question.strong.sparse
        pool = max(POOL, wanted + wanted // 4)
        while True:
            gathered, full = await self._candidates(query, asked, question, pool)
            found = await _weighed(partial(hits.by_score, asked, sparse, gathered, self._settings.weights), gathered)
            if len(found) >= wanted or not full or pool >= LARGEST_POOL:
                return [hit for hit in found if hit.score >= self._settings.min_score], used, warnings
            pool = min(LARGEST_POOL, pool * 4)

    async def _asked(self, query: Query) -> coverage.Asked:
        """The question with the weight of each of its words."""
        rows = await self._rows()
        frequencies: dict[str, int] = {}

        async def look_up(word: coverage.Term) -> None:
            frequencies[word.text] = await self._table.frequency(word.said)

        words = [term for term in coverage.terms(query.words) if not term.gram]
        await _together(*(look_up(word) for word in words[:LOOKED_UP]))
        return coverage.ask(query.words, query.phrases, frequencies, rows)

    async def _rows(self) -> int:
        """How many rows there are, give or take a tenth: rarity goes by its logarithm, and counting reads them all."""
        version = self._table.version
        then, rows = self._counted
        if then is None or abs(version - then) * COMMIT > rows / 10:
            rows = sum((await self._table.folder_counts()).values())
            self._counted = (version, rows)
        return rows

    async def _candidates(
        self, query: Query, asked: coverage.Asked, question: Question | None, pool: int
    ) -> tuple[list[tuple[Candidate, Row]], bool]:
        """Candidates with their rows, and whether any list was cut at `pool`."""
        lists: dict[str, Found] = {"fallback": (), "strong": (), "text": ()}
        version = self._table.version

        async def nearest(name: str, vector: Any) -> None:
            strong = name == "strong"
            encoder = self._encoders.chosen_id if strong else None
            lists[name] = await self._table.nearest(
                vector, strong=strong, filters=query.filters, k=pool, encoder=encoder
            )

        async def match() -> None:
            lists["text"] = await self._table.match(_telling(query.words, asked), query.filters, pool)

        reads = [match()] if asked.terms else []
        if question is not None:
            vector = centre.centred(question.fallback.dense, self._encoders.fallback_id)
            reads.append(nearest("fallback", vector))
            if question.strong is not None:
                reads.append(nearest("strong", question.strong.dense))
        await _together(*reads)
        full = any(len(found) >= pool for found in lists.values())
        paths = {path for found in lists.values() for path, _ in found}
        selected = await self._table.select(paths, since=version)
        # A row can have gone missing, or been forgotten, since the lists were made.
        rows = {path: row for path, row in selected.items() if (row.missing_since is not None) == query.filters.missing}
        fallback, strong, text = ([one for one in found if one[0] in rows] for found in lists.values())
        carriers = {path for path, row in rows.items() if row.encoder == self._encoders.chosen_id}
        dense = candidates.merge_dense(fallback, strong, carriers)
        return [(one, rows[one.path]) for one in candidates.union(dense, text)], full


async def _weighed(weigh: Callable[[], list[Hit]], gathered: Sequence[tuple[Candidate, Row]]) -> list[Hit]:
    """The hits; weighed beside the event loop where that takes long."""
    size = sum(len(part.text) for _, row in gathered for part in row.description)
    return await to_thread.run_sync(weigh) if size > LONG or len(gathered) > 4 * POOL else weigh()


def _telling(words: str, asked: coverage.Asked) -> str:
    """What to match: without function words, which most rows hold, unless there is nothing else."""
    telling = [term.said for term in asked.terms if term.factor == 1.0]
    return words if any(term.gram for term in asked.terms) or not telling else " ".join(telling)


async def _together(*reads: Awaitable[None]) -> None:
    """Wait for all; the first failure ends the others and is raised as it is, not in a group."""

    async def wait_for(read: Awaitable[None]) -> None:
        await read

    try:
        async with anyio.create_task_group() as tasks:
            for read in reads:
                tasks.start_soon(wait_for, read)
    except ExceptionGroup as group:
        error: Exception = group
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        raise error from group


def _offset(cursor: str | None, version: int) -> tuple[int, tuple[str, ...]]:
    if cursor is None:
        return 0, ()
    offset, dot, then = cursor[:40].partition(".")
    digits = offset.isascii() and offset.isdigit() and then.isascii() and then.isdigit()
    if not dot or not digits or int(offset) >= FARTHEST:
        raise UsageError(f"{cursor[:40]!r} is not a cursor of an earlier answer")
    if int(then) == version:
        return int(offset), ()
    return int(offset), ("the index has changed since the first page: a hit may come twice or not at all",)
