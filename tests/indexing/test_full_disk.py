"""The disk is full, has no inodes left, or is mounted read-only: indexing waits, search answers, nothing is lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.indexing import full_disk

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'daemon'}:{ROOT}"}


@pytest.mark.parametrize("what", ["bytes", "inodes", "read only"])
def test_a_daemon_on_a_bad_disk_waits_and_goes_on(tmp_path: Path, what: str) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let us make a user namespace")
    ended = subprocess.run(
        [*alone, sys.executable, "-m", "tests.indexing.full_disk", str(tmp_path), what],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if ended.returncode == full_disk.REFUSED:
        pytest.skip("this machine does not let us mount in a user namespace")
    assert ended.returncode == 0, ended.stderr
