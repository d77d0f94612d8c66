"""Damage that is met while the table is used, on a disk that has a bad day."""

from functools import partial
from pathlib import Path

import anyio
import pytest
from tests.indexing.house import house
from tests.waiting import until

from glimpsed.errors import TableError
from glimpsed.events import Event
from glimpsed.indexing import healing
from glimpsed.storing.engine import Engine
from glimpsed.storing.faults import BrokenTableError
from glimpsed.storing.probing import prove_rows


async def test_rows_that_cannot_be_read_just_now_are_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p").mkdir()
    errors: list[Exception] = [TableError("reading the table failed: Input/output error (os error 5)")]

    async def fails(engine: Engine, *, whole: bool) -> None:
        if errors:
            raise errors.pop(0)
        await prove_rows(engine, whole=whole)

    monkeypatch.setattr(healing, "prove_rows", fails)
    async with house(tmp_path, tmp_path / "p") as made, anyio.create_task_group() as group:
        group.start_soon(partial(healing.heal, made.context, pause=0.01))
        engine = made.context.table.engine
        before = engine.broken
        await until(lambda: engine.broken is not before)
        engine.broken(BrokenTableError("an index is gone"))
        await until(lambda: made.writer.calls.get("reindex"))
        group.cancel_scope.cancel()
    assert len(made.journal.of(Event.TABLE_DAMAGED)) == 2
    [said] = made.journal.of(Event.COMMIT_FAILED)
    assert "os error 5" in str(said["error"])
