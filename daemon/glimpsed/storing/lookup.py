"""Candidates for a question: by vector, by words, by filters alone."""

import heapq
import math
from datetime import datetime
from typing import Any, Final

from anyio import to_thread

from glimpsed.records import Filters, Row
from glimpsed.storing import sql
from glimpsed.storing.backlog import Backlog
from glimpsed.storing.reads import converted
from glimpsed.storing.schema import values
from glimpsed.storing.words import Counted, NewTexts, count, count_words

EXACT_UP_TO: Final = 10_000
"""Rows: as many are compared one by one in some 20 ms, and nothing is overlooked."""

FREQUENCY_UP_TO: Final = 10_000
"""A word in more rows than this is common; how common no longer matters."""

_LONGEST = 4_096  # characters of a question that are looked up
_REMEMBERED = 4_096  # words

_DATED = ("path", "taken_at", "mtime_ns")


class Lookup(Backlog):
    """Candidates for a question, best first. Missing rows only where the filters ask for them."""

    version: int
    """Grows with every commit."""
    strong_dimension: int | None
    """Length of the chosen encoder's vectors; None where it is the fallback."""
    new_texts: NewTexts
    """Where the writer leaves the texts that it commits."""
    _frequencies: tuple[int, dict[str, int]] = (-1, {})

    async def nearest(
        self, vector: Any, *, strong: bool, filters: Filters, k: int, encoder: str | None = None
    ) -> list[tuple[str, float]]:
        """(path, cosine similarity) of the rows whose vector is nearest: the fallback's, or the chosen encoder's.

        `encoder` restricts the chosen encoder's vectors to those that it made: a column may still hold older ones.
        Exact where no more than EXACT_UP_TO rows are left by the filters, else by the index with re-ranking.
        """
        column = "strong" if strong else "vector"
        if k <= 0 or (strong and self.strong_dimension != len(vector)):
            return []
        where = sql.filtered(filters)
        if encoder is not None:
            where += f" AND encoder = {sql.text(encoder)}"
        exact = column not in self._engine.vector_indices or await self._engine.count(where) <= EXACT_UP_TO
        found = await self._engine.nearest(vector, column, where, k, exact=exact)
        scores = (1.0 - distance for distance in values(found, "_distance"))
        return [
            (path, score) for path, score in zip(values(found, "path"), scores, strict=True) if math.isfinite(score)
        ]

    async def match(self, question: str, filters: Filters, k: int) -> list[tuple[str, float]]:
        """(path, BM25) of the rows that hold any of the question's words; nothing in it has a special meaning."""
        if k <= 0 or not question.strip():
            return []
        found = await self._engine.match(sql.encodable(question[:_LONGEST]), sql.filtered(filters), k)
        return list(zip(values(found, "path"), values(found, "_score"), strict=True))

    async def frequency(self, word: str) -> int:
        """How many rows hold all parts of the word, at most FREQUENCY_UP_TO; remembered until the next commit."""
        version, known = self._frequencies
        if version != self.version or len(known) >= _REMEMBERED:
            version, known = self._frequencies = self.version, {}
        if word not in known:
            found = await self._engine.match(sql.encodable(word[:_LONGEST]), sql.PRESENT, FREQUENCY_UP_TO, every=True)
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
        table = await self._engine.select(_DATED, sql.filtered(filters))
        paths = await converted(lambda found: _newest(found, k), table)
        rows = await self.select(paths)
        return [rows[path] for path in paths if path in rows]


def _newest(found: Any, k: int) -> list[str]:
    # One total order, whatever `k` is, or pages of different reach would overlap: by second, then by path.
    paths, taken, changed = (values(found, name) for name in _DATED)
    dated = heapq.nlargest(k, ((when, path) for when, path in zip(taken, paths, strict=True) if when is not None))
    seconds = ((ns // 1_000_000_000, p) for ns, p, when in zip(changed, paths, taken, strict=True) if when is None)
    both = dated + [(_local(second), path) for second, path in heapq.nlargest(k, seconds)]
    return [path for _, path in heapq.nlargest(k, both)]


def _local(second: int) -> str:
    return datetime.fromtimestamp(second).isoformat()
