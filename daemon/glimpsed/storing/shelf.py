"""What hits show of rows, at hand in memory: taking some hundred rows out of the table's files costs 20 to 40 ms.

A row never changes where it lies (a changed one is another row elsewhere), so what is held here never grows old.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from anyio import to_thread
from numpy.typing import NDArray

from glimpsed.records import Row
from glimpsed.storing.engine import ROW, Engine
from glimpsed.storing.schema import to_rows

COLUMNS: Final = (
    "path", "folder", "content_id", "mtime_ns", "format", "width", "height", "taken_at", "camera", "latitude",
    "longitude", "place", "text_id", "encoder", "missing_since", "description",
)  # fmt: skip
"""Some 400 bytes a row. The others keep their defaults in the rows that come from here: `text`, for one, is mostly
the same words again."""

_REPEATED: Final = ("folder", "format", "camera", "place", "encoder")  # held once, however many rows have them

_WHOLE: Final = 1_000  # rows of a piece of the table, at least, that is held whole
_MOST: Final = 64 << 20  # bytes of such pieces
_LATELY: Final = 8_192  # rows


class Shelf:
    """Rows by where they lie. Large pieces of the table are held whole, as far as there is room, and single rows that
    were lately asked for."""

    def __init__(self, engine: Engine, *, most: int | None = None, whole: int | None = None) -> None:
        self._engine = engine
        self._most = _MOST if most is None else most
        self._whole = _WHOLE if whole is None else whole
        self._places: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._held: Any = None
        """A row for each of `_places`, which ascend."""
        self._lately: OrderedDict[int, Row] = OrderedDict()

    @property
    def bytes(self) -> int:
        """What the held pieces take."""
        return 0 if self._held is None else int(self._held.nbytes)

    async def fill(self) -> None:
        """Hold the table's large pieces as it stands, the newest first where not all have room, and nothing else."""
        numbers, sizes = np.unique(piece_of(places_of(await self._engine.places())), return_counts=True)
        large = numbers[sizes >= self._whole]
        kept, size = [], 0
        if self._held is not None:
            kept = [self._held.filter(pa.array(np.isin(piece_of(self._places), large)))]
            size = kept[0].nbytes
        for number in reversed(large[~np.isin(large, piece_of(self._places))]):
            if size >= self._most:
                break
            rows = await self._engine.lying(between(int(number) << 32, int(number) + 1 << 32), COLUMNS)
            kept.append(rows)
            size += rows.nbytes
        await to_thread.run_sync(self._hold, kept)

    def _hold(self, pieces: Sequence[pa.Table]) -> None:
        pieces = [piece for piece in pieces if piece.num_rows]
        if not pieces:
            self._places, self._held = np.empty(0, np.uint64), None
            return
        table = pa.concat_tables(map(_encoded, pieces)).unify_dictionaries().combine_chunks()
        order = np.argsort(places_of(table), kind="stable")
        table = table.take(order)
        self._places, self._held = places_of(table), table

    async def rows(self, places: Collection[int]) -> dict[int, Row]:
        """The rows that lie there; those that do not any more are left out. May raise TableError."""
        found = {place: row for place in places if (row := self._lately.get(place)) is not None}
        found |= self._whole_rows([place for place in places if place not in found])
        if missing := [place for place in places if place not in found]:
            found |= shown(await self._engine.take(missing, COLUMNS))
        self._lately |= found
        for place in found:
            self._lately.move_to_end(place)
        while len(self._lately) > _LATELY:
            self._lately.popitem(last=False)
        return found

    def _whole_rows(self, places: Sequence[int]) -> dict[int, Row]:
        if not places or self._held is None:
            return {}
        asked = np.fromiter(places, np.uint64, len(places))
        at = np.searchsorted(self._places, asked)
        there = self._places[np.minimum(at, len(self._places) - 1)] == asked
        return dict(zip(asked[there].tolist(), to_rows(self._held.select(COLUMNS).take(at[there])), strict=True))


def shown(table: pa.Table) -> dict[int, Row]:
    """The rows of an answer that has ROW and COLUMNS, by where they lie."""
    return dict(zip(table[ROW].to_pylist(), to_rows(table.select(COLUMNS)), strict=True))


def _encoded(table: pa.Table) -> pa.Table:
    for name in _REPEATED:
        if not pa.types.is_dictionary(table.schema.field(name).type):
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, table[name].dictionary_encode())
    return table


def places_of(table: pa.Table) -> NDArray[np.uint64]:
    """ROW of an answer."""
    return np.asarray(table[ROW].to_numpy(), np.uint64)


def piece_of(places: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The number of the piece of the table that each lies in."""
    return places >> np.uint64(32)


def between(first: int, after: int | None = None) -> str:
    """The condition that a row lies there or later, and before that; quickly looked up."""
    return f"{ROW} >= {first}" + ("" if after is None else f" AND {ROW} < {after}")
