"""Rows by what they are asked for: path, content, identity, text. Vectors are loaded only where they are wanted."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from anyio import to_thread

from glimpsed.files import key_of, path_of
from glimpsed.records import Known, Row, Stamp
from glimpsed.storing import sql
from glimpsed.storing.arrays import inode_of, values
from glimpsed.storing.columns import Columns, of
from glimpsed.storing.engine import KEYS, Engine
from glimpsed.storing.presence import Presence
from glimpsed.storing.schema import THIN, to_rows

T = TypeVar("T")

_MANY = 1_000  # rows: converting more is done beside the event loop
_TWINS = 8
"""Rows loaded of each content id: the same picture may lie in a thousand places."""

_KNOWN = ("path", "mtime_ns", "ctime_ns", "size", "inode", "beside", "missing_since")


async def converted(convert: Callable[[Any], T], table: Any) -> T:
    """What `convert` makes of a query's answer, without holding up the event loop for long."""
    return await to_thread.run_sync(convert, table) if table.num_rows > _MANY else convert(table)


class Reads:
    """The reads of the table. All may raise TableError, and all see every commit made before they began."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.version = 0
        """Grows with every change of the table; noted by the writer."""
        self.tally: Counter[tuple[str, bool]] = Counter()
        """How many rows each (folder, missing or not) has; kept by the writer."""
        self.presence = Presence()
        self.columns: tuple[Columns, ...] = ()
        """Of the stronger encoders, the one added last at the end."""
        self.chosen: Callable[[], str | None] = lambda: None
        """Id of the encoder whose vectors a row's `strong` are; None where nobody says: of the one added last."""

    @property
    def view(self) -> Columns | None:
        """The columns that a row's `strong` and `sparse` are read from; None where the chosen encoder has none."""
        chosen = self.chosen()
        if chosen is None:
            return self.columns[-1] if self.columns else None
        return of(self.columns, chosen)

    async def known(self, folder: str, *, under: str | None = None) -> dict[str, Known]:
        """What a scan needs of every row at or below `folder` (only at or below `under`, if given), missing or not.

        It goes by path, so that rows are known when the folders are configured anew.
        """
        return await converted(_known, await self._engine.select(_KNOWN, sql.inside(under or folder)))

    async def rows(self, paths: Collection[str]) -> dict[str, Row]:
        """The rows of these paths, those that are there, with their vectors."""
        keys = self.presence.known("path", map(key_of, paths))
        return {row.path: row for row in await self._load(None, sql.one_of("path", keys))}

    async def select(self, paths: Collection[str], *, since: int | None = None) -> dict[str, Row]:
        """The same without the vectors, but with the token weights; `since` is for those who know more."""
        view = self.view
        columns = THIN if view is None else (*THIN, view.cut, view.sparse)
        return {row.path: row for row in await self._load(columns, sql.paths_in(paths))}

    async def by_size(self, sizes: Collection[int], *, reader: str | None = None) -> dict[int, frozenset[str]]:
        """The content ids of each size that were read without an error (by `reader`, if given), missing or not."""
        whole = f"content_id <> '' AND error IS NULL AND reader {'IS NOT NULL' if reader is None else '='}"
        found: dict[int, set[str]] = defaultdict(set)
        for chunk in sql.one_of("size", self.presence.known("size", sizes)):
            where = f"{chunk} AND {whole}{'' if reader is None else ' ' + sql.text(reader)}"
            for size, content_id in await self._pairs(("size", "content_id"), where):
                found[size].add(content_id)
        return {size: frozenset(ids) for size, ids in found.items()}

    async def with_error(self, like: str) -> list[tuple[str, str]]:
        """Path and error of the rows, not missing, whose error is LIKE this."""
        where = f"{sql.PRESENT} AND error IS NOT NULL AND error LIKE {sql.text(like)}"
        return [(path_of(path), error) for path, error in await self._pairs(("path", "error"), where)]

    async def by_content(self, ids: Collection[str]) -> dict[str, list[Row]]:
        """Some rows of each content id, the most telling first: not missing, without error, with words from OCR."""
        columns = ("path", "content_id", "missing_since", "error", "ocr", "indexed_at")
        best: dict[str, list[tuple[tuple[object, ...], str]]] = defaultdict(list)
        for chunk in sql.one_of("content_id", self.presence.known("content_id", {one for one in ids if one})):
            for path, content_id, missing, error, ocr, indexed in await self._pairs(columns, chunk):
                order = (error is not None, ocr is None, missing is not None, -indexed)
                best[content_id].append((order, path))
        chosen = [path for found in best.values() for _, path in sorted(found)[:_TWINS]]
        rows = await self.rows(chosen) if chosen else {}
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in map(rows.get, chosen):
            # The row may have changed between the two reads.
            if row is not None and row.content_id in best:
                groups[row.content_id].append(row)
        return dict(groups)

    async def by_identity(self, stamps: Collection[Stamp]) -> dict[tuple[int, int, int], Row]:
        """Of each (inode, size, mtime_ns) a row that was read, a missing one before others.

        A file keeps these three when it is renamed.
        """
        wanted = {(stamp.inode, stamp.size, stamp.mtime_ns) for stamp in stamps}
        columns = ("path", "inode", "size", "mtime_ns", "missing_since")
        best: dict[tuple[int, int, int], tuple[bool, str]] = {}
        inodes = self.presence.known("inode", {inode_of(stamp.inode) for stamp in stamps})
        for chunk in sql.one_of("inode", inodes):
            found = await self._pairs(columns, f"{chunk} AND content_id <> ''")
            for path, inode, size, mtime_ns, missing in found:
                one = (inode, size, mtime_ns)
                if one in wanted:
                    best[one] = min(best.get(one, (True, path)), (missing is None, path))
        rows = await self.rows([path for _, path in best.values()]) if best else {}
        return {
            one: row
            for one, (_, path) in best.items()
            if (row := rows.get(path)) and (row.inode, row.size, row.mtime_ns) == one
        }

    async def by_text(self, text_ids: Collection[str]) -> dict[str, Row]:
        """Of each text id a row with a vector, one that has the chosen encoder's too before others."""
        view = self.view
        columns = ("path", "text_id", "encoder") + (() if view is None else (view.cut,))
        best: dict[tuple[str, str, bool], str] = {}
        for chunk in sql.one_of("text_id", self.presence.known("text_id", {one for one in text_ids if one})):
            where = f"{chunk} AND encoder IS NOT NULL"
            for path, text_id, encoder, *cut in await self._pairs(columns, where):
                best[text_id, encoder, cut not in ([], [None])] = path
        found: dict[str, Row] = {}
        for row in (await self.rows(list(best.values()))).values() if best else ():
            if row.vector is not None and (row.text_id not in found or row.strong is not None):
                found[row.text_id] = row
        return {text_id: found[text_id] for text_id in text_ids if text_id in found}

    async def content_ids(self) -> frozenset[str]:
        """Of all rows, missing or not."""
        return frozenset(values(await self._engine.select(["content_id"]), "content_id"))

    @property
    def missing(self) -> int:
        """How many rows are missing."""
        return sum(count for (_, missing), count in self.tally.items() if missing)

    async def folder_counts(self, *, missing: bool = False) -> dict[str, int]:
        """How many rows each folder has, those that are not missing or those that are; folders without are left out."""
        return {folder: count for (folder, gone), count in self.tally.items() if gone is missing and count}

    def note_rows(self, before: Iterable[Row], after: Iterable[Row]) -> None:
        """Take note of what the writer made of rows."""
        self.tally.subtract((row.folder, row.missing_since is not None) for row in before)
        self.tally.update((row.folder, row.missing_since is not None) for row in after)

    async def take_stock(self) -> None:
        """Make tally and presence from the table. Only where no write can run."""
        await self.count_anew()
        keys = await self._engine.select(KEYS)
        await to_thread.run_sync(self._learn, keys)

    def _learn(self, keys: Any) -> None:
        self.presence = Presence()
        for column in KEYS:
            self.presence.learn(column, keys[column].to_pylist())

    async def count_anew(self) -> None:
        """Make the tally from the table. Only where no write can run."""
        self.tally = await self.counted()

    async def counted(self) -> Counter[tuple[str, bool]]:
        """The tally as the table tells it."""
        columns = {"folder": "folder", "missing": sql.MISSING}
        return await converted(_tallied, await self._engine.select(columns))

    async def strayed(self, folder: str, inner: str) -> list[str]:
        """The paths of rows that are `folder`'s although they lie in `inner`, a folder of its own now."""
        [where] = sql.one_of("folder", [key_of(folder)])
        return [path for (path,) in await self._pairs(("path",), f"{where} AND {sql.inside(inner)}")]

    async def _load(self, columns: tuple[str, ...] | None, conditions: Iterable[str]) -> list[Row]:
        rows: list[Row] = []
        for condition in conditions:
            view, known = self.view, self.columns
            table = await self._engine.select(columns, condition)
            rows += await converted(lambda found, view=view, known=known: to_rows(found, known, view), table)  # type: ignore[misc]  # bound at definition
        return rows

    async def _pairs(self, columns: tuple[str, ...], where: str) -> list[tuple[Any, ...]]:
        def tuples(table: Any) -> list[tuple[Any, ...]]:
            return list(zip(*(values(table, name) for name in columns), strict=True))

        return await converted(tuples, await self._engine.select(columns, where))


def _known(table: Any) -> dict[str, Known]:
    paths, *stamp, besides, since = (values(table, name) for name in _KNOWN)
    return {
        path: Known(Stamp(*one), beside, missing is not None)
        for path, one, beside, missing in zip(paths, zip(*stamp, strict=True), besides, since, strict=True)
    }


def _tallied(table: Any) -> Counter[tuple[str, bool]]:
    return Counter(zip(values(table, "folder"), values(table, "missing"), strict=True))
