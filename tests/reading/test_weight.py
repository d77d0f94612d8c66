"""How much of a busy machine a worker gets beside others."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from glimpsed.reading.weight import Weight


def test_a_niceness_is_written_once_and_again_where_it_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "autogroup"
    place.touch()
    weight = Weight(str(place))
    weight.weigh(19)
    assert place.read_text() == "19"
    weight.weigh(19)
    assert place.read_text() == "19"
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> int:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        patch.setattr(os, "write", refuse)
        weight.weigh(10)
    weight.weigh(10)
    assert place.read_text() == "1910"


def test_where_the_kernel_has_none_nothing_happens(tmp_path: Path) -> None:
    Weight(str(tmp_path / "none")).weigh(19)
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_takes_it_both_ways() -> None:
    if not Path("/proc/self/autogroup").exists():
        pytest.skip("this kernel has no autogroups")
    script = (
        "import time; from pathlib import Path; from glimpsed.reading.weight import Weight\n"
        "weight, told = Weight(), []\n"
        "for nice in (19, 10):\n"
        "    for _ in range(1000):\n"
        "        weight.weigh(nice)\n"
        "        if (now := Path('/proc/self/autogroup').read_text().split()[-1]) == str(nice): break\n"
        "        time.sleep(0.01)\n"
        "    told.append(now)\n"
        "print(*told)"
    )
    done = subprocess.run([sys.executable, "-c", script], start_new_session=True, capture_output=True, check=True)
    if done.stdout == b"0 0\n":
        pytest.skip("autogroups are switched off")
    assert done.stdout == b"19 10\n"
