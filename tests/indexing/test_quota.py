"""The user's quota is used up: writes of the daemon fail with EDQUOT, at each stage; it waits, says so, and goes on.

A file system with quotas needs rights that tests have not: a library that is preloaded answers in its place.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import pictures
from tests.daemons import Daemon, running
from tests.indexing.full_disk import paused
from tests.waiting import wait_for

SOURCE = Path(__file__).with_name("quota.c")

STAGES = ("/thumbnails/", "/pictures.lance/data/", "/pictures.lance/_versions/", "/state/")
"""Where nothing more may be written: what comes first when a picture is indexed, what comes later, and all of it."""


@pytest.fixture
def used_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says where nothing more may be written, for what is started from now on."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path / "quota.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("QUOTA_USED_UP", str(tmp_path / "used up"))
    return tmp_path / "used up"


@pytest.fixture
def daemon(tmp_path: Path, used_up: Path) -> Iterator[Daemon]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw(folder, 0)
    with running(tmp_path / "home", folder, READ_OCR="false") as started:
        started.idle(1)
        yield started


def draw(folder: Path, number: int) -> None:
    pictures.save(folder / f"{number}.jpg", pictures.noisy((64, 48), seed=number), caption=f"ramen {number}")


def test_a_daemon_without_quota_waits_and_goes_on(daemon: Daemon, used_up: Path) -> None:
    for number, stage in enumerate(STAGES, 1):
        coming = used_up.with_suffix(".part")
        coming.write_text(stage, encoding="utf-8")
        coming.rename(used_up)
        draw(daemon.folders[0], number)
        wait_for(lambda: paused(daemon))
        (told,) = [one for one in daemon.client.status()["warnings"] if "indexing is paused" in one]
        assert os.strerror(errno.EDQUOT).lower() in told.lower() or "os error 122" in told
        assert ("a thumbnail cannot be kept" in told) is (stage in {"/thumbnails/", "/state/"})
        # What was found before is found still.
        assert len(daemon.names("ramen", k=100)) == number
        used_up.unlink()
        daemon.idle(number + 1)
        assert len(daemon.names("ramen", k=100)) == number + 1
    said = daemon.log.read_text(encoding="utf-8")
    assert '"event": "indexing_paused"' in said
    assert '"event": "indexing_resumed"' in said
    assert '"event": "table_damaged"' not in said
    assert daemon.client.verify(full=True)["state"] == "equal"
    assert daemon.stop() == 0
