"""Answers that are files."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

_FOR_GOOD = {"cache-control": "max-age=31536000, immutable"}  # what is named by its content does not change


async def sent(opened: Callable[[], Awaitable[int | None]] | None, media_type: str, missing: str) -> FileResponse:
    """The file that `opened` opens, as an answer that closes it. Raises a 404 with the reason where there is none.

    The file is opened once: nothing that is put at its path meanwhile is sent in its place.
    """
    try:
        descriptor = None if opened is None else await opened()
    except OSError as error:
        raise HTTPException(404, f"its file cannot be read: {error.strerror}") from error
    if descriptor is None:
        raise HTTPException(404, missing)
    return _Opened(descriptor, media_type)


def opened_file(place: Path) -> int:
    """A descriptor of a file; never waits for a FIFO's other end. Blocks. Raises OSError."""
    return os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


class _Opened(FileResponse):
    """Sends the very file that was opened, whatever stands at its path by now, and closes it."""

    def __init__(self, descriptor: int, media_type: str) -> None:
        self._descriptor = descriptor
        super().__init__(
            f"/proc/self/fd/{descriptor}",
            media_type=media_type,
            headers={**_FOR_GOOD, "x-content-type-options": "nosniff"},
            stat_result=os.fstat(descriptor),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)
