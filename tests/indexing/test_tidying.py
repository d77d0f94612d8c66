"""What leaves the table: rows of folders that are not configured any more, and those missing for long."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests import pictures
from tests.indexing.house import house
from tests.storing.making import put, puts
from tests.storing.making import row as made_row
from tests.waiting import until

from glimpsed.errors import NoRoomError
from glimpsed.events import Event


def draw(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=f"about {path.stem}")
    return path


async def test_rows_of_a_folder_that_is_configured_no_more_become_missing(tmp_path: Path) -> None:
    kept, dropped = tmp_path / "kept", tmp_path / "dropped"
    draw(kept / "a.png")
    draw(dropped / "b.png", 1)
    async with house(tmp_path, kept, dropped) as one, one.running():
        assert (await one.idle()).fresh == 2
    async with house(tmp_path, kept) as one, one.running():
        await one.has(dropped / "b.png", lambda row: row.missing_since is not None)
        counts = await one.idle()
        assert (counts.fresh, counts.missing) == (1, 1)
        await until(lambda: one.journal.of(Event.PICTURE_MISSING))
        [said] = one.journal.of(Event.PICTURE_MISSING)
        assert said["path"] == str(dropped / "b.png")
    async with house(tmp_path, kept, dropped) as one, one.running():
        await one.has(dropped / "b.png", lambda row: row.missing_since is None)
        assert (await one.idle()).fresh == 2
        assert one.workers.reads == []


async def test_a_folder_inside_a_folder_takes_its_rows_over_unread(tmp_path: Path) -> None:
    outer, inner = tmp_path / "Pictures", tmp_path / "Pictures" / "phone"
    draw(outer / "a.png")
    draw(inner / "b.png", 1)
    draw(inner / "2024" / "c.png", 2)
    async with house(tmp_path, outer) as one, one.running():
        assert (await one.idle()).fresh == 3
    async with house(tmp_path, outer, inner) as one, one.running():
        for path in (inner / "b.png", inner / "2024" / "c.png"):
            await one.has(path, lambda row: row.folder == str(inner))
        assert (await one.idle()).fresh == 3
        assert (await one.row(outer / "a.png")).folder == str(outer)
        assert (one.workers.reads, one.workers.ocrs) == ([], [])
        assert await one.table.folder_counts() == {str(outer): 1, str(inner): 2}
    async with house(tmp_path, outer) as one, one.running():  # and back
        await one.has(inner / "b.png", lambda row: row.folder == str(outer))
        assert (await one.idle()).fresh == 3
        assert await one.table.folder_counts() == {str(outer): 3}
        assert one.workers.reads == []
    async with house(tmp_path, inner) as one, one.running():  # the outer one goes, the inner one comes
        await one.has(inner / "b.png", lambda row: row.folder == str(inner))
        counts = await one.idle()
        assert (counts.fresh, counts.missing) == (2, 1)


async def test_what_is_missing_for_long_is_forgotten_with_its_thumbnail(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    gone, copied = draw(folder / "gone.png"), draw(folder / "copied.png", 1)
    shutil.copy(copied, folder / "copy.png")
    async with house(tmp_path, folder, watch__forget_after=3600.0) as one, one.running():
        assert (await one.idle()).fresh == 3
        ids = {path.name: (await one.row(path)).content_id for path in (gone, copied)}
        assert all(one.context.thumbnails.path(content_id) for content_id in ids.values())
        gone.unlink()
        copied.unlink()
        await one.has(gone, lambda row: row.missing_since is not None)
        await one.has(copied, lambda row: row.missing_since is not None)
    async with house(tmp_path, folder, watch__forget_after=1.0) as one:
        one.clock.ahead = 100.0
        async with one.running():
            await until(lambda: len(one.journal.of(Event.PICTURE_FORGOTTEN)) == 2)
            rows = await one.table.rows([str(gone), str(copied), str(folder / "copy.png")])
            assert set(rows) == {str(folder / "copy.png")}
            assert one.context.thumbnails.path(ids["gone.png"]) is None
            assert one.context.thumbnails.path(ids["copied.png"]) is not None  # the copy has it too


async def test_nothing_of_a_folder_that_is_away_is_forgotten(tmp_path: Path) -> None:
    folder, away = tmp_path / "Pictures", tmp_path / "away"
    async with house(tmp_path, folder, away, watch__forget_after=1.0) as one:
        folder.mkdir()
        rows = [made_row(1, path=f"{place}/{name}.png", folder=str(place)) for place, name in ((folder, 1), (away, 2))]
        await one.writer.commit(puts(replace(row, missing_since=1.0) for row in rows))
        async with one.running():
            await until(lambda: one.journal.of(Event.PICTURE_FORGOTTEN))
            assert set(await one.table.rows([row.path for row in rows])) == {rows[1].path}
            await until(lambda: one.table.calls["forgettable"] > 3)
            assert len(one.journal.of(Event.PICTURE_FORGOTTEN)) == 1


async def test_rows_of_folders_configured_long_ago_are_forgotten_too(tmp_path: Path) -> None:
    async with house(tmp_path, tmp_path / "Pictures", watch__forget_after=1.0) as one:
        old = made_row(1, path="/no/more/a.png", folder="/no/more", missing_since=1.0)
        await one.writer.commit([put(old)])
        async with one.running():
            await until(lambda: one.journal.of(Event.PICTURE_FORGOTTEN))
            assert await one.table.rows([old.path]) == {}


@pytest.mark.parametrize("error", [NoRoomError("no room to delete")])
async def test_forgetting_that_fails_is_tried_again_later(tmp_path: Path, error: Exception) -> None:
    async with house(tmp_path, tmp_path / "Pictures", watch__forget_after=1.0) as one:
        old = made_row(1, path="/no/more/a.png", folder="/no/more", missing_since=1.0)
        await one.writer.commit([put(old)])
        one.writer.errors["forget"] = [error]
        async with one.running():
            await until(lambda: one.journal.of(Event.PICTURE_FORGOTTEN))
            assert len(one.journal.of(Event.COMMIT_FAILED)) == 1
