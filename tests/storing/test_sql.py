"""Conditions: what they select from a real table is what their plain meaning says."""

import os
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given, settings
from tests.storing.making import put, puts, row
from tests.storing.test_schema import PATHS

from glimpsed.errors import QueryError
from glimpsed.files import inside, key_of, path_of
from glimpsed.records import Filters
from glimpsed.storing import sql
from glimpsed.storing.table import Table
from glimpsed.storing.writer import Writer

ODD = [
    "/p/a/1.jpg",
    "/p/a%/1.jpg",
    "/p/a_/1.jpg",
    "/p/ab/1.jpg",
    "/p/a'; DROP TABLE pictures; --/1.jpg",
    "/p/a\\/1.jpg",
    "/p/a\\'/1.jpg",
    '/p/a"/1.jpg',
    "/p/a\n/1.jpg",
    "/p/a.jpg",
    "/p/A/1.jpg",
    "/p/ä/1.jpg",
    "/p/日本/1.jpg",
    "/p/a\udcff/1.jpg",
    "/p/a/\udcff.jpg",
    "/p/a/\udcff\udc80/1.jpg",
    "/p/a\udcff\udc80/1.jpg",
    "/p/\udcffa/1.jpg",
    "/p/a//".rstrip("/"),
    "/p/0",
    "/p0",
    "/p",
]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@given(PATHS)
def test_keys_of_paths_are_utf8_and_reversible(path: str) -> None:
    assert path_of(key_of(path).encode().decode()) == path


async def test_odd_paths_come_back_and_directories_hold_just_what_is_in_them(table: Table, writer: Writer) -> None:
    await writer.commit(puts(row(number, path=path) for number, path in enumerate(ODD)))
    assert set(await table.rows(ODD)) == set(ODD)
    for path in ODD:
        assert set(await table.rows([path])) == {path}
    for place in {*ODD, *map(os.path.dirname, ODD), "/", "/nowhere"}:
        wanted = {path for path in ODD if inside(path, place)}
        assert set(await table.known(place)) == wanted, place
        found = await table.recent(Filters(places=(place,)), 100)
        assert {one.path for one in found} == wanted


@settings(deadline=None, max_examples=200)
@given(PATHS, PATHS)
def test_inside_means_what_it_means_for_paths(path: str, place: str) -> None:
    for one in (path, place + path, place + "/" + path.lstrip("/"), place):
        assert _holds(sql.inside(place), key_of(one)) == inside(one, place)


def _holds(condition: str, key: str) -> bool:
    """The condition for one key, by another SQL engine with the same comparisons."""
    import sqlite3

    with sqlite3.connect(":memory:") as base:
        # sqlite ends a text at NUL; no path holds one.
        (found,) = base.execute(f"WITH t(path) AS (SELECT ?) SELECT {condition} FROM t", [key]).fetchone()
    base.close()
    return bool(found)


@pytest.mark.usefixtures("zone")
async def test_dates_compare_by_beginning_and_fall_back_to_the_files_own(table: Table, writer: Writer) -> None:
    def local(text: str) -> int:
        return int(datetime.fromisoformat(text).timestamp()) * 10**9

    dated = ["2023-12-31T23:59:59", "2024", "2024-01-01T00:00:00+09:00", "2024-06", "2024-06-01T00:00:00", "2024-06-30"]
    rows = [row(n, path=f"/p/{text}", taken_at=text, mtime_ns=0) for n, text in enumerate(dated)]
    undated = ["2023-12-31T23:59:59", "2024-01-01T00:00:00", "2024-06-01T00:00:00", "2024-07-01T00:00:00"]
    rows += [row(n, path=f"/p/file {text}", mtime_ns=local(text)) for n, text in enumerate(undated)]
    await writer.commit(puts(rows))

    async def taken(**filters: str) -> set[str]:
        return {one.path[3:] for one in await table.recent(Filters(**filters), 100)}  # type: ignore[arg-type]  # str only

    every = {one.path[3:] for one in rows}
    for bound, begin in [
        ("2024", "2024"),
        ("2024-01-01T00:00", "2024"),
        ("2024-06", "2024-06"),
        ("2024-06-01", "2024-06"),
        ("2024-06-30 00", "2024-06-30"),
        ("2024-07-01", "2024-07"),
        ("0001", ""),
        ("9999-12-31", "9999-12-31"),
    ]:
        later = {text for text in every if text.removeprefix("file ") >= begin}
        assert await taken(after=bound) == later
        assert await taken(before=bound) == every - later
    assert await taken(after="2024-01", before="2024-06") == {"2024", "2024-01-01T00:00:00+09:00"} | {
        "file 2024-01-01T00:00:00"
    }


@pytest.mark.parametrize("bound", ["", "yesterday", "2024-13", "20240601", "2024-06-01T25", "2024-02-30"])
async def test_what_is_no_date_is_told(table: Table, bound: str) -> None:
    with pytest.raises(QueryError, match="no date"):
        await table.match("x", Filters(after=bound), 10)


async def test_types_and_missing(table: Table, writer: Writer) -> None:
    kinds = [("png", None), ("jpeg", None), ("gif", None), (None, None), ("png", 5.0)]
    await writer.commit(puts(row(n, format=kind, missing_since=since) for n, (kind, since) in enumerate(kinds)))

    async def found(filters: Filters) -> set[int]:
        return {one.inode - 10 for one in await table.recent(filters, 100)}

    assert await found(Filters()) == {0, 1, 2, 3}
    assert await found(Filters(types=("PNG",))) == {0}
    assert await found(Filters(types=("png", "gif", "'"))) == {0, 2}
    assert await found(Filters(missing=True)) == {4}
    assert await found(Filters(types=("jpeg",), places=("/nowhere",))) == set()


async def test_every_kind_of_text_is_only_text(table: Table, writer: Writer) -> None:
    for number, odd in enumerate(
        ["'", "''", "\\", "\\'", '"', "`", "%", "_", "$1", "?", "--", "/*", "é", "日", "\n", ";"]
    ):
        await writer.commit([put(row(number, format=odd))])
        assert [one.format for one in await table.recent(Filters(types=(odd,)), 9)] == [odd]


def test_long_lists_are_asked_for_in_parts() -> None:
    parts = list(sql.one_of("size", [*range(1_200), 0, 1]))
    assert len(parts) == 3
    assert parts[2].count(",") == 199
    assert list(sql.one_of("path", [])) == []
