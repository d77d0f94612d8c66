"""The daemon with parts that hang or die for as long as a file of that name is there; patience of seconds.

Run as a program: `python tests/faulty.py DIRECTORY glimpsed's own arguments`. The files are looked for in DIRECTORY.
"""

import os
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from watchdog.observers.inotify_c import InotifyFD

from glimpsed import cli
from glimpsed.children import Child
from glimpsed.encoding import encoders, process
from glimpsed.encoding.fallback import Fallback
from glimpsed.errors import ChildError
from glimpsed.indexing.inbox import Inbox
from glimpsed.storing import durable, writer
from glimpsed.watching import echo

PATIENCE = 1.0


def hang(place: Path) -> None:
    while place.exists():
        time.sleep(0.05)


def hanging(work: Callable[..., Any], place: Path) -> Callable[..., Any]:
    @wraps(work)
    def hung(*arguments: Any, **named: Any) -> Any:
        hang(place)
        return work(*arguments, **named)

    return hung


def make_faulty(faults: Path) -> None:
    echo.PATIENCE = encoders.QUESTION_SILENCE = PATIENCE
    process.SILENCE = 2 * PATIENCE  # a new picture takes its time until it is encoded
    writer.LONGEST = writer.LONGEST_MAINTENANCE = PATIENCE
    Inbox.hint = hanging(Inbox.hint, faults / "emitter hangs")  # type: ignore[method-assign]
    Fallback.encode = hanging(Fallback.encode, faults / "question hangs")  # type: ignore[method-assign]
    durable.sync = hanging(durable.sync, faults / "writer hangs")

    reads = InotifyFD.read_events

    def read_events(self: InotifyFD, **named: Any) -> Any:
        events = reads(self, **named)
        if (faults / "emitter dies").exists():
            raise SystemExit  # ends the thread, and pytest hears of no exception
        return events

    InotifyFD.read_events = read_events  # type: ignore[method-assign]

    start = Child._start

    async def refuse(self: Child) -> Any:
        if self.name.startswith("encoder") and os.path.exists(faults / "encoder dies"):  # noqa: ASYNC240  at once
            raise ChildError(f"{self.name} could not be started")
        return await start(self)

    Child._start = refuse  # type: ignore[method-assign]


if __name__ == "__main__":
    make_faulty(Path(sys.argv.pop(1)))
    cli.glimpsed()
