"""Which keys have rows, at hand in memory.

Most of what an index run looks up is new, and that is known without asking the table.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from glimpsed.files import key_of
from glimpsed.records import Row
from glimpsed.storing.arrays import inode_of
from glimpsed.storing.engine import KEYS

T = TypeVar("T", bound=str | int)

_FEW: Final = 50_000  # hashes in a set of their own before they join the others: a set takes ten times the memory
_BITS: Final = (1 << 64) - 1


class Presence:
    """Hashes of the values of the columns in KEYS. A value that it does not know has no row; one that it knows may
    have had its row once, or another value has the same hash."""

    def __init__(self) -> None:
        self._old: dict[str, NDArray[np.uint64]] = {column: np.empty(0, np.uint64) for column in KEYS}
        self._new: dict[str, set[int]] = {column: set() for column in KEYS}

    def learn(self, column: str, values: Iterable[str | int | None]) -> None:
        """That these values have rows, as the table keeps them."""
        new = self._new[column]
        new.update(map(_hash, values))
        if len(new) > _FEW:
            self._old[column] = np.union1d(self._old[column], np.fromiter(new, np.uint64, len(new)))
            new.clear()

    def learn_rows(self, rows: Collection[Row]) -> None:
        """That these rows are there, or are about to be."""
        for column in KEYS:
            self.learn(column, map(_KEPT[column], rows))

    def known(self, column: str, values: Iterable[T]) -> list[T]:
        """Those of the values that may have rows; not one that has is left out."""
        old, new = self._old[column], self._new[column]
        asked = list(values)
        hashes = [_hash(value) for value in asked]
        if not len(old):
            return [value for value, one in zip(asked, hashes, strict=True) if one in new]
        array = np.fromiter(hashes, np.uint64, len(hashes))
        there = old[np.minimum(np.searchsorted(old, array), len(old) - 1)] == array
        return [value for value, one, held in zip(asked, hashes, there, strict=True) if held or one in new]


def _hash(value: str | int | None) -> int:
    return hash(value) & _BITS


_KEPT: Final[dict[str, Callable[[Row], Any]]] = {
    "path": lambda row: key_of(row.path),
    "size": lambda row: row.size,
    "inode": lambda row: inode_of(row.inode),
    "content_id": lambda row: row.content_id,
    "text_id": lambda row: row.text_id,
}
