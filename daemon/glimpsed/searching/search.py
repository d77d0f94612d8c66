"""A question's way through the table: encode, gather, weigh, explain."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from anyio import to_thread

from glimpsed.errors import EncoderError, QueryError, UsageError
from glimpsed.filters import Fields
from glimpsed.records import Row
from glimpsed.searching import candidates, centre, certainty, completing, hits, model, pages, sorting, turning, words
from glimpsed.searching.candidates import Candidate, Found
from glimpsed.searching.completing import Completion
from glimpsed.searching.exact import Demands
from glimpsed.searching.pages import Kept, Pages
from glimpsed.searching.ports import Answer, Encoders, Question, Settings, Sort, Table
from glimpsed.searching.query import Query, parse, parse_fields
from glimpsed.searching.together import together
from glimpsed.searching.vocabulary import Vocabulary

MOST = 1000
"""Hits of one page, at most."""
POOL = 72
"""Rows asked of each list, at least."""
LARGEST_POOL = 20_000
SURE = POOL * 4 // 5
"""Hits of the smallest pool that a larger one would not put elsewhere, as good as always."""
COMMIT = 64
"""Rows that one version of the table can add."""
LONG = 100_000
"""Characters that are held against a question in some milliseconds."""
COMPARED = 120
"""Candidates that are offered to be compared word by word, at most, where no number is set."""
FORGOTTEN = (
    "the first page is no longer remembered, so the question was asked again: a hit may come twice or not at all"
)


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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._encoders = encoders
        self._settings = settings
        self._encoded = encoded  # what of a row is encoded: the reading room knows
        self._vocabulary = vocabulary
        self._judges = judges
        self.folders = tuple(folders)
        """Those that `in:` may name; others may be set at any time."""
        self._home = home
        self._now = now
        self._clock = clock
        self._pages = Pages()
        self._counted: tuple[int | None, int] = (None, 0)

    async def search(
        self, question: str | Fields, k: int = 10, cursor: str | None = None, *, sort: Sort = "relevance"
    ) -> Answer:
        """The `k` (1 to 1,000) best hits, or those after `cursor`, an earlier answer's `next`.

        A question without words lists what the filters leave, newest first. With words, `sort` orders those of the
        1,000 best hits that match: `sorting.matching`. Pages keep the order of the first one while the index changes,
        as long as the answer is remembered. Raises QueryError where the question cannot be understood or is empty,
        UsageError for a wrong `k` or cursor, TableError where the table cannot be read. An encoder that cannot answer
        is a warning: the words alone are searched for.
        """
        began = time.perf_counter()
        if not 1 <= k <= MOST:
            raise UsageError(f"k is {k}; it goes from 1 to {MOST}")
        query = self.understood(question)
        key = f"{sort} {question!r}"
        begin, kept = 0, None
        warnings: tuple[str, ...] = ()
        if cursor is not None:
            begin, token = pages.read(cursor, key)
            kept = self._pages.find(token, self._clock())
            warnings = () if kept is not None else (FORGOTTEN,)
        kept = kept or Kept(key)
        shown, further, more = await turning.turn(
            kept,
            begin,
            k,
            find=partial(self._find, query, sort),
            table=self._table,
            demands=Demands(query),
        )
        if further is not None:
            self._pages.keep(kept, self._clock())
        return Answer(
            hits=tuple(hit.shown() for hit in shown),
            next=None if further is None else pages.cursor(kept, further),
            took_ms=(time.perf_counter() - began) * 1000,
            encoders=kept.used,
            warnings=warnings + more,
            nothing_fits=kept.nothing_fits,
        )

    def understood(self, question: str | Fields) -> Query:
        """What a question means now. QueryError where it cannot be understood, or asks for nothing."""
        now, folders, home = self._now(), self.folders, self._home
        if isinstance(question, str):
            query = parse(question, now=now, folders=folders, home=home)
        else:
            query = parse_fields(question, now=now, folders=folders, home=home)
        if query == Query():
            raise QueryError("the question is empty", hint="give words, or a filter such as after:2024")
        return query

    async def complete(self, text: str) -> list[Completion]:
        """How the last word of a question that is being typed may go on; TableError where the table cannot be read."""
        return await completing.complete(text, self._table, self.folders, self._home)

    async def _find(self, query: Query, sort: Sort, wanted: int) -> turning.Found:
        """The best hits, `wanted` where there are as many, so many more as are sure of their order."""
        if not query.words:
            return await self._listed(query, sort, wanted)
        if sort == "relevance":
            return await self._by_words(query, wanted)
        found = await self._by_words(query, sorting.SORTED)
        matching = sorting.matching(found.hits[: sorting.SORTED])
        rows = await self._table.select({hit.path for hit in matching})
        return replace(found, hits=sorting.in_order(matching, rows, sort), more=False)

    async def _listed(self, query: Query, sort: Sort, wanted: int) -> turning.Found:
        demands, pool = Demands(query), max(POOL, wanted)
        while True:
            read = self._table.by_name if sort == "name" else self._table.recent
            rows = await read(query.filters, pool)
            found = sorting.listed([row for row in rows if demands.met(row)], sort)
            more = len(rows) >= pool
            if len(found) >= wanted or not more:
                return turning.Found(found, more)
            if pool >= LARGEST_POOL:
                return turning.Found(found, False, warnings=(_bounded(pool),))
            pool = min(LARGEST_POOL, pool * 4)

    async def _by_words(self, query: Query, wanted: int) -> turning.Found:
        """The best hits, `wanted` where there are as many, and no more than are sure of their order."""
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

        # One after the other: side by side they fight for the cores, and on two of them both take longer.
        await encode()
        await weigh()
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
        if len(found) < wanted and full and (query.phrases or query.excluded):
            warnings += (_bounded(pool),)
        more = full and pool < LARGEST_POOL and len(good) == len(found)
        told = good[: max(wanted, SURE)] if more else good
        return turning.Found(
            [hits.as_hit(asked.asked, one, "sure" if one.row.path in sure else "maybe") for one in told],
            more=more,
            used=used,
            warnings=warnings,
            nothing_fits=not sure,
        )

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
        lists: dict[str, Found] = {"fallback": (), "strong": (), "text": (), "phrase": ()}
        version = self._table.version

        async def nearest(name: str, vector: Any) -> None:
            strong = name == "strong"
            encoder = self._encoders.chosen_id if strong else None
            lists[name] = await self._table.nearest(
                vector, strong=strong, filters=query.filters, k=pool, encoder=encoder
            )

        async def match() -> None:
            lists["text"] = await self._table.match(asked.sought, query.filters, pool)

        async def phrase() -> None:
            lists["phrase"] = await self._table.phrase(query.phrases, query.filters, pool)

        reads = [match()] if asked.asked.terms else []
        if query.phrases:
            reads.append(phrase())
        alone = self._table.at_hand(query.filters)  # one after the other: they would fight for the cores
        vector = None if question is None else centre.centred(question.fallback.dense, self._encoders.fallback_id)
        if vector is not None and not alone:
            reads.append(nearest("fallback", vector))
        if question is not None and question.strong is not None:
            reads.append(nearest("strong", question.strong.dense))
        await together(*reads)
        if vector is not None and alone:
            await nearest("fallback", vector)
        full = any(len(found) >= pool for found in lists.values())
        paths = {path for found in lists.values() for path, _ in found}
        selected = await self._table.select(paths, since=version)
        # A row can have gone missing, or been forgotten, since the lists were made.
        demands = Demands(query)
        rows = {path: row for path, row in selected.items() if demands.met(row)}
        fallback, strong, text, phrases = ([one for one in found if one[0] in rows] for found in lists.values())
        matched = {path for path, _ in text}
        text += [one for one in phrases if one[0] not in matched]
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
    size = sum(len(part.text) for _, row in gathered for part in row.description)
    return await to_thread.run_sync(weigh) if size > LONG or len(gathered) > 4 * POOL else weigh()


def _bounded(pool: int) -> str:
    return f"only the first {pool} pictures were looked through: there may be more that fit"
