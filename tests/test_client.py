"""The client against a real HTTP server on a Unix socket."""

import base64
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.unix_server import Stub, serving

from glimpsed.client import Client, NothingThereError, path_of
from glimpsed.errors import GlimpsedError, QueryError, UnreachableError, UsageError

RAW = os.fsdecode(b"/p/\xff.png")


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with serving(tmp_path / "s") as stub:
        yield stub


@pytest.fixture
def client(stub: Stub) -> Iterator[Client]:
    with Client(stub.socket) as client:
        yield client


def test_a_question_goes_out_whole(stub: Stub, client: Client) -> None:
    stub.answers["/v1/search"] = {"hits": [], "next": None, "took_ms": 1.0, "encoders": [], "warnings": []}
    question = "拉麵 & soup? type:png #1 \udcff"
    answer = client.search(question, k=3, sort="date", sync=True, timeout=2.5, cursor="abc")
    client.search("plain")
    assert answer["hits"] == []
    assert stub.asked[0].parameters == {
        "q": question.replace("\udcff", "?"),
        "k": "3",
        "sort": "date",
        "sync": "1",
        "timeout": "2.5",
        "cursor": "abc",
    }
    assert stub.asked[1].parameters == {"q": "plain", "k": "10"}


def test_a_question_in_parts_goes_out_as_it_is(stub: Stub, client: Client) -> None:
    stub.answers["/v1/search"] = {"hits": [], "next": "x"}
    fields = {"words": "red", "not": ["cat"], "sync": True, "timeout": 2}
    assert client.search_by_fields(fields)["next"] == "x"
    assert (stub.asked[0].method, stub.asked[0].body) == ("POST", fields)
    stub.answers["/v1/complete"] = {"completions": [{"text": "type:", "from": 0, "to": 2}]}
    assert client.complete("ty") == [{"text": "type:", "from": 0, "to": 2}]
    assert stub.asked[1].parameters == {"q": "ty"}


def test_every_route_is_asked_as_it_should_be(stub: Stub, client: Client) -> None:
    for path in ("/v1/status", "/v1/scan", "/v1/explain", "/v1/pictures/a%2Fb"):
        stub.answers[path] = {"told": path}
    stub.answers["/v1/pictures/ab/thumbnail"] = b"webp"
    stub.answers["/metrics"] = "glimpsed_é 1".encode()
    assert dict(client.status()) == {"told": "/v1/status"}
    assert client.scan() == {"told": "/v1/scan"}
    assert client.scan(["/p/a", RAW]) == {"told": "/v1/scan"}
    with pytest.raises(UsageError, match="1,001 paths are too many for one request; at most 1,000"):
        client.scan(["/p/a"] * 1001)
    assert client.explain("/p/a b") == {"told": "/v1/explain"}
    assert client.explain(RAW) == {"told": "/v1/explain"}
    assert client.picture("a/b") == {"told": "/v1/pictures/a%2Fb"}
    assert client.thumbnail("ab") == b"webp"
    assert client.metrics() == "glimpsed_é 1"
    exact = base64.b64encode(os.fsencode(RAW)).decode()
    told = [(one.method, one.parameters or one.body) for one in stub.asked[:5]]
    assert told == [
        ("GET", None),
        ("POST", {}),
        ("POST", {"paths": ["/p/a"], "paths_bytes": [exact]}),
        ("GET", {"path": "/p/a b"}),
        ("GET", {"path_bytes": exact}),
    ]


def test_a_hits_exact_path() -> None:
    assert path_of({"path": "/p/é"}) == "/p/é".encode()
    assert path_of({"path": "/p/�", "path_bytes": base64.b64encode(b"/p/\xff").decode()}) == b"/p/\xff"
    assert path_of({"path": "/p/a", "path_bytes": None}) == b"/p/a"


@pytest.mark.parametrize(
    ("status", "problem", "kind", "message"),
    [
        (
            400,
            {"detail": "no such filter", "column": 5, "hint": "type:"},
            QueryError,
            "column 5: no such filter (type:)",
        ),
        (
            400,
            {"detail": "type: knows no such", "field": "type", "suggestion": "png"},
            QueryError,
            "type: knows no such",
        ),
        (422, {"title": "Bad", "detail": "k is too large"}, UsageError, "k is too large"),
        (404, {"detail": "not in the index"}, NothingThereError, "not in the index"),
        (503, {"title": "Starting"}, UnreachableError, "Starting"),
        (500, b"oops", GlimpsedError, "glimpsed answered with status 500"),
        (413, [1], UsageError, "glimpsed answered with status 413"),
    ],
)
def test_problems_become_errors(
    stub: Stub, client: Client, status: int, problem: Any, kind: type[GlimpsedError], message: str
) -> None:
    stub.status = status
    stub.answers["/v1/status"] = problem
    with pytest.raises(GlimpsedError) as caught:
        client.status()
    assert type(caught.value) is kind
    assert str(caught.value) == message


def test_no_daemon_is_told_with_its_socket_and_what_to_do(tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path / "none" / "deeper"):
        with pytest.raises(UnreachableError, match=r"none.*: no daemon answers .*--socket"):
            Client(str(place)).status()
    stale = tmp_path / "stale"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    with pytest.raises(UnreachableError, match="no daemon answers"):
        Client(str(stale)).status()


def test_a_socket_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="the socket cannot be used: AF_UNIX path too long"):
        Client("/" + "s" * 200).status()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_somebody_elses_socket_is_told(stub: Stub) -> None:
    def ask() -> None:
        with pytest.raises(UnreachableError, match="belongs to somebody else"):
            Client(stub.socket).status()

    os.chmod(stub.socket, 0o600)
    for directory in Path(stub.socket).parents[:3]:  # pytest's own, 0700
        directory.chmod(0o755)
    os.seteuid(65534)
    try:
        ask()
    finally:
        os.seteuid(0)


def raw(data: bytes) -> Any:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)

    return write


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "is not glimpsed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]", "is not glimpsed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<a>", "is not glimpsed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{", "ended before it had answered"),
        (b"", "ended before it had answered"),
    ],
)
def test_answers_that_are_none(stub: Stub, client: Client, data: bytes, message: str) -> None:
    stub.answers["/v1/status"] = raw(data)
    with pytest.raises(UnreachableError, match=message):
        client.status()


def test_silence_ends_in_an_error(stub: Stub) -> None:
    asked = threading.Event()
    stub.answers["/v1/status"] = lambda handler: asked.wait(60)
    with pytest.raises(UnreachableError, match="did not answer in time"):
        Client(stub.socket, timeout=0.05).status()
    asked.set()


def test_a_long_scan_is_waited_for(stub: Stub) -> None:
    asked = threading.Event()
    stub.answers["/v1/status"] = lambda handler: asked.wait(60)

    def late(handler: BaseHTTPRequestHandler) -> None:
        for _ in range(2):  # as long as others are not waited for
            with pytest.raises(UnreachableError):
                Client(stub.socket, timeout=0.05).status()
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    stub.answers["/v1/scan"] = late
    with Client(stub.socket, timeout=0.05) as client:
        assert client.scan() == {}
    asked.set()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_events_come_line_by_line_until_the_daemon_ends(stub: Stub, client: Client) -> None:
    stub.answers["/v1/events"] = raw(CHUNKED + b'b\r\n{"number":1\r\n3\r\n}\n\n\r\nd\r\n{"number":2}\n\r\n0\r\n\r\n')
    assert [line["number"] for line in client.events()] == [1, 2]


def test_events_end_when_the_daemon_is_killed(stub: Stub, client: Client) -> None:
    stub.answers["/v1/events"] = raw(CHUNKED + b'd\r\n{"number":1}\n\r\nff\r\n')
    assert [line["number"] for line in client.events()] == [1]


def test_events_that_are_no_longer_wanted_are_closed(stub: Stub, client: Client) -> None:
    gone = threading.Event()

    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(CHUNKED + b'd\r\n{"number":1}\n\r\n')
        handler.wfile.flush()
        if handler.rfile.read(1) == b"":
            gone.set()

    stub.answers["/v1/events"] = write
    events = client.events()
    assert next(events) == {"number": 1}
    events.close()  # type: ignore[attr-defined]  # it is a generator
    assert gone.wait(60)
