"""A table of an older version is brought to this one: nothing is lost, nothing has to be encoded anew."""

import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.storing.making import CURRENT, FOLDER, LARGE, put, row, sparse, strong, unit
from tests.storing.test_faults import ENVIRONMENT, ROOT
from tests.storing.version1 import create, leave

from glimpsed.errors import StateError
from glimpsed.records import Filters, Row
from glimpsed.storing import older
from glimpsed.storing.columns import Columns
from glimpsed.storing.schema import VERSION_KEY, same, to_batch
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

FRESH = replace(CURRENT, encoder="large", fallback="small")
OLD = [
    strong(1, cut=2, sparse=sparse((1, 0.5), (9, 2.0))),
    strong(2),
    row(3, cut=1),
    row(4, encoder=None, vector=None),
    strong(5, missing_since=1.0),
    row(6, error="broken", encoder=None, vector=None),
]
NEW = [replace(one, base_cut=one.cut) for one in OLD]


async def holds(table: Table, rows: list[Row]) -> None:
    held = await table.rows([one.path for one in rows])
    assert len(held) == len(rows)
    for one in rows:
        assert same(held[one.path], one), (held[one.path], one)


async def test_rows_keep_their_vectors_and_are_as_fresh_as_before(state: str) -> None:
    await leave(state, OLD, 8)
    async with open_table(state, fallback="small") as table:
        assert table.notices == []
        assert table.columns == (LARGE,)
        await holds(table, NEW)
        assert [one.path for one in await table.stale(FRESH, 0.0, 9)] == [row(4).path, row(3).path]
        assert (await table.counts(FRESH, 0.0)).fresh == 2
        found = await table.nearest(unit(2, 8), strong=True, filters=Filters(), k=9)
        assert [path for path, _ in found] == [row(2).path, row(1).path]
        assert len(await table.match("picture", Filters(), 9)) == 5
        await Writer(table).commit([put(strong(3)), put(row(7))])
        await Writer(table).maintain(force=True)
    async with open_table(state) as table:
        await holds(table, [*NEW[:2], strong(3), *NEW[3:], row(7)])


async def test_a_table_without_a_stronger_encoder_is_brought_up_too(state: str) -> None:
    rows = [row(1), row(2, encoder=None, vector=None)]
    await leave(state, rows, None)
    async with open_table(state, fallback="small") as table:
        assert table.columns == ()
        await holds(table, rows)


async def test_a_column_that_was_never_filled_goes(state: str) -> None:
    await leave(state, [row(1)], 8)
    async with open_table(state, fallback="small") as table:
        assert table.columns == ()
        await holds(table, [row(1)])
        assert await Writer(table).add_encoder("large", 8)


async def test_of_two_encoders_in_one_column_the_one_with_most_rows_is_kept(state: str) -> None:
    mixed = [strong(1), strong(2), strong(3, by="other")]
    await leave(state, mixed, 8)
    async with open_table(state, fallback="small") as table:
        assert table.columns == (LARGE,)
        await holds(table, [*mixed[:2], row(3)])
        found = await table.nearest(unit(3, 8), strong=True, filters=Filters(), k=9)
        assert {path for path, _ in found} == {row(1).path, row(2).path}


async def test_the_index_goes_along(state: str) -> None:
    rows = [strong(number, length=64) for number in range(300)]
    await leave(state, rows, 64, index=True)
    async with open_table(state, fallback="small") as table:
        column = Columns("large", 64).strong
        assert table.engine.vector_indices == {column}
        found = await table.engine.nearest(unit(7, 64), column, None, 1, exact=False, columns=["path"])
        assert found["path"].to_pylist() == [row(7).path]
        assert await Writer(table).drop_encoders("small") == ["large"]


@pytest.mark.parametrize("done", range(4))
async def test_what_was_interrupted_goes_on(state: str, done: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await leave(state, OLD, 8)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(older, ("_add", "_drop", "_rename", "_raise")[done], interrupted)
        with pytest.raises(KeyboardInterrupt):
            older.bring_up(os.path.join(state, "table"), "small")
    async with open_table(state, fallback="small") as table:
        await holds(table, NEW)
        assert table.columns == (LARGE,)


async def test_what_cannot_be_brought_up_is_told_and_not_set_aside(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await leave(state, OLD, 8)

    def fails(*_: object) -> None:
        raise RuntimeError("the library has changed")

    with monkeypatch.context() as patched:
        patched.setattr(older, "_rename", fails)
        with pytest.raises(StateError, match="the library has changed"):
            async with open_table(state, fallback="small"):
                pass
    async with open_table(state, fallback="small") as table:
        await holds(table, NEW)


KILLED = """
import os, random, signal, sys, threading
from glimpsed.storing import older
import lance
threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), signal.SIGKILL)).start()
older.bring_up(sys.argv[1], "small")
"""


def killed(table: str, after: float) -> "subprocess.CompletedProcess[str]":
    """What became of it in a process that is killed so many seconds after its start."""
    return subprocess.run(
        [sys.executable, "-c", KILLED, table, str(after)],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_killed_at_any_moment_it_goes_on(state: str, tmp_path: Path) -> None:
    await leave(state, OLD, 8)
    seed = random.randrange(10**9)
    print("seed", seed)
    chance = random.Random(seed)
    for turn in range(4):
        copy = str(tmp_path / f"copy {turn}")
        shutil.copytree(state, copy)
        ended = killed(os.path.join(copy, "table"), chance.uniform(0, 0.1))
        assert ended.returncode in (-signal.SIGKILL, 0), ended.stderr
        async with open_table(copy, fallback="small") as table:
            assert table.notices == []
            await holds(table, NEW)
            assert set(await table.known(FOLDER)) == {one.path for one in OLD}


async def test_a_table_that_does_not_tell_where_dates_came_from(state: str) -> None:
    rows = [strong(1, taken_at="2024-01-01T00:00:00"), row(2, encoder=None, vector=None), row(3)]
    batch = to_batch(rows, [LARGE]).drop_columns(["taken_from"])
    await create(state, batch.replace_schema_metadata({VERSION_KEY: b"2"}))
    async with open_table(state, fallback="small") as table:
        assert table.notices == []
        assert table.columns == (LARGE,)
        await holds(table, rows)
        told = row(4, taken_at="2024-01-01T00:00:00", taken_from="file name")
        await Writer(table).commit([put(told)])
    async with open_table(state, fallback="small") as table:
        await holds(table, [*rows, told])
