"""The end of the server, whatever is still open."""

import json
import os
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import httpx
import pytest
from tests.serving.asking import Raw, Timers, asking, connected, served
from tests.serving.doors import PICTURE, StandIn
from tests.waiting import until

from glimpsed.client import Client
from glimpsed.errors import UnreachableError
from glimpsed.events import Event
from glimpsed.serving import server
from glimpsed.serving.app import make_app
from glimpsed.serving.protocol import Connection
from glimpsed.serving.server import bound, serving


async def test_the_end_ends_streams_in_order(door: StandIn, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_FAREWELL", 3600.0)
    lines: list[str] = []

    async def read(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/v1/events") as response:
            lines.extend([line async for line in response.aiter_lines()])

    async with asking(path) as client, anyio.create_task_group() as group, served(door, path, grace=3600):
        group.start_soon(read, client)
        await until(lambda: door.readers == 1)
        door.journal.say(Event.DAEMON_STOPPING, why="SIGTERM", grace=10)
    assert json.loads(lines[-1])["event"] == "daemon_stopping"


async def test_the_end_waits_for_no_stalled_reader(
    door: StandIn, path: str, monkeypatch: pytest.MonkeyPatch, timers: Timers
) -> None:
    monkeypatch.setattr(server, "_FAREWELL", 3600.0)
    async with AsyncExitStack() as clients, served(door, path, grace=3600):
        raw = await clients.enter_async_context(connected(path))
        await raw.send(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: door.readers == 1)
        while not any(one.flow.write_paused for one in timers):
            door.journal.say(Event.PICTURE_MISSING, path="/p/" + "x" * 5000, content_id="ab")
            await anyio.lowlevel.checkpoint()


async def test_the_end_answers_what_is_still_under_way(
    door: StandIn, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_FAREWELL", 0.05)
    door.work = anyio.sleep_forever
    async with AsyncExitStack() as stack:
        app = make_app(door)
        with bound(path) as listener:
            async with serving(app, listener, grace=10):
                raw = await stack.enter_async_context(connected(path))
                stream = await stack.enter_async_context(connected(path))
                half = await stack.enter_async_context(connected(path))
                await half.send(b"GET /v1/st")
                await raw.send(b"GET /v1/search?sync=1&timeout=3600 HTTP/1.1\r\nhost: x\r\n\r\n")
                await stream.send(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
                await until(lambda: door.asked and door.readers)
        assert (await raw.problem(503))["detail"] == "glimpsed is ending"
        assert (await stream.answer())[2] == b"\n"
        assert await half.ended()
    assert app.state.requests.working == 0
    with pytest.raises(Exception, match="is ending"), app.state.requests.admitted(stream=False):
        pass


async def test_the_end_answers_whom_it_has_just_let_in(door: StandIn, path: str, timers: Timers) -> None:
    async def ask(raw: Raw) -> None:
        await until(lambda: any(one._last for one in timers))
        await raw.send(b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await raw.answer())[0] == 200

    async with AsyncExitStack() as clients, anyio.create_task_group() as group:
        async with served(door, path):
            late = await clients.enter_async_context(connected(path))
            await until(lambda: timers)
            group.start_soon(ask, late)
        assert await late.ended()


async def test_the_end_waits_for_none_who_does_not_ask(
    door: StandIn, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "first_words", 0.01)
    monkeypatch.setattr(server, "_FAREWELL", 3600.0)
    monkeypatch.setattr(Connection, "patience", 3600.0)
    async with AsyncExitStack() as clients:
        async with served(door, path, grace=3600):
            idle = await clients.enter_async_context(connected(path))
        assert await idle.ended()


async def test_a_socket_that_is_held_by_another_is_left_to_it(door: StandIn, path: str) -> None:
    with bound(path) as holder:
        for _ in range(2):
            with bound(path, holder.dup()) as listener:
                async with serving(make_app(door), listener, grace=10), asking(path) as client:
                    assert (await client.get("/v1/status")).status_code == 200
            assert await anyio.Path(path).is_socket()
    assert not await anyio.Path(path).exists()


async def test_the_end_cuts_off_a_reader_that_is_stuck(
    door: StandIn,
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    timers: Timers,
) -> None:
    monkeypatch.setattr(server, "_FAREWELL", 0.01)
    monkeypatch.setattr(server, "_LAST_WORDS", 0.01)
    place = tmp_path / "large.png"
    with place.open("wb") as file:
        file.truncate(64 << 20)
    door.pictures, door.places = {"ab": PICTURE}, {"ab": place}
    async with AsyncExitStack() as clients:
        async with served(door, path):
            raw = await clients.enter_async_context(connected(path))
            await raw.send(b"GET /v1/pictures/ab/file HTTP/1.1\r\nhost: x\r\n\r\n")
            await until(lambda: any(one.flow.write_paused for one in timers))
        assert all(one.transport.is_closing() for one in timers)
        assert await raw.ended()


async def test_a_failure_of_the_daemon_ends_the_server_in_order(door: StandIn, path: str) -> None:
    async def fail() -> None:
        async with served(door, path), connected(path):
            raise OSError("the disk is gone")

    with pytest.raises(ExceptionGroup) as caught:
        await fail()
    assert "the disk is gone" in repr(caught.value.exceptions)
    with pytest.raises(FileNotFoundError):
        await anyio.connect_unix(path)


async def test_nobody_answers_after_the_end(door: StandIn, path: str) -> None:
    async with served(door, path):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    with pytest.raises(UnreachableError):
        Client(path).status()
