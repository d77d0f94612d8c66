"""Moves while the daemon is down, and a disk that goes while it is being indexed."""

import os
from pathlib import Path

from tests import pictures
from tests.daemons import PATIENCE, Daemon, running
from tests.on_disk import agree
from tests.waiting import wait_for
from tests.watching.confined import confined


def test_after_moves_while_down_only_what_was_edited_is_encoded(tmp_path: Path) -> None:
    first, second = tmp_path / "Pictures", tmp_path / "More"
    second.mkdir()
    for number in range(24):
        path = first / "trips" / f"trip {number % 4}" / f"waterfall {number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures.save(path, pictures.noisy((48, 32), seed=number))
    with running(tmp_path / "home", first, second, READ_OCR="false") as daemon:
        daemon.idle(24)
        daemon.stop()
        (first / "trips").rename(first / "journeys")  # a tree, renamed above its pictures
        (first / "journeys" / "trip 1").rename(second / "trip 1")  # to another folder
        (second / "kept").mkdir()
        (first / "journeys" / "trip 2").rename(second / "kept" / "trip 2")
        edited = second / "trip 1" / "waterfall 1.png"
        pictures.save(edited, pictures.noisy((48, 32), seed=100), caption="Edited by hand")
        daemon.start()
        agree(daemon, first, second)
        assert daemon.counter("glimpsed_encoded_texts_total") == 1
        assert daemon.counter("glimpsed_read_total") == 1
        assert daemon.first("edited by hand") == edited.name
        # The row of the edited one's old path is the only one whose file is known nowhere else.
        assert daemon.client.status()["pictures"] == {"fresh": 24, "stale": 0, "missing": 1, "errors": 0, "waiting": 0}


UNMOUNTED = """
import sys
from pathlib import Path
from tests.test_moves import while_it_is_indexed
while_it_is_indexed(Path(sys.argv[1]), 600)
print("well")
"""


def while_it_is_indexed(here: Path, files: int) -> None:
    """Unmount a folder's disk while its pictures are read, and mount it again: to be run where mounts are ours.

    There are more of them than the streams between the stages hold, so some are not read yet.
    """
    disk, folder = here / "disk", here / "Pictures"
    disk.mkdir()
    folder.mkdir()
    for command in (f"mount -t tmpfs none {disk}", f"mount --bind {disk} {folder}"):
        assert os.system(command) == 0
    for number in range(files):
        path = folder / f"glacier {number % 7}" / f"IMG_{number:04}.png"  # names whose words are not encoded
        path.parent.mkdir(exist_ok=True)
        pictures.save(path, pictures.noisy((32, 24), seed=number))
    with running(here / "home", folder, READ_OCR="false") as daemon:
        _past(daemon, files // 10)
        assert os.system(f"umount -l {folder}") == 0  # files of it are open
        _state(daemon, folder, "offline since")
        counts = daemon.idle()["pictures"]
        print(f"  away with {counts['fresh']} of {files} indexed")
        assert (counts["missing"], counts["errors"]) == (0, 0), counts
        assert 0 < counts["fresh"] < files
        assert all(hit["offline"] for hit in daemon.client.search("glacier")["hits"])
        assert os.system(f"mount --bind {disk} {folder}") == 0
        daemon.idle(files, deadline=20 * PATIENCE)
        _state(daemon, folder, "watching")
        agree(daemon, folder)
        assert daemon.client.status()["pictures"]["missing"] == 0
        assert daemon.counter("glimpsed_read_total") == files
        assert daemon.counter("glimpsed_encoded_texts_total") < files / 10
        log = daemon.log.read_text("utf-8")
        assert not any(f'"{event}"' in log for event in ("picture_missing", "picture_forgotten", "picture_failed"))
        assert log.count('"folder_offline"') == log.count('"folder_back"') == 1


def _past(daemon: Daemon, share: int) -> None:
    wait_for(lambda: daemon.client.status()["pictures"]["fresh"] >= share, deadline=PATIENCE)


def _state(daemon: Daemon, folder: Path, begins: str) -> None:
    def states() -> bool:
        return any(
            one["path"] == str(folder) and one["state"].startswith(begins) for one in daemon.client.status()["folders"]
        )

    wait_for(states, deadline=PATIENCE)


def test_a_disk_that_goes_while_it_is_indexed_and_comes_back(tmp_path: Path) -> None:
    assert confined(UNMOUNTED, str(tmp_path)).strip().endswith("well")
