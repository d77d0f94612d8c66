"""The socket itself: who may open it, what is removed for it, and what never is."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from glimpsed.errors import AlreadyRunningError, SocketError
from glimpsed.serving.server import bound


@pytest.fixture
def directory() -> Iterator[Path]:
    """Short enough for sockets wherever pytest's own directories are."""
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp") as directory:
        yield Path(directory)


@pytest.fixture
def path(directory: Path) -> str:
    return str(directory / "socket")


def answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return False
        return True


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_owner_may_open_it(directory: Path, umask: int) -> None:
    path = directory / "run" / "socket"
    before = os.umask(umask)
    try:
        with bound(str(path)):
            assert stat.S_ISSOCK(path.stat().st_mode)
            assert mode(path) == 0o600
            assert mode(path.parent) == 0o700
            assert answers(str(path))
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert list(path.parent.iterdir()) == []


def test_a_directory_that_is_there_stays_as_it_is(directory: Path) -> None:
    directory.chmod(0o755)
    with bound(str(directory / "socket")):
        assert mode(directory) == 0o755


def test_what_a_killed_daemon_left_is_replaced(path: str) -> None:
    program = "import sys, socket, os; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); os._exit(9)"
    subprocess.run([sys.executable, "-c", program, path], check=False)
    assert os.path.exists(path)
    assert not answers(path)
    with bound(path):
        assert answers(path)
    assert not os.path.exists(path)


def test_a_living_one_is_never_removed(path: str) -> None:
    with bound(path):
        with pytest.raises(AlreadyRunningError), bound(path):
            pass
        assert answers(path)


def test_one_that_has_no_time_to_answer_lives(path: str) -> None:
    with ExitStack() as stack:
        busy = stack.enter_context(socket.socket(socket.AF_UNIX))
        busy.bind(path)
        busy.listen(0)
        while True:
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            try:
                client.connect(path)
            except BlockingIOError:
                break
        with pytest.raises(AlreadyRunningError), bound(path):
            pass
        assert os.path.exists(path)


def test_the_next_daemons_socket_outlives_the_one_before(path: str) -> None:
    with ExitStack() as stack:
        with bound(path) as listener:
            listener.close()  # as the server does at its end
            stack.enter_context(bound(path))
        assert answers(path)
    assert not os.path.exists(path)


def test_a_socket_that_was_removed_meanwhile_is_no_error(path: str) -> None:
    with bound(path):
        os.unlink(path)


def test_a_directory_that_was_removed_meanwhile_is_no_error(directory: Path) -> None:
    path = directory / "run" / "socket"
    with bound(str(path)):
        path.unlink()
        path.parent.rmdir()


def test_of_many_that_start_at_once_on_a_dead_socket_one_lives(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    program = """
import sys
from glimpsed.errors import AlreadyRunningError
from glimpsed.serving.server import bound
sys.stdin.readline()
try:
    with bound(sys.argv[1]):
        print("bound", flush=True)
        sys.stdin.readline()
except AlreadyRunningError:
    print("refused", flush=True)
"""
    starting = [
        subprocess.Popen([sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    with ExitStack() as stack:
        for one in starting:
            stack.enter_context(one)
            stack.callback(one.kill)
        for one in starting:
            assert one.stdin is not None
            one.stdin.write(b"go\n")
            one.stdin.flush()
        told = [one.stdout.readline().strip() for one in starting if one.stdout is not None]
        assert sorted(told) == [b"bound", b"refused", b"refused", b"refused"]
        assert answers(path)
        for one in starting:
            one.communicate(b"end\n" if one.poll() is None else None, timeout=60)
    assert not os.path.exists(path)


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_is_no_socket_stays(directory: Path, kind: str) -> None:
    path = directory / "socket"
    match kind:
        case "file":
            path.write_text("precious")
        case "directory":
            path.mkdir()
        case "link":
            path.symlink_to(directory / "nowhere")
    with pytest.raises(SocketError, match="no socket"), bound(str(path)):
        pass
    assert os.path.lexists(path)


def test_paths_that_cannot_be_are_refused(directory: Path) -> None:
    longest = directory / ("x" * (107 - len(os.fsencode(directory)) - 1))
    with bound(str(longest)):
        assert answers(str(longest))
    with pytest.raises(SocketError, match="108 bytes"), bound(f"{longest}x"):
        pass
    (directory / "file").touch()
    with pytest.raises(SocketError, match="cannot listen"), bound(str(directory / "file" / "socket")):
        pass
    with pytest.raises(SocketError, match="cannot listen"), bound("/proc/glimpsed/socket"):
        pass


def test_a_directory_that_others_can_write_to_is_refused(directory: Path) -> None:
    shared = directory / "shared"
    shared.mkdir()
    for rights in (0o777, 0o770, 0o702):
        shared.chmod(rights)
        with pytest.raises(SocketError, match="other users"), bound(str(shared / "socket")):
            pass
    assert list(shared.iterdir()) == []
    shared.chmod(0o1777)  # as /tmp: what stands there can be removed by its owner only
    with bound(str(shared / "socket")):
        assert mode(shared / "socket") == 0o600


def test_a_directory_of_another_user_is_refused(directory: Path) -> None:
    other = directory / "other"
    other.mkdir(mode=0o700)
    try:
        os.chown(other, 12345, 12345)
    except OSError:
        pytest.skip("only root can give a directory away")
    with pytest.raises(SocketError, match="other users"), bound(str(other / "socket")):
        pass
