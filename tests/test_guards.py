"""What the daemon finds out about itself, and that it tells the truth of a process that is really kept away."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from glimpsed import guards

LOOK = "import sys\nfrom glimpsed import guards\nfor one in guards.look(sys.argv[1:]): print(one.name, one.holds)"


def told(*command: str, folder: Path) -> dict[str, str]:
    done = subprocess.run(
        [*command, sys.executable, "-c", LOOK, str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        pytest.skip(f"not possible here: {done.stderr.strip()[-200:]}")
    return dict(line.split() for line in done.stdout.splitlines())


def test_a_namespace_without_devices_and_a_read_only_mount_are_seen(tmp_path: Path) -> None:
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    found = told("unshare", "-rmn", "sh", "-c", script, str(tmp_path), folder=tmp_path)
    assert found == {"network": "True", "pictures": "True", "parsers": "False"}


def test_without_any_nothing_is_claimed(tmp_path: Path) -> None:
    found = {one.name: one for one in guards.look([str(tmp_path)])}
    assert not found["pictures"].holds
    assert str(tmp_path) in found["pictures"].how
    assert not found["parsers"].holds
    devices = Path("/proc/self/net/dev").read_text().splitlines()[2:]
    if any(line.split(":")[0].strip() != "lo" for line in devices):
        assert not found["network"].holds
    both = guards.look([str(tmp_path), "/", str(tmp_path / "none")])
    assert " and 1 more" in both[1].how or not os.access("/", os.W_OK)
    assert guards.look([str(tmp_path / "none")])[1].how == "no folder is there"


def test_refused_sockets_are_no_network_and_other_faults_prove_nothing(tmp_path: Path) -> None:
    def refuse(number: int) -> socket.socket:
        raise OSError(number, os.strerror(number))

    devices = tmp_path / "dev"
    devices.write_text("head\nhead\n    lo: 1 2\n  eth0: 1 2\n")
    assert guards._network(devices, lambda _: refuse(errno.EAFNOSUPPORT)).holds
    assert not guards._network(devices, lambda _: refuse(errno.EMFILE)).holds
    assert not guards._network(devices).holds
    devices.write_text("head\nhead\n    lo: 1 2\n")
    assert guards._network(devices).holds
    assert not guards._network(tmp_path / "none").holds


def test_parsers_are_as_their_workers_say() -> None:
    held = [("writing", True, "Landlock, ABI 7"), ("network", True, "seccomp")]
    assert guards.look([], held)[2] == ("parsers", True, "Landlock, ABI 7")
    assert guards.look([], [*held, ("signals", False, "no")])[2] == ("parsers", False, "not held: signals")
