"""`glimpsed --rebuild` on a state that a daemon has used: refused while it runs, else the table is made anew."""

import subprocess
from pathlib import Path

from tests import pictures
from tests.daemons import Daemon, running


class Rebuilding(Daemon):
    """A daemon that makes its table anew at each start."""

    @property
    def command(self) -> list[str]:
        return [*super().command, "--rebuild"]


def aside(daemon: Daemon) -> list[Path]:
    return sorted(daemon.state.glob("replaced-*"))


def test_the_table_is_made_anew_but_under_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    for number in range(3):
        pictures.save(folder / f"{number}.jpg", pictures.noisy((64, 48), seed=number), caption=f"ramen {number}")
    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        daemon.idle(3)
        rebuilding = Rebuilding(daemon.home, folder, settings=daemon.settings)
        rebuilding.log = tmp_path / "second.log"
        refused = subprocess.run(
            rebuilding.command, env=rebuilding.environment, capture_output=True, check=False, timeout=120
        )
        assert refused.returncode == 75
        assert b"another glimpsed" in refused.stderr
        assert b"Traceback" not in refused.stderr
        assert aside(daemon) == []
        assert len(daemon.names("ramen")) == 3
        assert daemon.client.verify()["state"] == "equal"
        assert daemon.stop() == 0
    (folder / "0.jpg").unlink()
    try:
        rebuilding.start()
        rebuilding.idle(2)
        (old,) = aside(rebuilding)
        assert any((old / "data").iterdir())
        assert sorted(rebuilding.names("ramen")) == ["1.jpg", "2.jpg"]
        # Nothing of the former table is in it: the picture that went meanwhile is not even missing.
        assert rebuilding.client.status()["pictures"]["missing"] == 0
        assert rebuilding.counter("glimpsed_encoded_texts_total") == 2
        assert rebuilding.client.verify(full=True)["state"] == "equal"
        assert rebuilding.stop() == 0
    finally:
        if rebuilding.process is not None:
            rebuilding.stop()
