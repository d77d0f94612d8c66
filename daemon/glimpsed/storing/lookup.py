"""Candidates for a question: by vector, by words, by filters alone."""

import heapq
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from anyio import to_thread

from glimpsed.filters import Filters
from glimpsed.records import Row, Sparse
from glimpsed.storing import shelf, sql
from glimpsed.storing.arrays import values
from glimpsed.storing.columns import of
from glimpsed.storing.engine import ROW, Engine
from glimpsed.storing.naming import LONGEST, Naming
from glimpsed.storing.reads import converted
from glimpsed.storing.shelf import Shelf
from glimpsed.storing.vectors import Vectors
from glimpsed.storing.words import Counted, NewTexts, count, count_words

EXACT_UP_TO: Final = 10_000
"""Rows: as many are compared one by one in some 20 ms, and nothing is overlooked."""

HELD_UP_TO: Final = 200_000
"""Rows: what is held of as many vectors takes 90 MB, and of 10,000, in full, 15."""

FREQUENCY_UP_TO: Final = 10_000
"""A word in more rows than this is common; how common no longer matters."""

_REMEMBERED = 4_096  # words

_DATED = ("path", "taken_at", "mtime_ns")

_SPARE: Final = 64
"""Missing rows: so few are asked for besides and dropped. A condition makes every search read a whole column."""
_COMMIT: Final = 64  # rows that one version of the table adds, about
_GROWN: Final = 0.05  # share of the rows that may be others before a word's frequency is asked for anew
_LATELY: Final = 4_096  # rows that lists were made of
_TRIES: Final = 2


class Lookup(Naming):
    """Candidates for a question, best first. Missing rows only where the filters ask for them."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.shelf = Shelf(engine)
        self.vectors = Vectors(engine)
        self.new_texts = NewTexts()
        """Where the writer leaves the texts that it commits."""
        self._frequencies: tuple[int, dict[str, int]] = (0, {})
        self._lately: OrderedDict[str, tuple[int, int, Row]] = OrderedDict()

    async def nearest(
        self, vector: Any, *, strong: bool, filters: Filters, k: int, encoder: str | None = None
    ) -> list[tuple[str, float]]:
        """(path, cosine similarity) of the rows whose vector is nearest: the fallback's, or a stronger encoder's.

        That one's is the `encoder` with that id, the chosen one unless given. Exact where the filters leave no more
        than EXACT_UP_TO rows, else by what is held in memory or by the index, with re-ranking.
        """
        column, made = "vector", None
        if strong:
            columns = self.view if encoder is None else of(self.columns, encoder)
            if columns is None or columns.dimension != len(vector):
                return []
            column, made = columns.strong, f"{columns.cut} IS NOT NULL"
        if k <= 0:
            return []
        where, spare = await self._narrowed(filters, made)
        exact = column not in self._engine.vector_indices or await self._count(where) <= EXACT_UP_TO
        ask = partial(self._engine.nearest, vector, column, where, k + spare, exact=exact)
        held = partial(self.vectors.nearest, vector, k + spare) if where is None and self._held else None
        found = await self._found(ask, "_distance", filters, held=held)
        return [(path, 1.0 - distance) for path, distance in found if math.isfinite(distance)][:k]

    async def hold(self) -> None:
        """Have at hand what searches want: to be called when the table has been opened, or put together anew."""
        await self.shelf.fill()
        if self._rows <= HELD_UP_TO:
            await self.vectors.hold(self.version, exact=self._rows <= EXACT_UP_TO)
        else:
            await self.vectors.drop()

    def at_hand(self, filters: Filters) -> bool:
        """Whether `nearest` would compare the fallback's vectors in memory: it takes a core."""
        return self._held and filters == Filters() and self.missing <= _SPARE

    @property
    def _held(self) -> bool:
        # In full they are held for some more until the table is put together next.
        return self._rows <= (2 * EXACT_UP_TO if self.vectors.exact else HELD_UP_TO)

    @property
    def _rows(self) -> int:
        return sum(self.tally.values())

    async def match(self, question: str, filters: Filters, k: int) -> list[tuple[str, float]]:
        """(path, BM25) of the rows that hold any of the question's words; nothing in it has a special meaning."""
        if k <= 0 or not question.strip():
            return []
        where, spare = await self._narrowed(filters)
        words = sql.encodable(question[:LONGEST])
        return (await self._found(partial(self._engine.match, words, where, k + spare), "_score", filters))[:k]

    async def _narrowed(self, filters: Filters, also: str | None = None) -> tuple[str | None, int]:
        """The condition to ask with, None where none is needed, and how many rows more to ask for because of it."""
        if filters != Filters() or self.missing > _SPARE:
            where = await self._where(filters)
            return (where if also is None else f"{where} AND {also}"), 0
        return also, self.missing

    async def _count(self, where: str | None) -> int:
        return self._rows if where is None else await self._engine.count(where)

    async def _found(
        self,
        ask: Callable[..., Awaitable[Any]],
        score: str,
        filters: Filters,
        *,
        held: Callable[[int], Awaitable[tuple[list[int], list[float]] | None]] | None = None,
    ) -> list[tuple[str, float]]:
        """(path, score) of what was asked for, less missing rows where the filters do not want them.

        `held` answers for a version of the table without asking it, where it can.
        """
        version = self.version
        for _ in range(_TRIES):
            if held is not None and (known := await held(version)) is not None:
                places, scores = known
            else:
                table = await ask()
                places, scores = table[ROW].to_pylist(), values(table, score)
            rows = await self.shelf.rows(places)
            if len(rows) == len(places):
                break
        else:  # the table was changed in between, time and again: have all at once, though it takes longer
            table = await ask(columns=shelf.COLUMNS)
            places, scores, rows = table[ROW].to_pylist(), values(table, score), shelf.shown(table)
        for place in places:
            row = rows[place]
            self._lately[row.path] = (version, place, row)
            self._lately.move_to_end(row.path)
        while len(self._lately) > _LATELY:
            self._lately.popitem(last=False)
        scored = zip(map(rows.__getitem__, places), scores, strict=True)
        return [(row.path, one) for row, one in scored if (row.missing_since is not None) == filters.missing]

    async def select(self, paths: Collection[str], *, since: int | None = None) -> dict[str, Row]:
        """The rows of these paths as hits show them: with token weights, without vectors and what only indexing needs.

        As they are now or, with `since`, as they were in some version of the table from that one on.
        """
        version = self.version if since is None else since
        lately = {path: self._lately[path] for path in paths if path in self._lately}
        places = {path: place for path, (then, place, _) in lately.items() if then >= version}
        rows = {path: lately[path][2] for path in places}
        if places and (view := self.view) is not None:
            made = await self._engine.take(list(places.values()), [view.cut, view.sparse])
            encoded = zip(values(made, view.cut), values(made, view.sparse), strict=True)
            by_place = dict(zip(made[ROW].to_pylist(), encoded, strict=True))
            # What lies there no more was changed since the lists were made: it is read anew.
            rows = {
                path: _strengthened(row, view.encoder, *by_place[places[path]])
                for path, row in rows.items()
                if places[path] in by_place
            }
        return rows | await super().select([path for path in paths if path not in rows])

    async def frequency(self, word: str) -> int:
        """How many rows hold all parts of the word, at most FREQUENCY_UP_TO.

        Remembered until a share of the rows may be others: what is made of it is a logarithm.
        """
        then, known = self._frequencies
        if (self.version - then) * _COMMIT > self._rows * _GROWN or len(known) >= _REMEMBERED:
            then, known = self._frequencies = self.version, {}
        if word not in known:
            where = sql.PRESENT if self.missing else None
            found = await self._engine.match(sql.encodable(word[:LONGEST]), where, FREQUENCY_UP_TO, every=True)
            known[word] = int(found.num_rows)
        return known[word]

    async def words(self) -> Counted:
        """The words of all rows that are not missing. Reads every text, some rows at a time; no search waits for it."""
        self.new_texts.start()
        return await count_words(self._engine)

    async def new_words(self) -> Counted | None:
        """The words of what was committed since this or `words` was called; None where it was too much to keep."""
        texts = self.new_texts.take()
        return None if texts is None else await to_thread.run_sync(count, texts)

    async def recent(self, filters: Filters, k: int) -> list[Row]:
        """The `k` newest rows, by when the picture was taken, else by when its file changed; without vectors."""
        table = await self._engine.select(_DATED, await self._where(filters))
        paths = await converted(lambda found: _newest(found, k), table)
        rows = await self.select(paths)
        return [rows[path] for path in paths if path in rows]


def _strengthened(row: Row, encoder: str, cut: int | None, sparse: Sparse | None) -> Row:
    """The row with what that encoder made of it, if it did."""
    return row if cut is None else replace(row, encoder=encoder, cut=cut, sparse=sparse)


def _newest(found: Any, k: int) -> list[str]:
    # One total order, whatever `k` is, or pages of different reach would overlap: by second, then by path.
    paths, taken, changed = (values(found, name) for name in _DATED)
    dated = heapq.nlargest(k, ((when, path) for when, path in zip(taken, paths, strict=True) if when is not None))
    seconds = ((ns // 1_000_000_000, p) for ns, p, when in zip(changed, paths, taken, strict=True) if when is None)
    both = dated + [(_local(second), path) for second, path in heapq.nlargest(k, seconds)]
    return [path for _, path in heapq.nlargest(k, both)]


def _local(second: int) -> str:
    return datetime.fromtimestamp(second).isoformat()
