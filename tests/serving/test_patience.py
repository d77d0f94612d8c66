"""Clients that are slow, silent or gone: nobody is waited for for ever."""

from pathlib import Path

import anyio
import pytest
from tests.serving.asking import Timers, connected, over, served
from tests.serving.doors import PICTURE, StandIn
from tests.waiting import until

from glimpsed.events import Event
from glimpsed.serving.limits import Bounds
from glimpsed.serving.protocol import Connection


async def test_a_silent_client_is_not_waited_for(door: StandIn, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "patience", 0.01)
    async with served(door, path), connected(path) as silent:
        assert await silent.ended()


async def test_half_a_head_is_not_waited_for(door: StandIn, path: str, timers: Timers) -> None:
    async with served(door, path):
        async with connected(path) as half:
            await half.send(b"GET /v1/status HTT")
            await until(lambda: any(one.conn.trailing_data[0] for one in timers))
            over(timers)
            await half.problem(408)
            assert await half.ended()
        timers.clear()
        async with connected(path) as idle:
            await idle.send(b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await idle.answer())[0] == 200
            over(timers)
            assert await idle.ended()
    assert door.asked == [("status",)]


async def test_half_a_body_is_not_waited_for(door: StandIn, path: str, timers: Timers) -> None:
    async with served(door, path, Bounds(body_seconds=0.01)) as requests, connected(path) as raw:
        await raw.send(b"POST /v1/scan HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
        await raw.problem(408)
        assert requests.working == 0
        over(timers)
        assert await raw.ended()
    assert door.asked == []


async def test_a_refused_client_that_does_not_leave_is_left(
    door: StandIn, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "farewell", 0.01)
    async with served(door, path), connected(path) as raw:
        await raw.send(b"HELLO\r\n\r\n")
        await raw.problem(400)
        assert await raw.pushed_away()


async def test_a_slow_answer_is_not_taken_for_a_dead_connection(door: StandIn, path: str, timers: Timers) -> None:
    done = anyio.Event()
    door.work = done.wait
    async with served(door, path), connected(path) as raw:
        await raw.send(b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: door.asked)
        for _ in range(3):
            over(timers)
        done.set()
        assert (await raw.answer())[0] == 200


async def test_a_client_that_goes_away_ends_its_request(door: StandIn, path: str) -> None:
    door.work = anyio.sleep_forever
    async with served(door, path) as requests:
        async with connected(path) as raw:
            await raw.send(b"GET /v1/search?sync=1&timeout=3600 HTTP/1.1\r\nhost: x\r\n\r\n")
            await until(lambda: requests.working == 1 and door.asked)
        await until(lambda: requests.working == 0)
    assert door.refusals == []


async def test_a_reader_that_stops_reading_a_file_is_cut_off(door: StandIn, path: str, tmp_path: Path) -> None:
    place = tmp_path / "large.png"
    with place.open("wb") as file:
        file.truncate(64 << 20)
    door.pictures, door.places = {"ab": PICTURE}, {"ab": place}
    async with served(door, path, Bounds(stalled=0.05)) as requests, connected(path) as raw:
        await raw.send(b"GET /v1/pictures/ab/file HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: door.refusals)
        await until(lambda: requests.working == 0)
    assert door.refusals[0][:2] == ("/v1/pictures/ab/file", 503)
    assert "not taken" in door.refusals[0][2]


async def test_a_connection_that_is_stuck_is_cut_off(door: StandIn, path: str, tmp_path: Path, timers: Timers) -> None:
    place = tmp_path / "large.png"
    with place.open("wb") as file:
        file.truncate(64 << 20)
    door.pictures, door.places = {"ab": PICTURE}, {"ab": place}
    async with served(door, path) as requests, connected(path) as raw:
        await raw.send(b"GET /v1/pictures/ab/file HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: any(one.flow.write_paused for one in timers))
        over(timers)
        assert requests.working == 1  # it may go on reading
        over(timers)
        await until(lambda: requests.working == 0)
        assert await raw.ended()


async def test_a_reader_of_events_may_stop_reading_for_long(door: StandIn, path: str, timers: Timers) -> None:
    async with served(door, path), connected(path) as raw:
        await raw.send(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: door.readers == 1)
        while not any(one.flow.write_paused for one in timers):
            door.journal.say(Event.PICTURE_MISSING, path="/p/" + "x" * 5000, content_id="ab")
            await anyio.lowlevel.checkpoint()
        for _ in range(3):
            over(timers)
        assert not any(one.transport.is_closing() for one in timers)
        assert door.readers == 1
