"""LanceDB, behind a few functions of our own: all that this program asks of it."""

import os
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

os.environ.setdefault("LANCEDB_LOG", "error")  # read at import; else each search logs a warning
os.environ.setdefault("LANCE_LOG", "error")
# Arrow's own pool keeps what it once had: with 10,000 rows some 45 MB, which the C library gives back.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import lancedb
import pyarrow as pa
from lancedb.index import FTS, BTree, IvfRq
from lancedb.query import BooleanQuery, ColumnOrdering, FullTextOperator, MatchQuery, Occur, PhraseQuery

from glimpsed.storing.faults import BrokenTableError, translated
from glimpsed.storing.readings import Readings

NAME: Final = "pictures"
_INDEX_CACHE = 64 << 20  # bytes: with the default the process grows by hundreds of megabytes
_METADATA_CACHE = 32 << 20
_LOOKED_UP = 8  # rows of a merge
_REFINE = 2  # candidates re-ranked by exact distance, for each wanted …
_REFINED = 360
"""… and at least so many: vectors of texts crowd together, and one bit a dimension tells them apart only roughly.
100,000 made-up vectors x 384 around real ones, the ten nearest: 50 candidates recall .79 (4 ms), 240 1.0 (5.7 ms),
360 1.0 (7.7 ms), of the 120 nearest .97 and 1.0; 600 cost twice that."""

ROW: Final = "_rowid"
"""Where a row lies. What lies there never changes: a changed row is another one elsewhere."""

KEYS: Final = ("path", "size", "inode", "content_id", "text_id")
"""Columns that rows are looked up by."""


def _narrowed(query: Any, where: str | None) -> Any:
    return (query if where is None else query.where(where)).with_row_id()


class Engine:
    """One table in one directory. Every method may raise TableError, and NoRoomError where it writes."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._connection: Any = None
        self._table: Any = None
        self._text_index = False
        self._vector_indices: set[str] = set()
        self._key_indices: set[str] = set()
        self.broken: Callable[[BrokenTableError], None] = lambda _: None
        """Called with whatever says that files of the table are damaged."""
        self.readings = Readings()

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Tell `broken` of damage that is met within."""
        try:
            yield
        except BrokenTableError as error:
            self.broken(error)
            raise

    @contextmanager
    def _ours(self, doing: str) -> Iterator[None]:
        with self.noting(), translated(doing, self.directory):
            yield

    async def open(self) -> None:
        """Open the table as it stands; anew, if it was open: that frees what the old connection held."""
        with self._ours("opening the table"):
            table = await (await self._connect()).open_table(NAME)
            indices = await table.list_indices()
            self._text_index = any(index.columns == ["text"] for index in indices)
            self._key_indices = {index.columns[0] for index in indices if index.columns[0] in KEYS}
            self._vector_indices = {index.columns[0] for index in indices} - self._key_indices - {"text"}
            self._table = table

    async def create(self, schema: Any) -> None:
        """Make the table, empty."""
        with self._ours("creating the table"):
            self._table = await (await self._connect()).create_table(NAME, schema=schema)
            self._text_index = False
            self._vector_indices = set()
            self._key_indices = set()

    async def _connect(self) -> Any:
        session = lancedb.Session(index_cache_size_bytes=_INDEX_CACHE, metadata_cache_size_bytes=_METADATA_CACHE)
        self._connection = await lancedb.connect_async(self.directory, session=session)
        return self._connection

    def close(self) -> None:
        """Let go of the table."""
        if self._table is not None:
            self._table.close()
        if self._connection is not None:
            self._connection.close()

    async def make_ready(self) -> None:
        """See to it that the key is declared and the full-text index is there; quick where both are."""
        with self._ours("preparing the table"):
            field = (await self._table.schema()).field("path")
            if b"lance-schema:unenforced-primary-key:position" not in (field.metadata or {}):
                # Without it a merge of the same new key by two tasks doubles the row.
                await self._table.set_unenforced_primary_key("path")
            if not self._text_index:
                await self.index_text()

    async def index_text(self) -> None:
        """Build the full-text index: words by ICU, every word kept, positions for phrases."""
        config = FTS(base_tokenizer="icu/split", stem=False, remove_stop_words=False, with_position=True)
        with self._ours("indexing the text"):
            await self._table.create_index("text", config=config, replace=True)
            self._text_index = True

    async def index_vectors(self, column: str) -> None:
        """Build the approximate index of a vector column."""
        with self._ours("indexing the vectors"):
            await self._table.create_index(column, config=IvfRq(distance_type="cosine"), replace=True)
            self._vector_indices.add(column)

    async def index_keys(self) -> None:
        """Build the indexes of those columns that rows are looked up by, those that are not there."""
        with self._ours("indexing the keys"):
            for column in KEYS:
                if column not in self._key_indices:
                    await self._table.create_index(column, config=BTree(), replace=True)
                    self._key_indices.add(column)

    async def index_anew(self) -> None:
        """Build every index there is from nothing: what was in it and is in no row any more is in none of them."""
        vectors, keys = set(self._vector_indices), set(self._key_indices)
        await self.index_text()
        self._key_indices -= keys
        with self._ours("indexing the keys"):
            for column in sorted(keys):
                await self._table.create_index(column, config=BTree(), replace=True)
                self._key_indices.add(column)
        for column in sorted(vectors):
            await self.index_vectors(column)

    async def index_rest(self) -> dict[str, int]:
        """How many rows the index of each column that has one leaves to a look through all of them."""
        with self._ours("reading the statistics"):
            indices = await self._table.list_indices()
            found = [(index.columns[0], await self._table.index_stats(index.name)) for index in indices]
            return {column: statistics.num_unindexed_rows for column, statistics in found if statistics}

    async def index_cover(self) -> dict[str, int]:
        """How many rows the index of each column that has one tells of, those that it looks through included."""
        with self._ours("reading the statistics"):
            indices = await self._table.list_indices()
            found = [(index.columns[0], await self._table.index_stats(index.name)) for index in indices]
            return {column: told.num_indexed_rows + told.num_unindexed_rows for column, told in found if told}

    @property
    def indexed(self) -> frozenset[str]:
        """The columns that have an index."""
        return frozenset(self._vector_indices | self._key_indices | ({"text"} if self._text_index else set()))

    @property
    def vector_indices(self) -> frozenset[str]:
        """The vector columns that have an approximate index."""
        return frozenset(self._vector_indices)

    async def schema(self) -> Any:
        """The table's Arrow schema."""
        with self._ours("reading the schema"):
            return await self._table.schema()

    async def version(self) -> int:
        """The table's version."""
        with self._ours("reading the version"):
            return int(await self._table.version())

    async def fragments(self) -> int:
        """In how many pieces the table lies."""
        with self._ours("reading the statistics"):
            statistics = await self._table.stats()
            return int(statistics["fragment_stats"]["num_fragments"])

    async def count(self, where: str | None = None) -> int:
        """How many rows fulfil a condition."""
        with self._ours("counting rows"):
            return int(await self._table.count_rows(where))

    async def select(
        self,
        columns: Sequence[str] | dict[str, str] | None,
        where: str | None = None,
        *,
        newest: int | None = None,
    ) -> Any:
        """Columns (None: all; a mapping: expressions) of the rows that fulfil a condition, as an Arrow table.

        `newest`: at most so many, those with the greatest `mtime_ns`, in that order.
        """
        with self._ours("reading the table"):
            query = self._table.query()
            if where is not None:
                query = query.where(where)
            if newest is not None:
                query = query.order_by([ColumnOrdering(column_name="mtime_ns", ascending=False)]).limit(newest)
            if columns is not None:
                query = query.select(columns if isinstance(columns, dict) else list(columns))
            return await self.readings.collected(query)

    async def stream(
        self, columns: Sequence[str], where: str, take: Callable[[Any], Awaitable[None]], *, rows: int
    ) -> None:
        """Hand the columns of all rows that fulfil a condition to `take`, at most `rows` at a time."""

        async def read() -> None:
            query = self._table.query().where(where).select(list(columns))
            async for batch in await query.to_batches(max_batch_length=rows):
                await take(batch)

        with self._ours("reading the table"):
            await self.readings.apart(read)

    async def nearest(
        self, vector: Any, column: str, where: str | None, k: int, *, exact: bool, columns: Sequence[str] = ()
    ) -> Any:
        """ROW, `_distance` (1 - cosine) and `columns` of the `k` nearest rows, nearest first."""
        with self._ours("searching the vectors"):
            query = self._table.query().nearest_to(vector).column(column).distance_type("cosine")
            query = query.bypass_vector_index() if exact else query.refine_factor(max(_REFINE, -(-_REFINED // k)))
            return await self.readings.collected(_narrowed(query, where).select(["_distance", *columns]).limit(k))

    async def match(
        self, words: str, where: str | None, k: int, *, every: bool = False, columns: Sequence[str] = ()
    ) -> Any:
        """ROW, `_score` (BM25) and `columns` of the `k` rows that hold any (or every) of the words, best first."""
        operator = FullTextOperator.AND if every else FullTextOperator.OR
        with self._ours("searching the text"):
            query = self._table.query().nearest_to_text(MatchQuery(words, "text", operator=operator))
            return await self.readings.collected(_narrowed(query, where).select(["_score", *columns]).limit(k))

    async def take(self, places: Sequence[int], columns: Sequence[str]) -> Any:
        """ROW and columns of the rows that lie there, those that still do, in any order."""
        with self._ours("reading the table"):
            return await self.readings.collected(
                self._table.take_row_ids(list(places)).with_row_id().select(list(columns))
            )

    async def places(self) -> Any:
        """ROW of every row."""
        with self._ours("reading the table"):
            return await self.readings.collected(self._table.query().with_row_id().select([]))

    async def lying(self, where: str, columns: Sequence[str], *, most: int | None = None) -> Any:
        """ROW and columns of the rows that fulfil a condition, at most so many: `shelf.between` two places, say."""
        with self._ours("reading the table"):
            query = _narrowed(self._table.query(), where).select(list(columns))
            return await self.readings.collected(query if most is None else query.limit(most))

    async def add(self, batch: Any) -> None:
        """Insert the batch's rows, in one version. None of their paths may be in the table; they must be distinct."""
        with self._ours("writing rows"):
            await self._table.add(batch, on_bad_vectors="null")

    async def phrase(self, phrases: Sequence[str], where: str, k: int) -> Any:
        """`path` and `_score` (BM25) of the `k` rows that hold the words of every phrase in their order, best first."""
        with self._ours("searching the text"):
            asked = BooleanQuery([(Occur.MUST, PhraseQuery(one, "text")) for one in phrases])
            query = self._table.query().nearest_to_text(asked).where(where)
            return await self.readings.collected(query.select(["path", "_score"]).limit(k))

    async def merge(self, batch: Any) -> None:
        """Insert the batch's rows, or replace those of the same path; in one version. Paths must be distinct."""
        with self._ours("writing rows"):
            merge = self._table.merge_insert("path").when_matched_update_all().when_not_matched_insert_all()
            # Reading all paths costs some 25 ms at 100,000 rows, looking a few dozen up in the index more.
            merge = merge.use_index(batch.num_rows <= _LOOKED_UP)
            await merge.execute(batch, on_bad_vectors="null")

    async def delete(self, where: str) -> int:
        """Delete the rows that fulfil a condition; how many."""
        with self._ours("deleting rows"):
            return int((await self._table.delete(where)).num_deleted_rows)

    async def add_columns(self, fields: Sequence[Any]) -> None:
        """Add empty columns, in one version."""
        with self._ours("adding columns"):
            await self._table.add_columns(pa.schema(fields))

    async def drop_columns(self, names: Collection[str]) -> None:
        """Drop columns in one version, and their indexes before."""
        with self._ours("dropping columns"):
            for index in await self._table.list_indices():
                if not set(names).isdisjoint(index.columns):
                    await self._table.drop_index(index.name)
            await self._table.drop_columns(list(names))
            self._vector_indices -= set(names)
