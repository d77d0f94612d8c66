"""What the rows hold in common: the names in a column, the directories; and rows by name and by phrase."""

import heapq
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from anyio import to_thread

from glimpsed.filters import Filters
from glimpsed.folding import fold
from glimpsed.records import Row
from glimpsed.storing import asked, sql
from glimpsed.storing.arrays import values
from glimpsed.storing.backlog import Backlog
from glimpsed.storing.reads import converted

LONGEST: Final = 4_096
"""Characters of a question that are looked up."""

Column = Literal["camera", "place", "directory"]


class Naming(Backlog):
    """Reads that go by names. Missing rows only where the filters ask for them."""

    version: int
    """Grows with every commit."""
    _names: Mapping[str, tuple[int, Sequence[str]]] = {}
    _elsewhere: Mapping[str, frozenset[str]] = {}

    async def names(self, column: Column) -> Sequence[str]:
        """The different values that rows have in a column, or the directories that they lie in; in no order.

        Remembered until the next commit.
        """
        then, found = self._names.get(column, (-1, ()))
        if then != self.version:
            version = self.version
            where = sql.PRESENT if column == "directory" else f"{column} IS NOT NULL"
            table = await self._engine.select(["path" if column == "directory" else column], where)
            found = await to_thread.run_sync(_directories if column == "directory" else _different, table, column)
            self._names = {**self._names, column: (version, found)}
        return found

    async def elsewhere(self) -> Mapping[str, frozenset[str]]:
        """What each place that rows have is called in other languages, folded; remembered as long as it is there."""
        places = await self.names("place")
        new = [place for place in places if place not in self._elsewhere]
        found: dict[str, frozenset[str]] = {}
        for chosen in sql.one_of("place", new):
            there = await self._engine.select(["path", "place"], f"latitude IS NOT NULL AND {chosen}")
            for condition in sql.paths_in(await to_thread.run_sync(_one_each, there)):
                table = await self._engine.select(["place", "description"], condition)
                found |= await to_thread.run_sync(_placenames, table)
        if new:
            self._elsewhere = {place: found.get(place, self._elsewhere.get(place, frozenset())) for place in places}
        return self._elsewhere

    async def by_name(self, filters: Filters, k: int) -> list[Row]:
        """The first `k` rows by the name of the file, case and accents aside, then by path; without vectors."""
        table = await self._engine.select(["path"], await self._where(filters))
        paths = await converted(lambda found: heapq.nsmallest(k, values(found, "path"), key=_name), table)
        rows = await self.select(paths)
        return [rows[path] for path in paths if path in rows]

    async def phrase(self, phrases: Sequence[str], filters: Filters, k: int) -> list[tuple[str, float]]:
        """(path, BM25) of rows that may hold all phrases, in their text or their file's name, best first.

        None that has them as they are written, accents of Latin letters aside, is left out unless there are more than
        `k`; of the others, who asks has to make sure.
        """
        where = await self._where(filters)
        said = [sql.encodable(phrase[:LONGEST]) for phrase in phrases]
        table = await self._engine.phrase(said, where, k)
        found = dict(zip(values(table, "path"), values(table, "_score"), strict=True))
        if len(found) < k:
            # Words are cut elsewhere within a longer run of Chinese, signs are no words, and names are in no index.
            held = [f"(contains(lower(text), {one}) OR contains(lower(path), {one}))" for one in map(_lowered, said)]
            table = await self._engine.select(["path"], " AND ".join([where, *held]))
            for path in values(table, "path"):
                found.setdefault(path, 0.0)
        return list(found.items())[:k]

    async def _where(self, filters: Filters) -> str:
        names: dict[asked.Name, Mapping[str, frozenset[str]]] = {}
        for column in asked.looked_into(filters):
            alone = dict.fromkeys(await self.names(column), frozenset[str]())
            names[column] = await self.elsewhere() if column == "place" else alone
        return asked.filtered(filters, names)


def _lowered(phrase: str) -> str:
    return sql.text(phrase.lower())


def _name(path: str) -> tuple[str, str]:
    return fold(os.path.basename(path)), path


def _different(table: Any, column: str) -> Sequence[str]:
    found: list[str] = table.column(column).unique().to_pylist()
    return found


def _one_each(table: Any) -> list[str]:
    """The path of one row at each place."""
    return list(dict(zip(values(table, "place"), values(table, "path"), strict=True)).values())


def _placenames(table: Any) -> dict[str, frozenset[str]]:
    """What each place is called elsewhere, by the descriptions of rows that lie there."""
    pairs = zip(values(table, "place"), values(table, "description"), strict=True)
    return {
        place: frozenset(fold(name) for label, text in parts if label == "placenames" for name in text.split(", "))
        for place, parts in pairs
    }


def _directories(table: Any, column: str) -> Sequence[str]:
    return list({os.path.dirname(path) for path in values(table, "path")})
