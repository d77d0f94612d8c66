"""How far a command is: on a terminal, after a second, and gone at the end."""

import io
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.terminals import at_home, seen
from tests.test_cli import command, run
from tests.unix_server import Stub, serving
from tests.waiting import DEADLINE

from glimpsed.cli_progress import At, Bar, bar, line, watched

COUNTS = {"fresh": 100, "stale": 20, "missing": 0, "errors": 0, "waiting": 30}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize(
    ("at", "seconds", "told"),
    [
        (None, 3, "verify … 3 s"),
        (At(0), 3, "verify … 0, 3 s"),
        (At(1312, unit="files"), 120, "verify … 1,312 files, 2 min"),
        (At(0, 9881), 3, "verify [------------------------] 0 of 9,881"),
        (At(0, 0), 3, "verify [########################] 0 of 0"),
        (At(50, 100), 10, "verify [############------------] 50 of 100, 5/s, about 10 s"),
        (At(50, 100), 100, "verify [############------------] 50 of 100, about 2 min"),
        (At(1, 100), 10, "verify [------------------------] 1 of 100"),
        (At(100, 100, unit="pictures"), 10, "verify [########################] 100 of 100 pictures, 10/s"),
        (At(7, 7, "/p/a.png"), 100, "verify [########################] 7 of 7  /p/a.png"),
    ],
)
def test_what_is_told(at: At | None, seconds: float, told: str) -> None:
    assert line("verify", at, seconds, 200) == told


def test_a_name_cannot_steer_the_terminal_and_wide_signs_count_twice() -> None:
    assert line("scan", At(1, note="\x1b[2J\n"), 2, 200) == "scan … 1, 2 s  �[2J�"
    assert line("京都京都", None, 2, 6) == "京都…"


@given(
    st.builds(At, st.integers(0, 10**9), st.none() | st.integers(0, 10**9), st.text(max_size=100), st.text(max_size=5)),
    st.floats(0.001, 1e6),
    st.integers(5, 120),
)
def test_it_is_one_line_that_fits(at: At, seconds: float, width: int) -> None:
    told = line("verify", at, seconds, width)
    assert len(told) <= width
    assert told.isprintable() or not any(sign in told for sign in "\r\n\x1b")


def test_it_is_drawn_seldom_and_not_before_a_second() -> None:
    terminal, now = Terminal(), [0.0]
    made = Bar("scan", terminal, clock=lambda: now[0])
    for _ in range(300):
        made.at(1, 2)
        now[0] += 0.01
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert 8 <= len(drawn[1:]) <= 11
    assert drawn[1] == "scan [############------------] 1 of 2, about 1 s"
    made.clear()
    made.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert terminal.getvalue().count("\r\x1b[K") == len(drawn)


def test_a_quick_command_says_nothing() -> None:
    terminal = Terminal()
    with bar("scan", terminal) as made:
        made.at(1, 2)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("term", ["", "dumb"])
def test_nothing_is_drawn_where_it_could_not_be_taken_away(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    terminal, now = Terminal(), [0.0]
    made = Bar("scan", terminal, clock=lambda: now[0])
    now[0] = 10
    made.at(1, 2)
    assert terminal.getvalue() == ""


def test_a_look_that_fails_ends_the_looking_alone() -> None:
    terminal, looked = Terminal(), threading.Event()

    def look() -> At:
        looked.set()
        raise OSError

    with watched("scan", look, terminal):
        assert looked.wait(DEADLINE)
    assert terminal.getvalue() == ""


# The commands


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return at_home(tmp_path)


@pytest.fixture
def stub(home: dict[str, str], tmp_path: Path) -> Iterator[Stub]:
    (tmp_path / "glimpsed").mkdir()
    with serving(tmp_path / "glimpsed" / "glimpsed.sock") as stub:
        asked, told = [0], threading.Event()

        def status(handler: BaseHTTPRequestHandler) -> None:
            asked[0] += 1
            answer(handler, {"pictures": {**COUNTS, "waiting": 40 - 10 * asked[0]}})
            if asked[0] == 2:
                told.set()

        def late(handler: BaseHTTPRequestHandler) -> None:
            assert told.wait(DEADLINE)
            answer(handler, {"hits": [], "next": None, "paths": [], "pictures": 0, "warnings": []})

        stub.answers |= {"/v1/status": status, "/v1/scan": late, "/v1/retry": late, "/v1/search": late}
        yield stub


def answer(handler: BaseHTTPRequestHandler, told: dict[str, Any]) -> None:
    data = json.dumps(told).encode()
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data))


@pytest.mark.parametrize("arguments", [["search", "--sync", "x"], ["scan"], ["retry"]])
def test_a_command_that_waits_tells_how_far_the_daemon_is(
    home: dict[str, str], stub: Stub, arguments: list[str]
) -> None:
    found = seen(command("glimpse", *arguments), home, only_errors=True)
    assert found.status == (1 if arguments[0] == "search" else 0)
    assert "[------------------------] 0 of 50 pictures" in found.output
    assert found.output.rstrip("\n").rpartition("\r\x1b[K")[2] in ("", 'glimpse: nothing found for "x"')
    assert "\x1b" not in found.piped


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["forget", "/p/a.png"], b"writing the index anew"),
        (["search", "x"], b"waiting for glimpsed"),  # whom systemd starts with the first request
        (["status", "--json"], b"waiting for glimpsed"),
    ],
)
def test_a_command_that_cannot_tell_how_far_it_is_tells_that_it_waits(
    home: dict[str, str], stub: Stub, arguments: list[str], said: bytes
) -> None:
    drawn = threading.Event()

    def late(handler: BaseHTTPRequestHandler) -> None:
        assert drawn.wait(DEADLINE)
        answer(handler, {"hits": [{"path": "/p/a.png"}], "warnings": []})

    stub.answers |= {"/v1/forget": late, "/v1/search": late, "/v1/status": late}
    master, slave = os.openpty()
    with subprocess.Popen(
        command("glimpse", *arguments), env=home | {"TERM": "xterm"}, stdout=subprocess.PIPE, stderr=slave
    ) as process:
        os.close(slave)
        told = b""
        while said not in told:
            told += os.read(master, 4096)
        drawn.set()
        output, _ = process.communicate(timeout=DEADLINE)
    assert (process.returncode, b"/p/a.png" in output) == (0, True)
    assert os.read(master, 4096).endswith(b"\r\x1b[K")
    os.close(master)


def test_where_there_is_no_terminal_the_daemon_is_not_asked(home: dict[str, str], stub: Stub) -> None:
    stub.answers["/v1/scan"] = {"paths": [], "warnings": []}
    done = run(home, "scan")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [one.path for one in stub.asked] == ["/v1/scan"]
