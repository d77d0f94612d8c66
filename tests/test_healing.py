"""Files of the table that are damaged or deleted under a running daemon: it goes on, by itself and in one process."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import pictures
from tests.daemons import Daemon, running
from tests.waiting import wait_for

from glimpsed.errors import GlimpsedError


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        pictures.save(folder / f"{number}.jpg", pictures.noisy((64, 48), seed=number), caption=f"ramen {number}")
    with running(tmp_path / "home", folder, READ_OCR="false") as started:
        started.idle(3)
        yield started


def table(daemon: Daemon) -> Path:
    return daemon.state / "table" / "pictures.lance"


def indexes_gone(daemon: Daemon) -> None:
    shutil.rmtree(table(daemon) / "_indices")


def data_gone(daemon: Daemon) -> None:
    for file in (table(daemon) / "data").iterdir():
        file.unlink()


def data_zeroed(daemon: Daemon) -> None:
    for file in (table(daemon) / "data").iterdir():
        file.write_bytes(bytes(file.stat().st_size))


def finds(daemon: Daemon) -> bool:
    """Whether the pictures are found; whoever asks meets the damage."""
    try:
        return len(daemon.client.search("ramen")["hits"]) >= 3
    except GlimpsedError:
        return False


def proved(daemon: Daemon) -> bool:
    try:
        return bool(daemon.client.verify(full=True)["state"] == "equal") and finds(daemon)
    except GlimpsedError:
        return False


@pytest.mark.parametrize("damage", [indexes_gone, data_gone, data_zeroed])
def test_it_heals(daemon: Daemon, damage: Callable[[Daemon], None]) -> None:
    assert daemon.process is not None
    process = daemon.process.pid
    damage(daemon)
    # One more picture, so that the indexer meets it, too.
    pictures.save(daemon.folders[0] / "more.png", pictures.noisy((64, 48), seed=9))
    wait_for(lambda: "table_damaged" in daemon.log.read_text(encoding="utf-8") or not finds(daemon))
    wait_for(lambda: proved(daemon), deadline=200.0)
    daemon.idle(4)
    assert daemon.process.pid == process
    assert daemon.process.poll() is None
    assert "table_damaged" in daemon.log.read_text(encoding="utf-8")
    aside = [one for one in daemon.state.glob("damaged-*") if one.is_dir()]
    assert len(aside) <= 1
    if damage is not indexes_gone:
        assert any("damaged" in warning for warning in daemon.client.status()["warnings"])
    assert daemon.stop() == 0
