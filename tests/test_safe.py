"""A real daemon: what bounds its workers, and what could not be read tried again on demand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.daemons import running
from tests.pictures import draw, save

from glimpsed.errors import UsageError


def test_limits_and_retry(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    path = save(folder / "large.png", draw("Hello", size=(640, 400)), caption="A red bicycle")
    save(folder / "small.png", draw("x", size=(90, 90)), caption="A green kettle")
    with running(tmp_path / "home", folder, READ_MAX_PIXELS="10000", READ_OCR="false") as daemon:
        assert daemon.idle(2)["pictures"]["errors"] == 1
        explained = daemon.client.explain(str(path))
        assert explained["error"] == "640 x 400 pixels; at most 10000 are read ([read] max_pixels)"
        assert daemon.first("bicycle") == "large.png"  # its caption was within the limits
        confinement = {one["name"]: one for one in daemon.client.status().get("confinement", [])}
        assert all(confinement[name]["holds"] for name in ("memory", "file size", "open files", "time"))
        assert list((daemon.state / "workers").iterdir()) != []
        assert daemon.client.retry()["pictures"] == 1
        assert daemon.idle(2)["pictures"]["errors"] == 1  # nothing has changed
        assert daemon.stop() == 0
    assert list((daemon.state / "workers").iterdir()) == []
    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        assert daemon.idle(2)["pictures"]["errors"] == 1  # remembered
        assert daemon.client.retry([str(folder / "small.png")]) == {"pictures": 0, "warnings": []}
        with pytest.raises(UsageError, match="no watched folder"):
            daemon.client.retry(["/etc"])
        command = [sys.executable, "-c", "from glimpsed.cli import glimpse; glimpse()", "--socket", str(daemon.socket)]
        done = subprocess.run([*command, "retry", str(folder), "--json"], capture_output=True, check=True)
        assert json.loads(done.stdout) == {"pictures": 1, "warnings": []}
        assert daemon.idle(2)["pictures"]["errors"] == 0
        assert "pictures_retried" in daemon.tail()
