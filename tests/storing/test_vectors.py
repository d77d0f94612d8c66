"""Vectors at hand: the nearest are those that the table itself finds, whatever came and went."""

from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storing.making import puts, row, unit

from glimpsed.errors import TableError
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


async def found(held: Vectors, vector: Any, k: int, version: int) -> tuple[list[int], list[float]]:
    """The nearest, where they are known."""
    nearest = await held.nearest(vector, k, version)
    assert nearest is not None
    return nearest


async def equal(table: Table, held: Vectors, vector: Any) -> None:
    every = await exactly(table, vector, 1_000)
    places, distances = await found(held, vector, 1_001, table.version)
    assert dict(zip(places, distances, strict=True)) == pytest.approx(every, abs=1e-5 if held.exact else 0.005)
    assert distances == sorted(distances)
    few, near = await found(held, vector, 3, table.version)
    assert few == places[:3]
    assert near == distances[:3]


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "without", "forget", "maintain"]), st.lists(st.integers(0, 12), max_size=5)),
    max_size=6,
)


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "coarse"])
@given(STEPS)
@settings(deadline=None, max_examples=20)
def test_whatever_is_committed_the_nearest_are_those_of_the_table(
    tmp_path_factory: pytest.TempPathFactory, exact: bool, steps: list[tuple[str, list[int]]]
) -> None:
    async def run(state: Path) -> None:
        async with open_table(str(state)) as table:
            writer, held = Writer(table), Vectors(table.engine)
            await held.hold(table.version, exact=exact)
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
                assert held.exact is exact
                assert sorted(held.places.tolist()) == sorted((await table.engine.places())[ROW].to_pylist())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "_PIECE", 3)
        patch.setattr(vectors, "_READ", 2)
        anyio.run(run, tmp_path_factory.mktemp("state"))


@pytest.fixture
def reads(table: Table, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What the table is asked for: which read, and how many rows it gave."""
    asked = []

    def noted(name: str) -> Any:
        real = getattr(table.engine, name)

        async def read(*given: Any, **named: Any) -> Any:
            rows = await real(*given, **named)
            asked.append((name, rows.num_rows))
            return rows

        return read

    for name in ("take", "lying", "places"):
        monkeypatch.setattr(table.engine, name, noted(name))
    return asked


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "coarse"])
async def test_a_commit_reads_only_what_is_new(
    table: Table, writer: Writer, reads: list[tuple[str, int]], exact: bool
) -> None:
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(20)))
    await writer.commit(puts([row(99, vector=None)]))
    held = Vectors(table.engine)
    await held.hold(table.version, exact=exact)
    reads.clear()
    await writer.commit(puts([row(40, vector=unit(78)), row(41, vector=None)]))
    await equal(table, held, unit(78))
    assert reads == [("lying", 2)]
    reads.clear()
    await writer.commit(puts([row(3, vector=unit(77)), row(50, vector=unit(79))]))  # one row goes: which, a list tells
    await equal(table, held, unit(77))
    assert reads == [("lying", 2), ("places", 24), ("take", 2)]


async def test_what_is_committed_while_a_search_looks_does_not_hide_what_went(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(9)))
    held = Vectors(table.engine)
    await held.look(table.version)
    await writer.commit(puts(row(n, vector=unit(n + 50)) for n in range(3)))  # three rows go
    real, version = table.engine.count, table.version

    async def count(where: str | None = None) -> int:
        monkeypatch.setattr(table.engine, "count", real)
        await writer.commit(puts(row(n, vector=unit(n)) for n in range(20, 23)))  # and three come
        return await real(where)

    monkeypatch.setattr(table.engine, "count", count)
    places, _ = await found(held, unit(1), 100, version)
    assert set(places) <= set((await table.engine.places())[ROW].to_pylist())
    await equal(table, held, unit(1))


async def test_the_first_row_of_an_empty_table_is_seen(table: Table, writer: Writer) -> None:
    held = Vectors(table.engine)
    await held.look(table.version)
    assert await found(held, unit(1), 1, table.version + 1) == ([], [])
    await writer.commit(puts([row(1, vector=unit(1))]))
    assert len((await found(held, unit(1), 1, table.version + 1))[0]) == 1


async def test_what_is_gone_is_not_held_for_long(table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_PIECE", 2)
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(12)))
    held = Vectors(table.engine)
    await held.look(table.version)
    before = held.bytes
    await writer.drop([row(n).path for n in range(9)])
    await equal(table, held, unit(11))
    assert held.bytes < before / 2


async def test_more_than_wanted_is_not_held_in_full(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "EXACT_UP_TO", 2)
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(4)))
    assert table.at_hand(ALL)
    assert not table.at_hand(Filters(missing=True))
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(4, 6)))
    assert not table.at_hand(ALL)
    assert [path for path, _ in await table.nearest(unit(5), strong=False, filters=ALL, k=1)] == [row(5).path]
    await writer.maintain(force=True)
    assert table.at_hand(ALL)
    assert not table.vectors.exact


async def test_a_search_does_not_wait_for_a_large_table_to_be_read(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_PIECE", 3)
    monkeypatch.setattr(vectors, "_MUCH", 4)
    held = Vectors(table.engine)
    await held.hold(table.version, exact=False)
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(5)))
    assert await held.nearest(unit(1), 3, table.version) is None
    await held.hold(table.version, exact=False)
    assert await held.nearest(unit(1), 3, table.version) is not None


async def test_what_failed_to_be_read_is_read_again(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_PIECE", 3)
    held = Vectors(table.engine)
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(2)))
    await held.look(table.version)
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(2, 9)))

    async def fails(*_: Any, **__: Any) -> Any:
        raise TableError("the table cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(table.engine, "lying", fails)
        patch.setattr(table.engine, "take", fails)
        with pytest.raises(TableError):
            await held.hold(table.version, exact=True)
    await equal(table, held, unit(5))


async def test_without_rows_or_direction_nothing_is_near(table: Table, writer: Writer) -> None:
    held = Vectors(table.engine)
    assert await held.nearest(unit(1), 3, table.version) == ([], [])
    await writer.commit(puts([row(1, vector=unit(1))]))
    assert await held.nearest(np.zeros_like(unit(1)), 3, table.version) == ([], [])
    assert len((await found(held, unit(1), 3, table.version))[0]) == 1
    assert held.bytes > 0
    await held.drop()
    assert held.bytes == 0
    assert len((await found(held, unit(1), 3, table.version))[0]) == 1


async def test_a_small_table_is_not_asked_and_a_large_one_is(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.commit(puts(row(n, vector=unit(n)) for n in range(8)))

    async def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("the table is asked")

    async def two() -> list[str]:
        return [path for path, _ in await table.nearest(unit(3), strong=False, filters=ALL, k=2)]

    with monkeypatch.context() as patch:
        patch.setattr(table.engine, "nearest", never)
        nearest = await table.nearest(unit(3), strong=False, filters=ALL, k=2)
        assert nearest[0][0] == row(3).path
        assert nearest[0][1] == pytest.approx(1.0, abs=1e-5)
        patch.setattr(lookup, "EXACT_UP_TO", 4)
        await writer.maintain(force=True)
        assert not table.vectors.exact
        assert await two() == [path for path, _ in nearest]
    monkeypatch.setattr(lookup, "EXACT_UP_TO", 4)
    monkeypatch.setattr(lookup, "HELD_UP_TO", 4)
    await writer.maintain(force=True)
    assert table.vectors.bytes == 0
    assert await two() == [path for path, _ in nearest]
    assert table.vectors.bytes == 0
