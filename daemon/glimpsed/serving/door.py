"""What the routes ask for; the daemon answers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from glimpsed.filters import Fields
from glimpsed.serving import asking, explained, models, verified


class Door(Protocol):
    """The daemon, as the routes see it. Refusals are errors of the tree; None means that there is no such thing."""

    async def search(
        self, question: str | Fields, *, k: int, sort: asking.Sort, cursor: str | None, sync: bool, timeout: float
    ) -> models.Found:
        """The hits; with `sync` after all that is on disk has been read, or `timeout` seconds."""
        ...

    async def complete(self, text: str) -> list[models.Completion]:
        """How a question that is being typed may go on."""
        ...

    async def status(self) -> models.Status:
        """How the daemon is."""
        ...

    async def scan(self, paths: list[str]) -> models.Scanned:
        """Compare folders, or what lies below paths in them, with the disk; returns when the hints are out."""
        ...

    async def retry(self, paths: list[str]) -> models.Retried:
        """Try again what could not be read at or below these paths, or anywhere where none is given."""
        ...

    async def errors(self, paths: list[str], k: int) -> verified.Errors:
        """The first `k` pictures, by path, that could not be read at or below these paths, or anywhere."""
        ...

    async def verify(
        self, paths: list[str], *, full: bool, repair: bool
    ) -> AbstractAsyncContextManager[AsyncIterator[verified.VerifyLine]]:
        """Compare the table with the disk at or below these paths, or everywhere, and mend what differs if asked.

        The last line is the result, or says why there is none.
        """
        ...

    async def forget(self, paths: list[str]) -> models.Forgotten:
        """Remove all that is kept of the pictures at or below these paths, for good; refused for what is watched."""
        ...

    async def pause(self, *, paused: bool) -> models.Paused:
        """Have indexing wait, or go on."""
        ...

    async def explain(self, path: str, read: explained.ReadAnew = "none") -> explained.Explained:
        """What is known of a path, and why it is as it is; with what `read` asks to be read again."""
        ...

    async def picture(self, content_id: str) -> models.Picture | None:
        """A picture by its content id."""
        ...

    async def thumbnail(self, content_id: str) -> Path | None:
        """Where its thumbnail is."""
        ...

    async def file(self, content_id: str) -> int | None:
        """A descriptor of a file that has just this content now, to be closed by the caller."""
        ...

    async def metrics(self) -> bytes:
        """In the Prometheus text format."""
        ...

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[Mapping[str, object]]]:
        """What happens from now on, until the daemon ends."""
        ...

    def refused(self, route: str, status: int, reason: str) -> None:
        """Take note of a request that was not answered."""
        ...
