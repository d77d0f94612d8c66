"""A server over a stand-in for the daemon, and clients of any kind."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import h11
import httpx
from anyio.abc import SocketStream
from tests.serving.doors import StandIn

from glimpsed.serving.app import make_app
from glimpsed.serving.limits import Bounds
from glimpsed.serving.protocol import Connection
from glimpsed.serving.server import bound, serving

GRACE = 10.0

Timers = dict[Connection, Callable[[], None]]


def over(timers: Timers) -> None:
    for do in list(timers.values()):
        do()


@asynccontextmanager
async def served(door: StandIn, path: str, bounds: Bounds | None = None, grace: float = GRACE) -> AsyncIterator[Any]:
    """The running application; yields what counts its requests."""
    app = make_app(door, bounds)
    with bound(path) as listener:
        async with serving(app, listener, grace=grace):
            yield app.state.requests
            door.journal.close()


def asking(path: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=path), base_url="http://glimpsed", timeout=30)


class Raw:
    """A connection on which a test sends whatever bytes it likes."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self._wire = h11.Connection(h11.CLIENT)
        self._wire.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
        self._wire.send(h11.EndOfMessage())

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next response, whole."""
        head: h11.Response | None = None
        body = b""
        while True:
            event = self._wire.next_event()
            if event is h11.NEED_DATA:
                try:
                    self._wire.receive_data(await self.stream.receive())
                except anyio.EndOfStream:
                    self._wire.receive_data(b"")
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                assert isinstance(event, h11.EndOfMessage)
                assert head is not None
                return head.status_code, {name.decode(): value.decode() for name, value in head.headers}, body

    async def problem(self, status: int) -> dict[str, Any]:
        """The next response, which is that refusal."""
        got, headers, body = await self.answer()
        assert got == status, body
        assert headers["content-type"] == "application/problem+json"
        assert headers["date"]
        told: dict[str, Any] = json.loads(body)
        assert told["status"] == status
        return told

    async def rest(self) -> bytes:
        """All that comes until the server ends the connection."""
        received = b""
        try:
            while True:
                received += await self.stream.receive()
        except anyio.EndOfStream:
            return received

    async def pushed_away(self) -> bool:
        """Whether the server takes no more, whatever is sent."""
        try:
            while True:
                await self.stream.send(b"x" * 10_000)
        except anyio.BrokenResourceError:
            return True

    async def ended(self) -> bool:
        """Whether the server ends the connection, whatever it still sends."""
        try:
            while True:
                await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return True


@asynccontextmanager
async def connected(path: str) -> AsyncIterator[Raw]:
    async with await anyio.connect_unix(path) as stream:
        yield Raw(stream)
