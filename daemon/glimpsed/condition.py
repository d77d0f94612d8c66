"""How the daemon is inside: queues, watches, processes, the table; for its status and its metrics."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from anyio import to_thread

from glimpsed.encoding.passes import Passed
from glimpsed.indexing.folder_state import FolderState
from glimpsed.pipeline import Pipeline
from glimpsed.records import Counts
from glimpsed.storing.extent import Extent, extent
from glimpsed.watching.directories import watch_limit

FOLDER_STATES = ("starting", "watching", "timer", "offline")


class Process(NamedTuple):
    """One process of ours."""

    role: str
    """`daemon`, `reader` or `encoder`."""
    pid: int
    resident: int
    """Bytes of memory that it holds."""


class Watches(NamedTuple):
    """inotify watches."""

    used: int
    most: int
    """That we take; a folder with more directories is scanned on a timer."""
    limit: int
    """That the user may have, all programs together."""


class Condition(NamedTuple):
    """All of it at one moment."""

    queues: dict[str, tuple[int, int]]
    """Depth and bound."""
    watches: Watches
    processes: list[Process]
    rows: int
    table: Extent


async def condition(pipeline: Pipeline) -> Condition:
    """Take a look at all of it. May raise TableError."""
    context = pipeline.context
    pids = {"daemon": [os.getpid()], "reader": context.workers.pids(), "encoder": context.encoders.pids}
    limit, share = watch_limit(), context.config.watch.watch_share
    return Condition(
        queues=pipeline.queues(),
        watches=Watches(pipeline.folders.watches, int(share * limit), limit),
        processes=await to_thread.run_sync(_processes, [(role, pid) for role, some in pids.items() for pid in some]),
        rows=sum(context.table.tally.values()),
        table=await extent(context.table.engine),
    )


def measure(pipeline: Pipeline, counts: Counts, waiting: int, now: Condition) -> None:
    """Bring the metrics up to how it is now."""
    metrics, encoders = pipeline.context.metrics, pipeline.context.encoders
    metrics.show(metrics.pictures, {state: getattr(counts, state) for state in ("fresh", "stale", "missing", "errors")})
    metrics.waiting.set(waiting)
    metrics.show(metrics.depth, {name: depth for name, (depth, _) in now.queues.items()})
    metrics.show(metrics.bound, {name: bound for name, (_, bound) in now.queues.items()})
    kinds = Counter(_kind(folder) for folder in pipeline.folders.states)
    metrics.show(metrics.folders, {state: kinds[state] for state in FOLDER_STATES})
    metrics.watches.set(now.watches.used)
    metrics.watches_limit.set(now.watches.limit)
    metrics.rows.set(now.rows)
    metrics.fragments.set(now.table.fragments)
    metrics.versions.set(now.table.versions)
    metrics.files.set(now.table.files)
    metrics.bytes.set(now.table.bytes)
    metrics.show(metrics.processes, _by_role((one.role, 1) for one in now.processes))
    metrics.show(metrics.resident, _by_role((one.role, one.resident) for one in now.processes))
    passed: dict[str, Passed] = encoders.passed
    for label, one in passed.items():
        metrics.bring_up(metrics.batches, one.batches, label)
        metrics.bring_up(metrics.tokens, one.tokens, label)
        metrics.bring_up(metrics.padding, one.padding, label)
    for outcome, count in encoders.recalled.items():
        metrics.bring_up(metrics.cache, count, "question", outcome)


def _kind(folder: FolderState) -> str:
    """A folder's state in a word: while it catches up, how it is kept up with."""
    word = folder.state.partition(" ")[0]
    if word == "catching":
        return "watching" if folder.reason is None else "timer"
    return {"scanning": "timer"}.get(word, word)


def _by_role(values: Iterable[tuple[str, int]]) -> dict[str, int]:
    found = dict.fromkeys(("daemon", "reader", "encoder"), 0)
    for role, value in values:
        found[role] += value
    return found


def _processes(pids: Iterable[tuple[str, int]]) -> list[Process]:
    found = []
    for role, pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
        except OSError:  # ended meanwhile
            continue
        if (resident := re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)) is not None:
            found.append(Process(role, pid, int(resident[1]) << 10))
    return found
