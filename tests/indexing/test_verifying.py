"""What differs between disk and table is told and mended; what is only under way is neither."""

import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import anyio
import numpy as np
import pytest
from tests import pictures
from tests.indexing.house import House, house
from tests.waiting import until

from glimpsed import files
from glimpsed.errors import TableError
from glimpsed.events import Event
from glimpsed.indexing.differences import MOST, Difference, Findings, Kind
from glimpsed.indexing.mending import mend
from glimpsed.indexing.verifying import Verifier
from glimpsed.records import Change, Fault, FaultKind, Row, Unread


def draw(path: Path, seed: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=f"about {path.name}")
    return path


class Proving:
    """A house with pictures, all indexed, and what looks it over."""

    def __init__(self, made: House, folder: Path) -> None:
        self.house = made
        self.folder = folder
        self.verifier = Verifier(made.context, made.folders, made.scans, made.inbox, moment=0.2)
        self.noted: list[str] = []

    def note(self, what: str, done: int, of: int | None) -> None:
        del done, of
        self.noted.append(what)

    async def check(self, *, full: bool = False, under: Path | None = None) -> Findings:
        place = (str(self.folder), None if under is None else str(under))
        return await self.verifier.check([place], self.note, full=full)

    async def finds(self, kind: Kind, *paths: Path | str, full: bool = False) -> Findings:
        """That just this differs, and that it is mended."""
        found = await self.check(full=full)
        assert [(one.kind, one.path) for one in found.differences] == [(kind, str(path)) for path in paths]
        await mend(found, self.house.context, self.note)
        after = await self.check(full=full)
        assert after.differences == []
        return found

    async def put(self, path: Path, **fields: object) -> None:
        await self.house.writer.commit([Change(str(path), lambda row: row and replace(row, **fields))])  # type: ignore[arg-type]


@asynccontextmanager
async def proving(home: Path, *, deaf: bool = False) -> AsyncIterator[Proving]:
    """Three pictures; where `deaf`, no event tells of more and no scan comes by."""
    folder, count = home / "p", 3
    context = patch("glimpsed.indexing.folders.network", lambda name: "a test") if deaf else nullcontext()
    for number in range(count):
        draw(folder / f"{number}.jpg", seed=number)
    with context:
        async with house(home, folder) as made, made.running():
            await made.idle()
            yield Proving(made, folder)


async def test_what_is_equal_is_said_to_be(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        found = await one.check(full=True)
        assert found.differences == []
        assert found.counts == {}
        assert found.under_way == 0
        looked = (found.pictures, found.rows, found.hashed, found.thumbnails, found.texts, found.vectors)
        assert looked == (3, 3, 3, 3, 3, 3)
        assert {"files", "bytes", "indexes", "vectors"} <= set(one.noted)
        quick = await one.check()
        assert (quick.differences, quick.hashed, quick.vectors) == ([], 0, 0)


async def test_pictures_that_came_went_and_changed_without_an_event(tmp_path: Path) -> None:
    async with proving(tmp_path, deaf=True) as one:
        path = draw(one.folder / "sub" / "new.jpg", seed=9)
        unround(path)
        await one.finds(Kind.NOT_INDEXED, path)
        assert (await one.house.row(path)).error is None
        (one.folder / "0.jpg").unlink()
        await one.finds(Kind.GONE, one.folder / "0.jpg")
        assert (await one.house.row(one.folder / "0.jpg")).missing_since is not None
        before = (await one.house.row(one.folder / "1.jpg")).content_id
        draw(one.folder / "1.jpg", seed=7)
        await one.finds(Kind.CHANGED, one.folder / "1.jpg")
        assert (await one.house.row(one.folder / "1.jpg")).content_id != before
        shutil.copy2(one.folder / "1.jpg", one.folder / "0.jpg")
        await one.finds(Kind.NOT_INDEXED, one.folder / "0.jpg")
        # Only what lies below a path is compared, where one is given.
        new = draw(one.folder / "other" / "new.jpg", seed=19)
        draw(one.folder / "more.jpg", seed=20)
        found = await one.check(under=new.parent)
        assert [found.path for found in found.differences] == [str(new)]
        assert found.pictures == 1


async def test_a_picture_that_waits_for_a_retry_is_compared_all_the_same(tmp_path: Path) -> None:
    async with proving(tmp_path, deaf=True) as one:
        later = {"error": "Input/output error", "retry_at": one.house.clock() + 3600.0, "attempts": 7}
        await one.put(one.folder / "0.jpg", missing_since=1.0, **later)
        await one.finds(Kind.NOT_INDEXED, one.folder / "0.jpg")
        assert (await one.house.row(one.folder / "0.jpg")).missing_since is None
        await one.put(one.folder / "1.jpg", **later)
        draw(one.folder / "1.jpg", seed=7)
        await one.finds(Kind.CHANGED, one.folder / "1.jpg")
        assert (await one.house.row(one.folder / "1.jpg")).error is None
        await one.put(one.folder / "2.jpg", retry_at=one.house.clock())
        draw(one.folder / "2.jpg", seed=8)
        assert (await one.check()).differences == []  # it is about to be read


def unround(path: Path) -> None:
    """Give it a time that is another one as the kernel's seconds and as those of its nanoseconds."""
    for ns in itertools.count(1_700_000_000_123_456_789):
        os.utime(path, ns=(ns, ns))
        if path.stat().st_mtime != ns / 1e9:
            return


async def test_bytes_that_changed_although_nothing_tells_so(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        path = one.folder / "0.jpg"
        true = await one.house.row(path)
        await one.put(path, content_id="0" * 64)
        one.house.context.outdated.clear()
        assert Kind.CONTENT not in {found.kind for found in (await one.check()).differences}
        found = await one.check(full=True)
        assert Kind.CONTENT in {one.kind for one in found.differences}
        await mend(found, one.house.context, one.note)
        assert (await one.check(full=True)).differences == []
        assert (await one.house.row(path)).content_id == true.content_id


async def test_a_file_that_can_suddenly_not_be_read_gets_a_row_that_says_so(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        path = one.folder / "2.jpg"
        refused = Fault(FaultKind.UNREADABLE, "Input/output error")
        one.house.workers.unhashed = {"2.jpg": refused}
        one.house.workers.unread["2.jpg"] = [Unread(str(path), files.look(str(path)), refused)]
        await one.finds(Kind.UNREADABLE, path, full=True)
        row = await one.house.row(path)
        assert (row.error, row.retry_at is not None) == ("Input/output error", True)


async def test_thumbnails_that_are_lost_and_left_over(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        thumbnails = one.house.context.thumbnails
        row = await one.house.row(one.folder / "0.jpg")
        thumbnails.drop(row.content_id)
        await one.finds(Kind.THUMBNAIL_MISSING, one.folder / "0.jpg")
        assert thumbnails.path(row.content_id) is not None
        thumbnails.put("ab" * 32, b"of nothing")
        await one.finds(Kind.THUMBNAIL_ORPHANED, thumbnails.place("ab" * 32))
        begun = thumbnails.place("ab" * 32).with_suffix(".1.part")
        begun.write_bytes(b"half")
        await one.finds(Kind.THUMBNAIL_ORPHANED, begun)
        assert (await one.house.row(one.folder / "0.jpg")).attempts == 0


async def test_a_thumbnail_whose_row_is_about_to_come_is_no_orphan(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        one.house.encoders.gate = anyio.Event()
        draw(one.folder / "new.jpg", seed=11)
        await until(lambda: len(one.house.context.thumbnails.stored().ids) == 4)
        found = await one.check()
        assert found.differences == []
        assert found.under_way >= 1
        one.house.encoders.gate.set()
        await one.house.idle()


async def test_what_settles_or_is_read_is_under_way(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        one.house.workers.gate = anyio.Event()
        draw(one.folder / "new.jpg", seed=9)
        await until(lambda: one.house.context.backlog.waiting)
        found = await one.check()
        assert found.differences == []
        assert found.under_way == 1
        one.house.workers.gate.set()
        await one.house.idle()


async def test_what_grows_between_two_looks_is_under_way(tmp_path: Path) -> None:
    async with proving(tmp_path, deaf=True) as one:
        path = draw(one.folder / "grows.jpg", seed=9)
        async with anyio.create_task_group() as group:
            group.start_soon(grow, path)
            assert (await one.check()).differences == []
            group.cancel_scope.cancel()
        assert [found.kind for found in (await one.check()).differences] == [Kind.NOT_INDEXED]


async def grow(path: Path) -> None:
    for second in itertools.count(1):
        os.utime(path, (second, second))
        await anyio.sleep(0.01)


async def test_an_offline_folder_is_not_compared(tmp_path: Path) -> None:
    async with proving(tmp_path, deaf=True) as one:
        shutil.rmtree(one.folder)
        found = await one.check(full=True)
        assert found.differences == []
        assert "offline" in found.warnings[0]


async def test_a_row_of_the_wrong_folder_is_given_to_the_right_one(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        await one.put(one.folder / "0.jpg", folder="/elsewhere")
        await one.finds(Kind.FOLDER, one.folder / "0.jpg")
        assert (await one.house.row(one.folder / "0.jpg")).folder == str(one.folder)
        await one.put(one.folder / "1.jpg", folder="/elsewhere", error="broken")
        await one.finds(Kind.FOLDER, one.folder / "1.jpg")
        assert (await one.house.row(one.folder / "1.jpg")).folder == str(one.folder)


async def test_what_is_wrong_with_the_table_is_mended(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        await one.put(one.folder / "1.jpg", vector=np.zeros(384, np.float32))
        assert (await one.check()).differences == []
        await one.finds(Kind.VECTOR, one.folder / "1.jpg", full=True)
        vector = (await one.house.row(one.folder / "1.jpg")).vector
        assert vector is not None
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-3)

        engine = one.house.table.engine
        for index in await engine._table.list_indices():
            await engine._table.drop_index(index.name)
        await one.house.table.note_version()
        await one.finds(Kind.INDEX, "")
        assert (await engine.index_cover())["text"] == 3

        one.house.table.tally[("/nowhere", False)] = 5
        await one.finds(Kind.COUNT, "")
        assert await one.house.table.folder_counts() == {str(one.folder): 3}

        path = one.folder / "0.jpg"
        row = await one.house.row(path)
        await double(one, row)
        found = await one.check()
        assert {difference.kind for difference in found.differences} == {Kind.DOUBLED}
        await mend(found, one.house.context, one.note)
        assert (await one.check(full=True)).differences == []
        assert (await one.house.row(path)).content_id == row.content_id


async def double(one: Proving, row: Row) -> None:
    """As LanceDB does where two tasks merge the same new key."""
    from glimpsed.storing.schema import to_batch

    table = one.house.table._real
    await table.engine.add(to_batch([row], table.columns))
    table.note_rows([], [row])
    await table.note_version()


async def test_a_table_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        one.house.table.errors["known"] = [TableError("the disk failed")]
        assert (await one.check()).differences == []  # it was only for once
        assert one.house.journal.of(Event.INDEXING_PAUSED)


async def test_an_edited_picture_leaves_no_thumbnail_behind(tmp_path: Path) -> None:
    async with proving(tmp_path) as one:
        before = await one.house.row(one.folder / "0.jpg")
        draw(one.folder / "0.jpg", seed=77)
        await one.house.has(one.folder / "0.jpg", lambda row: row.content_id != before.content_id)
        await until(lambda: one.house.context.thumbnails.path(before.content_id) is None)
        # One that another file still has stays.
        shutil.copy(one.folder / "1.jpg", one.folder / "twin.jpg")
        twin = await one.house.has(one.folder / "1.jpg", lambda row: True)
        await one.house.has(one.folder / "twin.jpg", lambda row: row.content_id == twin.content_id)
        draw(one.folder / "twin.jpg", seed=78)
        await one.house.has(one.folder / "twin.jpg", lambda row: row.content_id != twin.content_id)
        await until(lambda: not one.house.context.outdated)
        assert one.house.context.thumbnails.path(twin.content_id) is not None


async def test_what_a_killed_daemon_left_among_the_thumbnails_goes_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    draw(folder / "0.jpg")
    async with house(tmp_path, folder) as made:
        made.context.thumbnails.put("cd" * 32, b"of no row")
        half = made.context.thumbnails.place("cd" * 32).with_suffix(".99.part")
        half.write_bytes(b"half")
        async with made.running():
            await made.idle()
            await until(lambda: not half.exists() and made.context.thumbnails.path("cd" * 32) is None)
            assert len(made.context.thumbnails.stored().ids) == 1


def test_some_of_every_kind_are_told() -> None:
    many = [Difference(Kind.GONE, f"/p/{number}", "") for number in range(500)]
    found = Findings([*many, Difference(Kind.CONTENT, "/p/c", "")])
    told = found.told()
    assert len(told) == MOST
    assert told[-1].path == "/p/c"
    assert found.counts == {"content": 1, "gone": 500}
