"""Scans on request: coalesced, one at a time, each ending in hints and nothing else."""

import os
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from glimpsed.events import Event, Journal
from glimpsed.files import inside, shown
from glimpsed.indexing.backlog import GROUP, Backlog, Pulse
from glimpsed.indexing.catching_up import CatchingUp
from glimpsed.records import Known
from glimpsed.storing.table import Table
from glimpsed.watching.scan import Scan

_Rows = Mapping[str, Known]

_DIRECTORIES = 256  # more requests for parts of one folder become one for the whole


@dataclass(slots=True)
class Request:
    """One scan to make, and who waits for it."""

    folder: str
    under: str | None
    why: str
    done: list[anyio.Event] = field(default_factory=list)


class Scans:
    """Compares folders with the table on request and hints at each difference."""

    def __init__(
        self,
        table: Table,
        backlog: Backlog,
        journal: Journal,
        scan_folder: Callable[[Request, Mapping[str, Known], Callable[[], bool]], Scan],
        finished: Callable[[str, Scan], None],
    ) -> None:
        self._table = table
        self._backlog = backlog
        self._journal = journal
        self._scan_folder = scan_folder
        self._finished = finished
        self.made: Callable[[], object] = lambda: None
        """Called after each scan that was not cut short."""
        self.insist: Callable[[Callable[[], Awaitable[_Rows]]], Awaitable[_Rows]] = _once
        """How the table is asked: a call of it that fails is made again."""
        self._requests: list[Request] = []
        self._pulse = Pulse()
        self._stop = threading.Event()
        self.running: Request | None = None
        self.catching_up = CatchingUp(
            lambda folder, found: journal.say(Event.FOLDER_CATCHING_UP, folder=shown(folder), pictures=found),
            lambda folder, found: journal.say(Event.FOLDER_CAUGHT_UP, folder=shown(folder), pictures=found),
            worth=GROUP,
        )
        backlog.finished = self.catching_up.done
        self.begun = False
        """Whether a scan was ever asked for."""

    @property
    def waiting(self) -> int:
        """Scans that are asked for or under way."""
        return len(self._requests) + (self.running is not None)

    def ask(self, folder: str, *, under: str | None = None, why: str) -> anyio.Event:
        """Scan `folder`, or what lies `under` a path in it, soon. The event is set when its hints are out."""
        done = anyio.Event()
        self.begun = True
        mine = [request for request in self._requests if request.folder == folder]
        for request in mine:
            if request.under is None or (under is not None and inside(under, request.under)):
                request.done.append(done)
                return done
        wider = Request(folder, under if len(mine) < _DIRECTORIES else None, why, [done])
        for request in mine:
            if wider.under is None or (request.under is not None and inside(request.under, wider.under)):
                self._requests.remove(request)
                wider.done += request.done
        self._requests.append(wider)
        self._pulse.beat()
        return done

    def asked(self, folder: str) -> bool:
        """Whether a scan of it, or of a part, is asked for or under way."""
        running = self.running is not None and self.running.folder == folder
        return running or any(request.folder == folder for request in self._requests)

    def close(self) -> None:
        """End the scan under way at its next directory, and keep nobody waiting for one."""
        self._stop.set()
        for request in self._requests:
            for done in request.done:
                done.set()

    async def run(self) -> None:
        """Make the scans, one after the other, until cancelled."""
        while True:
            while not self._requests:
                await self._pulse.wait()
            self.running = self._requests.pop(0)
            try:
                await self._make(self.running)
            finally:
                for done in self.running.done:
                    done.set()
                self.running = None
                self._backlog.wake()

    async def _look_again(self, busy: Collection[str], request: Request, known: Mapping[str, Known]) -> None:
        """Hint at pictures that vanished while they were read: they have no row that the scan could have missed.

        Not at the very place that was scanned: a look at it asks for that scan, and the two would go on for ever.
        """
        place = request.under or request.folder
        below = [path for path in busy if path != request.under and inside(path, place)]
        new = [path for path in below if path not in known or known[path].missing]
        for path in await to_thread.run_sync(_gone, new) if new else ():
            await self._backlog.room()
            self._backlog.hint(path, mtime=0.0)

    async def _make(self, request: Request) -> None:
        started = time.monotonic()
        if request.under is None:
            self._journal.say(Event.SCAN_STARTED, folder=shown(request.folder), why=request.why)
        with self._backlog.noting() as busy:
            known = await self.insist(lambda: self._table.known(request.folder, under=request.under))
            found = await to_thread.run_sync(self._scan_folder, request, known, self._stop.is_set)
        if self._stop.is_set():
            return
        if found.offline is None:
            await self._look_again(busy, request, known)
        self._finished(request.folder, found)
        self.made()
        self.catching_up.found(request.folder, len(found.hints))
        for difference in found.hints:
            await self._backlog.room()
            self.catching_up.begun(request.folder, difference.path)
            self._backlog.hint(difference.path, mtime=difference.mtime)
        for directory in found.unreadable:
            self._journal.say(Event.DIRECTORY_UNREADABLE, path=shown(directory), reason="it cannot be listed")
        if request.under is None or found.hints:
            vanished = sum(difference.mtime is None for difference in found.hints)
            self._journal.say(
                Event.SCAN_FINISHED,
                folder=shown(request.under or request.folder),
                why=request.why,
                pictures=found.pictures,
                changed=len(found.hints) - vanished,
                vanished=vanished,
                directories=found.directories,
                passed_over=found.passed_over,
                ignored=found.ignored,
                ms=round((time.monotonic() - started) * 1000, 1),
            )


def _gone(paths: Collection[str]) -> list[str]:
    """Those that are not there; blocks."""
    return [path for path in paths if not os.path.lexists(path)]


async def _once(use: Callable[[], Awaitable[_Rows]]) -> _Rows:
    return await use()
