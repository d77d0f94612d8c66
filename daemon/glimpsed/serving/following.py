"""The stream of what happens: lines of JSON for as long as somebody reads them."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Final

from anyio import move_on_after
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from glimpsed.serving.door import Door

HEARTBEAT: Final = 30.0
"""Seconds without a line after which an empty one is sent."""


class Events(Response):
    """Lines of JSON as they come, until they end or the reader goes away."""

    media_type = "application/x-ndjson"

    def __init__(self, door: Door) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        async with self._door.events() as lines:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            # An empty line tells the client that from here on nothing is missed.
            await send({"type": "http.response.body", "body": b"\n", "more_body": True})
            async for line in with_pauses(lines, HEARTBEAT):
                said = b"" if line is None else json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")
                await send({"type": "http.response.body", "body": said + b"\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def with_pauses(
    lines: AsyncIterator[Mapping[str, object]], seconds: float
) -> AsyncIterator[Mapping[str, object] | None]:
    """The lines, and None whenever there was none for so many seconds: a reader can tell silence from an end."""
    while True:
        line: Mapping[str, object] | None = None
        with move_on_after(seconds):
            try:
                line = await anext(lines)
            except StopAsyncIteration:
                return
        yield line
