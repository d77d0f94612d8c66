"""A copy of the state directory opens elsewhere, and nothing is encoded or read by OCR again."""

import shutil
from contextlib import suppress
from pathlib import Path

from tests import pictures
from tests.daemons import Daemon, running
from tests.waiting import wait_for

COUNT = 5


def draw(folder: Path, first: int, count: int) -> None:
    for number in range(first, first + count):
        text = [f"receipt number {number}"]
        pictures.save(folder / f"{number}.png", pictures.draw(text, size=(320, 120)), caption=f"about {number}")


def test_a_copy_opens_on_another_machine(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw(folder, 0, COUNT)
    with running(tmp_path / "home", folder) as daemon:
        daemon.idle(COUNT)
        found = daemon.names("receipt number 3")
        # Beside the running daemon, which is idle: nothing is written then.
        shutil.copytree(daemon.state, tmp_path / "there" / "state", ignore=shutil.ignore_patterns("lock", "workers"))
        assert daemon.stop() == 0
    # Another machine: the same folder's path, other inodes and times of change.
    shutil.copytree(folder, tmp_path / "restored")
    shutil.rmtree(folder)
    (tmp_path / "restored").rename(folder)
    with running(tmp_path / "there", folder) as daemon:
        status = daemon.idle(COUNT)
        assert status["warnings"] == []
        assert status["pictures"]["errors"] == 0
        assert daemon.counter("glimpsed_encoded_texts_total") == 0
        assert daemon.counter("glimpsed_ocr_total") == 0
        assert daemon.names("receipt number 3") == found
        assert daemon.client.verify(full=True)["state"] == "equal"
        assert daemon.stop() == 0


def test_a_copy_made_while_it_indexes_is_made_whole(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    copies = [tmp_path / f"copy{number}" for number in range(2)]
    with running(tmp_path / "home", folder, READ_OCR="false", WATCH_SETTLE="0.01") as daemon:
        for place, copy in enumerate(copies):
            draw(folder, place * COUNT, COUNT)
            wait_for(lambda place=place: daemon.client.status()["pictures"]["fresh"] > place * COUNT)  # type: ignore[misc]
            copied(daemon, copy)
        total = COUNT * len(copies)
        daemon.idle(total)
        assert daemon.client.verify()["state"] == "equal"  # no copy harms what is copied
        assert daemon.stop() == 0
    for copy in copies:
        with running(copy, folder, READ_OCR="false") as daemon:
            daemon.idle(total)
            assert daemon.client.verify(full=True)["state"] == "equal"
            assert daemon.stop() == 0


def copied(daemon: Daemon, copy: Path) -> None:
    """As `cp -r` does it: what vanishes meanwhile is left out."""
    with suppress(shutil.Error):
        shutil.copytree(daemon.state, copy / "state")
