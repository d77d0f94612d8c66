"""A power cut at any moment: the table opens at the last commit that was synced, or at the one after it.

What was written since the last sync may be on the disk whole, in part, as zeros or not at all, file by file, and
what was deleted since may be gone or not. Snapshots of the directory, taken where the writer syncs, tell what is sure.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storing.making import FOLDER, puts, row

from glimpsed.errors import TableError
from glimpsed.records import Filters
from glimpsed.storing import durable, maintenance
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

PATHS = 12

Held = dict[str, int]
"""Attempts by path: another number for each commit."""

commits = st.tuples(st.just("commit"), st.sets(st.integers(0, PATHS - 1), min_size=1, max_size=5))
forgets = st.tuples(st.just("forget"), st.sets(st.integers(0, PATHS - 1), min_size=1, max_size=3))
maintains = st.tuples(st.just("maintain"), st.just(set[int]()))
steps = st.one_of(commits, commits, commits, forgets, maintains)

fates = st.sampled_from(["kept", "truncated", "zeroed", "dropped", "emptied"])


class Disk:
    """What is surely on the disk: the state directory as it was when it was synced last."""

    def __init__(self, root: Path, state: Path, last: int, which: int) -> None:
        self.synced = root / "synced"
        self.state = state
        self.step = 0
        self._last = last
        self._which = which

    def sync(self, directory: str) -> None:
        """In the last step the power is cut instead."""
        del directory
        if self.step == self._last:
            self._which -= 1
            if not self._which:
                raise CutError
        shutil.rmtree(self.synced, ignore_errors=True)
        # Files are never written to again, so links are copies.
        shutil.copytree(self.state, self.synced, copy_function=os.link)


def files_in(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file()}


def cut(disk: Disk, draw: Callable[[Any], Any]) -> None:
    """Have the directory as a power cut may leave it."""
    before, after = files_in(disk.synced), files_in(disk.state)
    for name in sorted(before - after):
        if draw(st.booleans()):  # its deletion did not reach the disk
            (disk.state / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(disk.synced / name, disk.state / name)
    for name in sorted(after - before):
        damage(disk.state / name, draw(fates))


def damage(path: Path, fate: str) -> None:
    size = path.stat().st_size
    data = path.read_bytes()
    path.unlink()  # a snapshot may have a link to it
    match fate:
        case "kept":
            path.write_bytes(data)
        case "truncated":
            path.write_bytes(data[: size // 2])
        case "zeroed":
            path.write_bytes(bytes(size))
        case "emptied":
            path.touch()


async def held(table: Table) -> Held:
    rows = await table.rows(list(await table.known(FOLDER)))
    return {path: one.attempts for path, one in rows.items()}


class CutError(Exception):
    """The power is gone."""


def after(held: Held, number: int, step: tuple[str, set[int]]) -> Held:
    """What the table holds after a step; every third commit has its pictures missing, and only those are forgotten."""
    what, some = step
    paths = [row(one).path for one in some]
    if what == "commit":
        return held | dict.fromkeys(paths, number)
    if what == "forget":
        return {path: one for path, one in held.items() if path not in paths or one % 3}
    return held


async def live(disk: Disk, history: list[tuple[str, set[int]]]) -> None:
    """Live through a history until the power is cut."""
    async with open_table(str(disk.state)) as table:
        writer = Writer(table)
        for number, (what, some) in enumerate(history, start=1):
            disk.step = number
            match what:
                case "commit":
                    gone = None if number % 3 else 1.0
                    made = [row(one, attempts=number, missing_since=gone, text=f"every {one}") for one in sorted(some)]
                    await writer.commit(puts(made))
                case "forget":
                    await writer.forget([row(one).path for one in some])
                case "maintain":
                    await writer.maintain(force=True)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=1, max_size=6), steps, st.integers(1, 2), st.data())
def test_the_table_opens_at_the_last_commit_that_was_synced_or_the_one_after(
    history: list[tuple[str, set[int]]], last: tuple[str, set[int]], which: int, data: st.DataObject
) -> None:
    """The power is cut as the last step syncs, for the first time or the second."""
    root = Path(tempfile.mkdtemp(prefix="t-"))
    history = [*history, last]
    sure: list[Held] = [{}]
    for number, step in enumerate(history, start=1):
        sure.append(after(sure[-1], number, step))
    try:
        disk = Disk(root, root / "state", len(history), which)
        instantly = patch.object(maintenance, "_READABLE", timedelta(0))
        # In maintenance it comes as an error of the table.
        with patch.object(durable, "sync", disk.sync), instantly, suppress(CutError, TableError):
            anyio.run(live, disk, history, backend="asyncio")
        cut(disk, data.draw)
        found = anyio.run(opened, disk.state, backend="asyncio")
        assert found in sure[-2:], (found, sure[-2:])
    finally:
        shutil.rmtree(root)


async def opened(state: Path) -> Held:
    """What the table holds when it is opened again, and that it works."""
    async with open_table(str(state)) as table:
        found = await held(table)
        matched = await table.match("every", Filters(), 100) + await table.match("every", Filters(missing=True), 100)
        assert {path for path, _ in matched} == set(found)
        await Writer(table).commit(puts([row(99)]))
        await Writer(table).maintain(force=True)
        assert set(await table.known(FOLDER)) == {*found, row(99).path}
        return found
