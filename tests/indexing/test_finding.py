"""Reading what has settled: growing files, faults, and what need not be read."""

import os
import shutil
from pathlib import Path

from tests import pictures
from tests.indexing.house import house
from tests.waiting import until

from glimpsed import files
from glimpsed.events import Event
from glimpsed.reading.ocr import OCR_ID
from glimpsed.records import Fault, FaultKind, Stamp, Unread, Words

LONG_AGO = (1_600_000_000, 1_600_000_000)


def draw(path: Path, seed: int = 0, caption: str = "a lighthouse") -> Path:
    path.parent.mkdir(exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=caption)
    return path


async def test_half_a_file_is_waited_for_while_it_is_young(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    whole = draw(tmp_path / "whole.png").read_bytes()
    folder.mkdir()
    half = folder / "half.png"
    half.write_bytes(whole[: len(whole) // 2])
    async with house(tmp_path, folder, watch__settle_at_most=600.0) as one, one.running():
        await until(lambda: len(one.workers.reads) > 3)
        assert await one.table.rows([str(half)]) == {}
        assert not one.journal.of(Event.PICTURE_FAILED)
        half.write_bytes(whole)
        assert (await one.idle()).fresh == 1
        assert (await one.row(half)).error is None


async def test_half_a_file_that_is_old_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    whole = draw(folder / "half.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    os.utime(folder / "half.png", LONG_AGO)
    async with house(tmp_path, folder) as one, one.running():
        assert (await one.idle()).errors == 1
        row = await one.row(folder / "half.png")
        assert row.retry_at is None
        assert row.content_id
        assert one.workers.reads == ["half.png"]


async def test_what_is_known_of_a_file_stays_while_it_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    async with house(tmp_path, folder) as one, one.running():
        one.workers.words["a.png"] = Words("", "RAMEN 1630")
        before = (await one.idle(), await one.row(picture))[1]
        stamp = files.look(str(picture))
        (folder / "a.txt").write_text("our hut")  # so it is read again, just when the disk fails
        one.workers.unread["a.png"] = [Unread(str(picture), stamp, Fault(FaultKind.UNREADABLE, "Input/output error"))]
        one.context.backlog.hint(str(picture))
        row = await one.has(picture, lambda row: row.error)
        assert (row.error, row.attempts, row.content_id) == ("Input/output error", 1, before.content_id)
        assert row.description == before.description
        assert row.vector is not None
        assert row.ocr == OCR_ID
        one.later(61)
        row = await one.has(picture, lambda row: row.error is None)
        assert "our hut" in row.text
        assert "RAMEN" in row.text
        assert (row.attempts, row.retry_at) == (0, None)
        assert one.workers.ocrs == ["a.png"]


async def test_rights_that_are_given_back_are_noticed_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
        one.workers.unread["a.png"] = [
            Unread(str(picture), None, Fault(FaultKind.UNREADABLE, "Permission denied")),
        ]
        os.utime(picture, LONG_AGO)
        await one.has(picture, lambda row: row.error == "Permission denied")
        await one.idle()
        picture.chmod(0o640)
        row = await one.has(picture, lambda row: row.error is None)
        assert row.encoder is not None


async def test_a_picture_that_kills_workers_is_left_alone_after_three_times(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    bad = draw(folder / "killer.png")
    good = draw(folder / "good.png", 1)
    async with house(tmp_path, folder) as one, one.running():
        died = Unread(str(bad), files.look(str(bad)), Fault(FaultKind.CRASHED, "it was killed by SIGSEGV"))
        one.workers.unread["killer.png"] = [died] * 3
        assert (await one.idle()).errors == 1
        assert (await one.row(bad)).attempts == 1
        assert "killer" in (await one.row(bad)).text
        for attempt, seconds in ((2, 61), (3, 601)):
            one.later(seconds)
            await one.has(bad, lambda row, attempt=attempt: row.attempts == attempt)  # type: ignore[misc]  # bound at once
        assert (await one.row(bad)).retry_at is None
        assert (await one.row(good)).error is None
        await one.idle()  # a row is there before it is told
        failed = one.journal.of(Event.PICTURE_FAILED)
        assert [said["attempts"] for said in failed] == [1, 2, 3]
        bad.touch()  # a change is another file
        assert (await one.has(bad, lambda row: row.error is None)).attempts == 0


async def test_a_file_that_changes_or_goes_while_it_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    changing, going = draw(folder / "changing.png"), draw(folder / "going.png", 1)
    async with house(tmp_path, folder) as one:
        one.workers.unread["changing.png"] = [Unread(str(changing), None, None)] * 2

        def read(path: str) -> None:
            going.unlink(missing_ok=True)

        one.workers.unread["going.png"] = [Unread(str(going), None, None)]
        one.workers.reading = read
        async with one.running():
            counts = await one.idle()
            assert counts.fresh >= 1
            assert one.workers.reads.count("changing.png") == 3
            await until(lambda: not one.context.backlog.waiting)
            rows = await one.table.rows([str(going)])
            assert all(row.missing_since is not None for row in rows.values())


async def test_a_touched_file_is_hashed_and_one_with_other_bytes_read(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    touched, other = draw(folder / "touched.png"), draw(folder / "other.bmp", 1)
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
        status = other.stat()
        touched.chmod(0o600)
        data = bytearray(other.read_bytes())
        data[-20] ^= 1  # the same size, and the time set back
        other.write_bytes(bytes(data))
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        one.context.backlog.hint(str(touched))
        one.context.backlog.hint(str(other))
        for path in (touched, other):
            await one.has(path, lambda row, path=path: row.stamp == files.look(str(path)))  # type: ignore[misc]  # bound at once
        await one.idle()
        assert one.workers.reads.count("touched.png") == 1
        assert one.workers.reads.count("other.bmp") == 2
        assert "touched.png" in one.workers.hashes


async def test_a_copy_is_not_read_again_and_its_words_are_known(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    async with house(tmp_path, folder) as one, one.running():
        one.workers.words["a.png"] = Words("", "RAMEN 1630")
        await one.idle()
        shutil.copy(picture, folder / "copy.png")
        row = await one.has(folder / "copy.png", lambda row: row.ocr)
        assert "RAMEN" in row.text
        assert one.workers.ocrs == ["a.png"]
        assert one.context.metrics.read.labels("known")._value.get() == 1


async def test_a_content_that_is_forgotten_while_a_copy_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
        shutil.move(picture, tmp_path / "a.png")
        await one.has(picture, lambda row: row.missing_since is not None)
        one.table.answers["by_content"] = [{}, {}]  # forgotten since the worker was told what is known
        shutil.copy(tmp_path / "a.png", folder / "copy.png")
        row = await one.has(folder / "copy.png", lambda row: row.encoder)
        assert row.error is None
        assert one.workers.reads.count("copy.png") == 2


async def test_a_link_that_leads_in_a_circle_waits_until_it_is_another(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    (folder / "loop.png").symlink_to("loop.png")
    async with house(tmp_path, folder, watch__follow_symlinks=True) as one, one.running():
        assert (await one.idle()).errors == 1
        row = await one.row(folder / "loop.png")
        assert row.retry_at is None
        assert row.stamp == Stamp(0, 0, 0, 0)
        assert one.workers.reads == []
        (folder / "loop.png").unlink()
        draw(folder / "loop.png")
        await one.has(folder / "loop.png", lambda row: row.error is None)
