"""The fallback's vectors at hand in memory: the nearest of 10,000 are found in a millisecond, of 100,000 in three.

The table compares 10,000 one by one in some 15 ms, nearly all of which is reading them, and its index of 100,000 takes
as long.
"""

from typing import Any, Final

import anyio
import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from glimpsed.storing.arrays import matrix
from glimpsed.storing.engine import Engine
from glimpsed.storing.nearness import Coarse, Exact, Held
from glimpsed.storing.shelf import between, piece_of, places_of

_COLUMN: Final = "vector"
_PIECE: Final = 1_000  # rows: as many of one piece of the table are read together, fewer are taken one by one
_READ: Final = 4_096  # rows at a time
_MUCH: Final = 8_192  # new rows: a search does not wait for as many
_FEW: Final = 1_000  # nearest rows
_ROOM: Final = 1.25  # of the rows that are there, so that a commit copies nothing but its own


class Vectors:
    """The vectors of all rows, as far as the table has been looked at; a search looks at it where it has changed.

    What lies at a place never changes, so only places come and go, and what comes lies after all that was.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = anyio.Lock()
        self._held: Held = Exact()
        self._behind = False
        """Whether more has to be read than a search waits for."""
        self._forget()

    def _forget(self) -> None:
        self._version: int | None = None
        self._last = -1
        """The last place that there was."""
        self._places: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._there: NDArray[np.bool_] = np.empty(0, np.bool_)
        """Whether a place is still in the table."""
        self._without: NDArray[np.uint64] = np.empty(0, np.uint64)
        """Places of rows that have no vector."""
        self._held = type(self._held)()
        """By their numbers in `_places`."""

    @property
    def bytes(self) -> int:
        """What they take."""
        return self._held.bytes

    @property
    def places(self) -> NDArray[np.uint64]:
        """Of the rows that are known, with a vector or without."""
        return np.concatenate([self._places[self._there], self._without])

    @property
    def exact(self) -> bool:
        """Whether all of each vector is held."""
        return isinstance(self._held, Exact)

    async def drop(self) -> None:
        """Hold nothing, until the next look."""
        async with self._turn:
            self._forget()

    async def hold(self, version: int, *, exact: bool) -> None:
        """Have all vectors of that version at hand, all of each or little. May raise TableError."""
        self._behind = True
        async with self._turn:
            if exact is not self.exact:
                self._held = Exact() if exact else Coarse()
                self._forget()
            await self._look(version)
            self._behind = False

    async def differ(self, version: int) -> bool:
        """Whether what is held as of that version is not what the table has; not where nothing is held.

        A commit in between looks like a difference. May raise TableError.
        """
        async with self._turn:
            if self._version is None:
                return False
            if self._version < version:
                await self._look(version)
            listed = places_of(await self._engine.places())
            return not np.array_equal(np.sort(self.places), np.sort(listed))

    async def nearest(self, vector: NDArray[Any], k: int, version: int) -> tuple[list[int], list[float]] | None:
        """Where the `k` nearest rows lie, nearest first, and their distances (1 - cosine).

        They are those of the table as of `version`, or later. Rows without a vector are left out. None where little is
        held of each and much has changed: the table itself is quicker then. May raise TableError.
        """
        if not await self._current(version):
            return None
        places, there, held = self._places, self._there, self._held
        length = float(np.linalg.norm(vector))
        if not length or not there.any():
            return [], []
        sought = np.asarray(vector, np.float32) / np.float32(length)
        # What nearly everybody asks for takes less than to go to another thread and back.
        near = held.nearest(sought, there, k) if k <= _FEW else await to_thread.run_sync(held.nearest, sought, there, k)
        best, distances = near
        order = np.lexsort((places[best], distances))
        return places[best[order]].tolist(), distances[order].tolist()

    async def _current(self, version: int) -> bool:
        if self._behind and not self.exact:
            return False
        async with self._turn:
            if self._version is not None and self._version >= version:
                return True
            self._behind = not (
                await self._followed(version) or await self._look(version, most=None if self.exact else _MUCH)
            )
            return not self._behind

    async def look(self, version: int) -> None:
        """Take note of the rows that came and went, where the table has changed since that was done last."""
        async with self._turn:
            if self._version is None or self._version < version:
                await self._look(version)

    async def _followed(self, version: int) -> bool:
        """Take note of what came, where that is little and nothing went; whether that is so."""
        if self._version is None:
            return False
        before = await self._engine.version()
        new = await self._engine.lying(between(self._last + 1), [_COLUMN], most=_PIECE)
        known, count = int(self._there.sum()) + len(self._without), await self._engine.count()
        if new.num_rows >= _PIECE or known + new.num_rows != count or before != await self._engine.version():
            return False
        self._add(new)
        self._version = version
        return True

    async def _look(self, version: int, *, most: int | None = None) -> bool:
        """Take note of what came and went; not, where more than so many came. Whether that was done."""
        listed = places_of(await self._engine.places())
        there = np.isin(self._places, listed, assume_unique=True)
        without = self._without[np.isin(self._without, listed, assume_unique=True)]
        new = np.sort(listed[~np.isin(listed, np.concatenate([self._places, without]), assume_unique=True)])
        if most is not None and len(new) > most:
            return False
        self._version = None  # until all is read
        self._there, self._without = there, without
        self._make_room(len(new))
        for portion in _together(new):
            await self._read(portion)
        self._version = version
        return True

    def _make_room(self, new: int) -> None:
        """Have room for so many more, and not much for what is gone."""
        count, there = len(self._places), self._there
        kept = np.flatnonzero(there)
        if count + new > self._held.room or count > 2 * (len(kept) + new) + _PIECE:
            # Whoever searches meanwhile keeps the arrays that it began with.
            self._held = self._held.of(kept, int((len(kept) + new) * _ROOM) + _PIECE)
            self._places, self._there = self._places[kept], there[kept]

    def _add(self, rows: Any, wanted: NDArray[np.uint64] | None = None) -> None:
        """Hold what an answer has of these places, or of all in it."""
        listed, (where, vectors) = places_of(rows), _vectors_of(rows)
        if wanted is not None:
            listed, chosen = listed[np.isin(listed, wanted)], np.isin(where, wanted)
            where, vectors = where[chosen], vectors[chosen]
        self._make_room(len(where))
        self._held.put(len(self._places), vectors)
        self._places = np.concatenate([self._places, where])
        self._there = np.concatenate([self._there, np.ones(len(where), np.bool_)])
        self._without = np.concatenate([self._without, listed[~np.isin(listed, where, assume_unique=True)]])
        if len(listed):
            self._last = max(self._last, int(listed.max()))

    async def _read(self, places: NDArray[np.uint64]) -> None:
        """Hold what lies there."""
        if len(places) < _PIECE:
            self._add(await self._engine.take(places.tolist(), [_COLUMN]))
            return
        for start in range(0, len(places), _READ):
            some = places[start : start + _READ]
            rows = await self._engine.lying(between(int(some[0]), int(some[-1]) + 1), [_COLUMN])
            await to_thread.run_sync(self._add, rows, some)


def _vectors_of(table: Any) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Where the rows of an answer lie that have a vector, and these, of length 1."""
    filled, vectors = matrix(table, _COLUMN)
    where = places_of(table)[filled]
    lengths = np.linalg.norm(vectors, axis=1)
    sound = np.isfinite(lengths) & (lengths > 0)
    return where[sound], vectors[sound] / lengths[sound, None]


def _together(places: NDArray[np.uint64]) -> list[NDArray[np.uint64]]:
    """The places in portions that are read at once: large pieces of the table by themselves, the rest together."""
    pieces = piece_of(places)
    numbers, counts = np.unique(pieces, return_counts=True)
    large = numbers[counts >= _PIECE]
    rest = places[~np.isin(pieces, large)]
    portions = [places[pieces == number] for number in large]
    return portions + [rest[start : start + _PIECE - 1] for start in range(0, len(rest), _PIECE - 1)]
