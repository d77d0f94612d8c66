"""What searching relies on holds for the table in memory and for the real one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.searching import fakes

from glimpsed.config import Search as Section
from glimpsed.encoding.encoders import Encoders as RealEncoders
from glimpsed.records import Change, Filters, Row
from glimpsed.searching import ports
from glimpsed.searching.search import Search
from glimpsed.storing.table import Table as RealTable
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer

DIMENSION = 384  # of the real table's vectors


def vector(*values: float) -> list[float]:
    return [*values, *[0.0] * (DIMENSION - len(values))]


ROWS = [
    fakes.row("/a/ramen.png", "Ramen in Kyoto", vector=vector(1, 0), format="png", taken_at="2024-06-12T10:00:00"),
    fakes.row("/a/sub/拉面.jpg", "京都 拉面 收据", vector=vector(0.8, 0.6), taken_at="2024-03-01T10:00:00"),
    fakes.row("/b/cat.jpg", "A cat on the roof", vector=vector(0, 1), taken_at="2022-01-01T10:00:00"),
    fakes.row("/b/none.jpg", mtime=1_700_000_000),
    fakes.row("/b/gone.jpg", "Ramen gone", vector=vector(1, 0), missing_since=5.0),
]


@asynccontextmanager
async def memory(rows: list[Row], state: Path) -> AsyncIterator[ports.Table]:
    yield fakes.MemoryTable(rows)


@asynccontextmanager
async def real(rows: list[Row], state: Path) -> AsyncIterator[ports.Table]:
    async with open_table(str(state)) as table:
        await Writer(table).commit([change(row) for row in rows])
        yield table


def change(row: Row) -> Change:
    return Change(row.path, lambda current: row)


@pytest.fixture(params=[memory, real])
async def table(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ports.Table]:
    async with request.param(ROWS, tmp_path / "state") as opened:
        yield opened


NONE = Filters()


async def test_nearest_gives_cosines_best_first(table: ports.Table) -> None:
    found = await table.nearest(fakes.unit(vector(1, 0)), strong=False, filters=NONE, k=10)
    assert [path for path, _ in found] == ["/a/ramen.png", "/a/sub/拉面.jpg", "/b/cat.jpg"]
    assert [score for _, score in found] == pytest.approx([1.0, 0.8, 0.0], abs=1e-2)
    assert len(await table.nearest(fakes.unit(vector(1, 0)), strong=False, filters=NONE, k=1)) == 1
    assert await table.nearest(np.ones(8, np.float32), strong=True, filters=NONE, k=1, encoder="large/1") == []


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ("ramen", {"/a/ramen.png"}),
        ("KYOTO roof", {"/a/ramen.png", "/b/cat.jpg"}),
        ("拉面", {"/a/sub/拉面.jpg"}),
        ("whale", set()),
        ('ra"m:en* (', set()),
    ],
)
async def test_match_finds_any_of_the_words(table: ports.Table, words: str, paths: set[str]) -> None:
    found = await table.match(words, NONE, 10)
    assert {path for path, _ in found} == paths
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        (NONE, {"/a/ramen.png", "/a/sub/拉面.jpg", "/b/cat.jpg"}),
        (Filters(after="2024"), {"/a/ramen.png", "/a/sub/拉面.jpg"}),
        (Filters(after="2024", before="2024-06"), {"/a/sub/拉面.jpg"}),
        (Filters(places=("/a/sub", "/b")), {"/a/sub/拉面.jpg", "/b/cat.jpg"}),
        (Filters(types=("png",)), {"/a/ramen.png"}),
        (Filters(missing=True), {"/b/gone.jpg"}),
    ],
)
async def test_filters_hold_in_every_list(table: ports.Table, filters: Filters, paths: set[str]) -> None:
    near = await table.nearest(fakes.unit(vector(1, 1)), strong=False, filters=filters, k=10)
    assert {path for path, _ in near} == paths
    said = await table.match("ramen cat 拉面", filters, 10)
    assert {path for path, _ in said} == paths
    newest = await table.recent(filters, 10)
    assert {row.path for row in newest} - {"/b/none.jpg"} == paths


async def test_counts_rows_and_the_newest(table: ports.Table) -> None:
    assert await table.frequency("Ramen") == 1
    assert await table.frequency("whale") == 0
    assert await table.folder_counts() == {"/a": 2, "/b": 2}
    rows = await table.select(["/a/ramen.png", "/nowhere"])
    assert {path: row.description for path, row in rows.items()} == {"/a/ramen.png": ROWS[0].description}
    newest = await table.recent(Filters(places=("/a",)), 1)
    assert [row.path for row in newest] == ["/a/ramen.png"]


async def test_the_version_grows_with_a_commit(tmp_path: Path) -> None:
    async with open_table(str(tmp_path / "state")) as table:
        before = table.version
        await Writer(table).commit([change(ROWS[0])])
        assert table.version > before


@pytest.mark.parametrize("opened", [memory, real])
async def test_one_question_has_one_answer_from_both(
    opened: Callable[[list[Row], Path], AbstractAsyncContextManager[ports.Table]], tmp_path: Path
) -> None:
    encoders = fakes.MemoryEncoders({"ramen in kyoto": fakes.asked(vector(0.9, 0.1))})
    async with opened(ROWS, tmp_path / "state") as table:
        answer = await Search(table, encoders, fakes.Settings()).search("ramen in kyoto", 10)
    assert [hit.path for hit in answer.hits] == ["/a/ramen.png", "/a/sub/拉面.jpg", "/b/cat.jpg"]
    assert answer.hits[0].signals["text"] == 1.0
    assert answer.next is None


async def test_missing_and_strong_rows_in_the_real_table(tmp_path: Path) -> None:
    rows = [
        fakes.row("/a/strong.jpg", "x", vector=vector(0, 1), strong=[1.0] + [0.0] * 7),
        fakes.row("/a/weak.jpg", "y", vector=vector(1, 0)),
        replace(ROWS[4], folder="/a"),
    ]
    question = fakes.Asked(fakes.asked(vector(1, 0)).fallback, fakes.asked([1.0] + [0.0] * 7).fallback)
    encoders = fakes.MemoryEncoders({"question": question}, chosen_id=fakes.STRONG)
    async with open_table(str(tmp_path / "state")) as table:
        await Writer(table).add_encoder(fakes.STRONG, 8)
        await Writer(table).commit([change(row) for row in rows])
        answer = await Search(table, encoders, fakes.Settings()).search("question", 10)
    assert [hit.path for hit in answer.hits] == ["/a/weak.jpg", "/a/strong.jpg"]
    assert answer.encoders == (fakes.FALLBACK, fakes.STRONG)


def fits(table: RealTable, encoders: RealEncoders, settings: Section) -> Search:
    """That the real parts fit is checked by mypy: no cast is needed."""
    return Search(table, encoders, settings)
