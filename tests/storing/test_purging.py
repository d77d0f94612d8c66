"""What was deleted is in no file, what was not is found as before, and searches go on meanwhile."""

from pathlib import Path

import anyio
import pytest
from tests.storing.making import puts, row, unit

from glimpsed.filters import Filters
from glimpsed.records import Part
from glimpsed.storing import lookup, maintenance
from glimpsed.storing.engine import KEYS
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

WORD = "qzxvkwjp"
ANY = Filters()


def holding(state: str) -> list[str]:
    return [str(path) for path in Path(state).rglob("*") if path.is_file() and WORD.encode() in path.read_bytes()]


async def fill(writer: Writer, count: int) -> str:
    """Rows, and one more that is to be forgotten; its path."""
    path = f"/pictures/{WORD}.jpg"
    private = row(count, path=path, text=f"hello {WORD}", description=(Part("ocr", WORD),), missing_since=1.0)
    await writer.commit(puts([*(row(number) for number in range(count)), private]))
    return path


@pytest.mark.parametrize("indexed", [False, True])
async def test_nothing_is_left_and_all_else_is_found(
    table: Table, writer: Writer, state: str, monkeypatch: pytest.MonkeyPatch, indexed: bool
) -> None:
    if indexed:
        monkeypatch.setattr(maintenance, "KEYS_FROM", 10)
        monkeypatch.setattr(maintenance, "EXACT_UP_TO", 10)
        monkeypatch.setattr(lookup, "EXACT_UP_TO", 10)
    path = await fill(writer, 300)
    await writer.maintain(force=True)
    assert bool(table.engine.vector_indices) is indexed
    await writer.forget([path])
    left = Path(state, "table", "pictures.lance", "data", "left-by-a-kill.lance")
    left.write_text(WORD)  # noqa: ASYNC240  a test may block
    assert len(holding(state)) >= 3

    await writer.purge()
    assert holding(state) == []
    assert not left.exists()  # noqa: ASYNC240
    assert bool(table.engine.vector_indices) is indexed
    rest = await table.engine.index_rest()
    assert set(rest) == {"text", *(KEYS if indexed else ()), *(["vector"] if indexed else ())}
    assert not any(rest.values())
    assert [one for one, _ in await table.match("211", ANY, 5)] == ["/pictures/211.jpg"]
    assert (await table.nearest(unit(17), strong=False, filters=ANY, k=1))[0][0] == "/pictures/17.jpg"
    assert set(await table.rows(["/pictures/5.jpg", path])) == {"/pictures/5.jpg"}
    assert await table.new_words() is None  # the words are to be counted anew

    await writer.purge()  # again: nothing more to do
    await writer.commit(puts([row(400)]))
    table.engine.close()


async def test_it_goes_on_after_being_opened_anew(state: str) -> None:
    async with open_table(state) as table:
        writer = Writer(table)
        await writer.forget([await fill(writer, 20)])
        await writer.purge()
    async with open_table(state) as table:
        assert table.notices == []
        assert (await table.folder_counts()) == {"/pictures": 20}


async def test_searches_go_on_meanwhile(table: Table, writer: Writer) -> None:
    await fill(writer, 500)
    searches = 0

    async def search() -> None:
        nonlocal searches
        while True:
            assert len(await table.match("picture", ANY, 400)) == 400
            assert len(await table.recent(ANY, 400)) == 400
            searches += 1

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(search)
        for number in range(5):
            await writer.commit(puts([row(number, text="picture changed")]))
            await writer.purge()
        group.cancel_scope.cancel()
    assert searches > 5
