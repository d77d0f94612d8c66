"""The application on a real Unix socket, asked by real clients, well-behaved and not."""

import json
import os
import shutil
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import httpx
import pytest
from anyio import to_thread
from tests.serving.asking import asking, connected, served
from tests.serving.doors import PICTURE, StandIn
from tests.waiting import until

from glimpsed.client import Client, NothingThereError
from glimpsed.errors import QueryError, UsageError
from glimpsed.events import Event
from glimpsed.serving import protocol
from glimpsed.serving.limits import Bounds
from glimpsed.serving.protocol import CONNECTIONS, LONGEST_HEAD

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@needs_curl
async def test_all_clients_get_their_answers(door: StandIn, path: str) -> None:
    async with served(door, path), asking(path) as client:
        assert (await client.get("/v1/search", params={"q": "红色"})).json()["encoders"] == ["e5"]
        response = await client.get("/v1/status")
        assert response.json()["state"] == "idle"
        assert response.headers["date"]
        assert "server" not in response.headers
        url = "http://glimpsed/v1/search?q=red+bicycle"
        done = await anyio.run_process(["curl", "--silent", "--show-error", "--unix-socket", path, url])
        assert json.loads(done.stdout)["hits"] == []
    assert [asked[1] for asked in door.asked if asked[0] == "search"] == ["红色", "red bicycle"]


async def test_glimpses_own_client_and_the_server_understand_each_other(
    door: StandIn, path: str, tmp_path: Path
) -> None:
    place = tmp_path / "a.webp"
    place.write_bytes(b"thumbnail")
    door.pictures, door.places = {"ab": PICTURE}, {"ab": place}

    def ask() -> None:
        with Client(path) as client:
            assert client.search("x", k=2, sync=True, timeout=3, cursor="2.1")["hits"] == []
            assert client.status()["state"] == "idle"
            client.scan(["/p/a", "/p/\udcff"])
            client.explain("/p/\udcff.png")
            assert client.picture("ab")["width"] == 3
            assert client.thumbnail("ab") == b"thumbnail"
            assert client.metrics() == "glimpsed_searches_total 1.0\n"
            with pytest.raises(NothingThereError):
                client.picture("cd")

    async def refuse() -> None:
        raise QueryError("no", column=3)

    def ask_badly() -> None:
        with Client(path) as client, pytest.raises(QueryError) as caught:
            client.search("x")
        assert caught.value.column == 3

    async with served(door, path):
        await to_thread.run_sync(ask)
        door.work = refuse
        await to_thread.run_sync(ask_badly)
    assert door.asked[:4] == [
        ("search", "x", 2, "relevance", "2.1", True, 3.0),
        ("status",),
        ("scan", "/p/a", "/p/\udcff"),
        ("explain", "/p/\udcff.png", "none"),
    ]


@pytest.mark.parametrize("size", [LONGEST_HEAD * 3, 2_000_000, 12_000_000])
async def test_a_question_far_too_long_is_told_so(door: StandIn, path: str, size: int) -> None:
    def ask() -> None:
        with Client(path) as client, pytest.raises(UsageError, match="too long"):
            client.search("x" * size)

    async with served(door, path):
        await to_thread.run_sync(ask)
        async with connected(path) as raw:
            await raw.send(b"GET /v1/search?q=" + b"x" * size)
            await raw.problem(414)
        async with asking(path) as client:
            assert (await client.get("/v1/status")).status_code == 200
    assert door.asked == [("status",)]


async def test_a_flood_of_headers_is_refused(door: StandIn, path: str) -> None:
    async with served(door, path), connected(path) as raw:
        await raw.send(b"GET /v1/status HTTP/1.1\r\nhost: glimpsed\r\n" + b"a: b\r\n" * 200_000)
        await raw.problem(431)
    assert door.asked == []


async def test_a_client_that_never_stops_sending_is_cut_off(
    door: StandIn, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_SWALLOWED", 1 << 20)
    async with served(door, path), connected(path) as raw:
        assert await raw.pushed_away()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"POST /v1/scan HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST /v1/scan HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        (b"GET /v1/search?q=%FF%00&k=1%30 HTTP/1.1\r\nhost: [\r\n\r\n", 200),
        (b"GET //%2e%2e/%ff HTTP/1.1\r\nhost: x\r\n\r\n", 404),
        (b"POST /v1/scan HTTP/1.1\r\nhost: [\r\ncontent-length: 1\r\n\r\n?", 415),
        (b"GET http://glimpsed/v1/status HTTP/1.1\r\nhost: x\r\n\r\n", 404),
        (b"BREW /v1/status HTTP/1.1\r\nhost: x\r\n\r\n", 405),
        (b"GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 200),
    ],
)
async def test_requests_of_any_kind_are_answered(door: StandIn, path: str, request_: bytes, status: int) -> None:
    async with served(door, path), connected(path) as raw:
        await raw.send(request_)
        if status == 200:
            assert (await raw.answer())[0] == 200
        else:
            await raw.problem(status)


async def test_a_broken_body_is_refused_while_it_is_read(door: StandIn, path: str) -> None:
    async with served(door, path) as requests, connected(path) as raw:
        await raw.send(b"POST /v1/scan HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        await until(lambda: requests.working == 1)
        await raw.send(b"zz\r\n")
        await raw.problem(400)
        assert await raw.ended()
        await until(lambda: requests.working == 0)
    assert door.asked == []
    assert door.refusals == []


async def test_a_head_request_gets_no_body_even_when_refused(door: StandIn, path: str) -> None:
    async with served(door, path) as requests:
        async with asking(path) as client:
            response = await client.head("/v1/status")
            assert (response.status_code, response.content) == (405, b"")
        async with connected(path) as raw:
            await raw.send(b"HEAD /v1/scan HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            await until(lambda: requests.working == 1)
            await raw.send(b"zz\r\n")
            got = await raw.rest()
            assert got.startswith(b"HTTP/1.1 400")
            assert got.endswith(b"\r\n\r\n")


async def test_damage_in_the_midst_of_an_answer_ends_the_connection(door: StandIn, path: str) -> None:
    async with served(door, path), connected(path) as raw:
        await raw.send(b"GET /v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        await until(lambda: door.readers == 1)
        await raw.stream.receive()
        await raw.send(b"zz\r\n")
        assert await raw.ended()
        await until(lambda: door.readers == 0)


async def test_a_body_too_large_is_told_after_all_of_it_was_sent(door: StandIn, path: str) -> None:
    async with served(door, path), asking(path) as client:
        for _ in range(2):  # the second on the same connection
            response = await client.post("/v1/scan", content=b" " * (8 << 20))
            assert response.status_code == 413
            assert response.headers["content-type"] == "application/problem+json"
    assert door.asked == []


async def test_many_at_once_are_all_answered(door: StandIn, path: str) -> None:
    statuses: list[int] = []

    async def ask(client: httpx.AsyncClient) -> None:
        responses = [await client.get("/v1/search", params={"q": "x"}) for _ in range(3)]
        statuses.extend(response.status_code for response in responses)

    async with served(door, path) as requests, asking(path) as client, anyio.create_task_group() as group:
        for _ in range(Bounds().at_once):
            group.start_soon(ask, client)
    assert statuses == [200] * 3 * Bounds().at_once
    assert requests.working == 0


async def test_too_many_connections_are_told_so_and_then_closed(door: StandIn, path: str) -> None:
    async with served(door, path), AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            await stack.enter_async_context(connected(path))
        refused = [await stack.enter_async_context(connected(path)) for _ in range(CONNECTIONS)]
        await refused[0].send(b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n")
        told = await refused[0].problem(503)
        assert str(CONNECTIONS) in told["detail"]
        beyond = await stack.enter_async_context(connected(path))
        assert await beyond.ended()
    assert door.asked == []


async def test_pipelined_requests_are_answered_in_order(door: StandIn, path: str) -> None:
    async with served(door, path), connected(path) as raw:
        one = b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"
        await raw.send(one + b"GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        received = await raw.rest()
        assert received.index(b"200 OK") < received.index(b"404 Not Found")


async def test_a_large_file_arrives_whole(door: StandIn, path: str, tmp_path: Path) -> None:
    place = tmp_path / "large.png"
    place.write_bytes(os.urandom(1 << 20) * 8)
    door.pictures, door.places = {"ab": PICTURE}, {"ab": place}
    async with served(door, path), asking(path) as client:
        assert (await client.get("/v1/pictures/ab/file")).content == place.read_bytes()


async def test_a_slow_reader_of_events_loses_lines_but_holds_up_nobody(door: StandIn, path: str) -> None:
    async with served(door, path), connected(path) as slow, asking(path) as client:
        await slow.send(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: door.readers == 1)
        for number in range(20):
            for _ in range(200):
                door.journal.say(Event.PICTURE_MISSING, path="/p/" + "x" * 1000, content_id=str(number))
            assert (await client.get("/v1/status")).status_code == 200
        received = b""
        while b"lines_lost" not in received:
            received += await slow.stream.receive()
        assert b'"content_id": "0"' in received


async def test_one_reader_of_events_too_many_is_refused(door: StandIn, path: str) -> None:
    async with served(door, path, Bounds(streams=1)), connected(path) as one:
        await one.send(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: door.readers == 1)
        async with connected(path) as other:
            await other.send(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
            await other.problem(503)
        await one.stream.aclose()
        await until(lambda: door.readers == 0)
        async with connected(path) as other:
            await other.send(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
            await until(lambda: door.readers == 1)


@needs_curl
async def test_curl_with_a_long_question_is_told_so(door: StandIn, path: str, tmp_path: Path) -> None:
    question = tmp_path / "question"
    question.write_text("q=" + "x" * 500_000)  # curl itself takes no megabyte
    command = ["curl", "--silent", "--show-error", "--unix-socket", path, "--get", "--data", f"@{question}"]
    async with served(door, path):
        done = await anyio.run_process([*command, "http://glimpsed/v1/search"], stderr=subprocess.STDOUT)
    assert json.loads(done.stdout)["status"] == 414
