"""Vectors in memory, and which of them are nearest: all of each, or so little that 100,000 take 45 MB."""

from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from glimpsed.storing.schema import DIMENSION

_LEVELS: Final = 127
_WORDS: Final = DIMENSION // 64
_COMPARED: Final = 24
"""One in so many is compared closely, …"""
_LEAST: Final = 2_000  # … and at least so many, …
_EACH: Final = 16  # … or so many for each wanted one.
_CHUNK: Final = 512  # vectors that fit a core's cache together, as float32

Floats = NDArray[np.float32]
"""A vector, or (vectors, dimension), each of length 1; or one number for each."""


class Held(Protocol):
    """Some vectors, by the number under which they were put."""

    @property
    def bytes(self) -> int:
        """What they take."""
        ...

    @property
    def room(self) -> int:
        """For how many there is room."""
        ...

    def of(self, numbers: NDArray[np.intp], room: int) -> Self:
        """These alone, numbered anew in that order, with room for so many."""
        ...

    def put(self, at: int, vectors: Floats) -> None:
        """Hold these, too, from that number on."""
        ...

    def nearest(self, vector: Floats, there: NDArray[np.bool_], k: int) -> tuple[NDArray[np.intp], Floats]:
        """The `k` nearest of those that are `there`, in any order, and their distances (1 - cosine).

        `vector` has length 1.
        """
        ...


class Exact:
    """All of each vector: every one is compared, and 10,000 take a millisecond."""

    def __init__(self, room: int = 0) -> None:
        self._vectors = np.empty((room, DIMENSION), np.float32)

    @property
    def bytes(self) -> int:
        """See `Held`."""
        return self._vectors.nbytes

    @property
    def room(self) -> int:
        """See `Held`."""
        return len(self._vectors)

    def of(self, numbers: NDArray[np.intp], room: int) -> "Exact":
        """See `Held`."""
        made = Exact(room)
        made._vectors[: len(numbers)] = self._vectors[numbers]
        return made

    def put(self, at: int, vectors: Floats) -> None:
        """See `Held`."""
        self._vectors[at : at + len(vectors)] = vectors

    def nearest(self, vector: Floats, there: NDArray[np.bool_], k: int) -> tuple[NDArray[np.intp], Floats]:
        """See `Held`; exact."""
        # Not `@`: the threads of the BLAS spin on after it, and take the cores from who encodes the next question.
        distances = 1.0 - np.einsum("ij,j->i", self._vectors[: len(there)], vector)
        distances[~there] = np.inf
        best = _least(distances, min(k, int(there.sum())))
        return best, distances[best]


class Coarse:
    """Of each vector the signs and a byte a dimension.

    The signs, less what all vectors share, tell roughly which are near; the bytes of these tell it to 0.002 of a
    cosine. Of 100,000 made-up vectors around real ones the 72 nearest are found to .96 (by the index of the table to
    .88), in 3 ms. Signs as a sketch of an angle: Charikar, "Similarity estimation techniques from rounding algorithms",
    2002.
    """

    def __init__(self, room: int = 0, shared: Floats | None = None) -> None:
        self._signs = np.empty((_WORDS, room), np.uint64)
        self._bytes = np.empty((room, DIMENSION), np.int8)
        self._scale = np.empty(room, np.float32)
        self._shared = shared
        """The mean of the first that were put."""

    @property
    def bytes(self) -> int:
        """See `Held`."""
        return self._signs.nbytes + self._bytes.nbytes + self._scale.nbytes

    @property
    def room(self) -> int:
        """See `Held`."""
        return len(self._scale)

    def of(self, numbers: NDArray[np.intp], room: int) -> "Coarse":
        """See `Held`."""
        made = Coarse(room, self._shared)
        made._signs[:, : len(numbers)] = self._signs[:, numbers]
        made._bytes[: len(numbers)] = self._bytes[numbers]
        made._scale[: len(numbers)] = self._scale[numbers]
        return made

    def put(self, at: int, vectors: Floats) -> None:
        """See `Held`."""
        if not len(vectors):
            return
        if self._shared is None:
            self._shared = vectors.mean(axis=0, dtype=np.float32)
        after = at + len(vectors)
        scale = np.abs(vectors).max(axis=1) / np.float32(_LEVELS)
        self._signs[:, at:after] = _signs(vectors - self._shared).T
        self._bytes[at:after] = np.rint(vectors / scale[:, None])
        self._scale[at:after] = scale

    def nearest(self, vector: Floats, there: NDArray[np.bool_], k: int) -> tuple[NDArray[np.intp], Floats]:
        """See `Held`; nearly exact."""
        count = len(there)
        differing = np.zeros(count, np.uint16)
        for signs, sought in zip(self._signs, _signs(vector[None])[0], strict=True):
            differing += np.bitwise_count(signs[:count] ^ sought)
        differing[~there] = DIMENSION + 1
        near = _least(differing, min(int(there.sum()), max(_LEAST, count // _COMPARED, _EACH * k)))
        products = np.empty(len(near), np.float32)
        for start in range(0, len(near), _CHUNK):
            chosen = slice(start, start + _CHUNK)
            products[chosen] = np.einsum("ij,j->i", self._bytes[near[chosen]].astype(np.float32), vector)
        distances = 1.0 - products * self._scale[near]
        best = _least(distances, min(k, len(near)))
        return near[best], distances[best]


def _least(values: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Where the `k` least are, in any order."""
    return np.argpartition(values, k - 1)[:k] if k else np.empty(0, np.intp)


def _signs(vectors: Floats) -> NDArray[np.uint64]:
    """(rows, words of 64 dimensions)."""
    return np.packbits(vectors > 0, axis=1).view(np.uint64)
