"""`glimpse verify` as a shell runs it: what it prints, and its exit status."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.daemons import running
from tests.terminals import seen
from tests.unix_server import Stub, serving

from glimpsed.client import Client
from glimpsed.errors import TableError, UnreachableError

Done = subprocess.CompletedProcess[bytes]

EQUAL: dict[str, Any] = {
    "state": "equal",
    "full": False,
    "compared": {"pictures": 1200, "rows": 1201, "hashed": 0, "thumbnails": 7, "texts": 3, "vectors": 0},
    "counts": {},
    "differences": [],
    "left": {},
    "under_way": {"waiting": 0, "stale": 0, "scanning": False, "differing": 0},
    "errors": 0,
    "missing": 0,
    "warnings": [],
    "took_ms": 1234.0,
}
EVIL = b"/p/\xff\x1b.png"
DIFFERS = EQUAL | {
    "state": "differs",
    "counts": {"gone": 3, "index": 1},
    "differences": [
        {"kind": "gone", "path": "/p/�", "path_bytes": base64.b64encode(EVIL).decode(), "what": "it is not there"},
        {"kind": "index", "path": None, "what": "it covers 1 of 2 rows"},
    ],
    "under_way": {"waiting": 2, "stale": 1500, "scanning": True, "differing": 0},
    "warnings": ["/q is offline"],
}


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with serving(tmp_path / "socket") as stub:
        yield stub


def lines(*told: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in told)


def command(socket: str | Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", "from glimpsed.cli import glimpse; glimpse()", "--socket", str(socket), *arguments]


def run(socket: str | Path, *arguments: str) -> Done:
    return subprocess.run(command(socket, *arguments), capture_output=True, check=False, timeout=120)


def test_what_is_equal(stub: Stub) -> None:
    stub.answers["/v1/verify"] = lines({"progress": {"what": "files", "done": 0}}, {"result": EQUAL})
    done = run(stub.socket, "verify")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == ("compared    1,200 pictures, 1,201 rows, 7 thumbnails, 3 texts in 1.2 s\nequal\n")
    assert stub.asked[-1].body == {"full": False, "repair": False}


def test_what_differs(stub: Stub) -> None:
    stub.answers["/v1/verify"] = lines({"result": DIFFERS})
    done = run(stub.socket, "verify", "/p", "--full")
    assert done.returncode == 2
    assert done.stderr == b"glimpse: /q is offline\n"
    assert done.stdout.decode().splitlines() == [
        "gone                  /p/��.png: it is not there",
        "index                 the table: it covers 1 of 2 rows",
        "… and 2 more",
        "compared    1,200 pictures, 1,201 rows, 7 thumbnails, 3 texts in 1.2 s",
        "under way   2 waiting, 1,500 stale",
        "differs: 3 gone, 1 index",
        "mend it with: glimpse verify --repair",
    ]
    assert stub.asked[-1].body == {"paths": ["/p"], "full": True, "repair": False}
    assert json.loads(run(stub.socket, "verify", "--json").stdout) == DIFFERS


@pytest.mark.parametrize(("state", "status", "left"), [("mended", 3, {}), ("not mended", 4, {"gone": 1})])
def test_what_was_mended_and_what_could_not_be(stub: Stub, state: str, status: int, left: dict[str, int]) -> None:
    stub.answers["/v1/verify"] = lines({"result": DIFFERS | {"state": state, "left": left}})
    done = run(stub.socket, "verify", "--repair")
    assert done.returncode == status
    assert done.stdout.decode().splitlines()[-1] == ("not mended: 1 gone" if left else "mended: 3 gone, 1 index")
    assert stub.asked[-1].body["repair"]


def test_a_table_that_cannot_be_read(stub: Stub) -> None:
    stub.answers["/v1/verify"] = lines({"progress": {"what": "files", "done": 0}}, {"problem": "the disk failed"})
    done = run(stub.socket, "verify")
    assert (done.returncode, done.stderr) == (74, b"glimpse: the disk failed\n")
    with Client(stub.socket) as client, pytest.raises(TableError, match="the disk failed"):
        client.verify()


def test_an_answer_that_is_cut_off(stub: Stub) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(lines({"progress": {"what": "files", "done": 0}}))

    stub.answers["/v1/verify"] = cut
    told: list[dict[str, Any]] = []
    with Client(stub.socket) as client, pytest.raises(UnreachableError, match="ended before"):
        client.verify(progress=told.append)
    assert told == [{"what": "files", "done": 0}]
    assert run(stub.socket, "verify").returncode == 69


def test_progress_is_for_terminals_and_for_what_takes_long(stub: Stub) -> None:
    progress = {"progress": {"what": "bytes", "done": 2000, "of": 3000}}
    stub.answers["/v1/verify"] = lines(progress, {"result": EQUAL})
    program = "import glimpsed.cli_verify as v; v._QUIET = -1.0; from glimpsed.cli import glimpse; glimpse()"
    asked = [sys.executable, "-c", program, "--socket", stub.socket, "verify"]
    assert seen(asked, os.environ, only_errors=True).output == "\r\x1b[2Khashing files 2,000 of 3,000\r\x1b[2K"
    assert seen(command(stub.socket, "verify"), os.environ, only_errors=True).output == ""
    assert subprocess.run(asked, capture_output=True, check=True, timeout=60).stderr == b""


def test_a_real_daemon_is_proved_and_mended(tmp_path: Path) -> None:
    from tests import pictures

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        pictures.save(folder / f"{number}.jpg", pictures.noisy((64, 48), seed=number))
    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        daemon.idle(3)
        assert run(daemon.socket, "verify", "--full").returncode == 0
        for thumbnail in (daemon.state / "thumbnails").rglob("*.webp"):
            thumbnail.unlink()
        told = run(daemon.socket, "verify")
        assert (told.returncode, b"differs: 3 thumbnail missing" in told.stdout) == (2, True)
        assert run(daemon.socket, "verify", "--repair").returncode == 3
        assert len(list((daemon.state / "thumbnails").rglob("*.webp"))) == 3
        assert run(daemon.socket, "verify", str(folder / "1.jpg"), "--full").returncode == 0
        assert run(daemon.socket, "verify", "/nowhere").returncode == 64
        assert run(daemon.socket, "scan", "--json").returncode == 0  # the connection was not left half read


def test_errors_are_listed(stub: Stub) -> None:
    stub.answers["/v1/errors"] = {
        "errors": [
            {"path": "/p/a.jpg", "kind": "passing", "error": "Input/output error", "attempts": 2, "retry_at": "2026"},
            {"path": "/p/�", "path_bytes": base64.b64encode(EVIL).decode(), "kind": "lasting", "error": "no\x1b",
             "attempts": 1, "retry_at": None},
            {"path": "/p/c.heic", "kind": "format", "error": "not here", "attempts": 1, "retry_at": None},
        ],
        "total": 6,
        "by_kind": {"format": 1, "lasting": 1, "passing": 4},
        "next": "2026",
        "warnings": ["/q is offline"],
    }  # fmt: skip
    done = run(stub.socket, "errors", "/p", "-k", "2")
    assert (done.returncode, done.stderr) == (0, b"glimpse: /q is offline\n")
    assert done.stdout.decode().splitlines() == [
        "/p/a.jpg",
        "    passing: Input/output error; tried 2 times, next after 2026",
        "/p/��.png",
        "    lasting: no�; tried once, next when the file changes",
        "/p/c.heic",
        "    format: not here; tried once, next at a start with what it takes",
        "… and 3 more",
        "6 pictures could not be read: 1 format, 1 lasting, 4 passing",
    ]
    assert (stub.asked[-1].parameters, stub.asked[-1].method) == ({"path": "/p", "k": "2"}, "GET")
    assert json.loads(run(stub.socket, "errors", "--json").stdout) == stub.answers["/v1/errors"]
    stub.answers["/v1/errors"] |= {"errors": [], "total": 0, "by_kind": {}, "warnings": []}
    assert run(stub.socket, "errors").stdout == b"0 pictures could not be read\n"
    stub.answers["/v1/errors"] |= {"total": 1}
    assert run(stub.socket, "errors").stdout.endswith(b"1 picture could not be read\n")
