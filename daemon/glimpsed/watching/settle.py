"""Waits until a hinted path has been quiet long enough to read, by two numbers. Pure decisions; no clock is read."""

import heapq
import itertools
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(slots=True)
class _Waiting:
    """One path that was hinted and is not due yet."""

    order: int
    first: float
    """When it was hinted first."""
    due: float
    """When it is due as things stand; only ever moved later."""


class Settle:
    """Nothing hinted is lost, and each path is handed out once it was quiet for `quiet` seconds.

    Every hint starts the quiet time anew, but `at_most` seconds after the first hint the path is due all the same.
    A path that was handed out is busy until `done`, and is not due meanwhile; a hint that comes while it is busy
    makes it wait anew. All times are seconds on one clock of the caller's choice, which must not go backwards.
    """

    def __init__(self, quiet: float, at_most: float, limit: int = 10_000) -> None:
        self.quiet = quiet
        self.at_most = at_most
        self.limit = limit
        """How many may wait before it is `full`."""
        self._waiting: dict[str, _Waiting] = {}
        self._busy: set[str] = set()
        self._both = 0  # paths that are busy and wait for their next turn
        self._queue: list[tuple[float, int, str]] = []  # (due when queued, order, path); may be out of date
        self._order = itertools.count()
        self.waited: list[float] = []
        """How long each of the paths that were handed out last had waited, in seconds."""

    def hint(self, path: str, now: float, changed_at: float | None = None, quiet: float | None = None) -> None:
        """Something happened to `path` at `now`; taken even when `full`.

        With `changed_at`, the path was not seen to change now but found to have changed then (a scan's hint, the
        file's mtime on the clock of `now`): an already quiet file is due at once. `quiet` is that of this hint alone.
        """
        quiet = self.quiet if quiet is None else quiet
        last = now if changed_at is None else min(changed_at, now)
        waiting = self._waiting.get(path)
        if waiting is None:
            due = max(now, min(last + quiet, now + self.at_most))
            waiting = self._waiting[path] = _Waiting(next(self._order), now, due)
            if path in self._busy:
                self._both += 1
            else:
                self._push(path, waiting)
        else:
            # The queue still holds the earlier time; the path is queued anew when that comes.
            waiting.due = max(waiting.due, min(last + quiet, waiting.first + self.at_most))

    def wait_for(self, path: str, now: float, quiet: float) -> None:
        """Something that belongs to `path` changed: if it waits, it does so until that is quiet, too."""
        if path in self._waiting:
            self.hint(path, now, quiet=quiet)

    def due(self, now: float, most: int | None = None) -> list[str]:
        """The paths that are due, at most `most`, longest due first and else in the order of their hints.

        They are busy from now on.
        """
        paths: list[str] = []
        self.waited = []
        while (most is None or len(paths) < most) and (top := self._top()) is not None and top <= now:
            path = heapq.heappop(self._queue)[2]
            self.waited.append(now - self._waiting.pop(path).first)
            self._busy.add(path)
            paths.append(path)
        return paths

    def done(self, path: str, now: float) -> None:
        """`path` is no longer busy. A hint that came meanwhile makes it due by its own times."""
        if path in self._busy:
            self._busy.remove(path)
            if (waiting := self._waiting.get(path)) is not None:
                self._both -= 1
                self._push(path, waiting)

    def next_due(self) -> float | None:
        """When `due` will have something; None while nothing waits that is not busy."""
        return self._top()

    @property
    def full(self) -> bool:
        """Whether the caller should hold back further hints until some are done."""
        return self.waiting >= self.limit

    @property
    def waiting(self) -> int:
        """How many paths wait or are busy."""
        return len(self._waiting) + len(self._busy) - self._both

    @property
    def busy(self) -> int:
        """How many paths were handed out and are not done."""
        return len(self._busy)

    @property
    def at_work(self) -> Collection[str]:
        """The paths that are busy."""
        return self._busy

    def pending(self) -> frozenset[str]:
        """The paths that wait or are busy."""
        return frozenset(self._waiting.keys() | self._busy)

    def _push(self, path: str, waiting: _Waiting) -> None:
        heapq.heappush(self._queue, (waiting.due, waiting.order, path))

    def _top(self) -> float | None:
        """When the first path is due, after queueing anew those that were hinted again since."""
        while self._queue:
            queued, _, path = self._queue[0]
            waiting = self._waiting[path]
            if waiting.due == queued:
                return queued
            heapq.heapreplace(self._queue, (waiting.due, waiting.order, path))
        return None
