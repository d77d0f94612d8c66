"""Whether the table's files are whole, as far as reading tells: rows by reading them, indexes by asking them."""

from typing import Any, Final

import numpy as np

from glimpsed.storing import sql
from glimpsed.storing.arrays import values
from glimpsed.storing.engine import KEYS, Engine
from glimpsed.storing.faults import BrokenTableError

_ROWS: Final = 1_024  # that are read together
_NUMBERS: Final = frozenset({"size", "inode"})


async def prove_rows(engine: Engine, *, whole: bool) -> None:
    """BrokenTableError where rows cannot be read, or are doubled; with `whole` all that they hold is read."""
    paths = values(await engine.select(["path", "mtime_ns", "reader", "description"]), "path")
    if len(paths) != len(set(paths)) or len(paths) != await engine.count():
        raise BrokenTableError("a path has more than one row")
    if whole:
        await engine.stream((await engine.schema()).names, "path IS NOT NULL", _pass, rows=_ROWS)


async def _pass(batch: Any) -> None:
    """It could be read, and that is all that was asked."""


async def broken_indexes(engine: Engine) -> list[str]:
    """The columns whose index cannot be asked. Each is asked for something that no row need have."""
    broken = []
    for column in sorted(engine.indexed):
        try:
            await _ask(engine, column)
        except BrokenTableError:
            broken.append(column)
    return broken


async def _ask(engine: Engine, column: str) -> None:
    if column == "text":
        await engine.match("a", sql.PRESENT, 1)
    elif column in KEYS:
        await engine.count(f"{column} = {1 if column in _NUMBERS else sql.text('x')}")
    else:
        length = (await engine.schema()).field(column).type.list_size
        await engine.nearest(np.ones(length, np.float32), column, None, 1, exact=False)
