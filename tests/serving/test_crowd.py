"""Two hundred clients at once, most of them ill-mannered, on a real daemon that indexes meanwhile."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from tests import pictures
from tests.daemons import PATIENCE, Daemon, running
from tests.waiting import wait_for

from glimpsed.errors import GlimpsedError, UnreachableError

CLIENTS = 200
SEARCH = b"GET /v1/search?q=bicycle HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
MANNERS: tuple[bytes, ...] = (
    b"",
    b"GET /v1/status HT",
    b"POST /v1/scan HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{",
    b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no http at all\r\n\r\n",
    SEARCH,
    SEARCH.replace(b"close", b"keep-alive") * 20,
    b"GET /v1/search?q=" + b"x" * 60_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
)
"""What each sends; then it reads nothing until the end, and some say no more."""


@contextmanager
def crowd(daemon: Daemon) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        clients: list[socket.socket] = []
        for number in range(CLIENTS):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(PATIENCE)
            client.connect(str(daemon.socket))
            clients.append(client)
            try:
                client.sendall(MANNERS[number % len(MANNERS)])
                if number // len(MANNERS) % 3 == 1:
                    client.shutdown(socket.SHUT_WR)
            except OSError:
                continue  # refused, and not waited for
            if number // len(MANNERS) % 3 == 2:
                client.close()  # in the midst of its request
        yield clients


def everything(client: socket.socket) -> bytes:
    """All that comes until the end."""
    told = b""
    try:
        while data := client.recv(1 << 16):
            told += data
    except ConnectionError:
        pass
    return told


def open_files(daemon: Daemon) -> int:
    assert daemon.process is not None
    return len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    pictures.save(folder / "first.png", pictures.noisy((40, 30)), caption="a red bicycle")
    with running(tmp_path / "d", folder, READ_OCR="false") as daemon:
        daemon.idle(1)
        yield daemon


def test_a_crowd_is_bounded_and_harms_nobody(daemon: Daemon, tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    assert daemon.first("bicycle") == "first.png"
    before = open_files(daemon)
    with crowd(daemon) as clients:
        for number in range(30):
            pictures.save(
                folder / f"{number}.png", pictures.noisy((40, 30), seed=number + 1), caption=f"{number} boats"
            )
        threads = [Thread(target=asked, args=(daemon, problems := list[str]())) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        for number, client in enumerate(clients):
            # One that shuts its side has gone away, as a whole.
            if number // len(MANNERS) % 3 == 0 and MANNERS[number % len(MANNERS)] == SEARCH:
                head, _, body = everything(client).partition(b"\r\n\r\n")
                status = int(head.split()[1])
                assert status in {200, 503}, head
                if status == 200:
                    assert json.loads(body)["hits"]
    wait_for(lambda: open_files(daemon) <= before + 16, deadline=PATIENCE)
    assert daemon.idle(31)["pictures"] == {"fresh": 31, "stale": 0, "missing": 0, "errors": 0, "waiting": 0}
    assert daemon.stop() == 0


def asked(daemon: Daemon, problems: list[str]) -> None:
    """A well-mannered client: it comes back when it is told to."""
    mine = Daemon(daemon.home, *daemon.folders)
    for _ in range(5):
        found = wait_for(lambda: first(mine), deadline=PATIENCE)
        if found != "first.png":
            problems.append(found)
    mine.client.close()


def first(daemon: Daemon) -> str:
    """The name of the first hit; empty where it is told to come back, else what is wrong."""
    try:
        return daemon.first("bicycle")
    except GlimpsedError as error:
        return "" if isinstance(error, UnreachableError) else repr(error)
