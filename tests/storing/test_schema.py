"""Rows as Arrow, and back."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storing.making import LARGE, row, sparse, strong, unit

from glimpsed.records import Encoding, Part, Row
from glimpsed.storing.arrays import values
from glimpsed.storing.columns import Columns
from glimpsed.storing.schema import differs, same, table_schema, to_batch, to_rows

OTHER = Columns("other/1's \ud800", 4)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=8) | st.binary(
    min_size=1, max_size=8
).map(lambda name: name.replace(b"/", b"-").replace(b"\0", b"-").decode("utf-8", "surrogateescape"))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))
INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
TIMES = st.none() | st.floats(-1e12, 1e12)

ROWS = st.builds(
    Row,
    path=PATHS,
    folder=PATHS,
    content_id=WORDS,
    mtime_ns=INT64,
    ctime_ns=INT64,
    size=st.integers(0, 2**63 - 1),
    inode=st.integers(0, 2**64 - 1),
    format=st.none() | WORDS,
    width=st.none() | st.integers(0, 2**31 - 1),
    latitude=st.none() | st.floats(-90, 90),
    description=st.lists(st.builds(Part, WORDS, WORDS), max_size=3).map(tuple),
    text=WORDS,
    cut=st.integers(0, 3),
    encoder=st.none() | WORDS,
    vector=st.none() | st.integers(0, 9).map(unit),
    missing_since=TIMES,
    retry_at=TIMES,
    error=st.none() | WORDS,
)


WEIGHTS = st.none() | st.lists(st.tuples(st.integers(0, 250_000), st.floats(0, 5, width=32)), max_size=4).map(
    lambda pairs: sparse(*pairs)
)
MADE = st.fixed_dictionaries(
    {},
    optional={
        columns.encoder: st.builds(
            Encoding,
            st.integers(0, 9).map(lambda seed, length=columns.dimension: unit(seed, length)),  # type: ignore[misc]
            WEIGHTS,
            st.integers(0, 3),
        )
        for columns in (LARGE, OTHER)
    },
)


def with_encodings(one: Row, made: dict[str, Encoding], view: Columns | None) -> Row:
    """The row as it is seen with that encoder chosen."""
    base = replace(one, base_encoder=one.encoder, base_cut=one.cut)
    seen = None if view is None else made.get(view.encoder)
    others = {encoder: each for encoder, each in made.items() if seen is None or each is not seen}
    if seen is None or view is None:
        return replace(base, others=others)
    return replace(base, encoder=view.encoder, cut=seen.cut, strong=seen.dense, sparse=seen.sparse, others=others)


@settings(deadline=None, max_examples=40)
@given(st.lists(MADE, max_size=4), st.sampled_from([None, LARGE, OTHER]))
def test_whoever_is_chosen_sees_its_own_and_keeps_the_others(
    made: list[dict[str, Encoding]], view: Columns | None
) -> None:
    bare = [row(number, cut=number, vector=None if number == 3 else unit(number)) for number in range(len(made))]
    before = [with_encodings(one, each, LARGE) for one, each in zip(bare, made, strict=True)]
    table = pa.Table.from_batches([to_batch(before, [LARGE, OTHER])])
    seen = to_rows(table, [LARGE, OTHER], view)
    for one, each, back in zip(bare, made, seen, strict=True):
        assert same(back, with_encodings(one, each, view))
    assert pa.Table.from_batches([to_batch(seen, [LARGE, OTHER])]).equals(table)


@settings(deadline=None, max_examples=60)
@given(st.lists(ROWS, max_size=5), st.data())
def test_rows_come_back_as_they_were(rows: list[Row], data: st.DataObject) -> None:
    table = pa.Table.from_batches([to_batch(rows, [LARGE])])
    start = data.draw(st.integers(0, len(rows)))
    back = to_rows(table.slice(start))
    assert len(back) == len(rows) - start
    assert all(same(one, other) for one, other in zip(rows[start:], back, strict=True))
    assert values(table, "path") == [one.path for one in rows]
    assert values(table, "inode") == [one.inode for one in rows]


def test_columns_that_were_not_asked_for_keep_their_defaults() -> None:
    table = pa.Table.from_batches([to_batch([row(1)], ())]).select(["path", "folder", "text"])
    assert to_rows(table) == [Row(path="/pictures/1.jpg", folder="/pictures", text="picture 1")]


def test_many_chunks_and_none_are_read_alike() -> None:
    batches = [to_batch([row(number)], ()) for number in range(3)]
    assert [one.path for one in to_rows(pa.Table.from_batches(batches))] == [row(n).path for n in range(3)]
    assert to_rows(table_schema([LARGE]).empty_table()) == []


def test_text_that_is_no_unicode_is_kept_as_far_as_it_is() -> None:
    hostile = row(1, text="a\ud800b\U0001f600", description=(Part("caption", "\udfff"),))
    (back,) = to_rows(pa.Table.from_batches([to_batch([hostile], ())]))
    assert back.text == "a\ufffdb\U0001f600"
    assert back.description == (Part("caption", "\ufffd"),)


@pytest.mark.parametrize("column", ["vector", "strong"])
def test_a_vector_of_another_length_is_refused(column: str) -> None:
    bad: dict[str, Any] = {column: unit(1, 5)}
    with pytest.raises(ValueError, match=column):
        to_batch([replace(strong(1), **bad)], [LARGE])


def test_a_strong_vector_is_not_kept_where_there_is_no_column() -> None:
    (back,) = to_rows(pa.Table.from_batches([to_batch([strong(1)], ())]))
    assert back.strong is None


def test_same_sees_every_difference() -> None:
    one = strong(1, sparse=sparse((1, 0.5)), others={"other": Encoding(unit(1, 4))})
    assert same(one, replace(one, vector=np.array(one.vector)))
    assert not same(one, replace(one, vector=unit(2)))
    assert not same(one, replace(one, vector=None))
    assert not same(one, replace(one, strong=unit(2, 8)))
    assert not same(one, replace(one, sparse=None))
    assert not same(one, replace(one, sparse=sparse((1, 0.25))))
    assert not same(one, replace(one, sparse=sparse((2, 0.5))))
    assert not same(one, replace(one, text="other"))
    assert not same(one, replace(one, base_encoder="older"))
    assert not same(one, replace(one, others={}))
    assert not same(one, replace(one, others={"other": Encoding(unit(2, 4))}))
    assert not same(one, replace(one, others={"other": Encoding(unit(1, 4), sparse())}))
    assert not same(one, replace(one, others={"other": Encoding(unit(1, 4), cut=1)}))
    assert same(one, replace(one, others={"other": Encoding(unit(1, 4))}))


def test_half_precision_alone_is_no_difference() -> None:
    one = strong(1)
    (back,) = to_rows(pa.Table.from_batches([to_batch([one], [LARGE])]), [LARGE], LARGE)
    assert same(one, back)


def test_schemas_of_others_are_told() -> None:
    ours = table_schema()
    assert differs(ours) is None
    assert differs(table_schema([Columns("huge", 1024), LARGE])) is None
    assert "version none" in (differs(ours.remove_metadata()) or "")
    assert "version 7" in (differs(ours.with_metadata({b"glimpsed.schema": b"7"})) or "")
    assert "columns" in (differs(ours.remove(3)) or "")
