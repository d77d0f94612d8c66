"""What an installation cannot decode is read by itself as soon as it can: a real daemon without and with its extras."""

import importlib.util
import io
import os
from pathlib import Path

import pytest
from PIL import Image
from tests import raws
from tests.daemons import Daemon
from tests.reading.test_confined_reading import encoded

_EXTRAS = ("pillow_heif", "pillow_jxl", "rawpy")
_HIDING = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in {_EXTRAS!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Hidden())
"""


@pytest.mark.skipif(any(importlib.util.find_spec(name) is None for name in _EXTRAS), reason="the extras are missing")
def test_what_needed_an_extra_is_read_once_it_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    (folder / "a.heic").write_bytes(encoded("HEIF"))
    (folder / "b.jxl").write_bytes(encoded("JXL"))
    (folder / "bare.dng").write_bytes(raws.negative())
    (folder / "small.dng").write_bytes(raws.negative(previews=[raws.jpeg((64, 48), colour="lime")]))
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "sitecustomize.py").write_text(_HIDING)
    usual = os.environ.get("PYTHONPATH", "")

    without = Daemon(tmp_path, folder, settings={"PYTHONPATH": f"{hiding}{os.pathsep}{usual}"})
    with_them = Daemon(tmp_path, folder)
    try:
        without.start()
        status = without.idle(4)
        assert (status["pictures"]["fresh"], status["pictures"]["errors"]) == (1, 3)
        lost = {one["name"]: (one["pictures"], one["reason"]) for one in status["formats"]["unreadable"]}
        assert {name: count for name, (count, _) in lost.items()} == {"heic": 1, "jxl": 1, "dng": 1}
        assert "glimpsed[raw]" in lost["dng"][1]
        assert "without a preview inside cannot be read" in without.client.explain(str(folder / "bare.dng"))["error"]
        small = without.client.explain(str(folder / "small.dng"))
        assert (small["state"], small["error"], small["width"]) == ("fresh", None, 320)
        assert size(without, small["id"]) == (64, 48)
        without.stop()

        with_them.start()
        status = with_them.idle(4)
        assert (status["pictures"]["fresh"], status["pictures"]["errors"]) == (4, 0)
        assert status["formats"]["unreadable"] == []
        assert size(with_them, small["id"]) == (160, 120)
        assert with_them.client.explain(str(folder / "small.dng"))["reader"] != small["reader"]
    finally:
        for daemon in (without, with_them):
            if daemon.process is not None:
                daemon.process.kill()
                daemon.process.communicate()
            daemon.client.close()


def size(daemon: Daemon, picture: str) -> tuple[int, int]:
    """Of the picture's thumbnail."""
    with Image.open(io.BytesIO(daemon.client.thumbnail(picture))) as shown:
        return shown.size
