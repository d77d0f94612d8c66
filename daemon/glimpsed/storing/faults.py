"""LanceDB's errors as ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from glimpsed.errors import NoRoomError, TableError
from glimpsed.files import shown

_NO_ROOM = re.compile(r"os error (28|122)\b|no space left on device|disk quota exceeded", re.IGNORECASE)
_SYSTEM = re.compile(r"os error (\d+)\b")
_NOT_DAMAGE = frozenset({1, 4, 5, 11, 12, 13, 23, 24, 28, 30, 110, 116, 122})
"""Numbers of errors that a healthy table has on a bad day: rights, memory, descriptors, room, a disk that fails."""


class BrokenTableError(TableError):
    """What lies on the disk is no table that can be read."""


@contextmanager
def translated(doing: str, where: str) -> Iterator[None]:
    """LanceDB's errors as ours: NoRoomError, BrokenTableError or TableError."""
    try:
        yield
    except Exception as error:
        raise _error(doing, where, error) from error
    except BaseException as error:
        # A panic in the library's Rust code; it says that it is no Exception so that nobody goes on lightly.
        if type(error).__name__ != "PanicException":
            raise
        raise _error(doing, where, error) from error


def _error(doing: str, where: str, error: BaseException) -> TableError:
    text = str(error)
    number = error.errno if isinstance(error, OSError) else None
    what = f"{doing} failed: {_first_line(text) or type(error).__name__}"
    if _NO_ROOM.search(text) or number in (28, 122):
        return NoRoomError(what, where=shown(where), hint="make room on that disk")
    numbers = {int(found) for found in _SYSTEM.findall(text)} | {number or 0}
    return (TableError if numbers & _NOT_DAMAGE else BrokenTableError)(what, where=shown(where))


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")[:500]
