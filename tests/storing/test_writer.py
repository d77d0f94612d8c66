"""Commits: in order, in one version, against the row as it stands, and on the disk before they count."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest
from tests.storing.making import FOLDER, put, puts, row, sparse, strong, unit

from glimpsed.errors import NoRoomError, TableError
from glimpsed.records import Change, Row, Written
from glimpsed.storing import durable, maintenance
from glimpsed.storing import writer as writer_module
from glimpsed.storing.engine import KEYS
from glimpsed.storing.schema import same
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

PATH = row(1).path


def change(apply: Callable[[Row | None], Row | None], path: str = PATH) -> Change:
    return Change(path, apply)


async def test_a_commit_tells_what_was_and_what_is(table: Table, writer: Writer) -> None:
    first, second = row(1), row(1, text="other")
    assert await writer.commit([put(first)]) == [Written(PATH, None, first)]
    assert await writer.commit([put(second)]) == [Written(PATH, first, second)]
    assert await writer.commit([put(second)]) == [Written(PATH, second, None)]
    assert (await table.rows([PATH]))[PATH] == second


async def test_a_group_is_one_version(table: Table, writer: Writer) -> None:
    await writer.commit(puts([row(1)]))
    before = table.version
    await writer.commit(puts(row(number, text="new") for number in range(64)))
    assert table.version == before + 1
    assert await table.engine.count() == 64


async def test_what_changes_nothing_is_not_written(table: Table, writer: Writer) -> None:
    await writer.add_encoder("large", 8)
    one = strong(1, sparse=sparse((1, 0.5)), retry_at=1.5, missing_since=0.1)
    await writer.commit([put(one)])
    before = table.version
    again = await writer.commit([put(one), change(lambda current: current), change(lambda _: None)])
    assert [written.after for written in again] == [None, None, None]
    assert all(written.before == one for written in again)
    assert await writer.commit([]) == []
    assert await writer.commit([change(lambda _: None, "/not there")]) == [Written("/not there", None, None)]
    assert table.version == before


async def test_a_new_vector_alone_is_written(table: Table, writer: Writer) -> None:
    await writer.commit([put(row(1))])
    (written,) = await writer.commit([put(row(1, vector=unit(2)))])
    assert written.after is not None
    assert same((await table.rows([PATH]))[PATH], row(1, vector=unit(2)))


async def test_changes_of_one_path_build_on_one_another(table: Table, writer: Writer) -> None:
    def more(current: Row | None) -> Row:
        return row(1) if current is None else replace(current, attempts=current.attempts + 1)

    written = await writer.commit([change(more)] * 4)
    assert [one.before and one.before.attempts for one in written] == [None, 0, 1, 2]
    assert [one.after and one.after.attempts for one in written] == [0, 1, 2, 3]
    assert (await table.rows([PATH]))[PATH].attempts == 3
    assert await table.engine.count() == 1


async def test_a_change_that_is_undone_in_its_group_is_not_written(table: Table, writer: Writer) -> None:
    await writer.commit([put(row(1))])
    before = table.version
    written = await writer.commit([put(row(1, text="other")), put(row(1))])
    assert all(one.after is not None for one in written)
    assert table.version == before


async def test_a_change_that_fails_leaves_all_as_it_was(table: Table, writer: Writer) -> None:
    def fail(_: Row | None) -> Row:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await writer.commit([put(row(2)), change(fail)])
    with pytest.raises(TableError, match="made a row of"):
        await writer.commit([put(row(2)), Change("/other", lambda _: row(1))])
    assert await table.known("/") == {}
    assert await writer.commit([put(row(1))])


async def test_tasks_that_commit_at_once_lose_and_double_nothing(table: Table, writer: Writer) -> None:
    def more(current: Row | None) -> Row:
        return row(1) if current is None else replace(current, attempts=current.attempts + 1)

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(writer.commit, [change(more), put(row(10 + number))])
            group.start_soon(table.known, FOLDER)
        group.start_soon(writer.maintain)
    rows = await table.rows([PATH])
    assert rows[PATH].attempts == 7
    assert await table.engine.count() == 9


async def test_a_cancelled_commit_is_whole_or_nothing(table: Table, writer: Writer) -> None:
    for number in range(1, 12):
        with anyio.move_on_after(0.002 * number):
            await writer.commit(puts(row(64 * number + one) for one in range(64)))
        assert len(await table.known(FOLDER)) % 64 == 0
    await writer.commit([put(row(1))])
    assert PATH in await table.known(FOLDER)


async def test_forgetting_spares_what_has_come_back(table: Table, writer: Writer) -> None:
    await writer.commit(puts([row(1, missing_since=1.0), row(2), row(3, missing_since=1.0)]))
    before = table.version
    assert await writer.forget([row(1).path, row(2).path, "/not there"]) == 1
    assert table.version > before
    assert set(await table.known(FOLDER)) == {row(2).path, row(3).path}
    assert await writer.forget([]) == 0


async def test_what_does_not_fit_is_refused_and_harms_nothing_else(table: Table, writer: Writer) -> None:
    await writer.add_encoder("large", 8)
    with pytest.raises(TableError, match="does not fit"):
        await writer.commit([put(strong(1, length=9))])
    with pytest.raises(TableError, match="does not fit"):
        await writer.commit([put(row(1, width=2**40))])
    await writer.commit([put(row(3))])
    assert len(await table.known(FOLDER)) == 1


async def test_maintenance_is_made_by_need(table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_COMMITS", 4)
    for number in range(4):
        assert not await writer.maintain()
        await writer.commit([put(row(number))])
    assert await table.engine.fragments() == 4
    assert await writer.maintain()
    assert await table.engine.fragments() == 1
    assert not await writer.maintain()
    assert len(await table.known(FOLDER)) == 4
    await writer.commit([put(row(9))])
    assert len(await table.known(FOLDER)) == 5
    assert await writer.maintain(force=True)


async def test_maintenance_keeps_the_indexes_of_all_keys_whole(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "KEYS_FROM", 10)
    await writer.commit(puts(row(number) for number in range(10)))
    await writer.maintain(force=True)
    assert set(await table.engine.index_rest()).isdisjoint(KEYS)
    for more in (20, 30):
        await writer.commit(puts(row(number, camera="new") for number in range(more)))
        await writer.maintain(force=True)
        rest = await table.engine.index_rest()
        assert rest.keys() >= set(KEYS)
        assert not any(rest.values())


async def test_maintenance_left_undone_is_due_after_opening(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_FRAGMENTS", 3)
    async with open_table(state) as table:
        for number in range(3):
            await Writer(table).commit([put(row(number))])
    async with open_table(state) as table:
        assert await Writer(table).maintain()
        assert not await Writer(table).maintain()


async def test_searches_go_on_during_maintenance(table: Table, writer: Writer) -> None:
    for number in range(30):
        await writer.commit([put(row(number, text="word"))])
    found: list[int] = []

    async def search() -> None:
        while not done.is_set():
            found.append(len(await table.known(FOLDER)))
            await anyio.lowlevel.checkpoint()

    done = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(search)
        await writer.maintain(force=True)
        done.set()
    assert found
    assert set(found) == {30}


async def test_old_versions_go_when_nobody_can_be_reading_them(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await writer.commit([put(row(number))])
    versions = os.path.join(table.engine.directory, "pictures.lance", "_versions")
    before = len(os.listdir(versions))
    # Nobody is reading: a moment stands for the minute that a search may take.
    monkeypatch.setattr(maintenance, "_READABLE", timedelta(seconds=0.001))
    assert await writer.maintain(force=True)
    assert len(os.listdir(versions)) < before / 2
    assert len(await table.known(FOLDER)) == 20


async def test_a_commit_counts_only_when_it_is_on_the_disk(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def refuse(directory: str) -> None:
        synced.append(directory)
        raise NoRoomError("no room")

    monkeypatch.setattr(durable, "sync", refuse)
    with pytest.raises(NoRoomError):
        await writer.commit([put(row(1))])
    with pytest.raises(NoRoomError):
        # The row is there by now, and yet not known to be on the disk.
        await writer.commit([put(row(1))])
    monkeypatch.setattr(durable, "sync", synced.append)
    (written,) = await writer.commit([put(row(1))])
    assert written.after is None
    assert len(synced) == 3
    await writer.commit([put(row(1))])
    assert len(synced) == 3
