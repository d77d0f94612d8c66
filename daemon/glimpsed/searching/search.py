"""A question's way through the table: encode, gather, weigh, explain."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from anyio import to_thread

from glimpsed.errors import EncoderError, UsageError
from glimpsed.records import Filters, Row
from glimpsed.searching import candidates, centre, certainty, hits, model, words
from glimpsed.searching.candidates import Candidate, Found
from glimpsed.searching.ports import Answer, Encoders, Hit, Question, Settings, Table
from glimpsed.searching.query import Query, parse
from glimpsed.searching.together import together
from glimpsed.searching.vocabulary import Vocabulary

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
COMPARED = 120
"""Candidates that are offered to be compared word by word, at most, where no number is set."""


class Search:
    """Answers questions about the rows of a table; any number at a time."""

    def __init__(
        self,
        table: Table,
        encoders: Encoders,
        settings: Settings,
        *,
        encoded: Callable[[Row], tuple[str, ...]] = lambda row: (),
        vocabulary: Vocabulary | None = None,
        judges: Callable[[str | None], certainty.Judge] = certainty.judge,
        folders: Sequence[str] = (),
        home: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._table = table
        self._encoders = encoders
        self._settings = settings
        self._encoded = encoded  # what of a row is encoded: the reading room knows
        self._vocabulary = vocabulary
        self._judges = judges
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
        nothing_fits = False
        if query.words:
            found, nothing_fits, used, more = await self._by_words(query, offset + k + 1)
            warnings += more
        else:
            found = await self._by_date(query.filters, offset + k + 1)
        further = len(found) > offset + k and offset + k < FARTHEST
        return Answer(
            hits=tuple(hit.shown() for hit in found[offset : offset + k]),
            next=f"{offset + k}.{version}" if further else None,
            took_ms=(time.perf_counter() - began) * 1000,
            encoders=used,
            warnings=warnings,
            nothing_fits=nothing_fits,
        )

    async def _by_date(self, filters: Filters, wanted: int) -> list[Hit]:
        pool = wanted
        while True:
            rows = await self._table.recent(filters, pool)
            found = hits.by_date(rows)
            if len(found) >= wanted or len(rows) < pool or pool >= LARGEST_POOL:
                return found
            pool = min(LARGEST_POOL, pool * 4)

    async def _by_words(self, query: Query, wanted: int) -> tuple[list[Hit], bool, tuple[str, ...], tuple[str, ...]]:
        """The best hits, at most `wanted`; whether none is sure; the encoders that took part; warnings."""
        question: Question | None = None
        asked: words.Weighed | None = None
        warnings: tuple[str, ...] = ()

        async def encode() -> None:
            nonlocal question, warnings
            try:
                question = await self._encoders.question(query.words)
            except EncoderError as error:
                warnings = (f"searched by words alone: {error}",)

        async def weigh() -> None:
            nonlocal asked
            asked = await words.weigh(query.words, query.phrases, self._table, self._vocabulary, await self._rows())

        await together(encode(), weigh())
        assert asked is not None
        strong = question is not None and question.strong is not None
        used: tuple[str, ...] = () if question is None else (self._encoders.fallback_id,)
        used += (self._encoders.chosen_id,) if strong else ()
        pool = max(POOL, wanted + wanted // 4)
        while True:
            gathered, full = await self._candidates(query, asked, question, pool)
            weighing = partial(hits.by_score, asked.asked, gathered, self._settings.weights, strong=strong)
            found = await _weighed(weighing, gathered)
            if len(found) >= wanted or not full or pool >= LARGEST_POOL:
                break
            pool = min(LARGEST_POOL, pool * 4)
        encoder = self._encoders.chosen_id if strong else self._encoders.fallback_id if question else None
        sure = self._judges(encoder).sure(asked.asked, found)
        good = [one for one in found if one.score >= self._settings.min_score]
        shown = [hits.as_hit(asked.asked, one, "sure" if one.row.path in sure else "maybe") for one in good]
        return shown, not sure, used, warnings

    async def _rows(self) -> int:
        """How many rows there are, give or take a tenth: rarity goes by its logarithm, and counting reads them all."""
        version = self._table.version
        then, rows = self._counted
        if then is None or abs(version - then) * COMMIT > rows / 10:
            rows = sum((await self._table.folder_counts()).values())
            self._counted = (version, rows)
        return rows

    async def _candidates(
        self, query: Query, asked: words.Weighed, question: Question | None, pool: int
    ) -> tuple[list[tuple[Candidate, Row]], bool]:
        """Candidates with their rows, and whether any list was cut at `pool`."""
        lists: dict[str, Found] = {"fallback": (), "strong": (), "text": ()}

        async def nearest(name: str, vector: Any) -> None:
            strong = name == "strong"
            encoder = self._encoders.chosen_id if strong else None
            lists[name] = await self._table.nearest(
                vector, strong=strong, filters=query.filters, k=pool, encoder=encoder
            )

        async def match() -> None:
            lists["text"] = await self._table.match(asked.sought, query.filters, pool)

        reads = [match()] if asked.asked.terms else []
        if question is not None:
            vector = centre.centred(question.fallback.dense, self._encoders.fallback_id)
            reads.append(nearest("fallback", vector))
            if question.strong is not None:
                reads.append(nearest("strong", question.strong.dense))
        await together(*reads)
        full = any(len(found) >= pool for found in lists.values())
        selected = await self._table.select({path for found in lists.values() for path, _ in found})
        # A row can have gone missing, or been forgotten, since the lists were made.
        rows = {path: row for path, row in selected.items() if (row.missing_since is not None) == query.filters.missing}
        fallback, strong, text = ([one for one in found if one[0] in rows] for found in lists.values())
        carriers = {path: row for path, row in rows.items() if row.encoder == self._encoders.chosen_id}
        scored = await self._scored(query.words, question, carriers, strong)
        dense = candidates.merge_dense(fallback, model.placed(scored), carriers.keys())
        return [(one, rows[one.path]) for one in candidates.union(dense, text, scored)], full

    async def _scored(
        self, words: str, question: Question | None, carriers: Mapping[str, Row], nearest: Found
    ) -> list[model.Scored]:
        """The rows that have the chosen encoder's vector in the order of its own score, best first."""
        if question is None or question.strong is None:
            return []
        weights, limit = self._settings.weights, self._settings.colbert
        near = {path: score for path, score in nearest if path in carriers}
        ordered = model.in_order(carriers, near, question.strong.sparse, weights)
        if limit == "off" or not weights.colbert:
            return ordered
        at_most = None if limit == "auto" else int(limit)
        texts: dict[str, tuple[str, ...]] = {}
        for one in ordered:
            if len(texts) >= (at_most or COMPARED):
                break
            if one.text_id and one.text_id not in texts:
                texts[one.text_id] = self._encoded(carriers[one.path])
        colbert = await self._encoders.colbert(words, list(texts.items()), at_most=at_most)
        return model.with_colbert(ordered, colbert, weights)


async def _weighed(
    weigh: Callable[[], list[hits.Weighed]], gathered: Sequence[tuple[Candidate, Row]]
) -> list[hits.Weighed]:
    """The candidates in order; weighed beside the event loop where that takes long."""
    size = sum(len(row.text) for _, row in gathered)
    return await to_thread.run_sync(weigh) if size > LONG or len(gathered) > 4 * POOL else weigh()


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
