"""The fallback's vectors of a small table, at hand in memory: the nearest of 10,000 are found in a millisecond.

The table compares as many one by one in some 15 ms, nearly all of which is reading them.
"""

from typing import Any, Final

import anyio
import numpy as np
from numpy.typing import NDArray

from glimpsed.storing.arrays import matrix
from glimpsed.storing.engine import Engine
from glimpsed.storing.schema import DIMENSION
from glimpsed.storing.shelf import piece_of, places_of

_COLUMN: Final = "vector"
_PIECE: Final = 1_000  # rows: as many of one piece of the table are read together, fewer are taken one by one
_ROOM: Final = 1.25  # of the rows that are there, so that a commit copies nothing but its own


class Vectors:
    """The vectors of all rows, as far as the table has been looked at; a search looks at it where it has changed.

    What lies at a place never changes, so only places come and go.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = anyio.Lock()
        self._version: int | None = None
        self._places: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._there: NDArray[np.bool_] = np.empty(0, np.bool_)
        """Whether a place is still in the table."""
        self._without: NDArray[np.uint64] = np.empty(0, np.uint64)
        """Places of rows that have no vector."""
        self._vectors: NDArray[np.float32] = np.empty((0, DIMENSION), np.float32)
        """(rows, dimension), of length 1, with room for more after the last of `_places`."""

    @property
    def bytes(self) -> int:
        """What they take."""
        return self._vectors.nbytes

    @property
    def places(self) -> NDArray[np.uint64]:
        """Of the rows that are known, with a vector or without."""
        return np.concatenate([self._places[self._there], self._without])

    async def drop(self) -> None:
        """Hold nothing, until the next search."""
        async with self._turn:
            self._version = None
            self._places, self._there = np.empty(0, np.uint64), np.empty(0, np.bool_)
            self._without = np.empty(0, np.uint64)
            self._vectors = np.empty((0, DIMENSION), np.float32)

    async def nearest(self, vector: NDArray[Any], k: int, version: int) -> tuple[list[int], list[float]]:
        """Where the `k` nearest rows lie, nearest first, and their distances (1 - cosine).

        They are those of the table as of `version`, or later. Rows without a vector are left out. May raise TableError.
        """
        await self.look(version)
        places, there, vectors = self._places, self._there, self._vectors[: len(self._places)]
        length = float(np.linalg.norm(vector))
        if not length or not len(places):
            return [], []
        # Not `@`: the threads of the BLAS spin on after it, and take the cores from who encodes the next question.
        distances = 1.0 - np.einsum("ij,j->i", vectors, np.asarray(vector, np.float32) / np.float32(length))
        distances[~there] = np.inf
        k = min(k, int(there.sum()))
        best = np.argpartition(distances, k - 1)[:k] if k else np.empty(0, np.intp)
        best = best[np.lexsort((places[best], distances[best]))]
        return places[best].tolist(), distances[best].tolist()

    async def look(self, version: int) -> None:
        """Take note of the rows that came and went, where the table has changed since that was done last."""
        async with self._turn:
            if self._version is not None and self._version >= version:
                return
            listed = places_of(await self._engine.places())
            there = np.isin(self._places, listed, assume_unique=True)
            known = np.concatenate([self._places[there], self._without])
            new = listed[~np.isin(listed, known, assume_unique=True)]
            await self._add(new, there)
            without = np.concatenate([self._without, np.setdiff1d(new, self._places, assume_unique=True)])
            self._without = without[np.isin(without, listed, assume_unique=True)]
            self._version = version

    async def _add(self, places: NDArray[np.uint64], there: NDArray[np.bool_]) -> None:
        """Hold these places, too; `there` tells which of the others still are."""
        found = [await self._read(each) for each in _together(places)]
        places = np.concatenate([np.empty(0, np.uint64), *(where for where, _ in found)])
        count, wanted = len(self._places), len(self._places) + len(places)
        if wanted > len(self._vectors):
            # Whoever searches meanwhile keeps the arrays that it began with.
            kept = np.flatnonzero(there)
            room = int((len(kept) + len(places)) * _ROOM) + _PIECE
            vectors = np.empty((room, DIMENSION), np.float32)
            vectors[: len(kept)] = self._vectors[kept]
            self._vectors, self._places = vectors, self._places[kept]
            there, count = there[kept], len(kept)
        for _, vectors in found:
            self._vectors[count : count + len(vectors)] = vectors
            count += len(vectors)
        self._places = np.concatenate([self._places, places])
        self._there = np.concatenate([there, np.ones(len(places), np.bool_)])

    async def _read(self, places: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """The vectors that lie there, of length 1, and where: not those of rows that have none."""
        if len(places) < _PIECE:
            table = await self._engine.take(places.tolist(), [_COLUMN])
        else:
            table = await self._engine.piece(int(piece_of(places)[0]), [_COLUMN])
        filled, vectors = matrix(table, _COLUMN)
        where = places_of(table)[filled]
        lengths = np.linalg.norm(vectors, axis=1)
        sound = np.isin(where, places) & np.isfinite(lengths) & (lengths > 0)
        return where[sound], vectors[sound] / lengths[sound, None]


def _together(places: NDArray[np.uint64]) -> list[NDArray[np.uint64]]:
    """The places in portions that are read at once: large pieces of the table by themselves, the rest together."""
    pieces = piece_of(places)
    numbers, counts = np.unique(pieces, return_counts=True)
    large = numbers[counts >= _PIECE]
    rest = places[~np.isin(pieces, large)]
    portions = [places[pieces == number] for number in large]
    return portions + [rest[start : start + _PIECE - 1] for start in range(0, len(rest), _PIECE - 1)]
