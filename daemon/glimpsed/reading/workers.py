"""The picture workers, seen from the daemon: bounded in memory and time, replaced when they die."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from time import perf_counter
from types import TracebackType
from typing import Self, TypeVar

import anyio
import anyio.to_thread
import msgspec

from glimpsed import files
from glimpsed.children import Child
from glimpsed.errors import ChildError
from glimpsed.idling import Use
from glimpsed.reading import limits, messages
from glimpsed.reading.available import Foreign
from glimpsed.reading.bounds import USUAL, Bounds
from glimpsed.reading.confined import ConfinedChild
from glimpsed.reading.confinement import Confinement
from glimpsed.reading.limits import default_count
from glimpsed.reading.recycling import USUAL as WHEN
from glimpsed.reading.recycling import Recycling
from glimpsed.reading.turns import Turns
from glimpsed.records import Fault, FaultKind, Reading, Stamp, Unread, Words

__all__ = ["Turns", "Workers", "default_count"]

_ENVIRONMENT: Mapping[str, str] = {
    # A worker is one thread's work: more workers are how more cores are used.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}

_R = TypeVar("_R", bound=msgspec.Struct)


class _Turn:
    def __init__(self) -> None:
        self.come = anyio.Event()
        self.worker: int | None = None


class Workers:
    """Reads pictures in `count` processes at most, started when first needed; `async with` ends them.

    No picture makes a call raise: what kills a worker or takes longer than `timeout` seconds is a fault CRASHED, the
    worker is replaced, and the others are not disturbed.
    """

    def __init__(
        self,
        count: int,
        *,
        timeout: float,
        max_pixels: int,
        memory: int | None = None,
        bounds: Bounds = USUAL,
        recycling: Recycling = WHEN,
        private: str | None = None,
        module: str = "glimpsed.reading.worker",
        foreign: Foreign | None = None,
    ) -> None:
        """`memory`: bytes that each may allocate; unless given, what a picture of `max_pixels` needs.

        `private` is the directory in which each gets a folder of its own, the one place where it can write. `foreign`:
        what reads the lines that the bundled models cannot write; nothing unless given.
        """
        self.count = max(1, count)
        self.foreign = foreign or Foreign()
        self.deaths = 0
        """Workers that had to be replaced so far."""
        self._timeout = timeout
        bound = limits.worker_memory(max_pixels) if memory is None else memory
        places = [None if private is None else os.path.join(private, f"worker-{n + 1}") for n in range(self.count)]
        self._children = [
            ConfinedChild(
                Child(
                    module,
                    str(max_pixels),
                    str(bound),
                    place or "",
                    msgspec.json.encode(bounds).decode(),
                    *self.foreign.models,
                    name=f"picture worker {number}",
                    environment=_ENVIRONMENT if place is None else {**_ENVIRONMENT, "TMPDIR": place},
                ),
                recycling,
                place,
            )
            for number, place in enumerate(places, start=1)
        ]
        self._turns: Turns[_Turn] = Turns(self.count)
        self.use = Use()
        """Of any of them."""
        self._decoder = msgspec.msgpack.Decoder(messages.Reply)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:
                for child in self._children:
                    group.start_soon(child.stop)

    @property
    def confinement(self) -> tuple[Confinement, ...]:
        """What bounds the workers, and what does not; empty until one was started."""
        said = next((child.confinement for child in reversed(self._children) if child.confinement), ())
        return (*said, Confinement("time", True, f"{self._timeout:g} s a picture")) if said else ()

    @property
    def recycled(self) -> int:
        """Workers that made room for new ones with nothing wrong with them."""
        return sum(child.recycled for child in self._children)

    def pids(self) -> list[int]:
        """Of the workers that are running."""
        return [child.pid for child in self._children if child.pid is not None]

    async def read(self, path: str, folder: str, known: frozenset[str]) -> Reading | Unread:
        """The first pass over one path, which lies in `folder`.

        Where its content is one of `known`, `Reading.content` is None: only what belongs to the place is read.
        """
        del folder  # names are words without a look at the disk: see `names.words`
        stamp = await _stamp(path)
        try:
            got = await self._ask(messages.Read(os.fsencode(path), known), messages.Got)
        except ChildError as error:
            return _crashed(path, stamp, error)
        if isinstance(got, messages.Failed):
            return Unread(path, got.stamp, got.fault)
        for content in (got.content, got.sidecar_content):
            self.foreign.captioned(content)
        return Reading(
            path=path,
            stamp=got.stamp,
            beside=got.beside,
            content_id=got.content_id,
            content=got.content,
            sidecar_parts=got.sidecar_parts,
            sidecar_content=got.sidecar_content,
            thumbnail=got.thumbnail,
            milliseconds=got.milliseconds,
        )

    async def hash(self, path: str) -> tuple[str, Stamp] | Unread:
        """The content id of the file at `path`, and the stamp it had."""
        stamp = await _stamp(path)
        try:
            got = await self._ask(messages.Hash(os.fsencode(path)), messages.Hashed)
        except ChildError as error:
            return _crashed(path, stamp, error)
        return Unread(path, got.stamp, got.fault) if isinstance(got, messages.Failed) else (got.content_id, got.stamp)

    async def ocr(self, path: str, content_id: str) -> Words | None:
        """The words in the picture at `path`; None where the file there has another content, or is gone.

        Of a file with several pages those of all of them, as far as they can be read, each line once. Where workers die
        over a page twice, those after it are not read, either: that is the fault, beside the words.
        """
        began = perf_counter()
        lines: dict[str, None] = {}
        fault: Fault | None = None
        page, pages, crashes, unread = 0, 1, 0, 0
        while page < pages and crashes < 2:
            got = await self._page(path, content_id, page)
            if isinstance(got, messages.Failed):
                return None if got.fault is None else Words(content_id, "", got.fault)
            if got.fault is not None and page == 0:
                return Words(content_id, "", got.fault, (perf_counter() - began) * 1000)
            if got.fault is not None and got.fault.kind is FaultKind.CRASHED:
                crashes += 1  # perhaps only the machine was busy; but two are enough for one file
                fault = replace(got.fault, what=f"page {page + 1} of {pages} and those after it: {got.fault.what}")
                continue
            if got.fault is None:
                self.foreign.learn(got.languages, got.unusable)
                lines |= dict.fromkeys(got.text.split("\n"))
                pages, unread = got.pages, unread + got.unread
            page += 1
        text = "\n".join(line for line in lines if line)
        fault = fault if page < pages else None
        return Words(content_id, text, fault, (perf_counter() - began) * 1000, unread)

    async def _page(self, path: str, content_id: str, page: int) -> messages.Recognised | messages.Failed:
        request = messages.Recognise(os.fsencode(path), content_id, page, self.foreign.packs())
        try:
            return await self._ask(request, messages.Recognised, ocr=True)
        except ChildError as error:
            return messages.Recognised("", Fault(FaultKind.CRASHED, str(error)), 0.0)

    async def explain(self, path: str, *, pixels: bool, drawn: bool) -> messages.Explained | Unread:
        """Read the picture at `path` anew for somebody who waits for it; with `pixels` the words in it, too."""
        stamp, packs = await _stamp(path), self.foreign.packs() if pixels else ()
        request = messages.Explain(os.fsencode(path), pixels, drawn, packs)
        try:
            got = await self._ask(request, messages.Explained, ocr=pixels, asked=True)
        except ChildError as error:
            return _crashed(path, stamp, error)
        if isinstance(got, messages.Explained):
            return await self._other_pages(request, got)
        return Unread(path, got.stamp, got.fault)

    async def _other_pages(self, request: messages.Explain, first: messages.Explained) -> messages.Explained:
        """What was found with the lines of the other pages, as far as they are read in the time for one picture."""
        page, lines, until = 0, list(first.lines or ()), perf_counter() + self._timeout
        while (page := page + 1) < first.pages and perf_counter() < until:
            asked = msgspec.structs.replace(request, page=page, drawn=False)
            with suppress(ChildError):  # the page says nothing
                got = await self._ask(asked, messages.Explained, ocr=True, asked=True)
                lines += (got.lines if isinstance(got, messages.Explained) else None) or ()
        return msgspec.structs.replace(first, lines=None if first.lines is None else tuple(lines))

    async def _ask(
        self, request: messages.Request, expected: type[_R], *, ocr: bool = False, asked: bool = False
    ) -> _R | messages.Failed:
        """Raises ChildError."""
        async with self._worker(ocr=ocr, asked=asked) as child:
            try:
                payload = await child.ask(msgspec.msgpack.encode(request), timeout=self._timeout)
                reply = self._decoder.decode(payload)
                if isinstance(reply, expected | messages.Failed):
                    return reply
                what = type(reply).__name__
            except ChildError:
                self.deaths += 1
                raise
            except msgspec.MsgspecError as error:
                what = str(error)
            self.deaths += 1
            await child.stop()
            raise ChildError(f"{child.name} answered nonsense: {what}")

    async def unload(self, after: float) -> None:
        """Whenever no worker was asked for `after` seconds, end them all, so that their memory is given back; for ever.

        The next picture starts one again.
        """
        while True:
            await self.use.wait_unused(after)
            async with AsyncExitStack() as all_of_them:
                # Who asks meanwhile waits, instead of finding a process that is just ending.
                children = [await all_of_them.enter_async_context(self._turn(ocr=False)) for _ in self._children]
                for child in children:
                    await child.stop()

    @asynccontextmanager
    async def _worker(self, *, ocr: bool, asked: bool) -> AsyncIterator[ConfinedChild]:
        with self.use.held():
            async with self._turn(ocr=ocr, asked=asked) as child:
                yield child

    @asynccontextmanager
    async def _turn(self, *, ocr: bool, asked: bool = False) -> AsyncIterator[ConfinedChild]:
        turn = _Turn()
        self._turns.wait(turn, ocr=ocr, asked=asked)
        self._hand_out()
        try:
            await turn.come.wait()
            assert turn.worker is not None
            yield self._children[turn.worker]
        finally:
            if turn.worker is None:
                self._turns.give_up(turn)
            else:
                self._turns.free(turn.worker)
            self._hand_out()

    def _hand_out(self) -> None:
        while (pair := self._turns.next()) is not None:
            turn, worker = pair
            turn.worker = worker
            turn.come.set()


async def _stamp(path: str) -> Stamp | None:
    """The file's stamp before a worker goes near it: what a worker that dies over it cannot tell any more."""
    try:
        return await anyio.to_thread.run_sync(files.look, path, abandon_on_cancel=True)
    except OSError:
        return None


def _crashed(path: str, stamp: Stamp | None, error: ChildError) -> Unread:
    return Unread(path, stamp, Fault(FaultKind.CRASHED, str(error)))
