"""The table against a dict: whatever is done in whatever order, both hold the same."""

from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storing.making import row, sparse, unit

from glimpsed.records import Change, Filters, Row
from glimpsed.storing import engine, maintenance, shelf
from glimpsed.storing.schema import same
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

PATHS = [
    "/pictures/a.jpg",
    "/pictures/a's.jpg",
    "/pictures/\udcff.jpg",
    "/pictures/a/b%_\\.jpg",
    "/pictures/日本.jpg",
    "/pictures/c.jpg",
]

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["", "cat", "it's", "日本"]),
        "attempts": st.integers(0, 3),
        "camera": st.sampled_from([None, "eye", "auge"]),
        "missing_since": st.sampled_from([None, 0.5]),
        "vector": st.none() | st.integers(0, 3).map(unit),
    },
)
SPARSE = st.none() | st.just(sparse()) | st.just(sparse((1, 0.5), (9, 2.0)))
WEAK = st.fixed_dictionaries(
    {
        "strong": st.none(),
        "sparse": st.none(),
        "cut": st.integers(0, 2),
        "encoder": st.sampled_from([None, "small"]),
        "base_encoder": st.none(),
        "base_cut": st.just(0),
    }
)
STRONG = st.fixed_dictionaries(
    {
        "strong": st.integers(0, 3).map(lambda seed: unit(seed, 8)),
        "sparse": SPARSE,
        "cut": st.integers(0, 2),
        "encoder": st.just("large"),
        "base_encoder": st.just("small"),
        "base_cut": st.integers(0, 2),
    }
)
FIELDS = st.builds(lambda fields, made: fields | made, FIELDS, WEAK | STRONG)
PATH = st.sampled_from(PATHS)
STEPS = st.one_of(
    st.tuples(st.just("put"), st.lists(st.tuples(PATH, FIELDS), min_size=1, max_size=5)),
    st.tuples(st.just("update"), st.lists(st.tuples(PATH, FIELDS), min_size=1, max_size=5)),
    st.tuples(st.just("miss"), st.lists(PATH, min_size=1, max_size=4)),
    st.tuples(st.just("forget"), st.lists(PATH, min_size=1, max_size=4)),
    st.tuples(st.just("maintain"), st.just(None)),
    st.tuples(st.just("reopen"), st.just(None)),
)
BATCHES = st.lists(STEPS, min_size=1, max_size=12)


def _change(kind: str, one: Any) -> Change:
    if kind == "miss":
        return Change(one, lambda now: None if now is None else replace(now, missing_since=now.missing_since or 2.0))
    path, fields = one
    if kind == "update":
        return Change(path, lambda now: None if now is None else replace(now, **fields))
    return Change(path, lambda _: row(PATHS.index(path), path=path, **fields))


@settings(deadline=None, max_examples=25)
@given(BATCHES)
async def test_the_table_is_a_dict(steps: list[tuple[str, Any]]) -> None:
    await hold_against_a_dict(steps)


@settings(deadline=None, max_examples=25)
@given(BATCHES, st.sampled_from([0, 2, 8]))
async def test_the_table_is_a_dict_with_every_index(steps: list[tuple[str, Any]], looked_up: int) -> None:
    """As above some thousand rows: maintenance makes the indexes, and commits use them for at most `looked_up` rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maintenance, "KEYS_FROM", 0)
        patch.setattr(engine, "_LOOKED_UP", looked_up)
        patch.setattr(shelf, "_WHOLE", 2)
        await hold_against_a_dict([steps[0], ("maintain", None), *steps[1:]])


async def hold_against_a_dict(steps: list[tuple[str, Any]]) -> None:
    model: dict[str, Row] = {}
    with TemporaryDirectory() as state:
        while steps:
            reopen = next((place for place, (kind, _) in enumerate(steps) if kind == "reopen"), len(steps))
            now, steps = steps[:reopen], steps[reopen + 1 :]
            async with open_table(state) as table:
                assert table.notices == []
                writer = Writer(table)
                await writer.add_encoder("large", 8)
                for kind, given_ in now:
                    if kind == "maintain":
                        await writer.maintain(force=True)
                    elif kind == "forget":
                        gone = {path for path in given_ if path in model and model[path].missing_since is not None}
                        assert await writer.forget(given_) == len(gone)
                        model = {path: one for path, one in model.items() if path not in gone}
                    else:
                        changes = [_change(kind, one) for one in given_]
                        written = await writer.commit(changes)
                        for change, told in zip(changes, written, strict=True):
                            before = model.get(change.path)
                            assert told.before == before
                            after = change.apply(before)
                            if after is not None and (before is None or not same(after, before)):
                                assert told.after is not None
                                assert same(told.after, after)
                                model[change.path] = after
                            else:
                                assert told.after is None
                    held = await table.rows(PATHS)
                    assert held.keys() == model.keys()
                    assert all(same(held[path], one) for path, one in model.items())
                    assert await table.engine.count() == len(model)
                    assert set(await table.known("/pictures")) == set(model)
                    await look_up(table, model)


async def look_up(table: Table, model: dict[str, Row]) -> None:
    """Every way to a row finds those that are there, and what hits show of them is what they are."""
    rows = model.values()
    sizes = {one.size for one in rows}
    assert await table.by_size(sizes | {1}) == {
        size: frozenset(one.content_id for one in rows if one.size == size) for size in sizes
    }
    by_content = await table.by_content([one.content_id for one in rows])
    assert sorted(one.path for found in by_content.values() for one in found) == sorted(model)
    assert set(await table.by_identity([one.stamp for one in rows])) == {
        (one.inode, one.size, one.mtime_ns) for one in rows
    }
    encoded = {one.text_id for one in rows if one.encoder is not None and one.vector is not None}
    assert set(await table.by_text([one.text_id for one in rows])) == encoded
    there = {one.path for one in rows if one.missing_since is None}
    found = {path for path, _ in await table.nearest(unit(1), strong=False, filters=Filters(), k=9)}
    assert found == {path for path in there if model[path].vector is not None}
    selected = await table.select(found)
    assert {path: one.camera for path, one in selected.items()} == {path: model[path].camera for path in found}
    assert {path for path, _ in await table.match("cat", Filters(), 9)} == {
        path for path in there if model[path].text == "cat"
    }
    assert sum((await table.folder_counts()).values()) == len(there)
    assert table.missing == len(model) - len(there)
