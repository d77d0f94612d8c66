"""From the observer's thread into the event loop: bounded, and never making the kernel's reader wait."""

import asyncio
import threading
from collections.abc import Iterable

from glimpsed.indexing.backlog import Pulse

LIMIT = 50_000  # paths; some 10 MB, more than the kernel's own queue of 16,384 events


class Inbox:
    """Takes hints and losses from any thread. Equal hints are one; too many are one loss, answered by a scan."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._limit = limit
        self._hints: dict[str, None] = {}
        self._losses: dict[str, str] = {}
        self._overflowed = False
        self._woken = False
        self._pulse = Pulse()

    @property
    def most(self) -> int:
        """How many hints it takes."""
        return self._limit

    def __len__(self) -> int:
        return len(self._hints)

    def hint(self, path: str) -> None:
        """Look at `path`. From any thread."""
        with self._lock:
            if len(self._hints) < self._limit or path in self._hints:
                self._hints[path] = None
            else:
                self._overflowed = True
            self._wake()

    def lost(self, folder: str, reason: str) -> None:
        """Events of `folder` may be lost. From any thread."""
        with self._lock:
            self._losses[folder] = reason
            self._wake()

    async def next(self, folders: Iterable[str]) -> tuple[list[str], dict[str, str]]:
        """All that came since the last call, at least one thing: hints, and losses by folder.

        When more hints came than fit, every one of `folders` has lost some.
        """
        while True:
            with self._lock:
                hints, self._hints = list(self._hints), {}
                losses, self._losses = self._losses, {}
                if self._overflowed:
                    losses = {**dict.fromkeys(folders, "too many events at once"), **losses}
                self._overflowed = self._woken = False
            if hints or losses:
                return hints, losses
            await self._pulse.wait()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._pulse.beat)
