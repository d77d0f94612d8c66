"""What is known to have no row, and that nothing that has one is ever overlooked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storing.making import puts, row

from glimpsed.storing import presence as presence_module
from glimpsed.storing.engine import KEYS
from glimpsed.storing.presence import Presence
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

VALUES = st.integers(-(2**63), 2**63 - 1) | st.text(max_size=3)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(VALUES, max_size=8), max_size=8), st.lists(VALUES, max_size=8), st.integers(0, 4))
def test_it_overlooks_nothing_however_much_it_learns(
    learned: list[list[int | str]], others: list[int | str], few: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence_module, "_FEW", few)
        known = Presence()
        for values in learned:
            known.learn("path", values)
        everything = [value for values in learned for value in values]
        assert known.known("path", everything) == everything
        hashes = {hash(value) for value in everything}
        assert known.known("path", others) == [value for value in others if hash(value) in hashes]
        assert known.known("size", everything) == []


async def test_what_is_new_is_not_asked_for(table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    await writer.commit(puts([row(1), row(2)]))

    async def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(table.engine, "select", fail)
    new = row(3)
    assert await table.rows([new.path]) == {}
    assert await table.by_size([new.size]) == {}
    assert await table.by_content([new.content_id]) == {}
    assert await table.by_identity([new.stamp]) == {}
    assert await table.by_text([new.text_id]) == {}
    for ask in (table.rows([row(1).path]), table.by_size([row(2).size])):
        with pytest.raises(AssertionError):
            await ask


async def test_it_is_learned_anew_at_opening_whatever_the_values_look_like(state: str) -> None:
    odd = row(1, path="/pictures/\udcff.jpg", inode=2**64 - 1, size=0)
    async with open_table(state) as table:
        await Writer(table).commit(puts([odd]))
    async with open_table(state) as table:
        assert set(await table.rows([odd.path])) == {odd.path}
        assert set(await table.by_identity([odd.stamp])) == {(2**64 - 1, 0, odd.mtime_ns)}
        assert set(await table.by_size([0])) == {0}
        assert set(await table.by_content([odd.content_id])) == {odd.content_id}
        assert set(await table.by_text([odd.text_id])) == {odd.text_id}
        assert all(table.presence.known(column, ["never"]) == [] for column in KEYS)
