"""A socket that somebody else listens on, as systemd does: taken, answered, and left as it was."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.daemons import Daemon
from tests.waiting import wait_for

from glimpsed.client import Client

PASS = """
import os, sys
for place, number in enumerate(sys.argv[1].split(","), 3):
    os.dup2(int(number), place)
os.environ.update(LISTEN_PID=sys.argv[2] or str(os.getpid()), LISTEN_FDS=str(place - 2), LISTEN_FDNAMES=sys.argv[3])
os.execv(sys.executable, [sys.executable, *sys.argv[4:]])
"""
TAKE = """
import os, sys
from glimpsed import errors, systemd
try:
    taken = systemd.listener(sys.argv[1])
except errors.SocketError as error:
    print(error)
else:
    inherited = taken is not None and os.get_inheritable(taken.fileno())
    left = [name for name in os.environ if name.startswith("LISTEN_")]
    print(taken and taken.getsockname(), inherited, left)
"""


@contextmanager
def listening(path: Path, *, mode: int = 0o600) -> Iterator[socket.socket]:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen(4096)
        yield listener


def passing(sockets: list[socket.socket], *command: str, names: str = "glimpsed", owner: str = "") -> list[str]:
    # Beyond all that is passed, so that none is overwritten.
    numbers = [os.dup2(one.fileno(), 200 + place, inheritable=True) for place, one in enumerate(sockets)]
    return [sys.executable, "-c", PASS, ",".join(map(str, numbers)), owner, names, *command]


def taken(path: Path, *sockets: socket.socket, names: str = "glimpsed", owner: str = "") -> str:
    command = passing(list(sockets), "-c", TAKE, str(path), names=names, owner=owner)
    done = subprocess.run(command, capture_output=True, text=True, check=True, close_fds=False, timeout=60)
    return done.stdout.strip()


@pytest.mark.parametrize("names", ["glimpsed", "unknown", ""])
def test_a_socket_that_fits_is_taken(tmp_path: Path, names: str) -> None:
    path = tmp_path / "run" / "socket"
    with listening(path) as listener:
        assert taken(path, listener, names=names) == f"{path} False []"


def test_of_several_the_one_with_our_name_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "run" / "socket"
    with listening(path) as listener, listening(tmp_path / "run" / "other") as other:
        assert taken(path, other, listener, names="other:glimpsed") == f"{path} False []"
        assert "2 sockets where one is expected" in taken(path, other, listener, names="other:another")


def test_what_was_passed_to_another_process_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "run" / "socket"
    with listening(path) as listener:
        assert taken(path, listener, owner="1") == "None False []"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("elsewhere", "is at '"),
        ("open to all", "has the mode 0666"),
        ("silent", "does not listen"),
        ("datagram", "is not a Unix stream socket"),
        ("network", "is not a Unix stream socket"),
        ("file", "is no socket"),
        ("removed", "cannot be looked at"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, kind: str, says: str) -> None:
    path = tmp_path / "run" / "socket"
    with listening(path, mode=0o666 if kind == "open to all" else 0o600) as listener:
        match kind:
            case "elsewhere":
                path = tmp_path / "elsewhere"
            case "removed":
                path.unlink()
            case "file":
                with open(os.devnull) as file:
                    os.dup2(file.fileno(), listener.fileno())
            case "network" | "silent" | "datagram":
                family = socket.AF_INET if kind == "network" else socket.AF_UNIX
                with socket.socket(family, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM) as another:
                    os.dup2(another.fileno(), listener.fileno())
        told = taken(path, listener)
        assert says in told
        assert str(path) in told


class Held(Daemon):
    """A daemon whose socket this process holds."""

    listener: socket.socket

    @property
    def command(self) -> list[str]:
        return passing([self.listener], *super().command[1:])

    def begin(self) -> None:
        """Start it without waiting until it answers."""
        self.process = subprocess.Popen(
            self.command, env=self.environment, stderr=subprocess.PIPE, close_fds=False, start_new_session=True
        )


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    with listening(tmp_path / "socket") as listener:
        daemon = Held(tmp_path, folder)
        daemon.listener = listener
        try:
            yield daemon
        finally:
            if daemon.process is not None:
                daemon.process.kill()
                daemon.process.communicate()


def test_no_request_is_lost_over_a_restart(held: Held) -> None:
    """What comes before the daemon runs, while it ends and before the next one runs is answered by one of the two."""

    def ask(_: int) -> str:
        with Client(str(held.socket), timeout=120) as client:
            return client.search("boat")["encoders"][0]

    with ThreadPoolExecutor(16) as clients:
        answers = clients.map(ask, range(100))
        held.begin()  # the first of them have asked already
        first = next(answers)
        assert held.stop() == 0
        assert held.socket.is_socket()  # left as it was
        held.begin()
        assert {first, *answers} == {first}
    assert held.stop() == 0


def test_a_socket_of_another_place_starts_nothing(held: Held) -> None:
    held.socket = held.home / "elsewhere"
    held.begin()
    assert held.process is not None
    _, errors = held.process.communicate(timeout=60)
    assert held.process.returncode == 73
    assert b"glimpse service install" in errors
    assert not held.state.exists()


@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="systemd-socket-activate is not installed")
def test_systemds_own_activation_starts_it_with_the_first_request(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    daemon = Daemon(tmp_path, folder)
    activate = ["systemd-socket-activate", "--fdname=glimpsed", "-l", str(daemon.socket)]
    kept = [f"--setenv={name}" for name in daemon.environment]
    daemon.process = subprocess.Popen(
        [*activate, *kept, *daemon.command], env=daemon.environment, stderr=subprocess.PIPE, umask=0o077
    )
    try:
        wait_for(daemon.socket.is_socket)
        with Client(str(daemon.socket), timeout=120) as client:
            assert client.status()["version"]
        assert daemon.stop(signal.SIGTERM) == 0
        assert daemon.socket.is_socket()
    finally:
        if daemon.process is not None:
            daemon.process.kill()
            daemon.process.communicate()
