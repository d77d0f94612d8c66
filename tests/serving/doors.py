"""A daemon behind the door that answers what a test tells it to."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from glimpsed.events import Event, Journal
from glimpsed.filters import Fields
from glimpsed.serving import asking, explained, models, verified

FOUND = models.Found(hits=[], next=None, took_ms=1.0, encoders=["e5"], warnings=[])
PICTURE = models.Picture(
    id="ab",
    paths=["/p/a.png"],
    format="png",
    width=3,
    height=2,
    taken_at=None,
    camera=None,
    latitude=None,
    longitude=None,
    place=None,
    description=[models.PartShown(label="ocr", text="RAMEN")],
)
STATUS = models.Status(
    version="1",
    state="idle",
    encoder=models.EncoderStatus(id="e5", name="fallback", device="cpu", reason="it is there", phase="ready"),
    pictures=models.PictureCounts(fresh=1, stale=0, missing=0, errors=0, waiting=0),
    formats=models.FormatsStatus(readable=["jpeg"], unreadable=[]),
    folders=[],
    warnings=[],
)
VERIFIED = verified.Verified(
    state="equal",
    full=False,
    compared=verified.Compared(pictures=1, rows=1, hashed=0, thumbnails=1, texts=1, vectors=0),
    counts={},
    differences=[],
    left={},
    under_way=verified.UnderWay(waiting=0, stale=0, scanning=False, differing=0),
    errors=0,
    missing=0,
    warnings=[],
    took_ms=1.0,
)


class StandIn:
    """The real journal, and a function that a test may put in the place of any answer."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.asked: list[tuple[object, ...]] = []
        self.refusals: list[tuple[str, int, str]] = []
        self.pictures: dict[str, models.Picture] = {}
        self.places: dict[str, Path] = {}
        self.work: Callable[[], Awaitable[object]] | None = None
        self.readers = 0
        self.verified = [
            verified.VerifyLine(progress=verified.Progress(what="bytes", done=1, of=2)),
            verified.VerifyLine(result=VERIFIED),
        ]

    async def _note(self, *asked: object) -> None:
        self.asked.append(asked)
        if self.work is not None:
            await self.work()

    async def search(
        self, question: str | Fields, *, k: int, sort: asking.Sort, cursor: str | None, sync: bool, timeout: float
    ) -> models.Found:
        await self._note("search", question, k, sort, cursor, sync, timeout)
        return FOUND

    async def complete(self, text: str) -> list[models.Completion]:
        await self._note("complete", text)
        return [models.Completion(text="type:", start=2, end=len(text))]

    async def status(self) -> models.Status:
        await self._note("status")
        return STATUS

    async def scan(self, paths: list[str]) -> models.Scanned:
        await self._note("scan", *paths)
        return models.Scanned(paths=["/p"], warnings=[])

    async def retry(self, paths: list[str]) -> models.Retried:
        await self._note("retry", *paths)
        return models.Retried(pictures=2, warnings=[])

    async def errors(self, paths: list[str], k: int) -> verified.Errors:
        await self._note("errors", *paths, k)
        return verified.Errors(errors=[], total=0, by_kind={}, next=None, warnings=[])

    async def verify(
        self, paths: list[str], *, full: bool, repair: bool
    ) -> AbstractAsyncContextManager[AsyncIterator[verified.VerifyLine]]:
        await self._note("verify", *paths, full, repair)
        return self._verifying()

    @asynccontextmanager
    async def _verifying(self) -> AsyncIterator[AsyncIterator[verified.VerifyLine]]:
        async def lines() -> AsyncIterator[verified.VerifyLine]:
            for line in self.verified:
                yield line

        yield lines()

    async def forget(self, paths: list[str]) -> models.Forgotten:
        await self._note("forget", *paths)
        return models.Forgotten(pictures=1, warnings=["logs"])

    async def pause(self, *, paused: bool) -> models.Paused:
        await self._note("pause", paused)
        return models.Paused(paused=paused, changed=True)

    async def explain(self, path: str, read: explained.ReadAnew = "none") -> explained.Explained:
        await self._note("explain", path, read)
        return explained.Explained(path="/p/a.png", indexed=False, state="waiting", why="it is about to be read")

    async def picture(self, content_id: str) -> models.Picture | None:
        return self.pictures.get(content_id)

    async def thumbnail(self, content_id: str) -> Path | None:
        return self.places.get(content_id)

    async def file(self, content_id: str) -> int | None:
        place = self.places.get(content_id)
        return None if place is None else os.open(place, os.O_RDONLY)

    async def metrics(self) -> bytes:
        await self._note("metrics")
        return b"glimpsed_searches_total 1.0\n"

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Mapping[str, object]]]:
        async with self.journal.subscribe() as lines:
            self.readers += 1
            try:
                yield lines
            finally:
                self.readers -= 1

    def refused(self, route: str, status: int, reason: str) -> None:
        self.refusals.append((route, status, reason))
        self.journal.say(Event.REQUEST_REFUSED, route=route, status=status, reason=reason)
