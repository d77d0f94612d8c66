"""`glimpse status` as it looks, once and live."""

import json
import os
import signal
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.terminals import at_home, seen
from tests.test_cli import command, run
from tests.unix_server import Stub, serving

from glimpsed import cli_status

STATUS: dict[str, Any] = {
    "version": "9",
    "state": "indexing",
    "encoder": {
        "id": "b", "name": "BGE-M3", "device": "cuda:0", "reason": "it fits", "phase": "loading", "step": "head files",
    },
    "refresh": {"encoder": "b", "name": "BGE-M3", "done": 10, "total": 20, "rate": 2.0, "seconds_left": 5},
    "pictures": {"fresh": 9000, "stale": 500, "missing": 3, "errors": 1, "waiting": 81},
    "formats": {"readable": ["jpeg"], "unreadable": []},
    "folders": [{"path": "/p/\x1b[2J 京都" + "x" * 80, "state": "watching", "pictures": 9501}],
    "confinement": [],
    "work": {"done": 9001, "total": 9582, "rate": 37.0, "seconds_left": 240},
    "queues": [
        {"name": "backlog", "depth": 81, "bound": 10000},
        {"name": "jobs", "depth": 0, "bound": 64},
        {"name": "texts", "depth": 128, "bound": 128},
    ],
    "watches": {"used": 1204, "most": 96268, "limit": 192536},
    "processes": [
        {"role": "daemon", "pid": 1, "resident": 210_000_000},
        {"role": "reader", "pid": 2, "resident": 40_000_000},
        {"role": "reader", "pid": 3, "resident": 40_000_000},
        {"role": "encoder", "pid": 4, "resident": 900},
    ],
    "table": {"rows": 9504, "fragments": 12, "versions": 3, "files": 231, "bytes": 48_100_000},
    "last_errors": [
        {"path": "/p/\x1b.png", "error": "truncated", "attempts": 2, "at": "2026-11-23T18:20:00Z"},
        {"path": "/p/b.png", "error": "broken", "attempts": 1, "at": "2026-11-23T18:10:00Z"},
    ],
    "warnings": ["watch limit"],
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "glimpsed").mkdir(mode=0o700)
    return at_home(tmp_path) | {"TZ": "UTC"}


@pytest.fixture
def stub(home: dict[str, str]) -> Iterator[Stub]:
    with serving(Path(home["XDG_RUNTIME_DIR"], "glimpsed/glimpsed.sock")) as stub:
        stub.answers["/v1/status"] = STATUS
        yield stub


def test_all_of_it_where_there_is_no_terminal(home: dict[str, str], stub: Stub) -> None:
    assert run(home, "status").stdout.decode().splitlines() == [
        "glimpsed 9: indexing",
        "work      9,001 of 9,582 pictures, 37/s, about 4 min",
        "encoder   BGE-M3 on cuda:0: it fits (loading)",
        "missing   head files",
        "refresh   10 of 20 encoded by BGE-M3, 2/s, about 5 s",
        "pictures  9,000 fresh, 500 stale, 3 missing, 1 error, 81 waiting",
        "formats   jpeg",
        "folder    /p/�[2J 京都" + "x" * 80 + ": watching, 9,501 pictures",
        "watches   1,204 of 96,268; this user may have 192,536",
        "queues    backlog 81 of 10,000, texts 128 of 128",
        "memory    290.0 MB: daemon 210.0 MB, 2 readers 80.0 MB, 1 encoder 900 bytes",
        "table     9,504 rows, 12 fragments, 3 versions, 231 files, 48.1 MB",
        "error     /p/�.png: truncated (tried 2 times, 2026-11-23 18:20)",
        "error     /p/b.png: broken (tried once, 2026-11-23 18:10)",
        "warning   watch limit",
    ]


@pytest.mark.parametrize("columns", [30, 80, 200])
def test_on_a_terminal_it_is_wrapped_and_safe(home: dict[str, str], stub: Stub, columns: int) -> None:
    found = seen(command("glimpse", "status"), home | {"NO_COLOR": "1"}, columns=columns)
    assert found.status == 0
    assert "\x1b" not in found.output
    assert "[###################-] 9,001" in found.output
    assert max(map(len, found.output.splitlines())) <= min(120, max(40, columns))
    coloured = seen(command("glimpse", "status"), home, columns=columns).output
    assert "\x1b[33mwarning   \x1b[0mwatch limit" in coloured
    assert "\x1b[2J" not in coloured


def test_a_terminal_that_can_only_print_gets_no_codes(home: dict[str, str], stub: Stub) -> None:
    stub.answers["/v1/search"] = {"hits": [{"path": "/p/a.png", "why": "its name"}], "warnings": []}
    for arguments in (["status"], ["search", "x"]):
        found = seen(command("glimpse", *arguments), home, term="dumb")
        assert found.status == 0
        assert "\x1b" not in found.output


def test_live_it_is_redrawn_in_place_until_interrupted(home: dict[str, str], stub: Stub) -> None:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (12, 80))
    with subprocess.Popen(
        command("glimpse", "status", "--watch"), env=home | {"TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave
    ) as live:
        os.close(slave)
        told = ""
        while told.count("\x1b[H") < 2:
            told += os.read(master, 65536).decode("utf-8", "replace")
        live.send_signal(signal.SIGINT)
        while True:
            try:
                told += os.read(master, 65536).decode("utf-8", "replace")
            except OSError:
                break
        assert live.wait(60) == 0
    os.close(master)
    assert told.startswith("\x1b[?1049h\x1b[?25l\x1b[H")
    first, second = told.split("\x1b[H")[1:3]
    assert first.count("\r\n") < 12
    assert "…\x1b[K" in first
    assert second.startswith("\x1b[1mglimpsed 9: indexing")
    left = told.rpartition("\x1b[?25h\x1b[?1049l")[2]
    assert "warning" in left  # all of it stays


@pytest.mark.parametrize("form", ["--json", "--watch"])
def test_live_without_a_terminal(home: dict[str, str], stub: Stub, form: str) -> None:
    with subprocess.Popen(
        command("glimpse", "status", "--watch", form), env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as live:
        assert live.stdout is not None
        first = live.stdout.readline().decode()
        live.send_signal(signal.SIGINT)
        _, errors = live.communicate(timeout=60)
        assert (live.returncode, errors) == (0, b"")
    assert (json.loads(first) == STATUS) if form == "--json" else (first == "glimpsed 9: indexing\n")


def test_live_it_waits_for_a_daemon_that_is_away(home: dict[str, str]) -> None:
    with subprocess.Popen(
        command("glimpse", "status", "--watch", "--json"), env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as live:
        assert live.stdout is not None
        assert json.loads(live.stdout.readline()) == {"unreachable": "no daemon answers on this socket"}
        with serving(Path(home["XDG_RUNTIME_DIR"], "glimpsed/glimpsed.sock")) as stub:
            stub.answers["/v1/status"] = STATUS
            while "unreachable" in (told := json.loads(live.stdout.readline())):
                pass
        assert told == STATUS
        live.send_signal(signal.SIGINT)
        assert live.wait(60) == 0


def test_sizes() -> None:
    assert [cli_status._size(count) for count in (0, 999, 1000, 2_500_000, 7_100_000_000)] == [
        "0 bytes", "999 bytes", "1.0 kB", "2.5 MB", "7.1 GB",
    ]  # fmt: skip
