"""The paths that are not rows yet: the async shell around the settling, and what waits for it."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import anyio

from glimpsed import groups
from glimpsed.watching.restless import Restless
from glimpsed.watching.settle import Settle

GROUP = 64


class Pulse:
    """Wakes all who wait; a wait that begins later waits for the next beat."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self.beats = 0
        """How many there were."""

    def beat(self) -> None:
        """Wake all who wait now."""
        self.beats += 1
        self._event.set()
        self._event = anyio.Event()

    async def wait(self, since: int | None = None) -> None:
        """Until the next beat; at once if there was one after the first `since` of them."""
        if since is None or since == self.beats:
            await self._event.wait()


class Backlog:
    """Every hinted path until its row is committed; bounded, for `room` holds back whoever hints."""

    def __init__(self, settle: Settle, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle = settle
        self._restless = Restless(settle.quiet, settle.at_most)
        self._clock = clock
        self._pulse = Pulse()
        self._notes: list[set[str]] = []
        self.expecting: Callable[[], bool] = lambda: False
        """Whether hints are about to come: a scan is under way."""
        self.settled: Callable[[float], object] = lambda seconds: None
        """Told how long each path had waited when it is handed out."""
        self.finished: Callable[[str], None] = lambda path: None
        """Called with every path that is done."""

    @property
    def waiting(self) -> int:
        """Paths that are not rows yet."""
        return self._settle.waiting

    @property
    def most(self) -> int:
        """How many there may be before whoever hints is held back."""
        return self._settle.limit

    def pending(self) -> frozenset[str]:
        """Those paths."""
        return self._settle.pending()

    async def room(self) -> None:
        """Until there is room for another hint."""
        while self._settle.full:
            await self._pulse.wait()

    def hint(self, path: str, *, mtime: float | None = None) -> None:
        """Look at `path` when it has been quiet. `mtime` (seconds since the epoch) tells a scan's finding its age.

        Files of one shot that come one after the other are looked at together, when the last of them is quiet.
        """
        now = self._clock()
        # Ages are taken on the wall clock, for that is what mtime is of; a file from the future counts as new.
        changed_at = None if mtime is None else now - max(0.0, time.time() - mtime)
        quiet = self._restless.quiet(path, now)
        self._settle.hint(path, now, changed_at, quiet)
        if changed_at is None:
            for sibling in groups.siblings(path):
                self._settle.wait_for(sibling, now, quiet)
        self._pulse.beat()

    async def due(self) -> list[str]:
        """The next paths that have settled, at least one; they are busy until `done`."""
        while True:
            now = self._clock()
            if paths := self._settle.due(now):
                for seconds in self._settle.waited:
                    self.settled(seconds)
                for noted in self._notes:
                    noted.update(paths)
                for path in paths:
                    self._restless.looked(path, now)
                return paths
            next_due = self._settle.next_due()
            if next_due is None:
                await self._pulse.wait()
            else:
                with anyio.move_on_after(max(0.001, next_due - now)):
                    await self._pulse.wait()

    def done(self, path: str) -> None:
        """The path's row is committed, or nothing was to do."""
        self._settle.done(path, self._clock())
        self.finished(path)
        self._pulse.beat()

    @property
    def busy(self) -> int:
        """Paths whose work has begun."""
        return self._settle.busy

    @contextmanager
    def noting(self) -> Iterator[set[str]]:
        """All paths that are busy at any moment of the block: what becomes of them may be a row only after it."""
        noted = set(self._settle.at_work)
        self._notes.append(noted)
        try:
            yield noted
        finally:
            self._notes = [one for one in self._notes if one is not noted]

    async def calm(self) -> None:
        """Until no path is read or could be, and none is expected: those that still settle do not count."""
        while self._settle.busy or self.expecting() or self._due_now():
            await self._pulse.wait()

    def wake(self) -> None:
        """What is expected has changed."""
        self._pulse.beat()

    def _due_now(self) -> bool:
        due = self._settle.next_due()
        return due is not None and due <= self._clock()

    async def drained(self, paths: Collection[str] | None = None) -> None:
        """Until none of `paths` (or none at all) waits any more."""
        while not (self._settle.pending().isdisjoint(paths) if paths is not None else self._settle.waiting == 0):
            await self._pulse.wait()
