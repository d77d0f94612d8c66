"""Since when nobody has used a thing: what is loaded only for work gives its memory back after a while without any."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class Use:
    """Who uses a thing now, and when it was used last."""

    def __init__(self) -> None:
        self._users = 0
        self._last = 0.0
        self._used = anyio.Event()

    @contextmanager
    def held(self) -> Iterator[None]:
        """It is in use within."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._last = anyio.current_time()
            self._used.set()

    async def wait_unused(self, seconds: float) -> None:
        """Wait until it has been used, and then not for so long. No timer runs while it was not used since."""
        await self._used.wait()
        due = anyio.current_time() + seconds
        while due > anyio.current_time():
            await anyio.sleep_until(due)
            due = (anyio.current_time() if self._users else self._last) + seconds
        self._used = anyio.Event()
