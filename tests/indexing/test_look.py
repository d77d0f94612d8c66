"""One look at the disk and one at the table decide what a settled path needs."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests import pictures
from tests.indexing.house import house
from tests.storing.making import put
from tests.waiting import until

from glimpsed.events import Event
from glimpsed.indexing.look import see


def draw(path: Path, seed: int = 0, caption: str = "a lighthouse") -> Path:
    path.parent.mkdir(exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=caption)
    return path


def test_what_stands_at_a_path(tmp_path: Path) -> None:
    picture = draw(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("words")
    seen, directory = see(str(picture))
    assert seen.stamp is not None
    assert seen.stamp.size == picture.stat().st_size
    assert "a.txt" in seen.beside
    assert not directory
    assert see(str(tmp_path)) == (replace(seen, path=str(tmp_path), stamp=None, beside=""), True)
    for name in ("none.png", "a.png/below.png"):
        seen, directory = see(str(tmp_path / name))
        assert (seen.stamp, seen.refused, directory) == (None, None, False)
    os.mkfifo(tmp_path / "pipe.png")
    assert see(str(tmp_path / "pipe.png"))[0].stamp is None
    (tmp_path / "loop.png").symlink_to("loop.png")
    seen, _ = see(str(tmp_path / "loop.png"))
    assert seen.stamp is None
    assert seen.refused


async def test_a_file_that_goes_and_comes_back_is_not_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    draw(folder / "b.png", 1)
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
        picture.rename(tmp_path / "a.png")
        await one.has(picture, lambda row: row.missing_since is not None)
        assert (await one.idle()).missing == 1
        (tmp_path / "a.png").rename(picture)
        await one.has(picture, lambda row: row.missing_since is None)
        assert (await one.idle()).fresh == 2
        assert one.workers.reads.count("a.png") == 1
        assert one.workers.ocrs.count("a.png") == 1
        assert len(one.journal.of(Event.PICTURE_MISSING)) == 1
        assert {str(said["why"]) for said in one.journal.of(Event.PICTURE_MOVED)} == {"back"}


async def test_a_renamed_file_and_a_hard_link_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "IMG_1.png")
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
        (folder / "IMG_2.png").hardlink_to(picture)
        picture.rename(folder / "lake.png")
        await one.has(folder / "lake.png", lambda row: row.encoder)
        await one.has(folder / "IMG_2.png", lambda row: row.encoder)
        await one.idle()
        assert one.workers.reads == ["IMG_1.png"]
        assert one.workers.ocrs == ["IMG_1.png"]
        assert "lake" in (await one.row(folder / "lake.png")).text


async def test_what_is_ignored_now_is_gone(tmp_path: Path) -> None:
    """Rules that changed while the daemon was down."""
    folder = tmp_path / "Pictures"
    draw(folder / "private.png")
    draw(folder / "open.png", 1)
    async with house(tmp_path, folder) as one, one.running():
        assert (await one.idle()).fresh == 2
    (folder / ".glimpseignore").write_text("private*\n")
    async with house(tmp_path, folder) as one, one.running():
        counts = await one.idle()
        assert (counts.fresh, counts.missing) == (1, 1)
        assert (await one.row(folder / "private.png")).missing_since is not None
    (folder / ".glimpseignore").unlink()
    async with house(tmp_path, folder) as one, one.running():
        assert (await one.idle()).fresh == 2
        assert one.workers.reads == []


async def test_nothing_counts_as_gone_before_its_folder_was_scanned(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
    shutil.rmtree(folder)  # as if unmounted: an empty place on another disk is left
    async with house(tmp_path, folder) as one:
        row = await one.row(picture)
        await one.writer.commit([put(replace(row, reader="reader-0"))])  # stale, so the refresh would have it read
        one.context.backlog.hint(str(picture))
        async with one.running():
            await until(lambda: not one.folders.online())
            await until(lambda: not one.context.backlog.waiting and not one.scans.waiting)
            assert (await one.row(picture)).missing_since is None
            assert (await one.counts()).stale == 0


@pytest.mark.parametrize("reader", ["", "reader-0"], ids=["back", "read again"])
async def test_a_row_forgotten_at_the_last_moment_is_made_anew(tmp_path: Path, reader: str) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    draw(folder / "b.png", 1)
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
        picture.rename(tmp_path / "a.png")
        row = await one.has(picture, lambda row: row.missing_since is not None)
        if reader:
            await one.writer.commit([put(replace(row, reader=reader))])
        await one.idle()
        commit, writer = one.context.writer.commit, one.writer

        async def forgotten(changes: object) -> object:
            writer.answers.pop("commit", None)
            await writer.forget([str(picture)])
            return await commit(changes)  # type: ignore[arg-type]  # as it came

        one.context.writer.commit = forgotten  # type: ignore[method-assign,assignment]  # between the look and the commit
        (tmp_path / "a.png").rename(picture)
        await one.has(picture, lambda row: row.missing_since is None)
        assert (await one.idle()).fresh == 2
