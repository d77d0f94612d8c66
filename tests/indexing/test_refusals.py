"""What the file system refuses is tried again with growing pauses, remembered, and forgiven when it passes."""

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests import pictures, raws
from tests.daemons import Daemon
from tests.indexing.house import house
from tests.waiting import until, wait_for

from glimpsed import files
from glimpsed.events import Event
from glimpsed.explaining import row_state
from glimpsed.reading.faults import refused
from glimpsed.records import Change, Fault, FaultKind, Unread

FAILS = Fault(FaultKind.UNREADABLE, "Input/output error")


def draw(path: Path, seed: int = 1) -> Path:
    path.parent.mkdir(exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=f"about {path.name}")
    return path


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ENOSPC, errno.EBUSY, errno.ESTALE, errno.EDQUOT])
def test_what_may_pass(number: int) -> None:
    assert refused(OSError(number, os.strerror(number))) == Fault(FaultKind.UNREADABLE, os.strerror(number))


@pytest.mark.parametrize("number", [errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.EFBIG])
def test_what_will_not_pass(number: int) -> None:
    assert refused(OSError(number, os.strerror(number))).kind is FaultKind.BROKEN


async def test_a_disk_that_fails_is_asked_again_and_again_ever_less_often(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "bad.jpg")
    async with house(tmp_path, tmp_path / "p") as made:
        made.workers.unread["bad.jpg"] = [Unread(str(path), files.look(str(path)), FAILS) for _ in range(4)]
        pauses = []
        async with made.running():
            for attempt in range(1, 5):
                row = await made.has(path, lambda row, attempt=attempt: row.attempts == attempt)  # type: ignore[misc]
                assert row.error == FAILS.what
                assert row.retry_at is not None
                pauses.append(round(row.retry_at - row.indexed_at))
                made.later(pauses[-1] + 1)
            row = await made.has(path, lambda row: row.error is None)
            assert (row.attempts, row.retry_at, row.width) == (0, None, 64)
        assert pauses == [60, 120, 240, 480]
        assert len(made.journal.of(Event.PICTURE_FAILED)) == 4
        assert made.workers.reads == ["bad.jpg"] * 5


async def test_what_was_known_of_a_picture_stays_while_it_cannot_be_read(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "bad.jpg")
    async with house(tmp_path, tmp_path / "p") as made, made.running():
        before = await made.has(path, lambda row: row.width == 64)
        made.workers.unread["bad.jpg"] = [Unread(str(path), files.look(str(path)), FAILS)]
        await made.writer.commit([again(path, made.clock())])
        made.context.committed.beat()
        row = await made.has(path, lambda row: row.error is not None)
        assert (row.content_id, row.text, row.attempts) == (before.content_id, before.text, 1)
        made.later(61)
        row = await made.has(path, lambda row: row.error is None)
        assert row.content_id == before.content_id


async def test_a_sidecar_that_changes_meanwhile_is_read_with_the_picture(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "bad.jpg")
    async with house(tmp_path, tmp_path / "p") as made, made.running():
        await made.has(path, lambda row: row.width == 64)
        made.workers.unread["bad.jpg"] = [Unread(str(path), files.look(str(path)), FAILS)]
        (tmp_path / "p" / "bad.jpg.txt").write_text("a whale")
        row = await made.has(path, lambda row: row.error is not None)
        # Else every scan would have it read again, however long the pause.
        assert row.beside == files.beside(str(path)) != ""
        made.later(61)
        row = await made.has(path, lambda row: row.error is None)
        assert "whale" in row.text


async def test_a_sidecar_that_is_refused_is_tried_again_by_itself(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "a.jpg")
    (tmp_path / "p" / "a.jpg.txt").write_text("a whale")
    async with house(tmp_path, tmp_path / "p") as made:
        made.workers.refused["a.jpg"] = [FAILS, FAILS]
        async with made.running():
            first = await made.has(path, lambda row: row.attempts == 1 and row.ocr is not None)
            assert (first.error, first.width) == (None, 64)
            assert first.retry_at is not None
            assert row_state(first, made.context.current, made.clock())[0] == "fresh"
            assert row_state(first, made.context.current, first.retry_at)[0] == "stale"
            made.later(91)
            await made.has(path, lambda row: row.attempts == 2)
            made.later(151)
            last = await made.has(path, lambda row: "whale" in row.text)
            assert (last.attempts, last.retry_at) == (0, None)
        told = [one["reason"] for one in made.journal.of(Event.SIDECAR_UNREADABLE)]
        assert told == [FAILS.what] * 2


async def test_a_refused_sidecar_of_two_files_of_a_shot_is_tried_once_for_each(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "a.jpg")
    raw = path.with_suffix(".nef")
    raw.write_bytes(raws.camera(previews=[path.read_bytes()]))
    (tmp_path / "p" / "a.xmp").write_text("<x:xmpmeta/>")
    async with house(tmp_path, tmp_path / "p") as made:
        made.workers.refused = {path.name: [FAILS] * 50, raw.name: [FAILS] * 50}
        async with made.running():
            for one in (path, raw):
                row = await made.has(one, lambda row: row.attempts > 0 and row.ocr is not None)
                assert (row.error, row.retry_at is not None) == (None, True)
            await made.idle()
            # One may be read before the other is there, and once more because that came.
            assert len(made.workers.reads) <= 4
            before = len(made.workers.reads)
            made.inbox.hint(str(path))  # its rights may be others by now
            await until(lambda: len(made.workers.reads) > before)
            await made.idle()
            assert made.workers.reads[before:] == [path.name]


def test_a_sidecar_without_permission_is_read_as_soon_as_it_has_one(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    path = draw(folder / "a.jpg")
    caption = folder / "a.jpg.txt"
    caption.write_text("a whale in the fjord")
    caption.chmod(0)
    allowed = [*powerless(), sys.executable, "-c", f"open({str(caption)!r})"]
    if subprocess.run(allowed, capture_output=True, check=False).returncode == 0:
        pytest.skip("rights do not count here")
    (tmp_path / "home").mkdir()
    daemon = Powerless(tmp_path / "home", folder, settings={"GLIMPSED_READ_OCR": "false"})
    try:
        daemon.start()
        daemon.idle(1)
        told = daemon.client.explain(str(path))
        assert told["state"] == "fresh"
        assert told["hint"] == f"what stands beside it cannot be read: tried again after {told['retry_at']}"
        caption.chmod(0o600)  # the change of the rights is a hint
        wait_for(lambda: daemon.client.search('"whale in the fjord"')["hits"])
        assert daemon.client.explain(str(path))["retry_at"] is None
    finally:
        if daemon.process is not None:
            daemon.stop()


def again(path: Path, now: float) -> Change:
    return Change(str(path), lambda row: row and replace(row, retry_at=now))


class Powerless(Daemon):
    """A daemon for whom rights count, even where the tests run as root."""

    @property
    def command(self) -> list[str]:
        return [*powerless(), *super().command]


def powerless() -> list[str]:
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("no setpriv(1): root may read everything")
    return [setpriv, "--bounding-set", "-dac_override,-dac_read_search"]


def test_a_file_without_permission_is_an_error_until_it_has_one(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    good, bad = draw(folder / "good.jpg"), draw(folder / "bad.jpg", seed=2)
    bad.chmod(0)
    allowed = [*powerless(), sys.executable, "-c", f"open({str(bad)!r})"]
    if subprocess.run(allowed, capture_output=True, check=False).returncode == 0:
        pytest.skip("rights do not count here")
    (tmp_path / "home").mkdir()
    daemon = Powerless(tmp_path / "home", folder, settings={"GLIMPSED_READ_OCR": "false"})
    try:
        daemon.start()
        daemon.idle(2)
        told = daemon.client.errors()
        assert (told["total"], told["by_kind"]) == (1, {"passing": 1})
        (one,) = told["errors"]
        assert (one["path"], one["error"], one["attempts"]) == (str(bad), "Permission denied", 1)
        assert one["retry_at"] == told["next"] is not None
        assert daemon.client.errors([str(good)])["total"] == 0
        # A restart changes nothing about it.
        daemon.stop()
        daemon.start()
        daemon.idle(2)
        assert daemon.client.errors([str(folder)])["errors"] == [one]
        # By itself when it may be read again: the change of the rights is a hint.
        bad.chmod(0o600)
        wait_for(lambda: daemon.client.errors()["total"] == 0)
        assert daemon.idle(2)["pictures"]["errors"] == 0
        assert daemon.client.verify(full=True)["state"] == "equal"
    finally:
        if daemon.process is not None:
            daemon.stop()
