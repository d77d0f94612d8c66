"""Vectors at hand: the nearest are those that the table itself finds, whatever came and went."""

from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storing.making import puts, row, unit

from glimpsed.records import Filters
from glimpsed.storing import lookup, vectors
from glimpsed.storing.engine import ROW
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.vectors import Vectors
from glimpsed.storing.writer import Writer

ALL = Filters()


async def exactly(table: Table, vector: Any, k: int) -> dict[int, float]:
    """What the table itself finds."""
    found = await table.engine.nearest(vector, "vector", None, k, exact=True)
    return dict(zip(found[ROW].to_pylist(), found["_distance"].to_pylist(), strict=True))


async def equal(table: Table, held: Vectors, vector: Any) -> None:
    every = await exactly(table, vector, 1_000)
    places, distances = await held.nearest(vector, 1_000, table.version)
    assert dict(zip(places, distances, strict=True)) == pytest.approx(every, abs=1e-5)
    assert distances == sorted(distances)
    few, near = await held.nearest(vector, 3, table.version)
    assert few == places[:3]
    assert near == distances[:3]


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "without", "forget", "maintain"]), st.lists(st.integers(0, 12), max_size=5)),
    max_size=6,
)


@given(STEPS)
@settings(deadline=None, max_examples=25)
def test_whatever_is_committed_the_nearest_are_those_of_the_table(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[int]]]
) -> None:
    async def run(state: Path) -> None:
        async with open_table(str(state)) as table:
            writer, held = Writer(table), Vectors(table.engine)
            seed = 0
            for what, numbers in steps:
                match what:
                    case "put" | "without":
                        seed += 100
                        made = [None if what == "without" else unit(number + seed) for number in set(numbers)]
                        await writer.commit(puts(row(n, vector=v) for n, v in zip(set(numbers), made, strict=True)))
                    case "forget":
                        await writer.commit(puts(row(n, missing_since=1.0) for n in set(numbers)))
                        await writer.forget([row(n).path for n in numbers])
                    case _:
                        await writer.maintain(force=True)
                await equal(table, held, unit(5))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "_PIECE", 3)
        anyio.run(run, tmp_path_factory.mktemp("state"))


async def test_a_commit_reads_only_what_is_new(table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(20)))
    await writer.commit(puts([row(99, vector=None)]))
    held = Vectors(table.engine)
    await held.look(table.version)
    real, taken = table.engine.take, []

    async def take(places: list[int], columns: list[str]) -> Any:
        taken.append(len(places))
        return await real(places, columns)

    monkeypatch.setattr(table.engine, "take", take)
    await writer.commit(puts([row(3, vector=unit(77)), row(40, vector=unit(78))]))
    await equal(table, held, unit(77))
    await equal(table, held, unit(78))
    assert taken == [2]


async def test_without_rows_or_direction_nothing_is_near(table: Table, writer: Writer) -> None:
    held = Vectors(table.engine)
    assert await held.nearest(unit(1), 3, table.version) == ([], [])
    await writer.commit(puts([row(1, vector=unit(1))]))
    assert await held.nearest(np.zeros_like(unit(1)), 3, table.version) == ([], [])
    assert len((await held.nearest(unit(1), 3, table.version))[0]) == 1
    assert held.bytes > 0
    await held.drop()
    assert held.bytes == 0
    assert len((await held.nearest(unit(1), 3, table.version))[0]) == 1


async def test_a_small_table_is_not_asked_and_a_large_one_is(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(8)))

    async def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("the table is asked")

    with monkeypatch.context() as patch:
        patch.setattr(table.engine, "nearest", never)
        found = await table.nearest(unit(3), strong=False, filters=ALL, k=2)
    assert found[0][0] == row(3).path
    assert found[0][1] == pytest.approx(1.0, abs=1e-5)
    assert table.vectors.bytes > 0
    monkeypatch.setattr(lookup, "EXACT_UP_TO", 4)
    await writer.maintain(force=True)
    assert table.vectors.bytes == 0
    assert [path for path, _ in await table.nearest(unit(3), strong=False, filters=ALL, k=2)] == [p for p, _ in found]
    assert table.vectors.bytes == 0
