"""Missing rows: gone where the file only moved, kept where very many vanished at once."""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests import pictures
from tests.indexing.house import house
from tests.storing.making import puts
from tests.storing.making import row as made_row
from tests.waiting import until

from glimpsed.errors import NoRoomError
from glimpsed.events import Event
from glimpsed.indexing import moving
from glimpsed.indexing.losses import FEWEST


def draw(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures.save(path, pictures.noisy((32, 24), seed=seed))
    return path


async def test_a_renamed_file_leaves_no_missing_row(tmp_path: Path) -> None:
    folder, other = tmp_path / "Pictures", tmp_path / "More"
    other.mkdir()
    one, two, three = (draw(folder / f"{number}.png", number) for number in range(3))
    async with house(tmp_path, folder, other) as rooms, rooms.running():
        await rooms.idle()
        one.rename(folder / "renamed.png")
        shutil.copy2(two, other / two.name)  # to another disk
        two.unlink()
        shutil.copy2(three, other / "a copy.png")  # bears another name: it may be another picture's
        three.unlink()
        await rooms.has(three, lambda row: row.missing_since is not None)

        async def gone() -> bool:
            return not await rooms.table.rows([str(one), str(two)])

        nothing: bool = await until(gone)
        assert nothing
        counts = await rooms.idle()
        assert (counts.fresh, counts.missing) == (3, 1)
        assert await rooms.table.rows([str(three)])
        assert rooms.journal.of(Event.PICTURE_FORGOTTEN) == []


async def test_missing_rows_of_earlier_runs_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    async with house(tmp_path, folder) as rooms, rooms.running():
        await rooms.idle()
        row = await rooms.row(picture)
        since = rooms.context.wall()  # not long enough to be forgotten
        old = [replace(row, path=str(folder / "old" / name), missing_since=since) for name in ("a.png", "b.png")]
        other = replace(row, path=str(folder / "other.png"), missing_since=since, inode=1)
        await rooms.writer.commit(puts([*old, other]))
    async with house(tmp_path, folder) as rooms:
        rooms.writer.errors["forget"] = [NoRoomError("no room to delete")]
        async with rooms.running():
            await until(lambda: rooms.journal.of(Event.COMMIT_FAILED))
            rooms.later(1.0)

            async def gone() -> bool:
                return not await rooms.table.rows([one.path for one in old])

            nothing: bool = await until(gone)
            assert nothing
            assert await rooms.table.rows([other.path])
            monkeypatch.setattr(moving, "_MOST", 0)
            (folder / "again.png").write_bytes(picture.read_bytes())
            await rooms.has(folder / "again.png", lambda row: True)
            await until(lambda: rooms.context.places is not None)


async def test_very_many_that_vanish_at_once_are_kept_and_told_once(tmp_path: Path) -> None:
    folder, other = tmp_path / "Pictures", tmp_path / "More"
    draw(folder / "here.png")
    other.mkdir()
    rows = [
        made_row(number, path=f"{folder}/{number}.png", folder=str(folder), missing_since=1000.0 + number)
        for number in range(FEWEST)
    ]
    few = [made_row(100 + n, path=f"{other}/{n}.png", folder=str(other), missing_since=1000.0) for n in range(3)]
    async with house(tmp_path, folder, other, watch__forget_after=1.0) as rooms:
        await rooms.writer.commit(puts([*rows, *few]))
        async with rooms.running():
            await until(lambda: len(rooms.journal.of(Event.PICTURE_FORGOTTEN)) == len(few))
            await until(lambda: rooms.table.calls["forgettable"] > 3)
            assert len(await rooms.table.rows([row.path for row in rows])) == FEWEST
            [said] = rooms.journal.of(Event.MASS_MISSING)
            assert said == {"folder": str(folder), "pictures": FEWEST, "of": FEWEST}
            [warning] = rooms.pipeline.missing.warnings
            assert "50 of 50 pictures vanished at once" in warning
    async with house(tmp_path, folder, other, watch__forget_after=1.0) as rooms:
        async with rooms.running():
            await until(lambda: rooms.table.calls.get("forgettable", 0) > 1)
            await rooms.writer.forget([row.path for row in rows[:20]])  # somebody told so
            draw(folder / "new.png", 1)
            await until(lambda: rooms.pipeline.missing.losses[str(folder)][0].pictures == FEWEST - 20)
            assert len(await rooms.table.rows([row.path for row in rows])) == FEWEST - 20
        assert rooms.journal.of(Event.MASS_MISSING) == []
    async with house(tmp_path, folder, other, watch__forget_after=1.0) as rooms:
        told = json.loads((tmp_path / "state" / "losses.json").read_text())
        (tmp_path / "state" / "losses.json").write_text(json.dumps({**told, "/broken": {"losses": 3}}))
    async with house(tmp_path, folder, other, watch__forget_after=1.0) as rooms:
        await rooms.writer.forget([row.path for row in rows])
        async with rooms.running():
            await until(lambda: not rooms.pipeline.missing.losses)
            assert rooms.pipeline.missing.warnings == []


async def test_without_a_memory_what_is_there_decides(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "losses.json").write_text("[]")
    async with house(tmp_path, folder) as rooms:
        assert rooms.pipeline.missing.kept == []


async def test_what_a_clock_that_was_set_back_called_later_is_judged_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder / "here.png")
    rows = [
        made_row(number, path=f"{folder}/{number}.png", folder=str(folder), missing_since=1000.0 + number)
        for number in range(FEWEST)
    ]
    (tmp_path / "state").mkdir()
    told = {str(folder): {"until": time.time() + 10**9, "losses": []}}
    (tmp_path / "state" / "losses.json").write_text(json.dumps(told))
    async with house(tmp_path, folder, watch__forget_after=1.0) as rooms:
        await rooms.writer.commit(puts(rows))
        async with rooms.running():
            await until(lambda: rooms.table.calls.get("forgettable", 0) > 1)
        assert [said["pictures"] for said in rooms.journal.of(Event.MASS_MISSING)] == [FEWEST]
        assert rooms.journal.of(Event.PICTURE_FORGOTTEN) == []
