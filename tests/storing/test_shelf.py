"""Rows at hand: the same as those in the table, in bounded memory, whatever is changed meanwhile."""

from collections.abc import Collection
from typing import Any

import pytest
from tests.storing.making import LARGE, puts, row, sparse, strong, unit

from glimpsed.records import Filters, Row
from glimpsed.storing import lookup, shelf
from glimpsed.storing.engine import ROW
from glimpsed.storing.shelf import Shelf
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

ALL = Filters()


def shown(one: Row) -> Row:
    """As a hit shows it."""
    return Row(**{name: getattr(one, name) for name in shelf.COLUMNS})


async def places(table: Table) -> list[int]:
    found: list[int] = (await table.engine.places())[ROW].to_pylist()
    return found


async def test_large_pieces_are_held_and_single_rows_are_taken(table: Table, writer: Writer) -> None:
    rows = [row(n, folder=f"/pictures/{n % 2}", camera=None if n % 3 else "eye") for n in range(30)]
    await writer.commit(puts(rows[:20]))
    await writer.commit(puts(rows[20:]))
    held = Shelf(table.engine, whole=15)
    await held.fill()
    assert held.bytes > 0
    where = await places(table)
    found = await held.rows([*where, 99 << 32, where[0] + 5_000])
    assert sorted(found) == sorted(where)
    assert sorted(one.path for one in found.values()) == sorted(one.path for one in rows)
    assert set(found.values()) == {shown(one) for one in rows}
    assert await held.rows([]) == {}


async def test_a_changed_row_is_another_one(table: Table, writer: Writer) -> None:
    await writer.commit(puts([row(n) for n in range(4)]))
    held = Shelf(table.engine, whole=1)
    await held.fill()
    before = await places(table)
    changed = row(1, camera="other", missing_since=2.0)
    await writer.commit(puts([changed]))
    after = await places(table)
    [new] = set(after) - set(before)
    assert (await held.rows([new]))[new] == shown(changed)
    [old] = set(before) - set(after)
    assert (await held.rows([old]))[old] == shown(row(1))
    await writer.maintain(force=True)
    await held.fill()
    assert set((await held.rows(await places(table))).values()) == {
        shown(row(0)),
        shown(changed),
        shown(row(2)),
        shown(row(3)),
    }


async def test_it_has_a_limit_and_holds_the_newest(table: Table, writer: Writer) -> None:
    await writer.commit(puts(row(n) for n in range(20)))
    await writer.commit(puts(row(n) for n in range(20, 40)))
    where = await places(table)
    small = Shelf(table.engine, whole=10, most=1)
    await small.fill()
    both = Shelf(table.engine, whole=10)
    await both.fill()
    assert 0 < small.bytes < both.bytes
    none = Shelf(table.engine, whole=10, most=0)
    await none.fill()
    assert none.bytes == 0
    for one in (small, none):
        assert len(await one.rows(where)) == 40
    assert small._places.min() >> 32 == max(where) >> 32


async def test_lists_are_whole_when_the_table_changes_under_them(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.commit(puts(row(n, text="cat") for n in range(5)))
    real, losses = table.shelf.rows, [1]

    async def late(asked: Collection[int]) -> dict[int, Row]:
        found = await real(asked)
        return dict(list(found.items())[losses[0] :])

    monkeypatch.setattr(table.shelf, "rows", late)
    assert len(await table.match("cat", ALL, 9)) == 5
    assert len(await table.nearest(unit(1), strong=False, filters=ALL, k=9)) == 5
    assert len(await table.select([row(n).path for n in range(5)])) == 5


async def test_select_knows_the_rows_of_the_lists_until_they_change(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.commit(puts([row(1, text="cat"), row(2, text="cat"), row(3, text="dog")]))
    began = table.version
    found = [path for path, _ in await table.match("cat", ALL, 9)]
    with monkeypatch.context() as patch:
        patch.setattr(table.engine, "select", None)
        assert set((await table.select(found)).values()) == {shown(row(1)), shown(row(2))}
    await writer.commit(puts([row(1, text="cat", camera="new")]))
    with monkeypatch.context() as patch:
        patch.setattr(table.engine, "select", None)
        assert (await table.select(found, since=began))[row(1).path].camera is None
    assert (await table.select(found))[row(1).path].camera == "new"
    assert set(await table.select([*found, row(3).path, "/not there"], since=began)) == {row(n).path for n in (1, 2, 3)}


async def test_token_weights_come_with_the_rows(table: Table, writer: Writer) -> None:
    await writer.add_encoder(LARGE.encoder, LARGE.dimension)
    one = strong(1, text="cat", sparse=sparse((3, 0.5)))
    await writer.commit(puts([one, row(2, text="cat")]))
    began = table.version
    found = [path for path, _ in await table.match("cat", ALL, 9)]
    rows = await table.select(found)
    assert rows[row(2).path].sparse is None
    weights = rows[one.path].sparse
    assert weights is not None
    assert weights.tokens.tolist() == [3]
    await writer.commit(puts([strong(1, text="cat", sparse=sparse((4, 0.5)))]))
    weights = (await table.select(found, since=began))[one.path].sparse
    assert weights is not None
    assert weights.tokens.tolist() == [4]


async def test_missing_rows_are_left_out_however_many(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_SPARE", 3)
    for gone in range(1, 7):
        await writer.commit(puts(row(n, text="cat", missing_since=1.0 if n < gone else None) for n in range(8)))
        there = {row(n).path for n in range(gone, 8)}
        assert table.missing == gone
        assert {path for path, _ in await table.match("cat", ALL, 8 - gone)} == there
        assert {path for path, _ in await table.nearest(unit(0), strong=False, filters=ALL, k=8 - gone)} == there
        assert await table.frequency("cat") == 8 - gone
        lost = Filters(missing=True)
        assert len(await table.match("cat", lost, 9)) == gone


async def test_the_tally_is_kept_through_everything(state: str) -> None:
    async def counted(table: Table) -> tuple[Any, ...]:
        kept = +table.tally
        await table.count_anew()
        assert kept == +table.tally
        return table.missing, await table.folder_counts(), await table.folder_counts(missing=True)

    async with open_table(state) as table:
        writer = Writer(table)
        await writer.commit(puts([row(1), row(2), row(3, folder="/other")]))
        await writer.commit(puts([row(1, missing_since=1.0), row(2, folder="/other"), row(4, missing_since=1.0)]))
        assert await counted(table) == (2, {"/other": 2}, {"/pictures": 2})
        await writer.forget([row(1).path, row(2).path])
        assert await counted(table) == (1, {"/other": 2}, {"/pictures": 1})
    async with open_table(state) as table:
        assert await counted(table) == (1, {"/other": 2}, {"/pictures": 1})


async def test_a_commit_that_fails_halfway_is_counted_anew(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = table.engine.add

    async def written_but_not_acknowledged(batch: Any) -> None:
        await real(batch)
        raise OSError("the disk went away")

    with monkeypatch.context() as patch:
        patch.setattr(table.engine, "add", written_but_not_acknowledged)
        with pytest.raises(OSError, match="went away"):
            await writer.commit(puts([row(1)]))
    assert (await table.rows([row(1).path])).keys() == {row(1).path}
    await writer.commit(puts([row(1, camera="again"), row(2)]))
    assert await table.folder_counts() == {"/pictures": 2}
    assert await table.engine.count() == 2
