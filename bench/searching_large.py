"""Searches while a large encoder works: how much longer they take than while it rests. Part of `searching.py`.

One daemon in one run, with BGE-M3's path on the small real checkpoint of the tests. First its refresh goes through
all rows, which have the fallback's vectors alone; then it rests, loaded; then pictures are dropped faster than they
can be indexed; then their refresh catches up; then it rests again, which tells how far the machine can be trusted.
No question is asked twice, and only answers in which the large encoder took part are counted.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import made_rows
from common import percentile
from tests.daemons import Daemon, running
from tests.encoding.checkpoint import checkpoint

from glimpsed.records import Row

HITS = 10
WARM = 15
GOAL = 100.0
"""Milliseconds that a search may take longer while the large encoder works: one batch of it."""

LONG = 3600.0
"""Seconds that the refresh may take."""


class Phase:
    """The searches of one phase."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.milliseconds: list[float] = []
        self.without = 0
        """Answers of the fallback alone: the large encoder did not answer in time, or was not ready."""

    def ask(self, daemon: Daemon, questions: Iterator[str], most: int, going: Callable[[], bool] | None = None) -> None:
        """Up to `most` searches one after the other, as long as the work that they are asked beside is `going`."""
        while len(self.milliseconds) + self.without < most and (going is None or going()):
            start = time.perf_counter()
            answer = daemon.client.search(next(questions), k=HITS)
            if len(answer["encoders"]) > 1:
                self.milliseconds.append((time.perf_counter() - start) * 1000)
            else:
                self.without += 1

    def tell(self, idle: "Phase | None" = None) -> None:
        """One line: what it took, and how much more that is than while the encoder rests."""
        if not self.milliseconds:
            print(f"  {self.name:<26} no search had the large encoder's part ({self.without} did without)")
            return
        line = f"  {self.name:<26}"
        for share in (0.5, 0.99):
            took = percentile(self.milliseconds, share)
            line += f"  p{share * 100:<2.0f} {took:7.1f} ms"
            if idle is not None:
                line += f" ({took - percentile(idle.milliseconds, share):+7.1f})"
        print(f"{line}  (n={len(self.milliseconds)}, {self.without} without it)")


def one_size(rows: int, count: int, questions: Iterator[str]) -> None:
    """All figures of a table of so many rows, `count` searches a phase."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        made, folder = home / "made", home / "dropped"
        folder.mkdir()
        print(f"{rows} rows, BGE-M3's path on the small checkpoint")
        anyio.run(made_rows.fill, str(home / "home" / "state"), rows, str(made), made_rows.centres(), on_disk)
        settings = {
            "READ_OCR": "false",
            "LOG_LEVEL": "info",
            "ENCODE_ENCODER": "bge-m3",
            "ENCODE_MODEL": str(checkpoint()),
            "ENCODE_DEVICE": "cpu",
            "ENCODE_UNLOAD_AFTER": "1h",
        }
        with running(home / "home", made, folder, **settings) as daemon:
            refresh, idle, drops, after, again = map(
                Phase, ("refresh of all rows", "idle, loaded", "pictures are dropped", "their refresh", "idle again")
            )
            until(lambda: daemon.client.status()["encoder"]["phase"] == "ready")
            began = time.monotonic()
            refresh.ask(daemon, questions, WARM, lambda: not done(daemon))
            refresh.milliseconds.clear()
            refresh.ask(daemon, questions, count, lambda: not done(daemon))
            until(lambda: done(daemon))
            print(f"  refreshed {rows / (time.monotonic() - began):.0f} rows/s, searches beside it")
            daemon.idle(rows, deadline=LONG)
            idle.ask(daemon, questions, count)
            with made_rows.dropping(folder, every=0.025) as dropped:
                until(lambda: dropped[0] > 50)
                drops.ask(daemon, questions, count)
            after.ask(daemon, questions, count, lambda: not done(daemon))
            daemon.idle(rows + dropped[0], deadline=LONG)
            again.ask(daemon, questions, count)
        idle.tell()
        for phase in (refresh, drops, after, again):
            phase.tell(idle)
        for share in (0.5, 0.99):
            more = [
                percentile(phase.milliseconds, share) - percentile(idle.milliseconds, share)
                for phase in (refresh, drops, after)
                if phase.milliseconds
            ]
            verdict = "met" if max(more) <= GOAL else "missed"
            print(f"  at most {max(more):.1f} ms more at p{share * 100:.0f} (goal: {GOAL:.0f} ms more): {verdict}")


def on_disk(row: Row) -> Row:
    """The row of a file that is really there, so that the daemon has nothing to read and something to encode."""
    place = Path(row.path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(row.content_id, encoding="ascii")
    state = os.stat(place)
    return replace(row, mtime_ns=state.st_mtime_ns, ctime_ns=state.st_ctime_ns, size=state.st_size, inode=state.st_ino)


def done(daemon: Daemon) -> bool:
    """Whether nothing waits and every row has the large encoder's vector."""
    status = daemon.client.status()
    return status["refresh"] is None and not status["pictures"]["waiting"] and not status["pictures"]["stale"]


def until(state: Callable[[], bool]) -> None:
    """Wait for it."""
    end = time.monotonic() + LONG
    while not state():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.2)
