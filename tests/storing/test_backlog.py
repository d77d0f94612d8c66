"""The table as the queue, against the same rules written plainly."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storing.making import CURRENT, puts, row

from glimpsed.records import Counts, Current, Row
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

NOW = 100.0

KINDS = st.fixed_dictionaries(
    {
        "reader": st.sampled_from([None, "reader-1", "reader-0"]),
        "ocr": st.sampled_from([None, "ocr-1", "ocr-0"]),
        "encoder": st.sampled_from([None, "small", "large"]),
        "text_id": st.sampled_from(["", "t"]),
        "error": st.sampled_from([None, None, "broken"]),
        "retry_at": st.sampled_from([None, None, NOW - 1, NOW, NOW + 1]),
        "missing_since": st.sampled_from([None, None, None, 1.0]),
    }
)


def rank(one: Row, current: Current) -> int | None:
    """Which work comes first for a row; None where there is none."""
    if one.missing_since is not None:
        return None
    waits = one.retry_at is not None and one.retry_at > NOW
    if one.retry_at is not None and not waits:
        return 0
    if one.error is None and one.reader != current.reader:
        return 0
    if one.error is not None:
        # A reader that has not seen the file yet may do better; one that gave up would not.
        return 0 if one.reader not in (None, current.reader) and not waits else None
    if current.ocr is not None and one.ocr != current.ocr:
        return 1
    return 2 if one.text_id and one.encoder != current.encoder else None


@settings(deadline=None, max_examples=12)
@given(st.lists(KINDS, min_size=20, max_size=60), st.booleans(), st.integers(0, 40), st.integers(0, 3))
async def test_what_is_to_do_is_what_the_rules_say(
    kinds: list[dict[str, object]], ocr: bool, limit: int, every: int
) -> None:
    current = Current("reader-1", "ocr-1" if ocr else None, "small")
    # Later rows are older files.
    rows = [row(number, mtime_ns=10_000 - number, **kind) for number, kind in enumerate(kinds)]
    exclude = [one.path for number, one in enumerate(rows) if every and number % (every + 1) == 0]
    with TemporaryDirectory() as state:
        async with open_table(state) as table:
            await Writer(table).commit(puts(rows))
            found = await table.stale(current, NOW, limit, exclude)
            counts = await table.counts(current, NOW)
            retry = await table.next_retry(NOW)
    ranks = {one.path: rank(one, current) for one in rows}
    work = [one for one in rows if ranks[one.path] is not None]
    wanted = sorted((one for one in work if one.path not in exclude), key=lambda one: ranks[one.path] or 0)
    assert [one.path for one in found] == [one.path for one in wanted[:limit]]
    assert all(one.vector is not None for one in found)
    missing = sum(one.missing_since is not None for one in rows)
    errors = sum(one.missing_since is None and one.error is not None and ranks[one.path] is None for one in rows)
    assert counts == Counts(len(rows) - missing - errors - len(work), len(work), missing, errors)
    due = [one.retry_at for one in rows if one.missing_since is None and one.retry_at and one.retry_at > NOW]
    assert retry == min(due, default=None)


async def test_an_empty_table_has_nothing_to_do(table: Table) -> None:
    assert await table.stale(CURRENT, NOW, 10) == []
    assert await table.counts(CURRENT, NOW) == Counts()
    assert await table.next_retry(NOW) is None
    assert await table.folder_counts() == {}
    assert await table.known("/") == {}


async def test_ids_are_only_text(table: Table, writer: Writer) -> None:
    await writer.commit(puts([row(1, reader="it's", ocr="o'", encoder="e\\'")]))
    assert await table.counts(Current("it's", "o'", "e\\'"), NOW) == Counts(fresh=1)
    assert await table.counts(Current("it's", "o'", "e'"), NOW) == Counts(stale=1)


async def test_a_second_pass_that_left_lines_unread_is_done_until_more_can_be_read(
    table: Table, writer: Writer
) -> None:
    await writer.commit(puts([row(1, ocr="ocr-1+none"), row(2), row(3, ocr="ocr-1+none", missing_since=1.0)]))
    now, later = (replace(CURRENT, ocr_partly=f"ocr-1+{what}") for what in ("none", "more"))
    assert await table.counts(now, NOW) == Counts(fresh=2, missing=1)
    assert await table.counts(later, NOW) == Counts(fresh=1, stale=1, missing=1)
    assert [await table.unread(one) for one in (now, later, CURRENT, replace(now, ocr=None))] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("fields", "waited_for"),
    [
        ({}, 0),
        ({"ocr": None}, 1),
        ({"ocr": "ocr-0"}, 1),
        ({"reader": None}, 1),
        ({"reader": "reader-0"}, 1),
        ({"encoder": None}, 1),
        ({"encoder": None, "text_id": ""}, 0),
        ({"encoder": "large"}, 0),
        ({"ocr": None, "error": "broken"}, 0),
        ({"ocr": None, "missing_since": 1.0}, 0),
        ({"ocr": None, "indexed_at": NOW + 1}, 0),
        ({"ocr": None, "indexed_at": NOW + 2}, 0),
        ({"ocr": None, "indexed_at": NOW + 3}, 1),  # by a clock that has been set back since
        ({"ocr": None, "indexed_at": NOW}, 1),
    ],
)
async def test_unfinished_rows_are_those_a_pass_has_yet_to_come_to(
    tmp_path: Path, fields: dict[str, object], waited_for: int
) -> None:
    async with open_table(str(tmp_path)) as table:
        await Writer(table).commit(puts([row(1, **fields), row(2)]))
        assert await table.unfinished(CURRENT, indexed_before=NOW, now=NOW + 2) == waited_for
