"""The map: which stage feeds which. Hints go in on the left, rows come out on the right.

folders ─ inbox ┐
scans ──────────┴► backlog ─► settle ─► look ─► read ─► encode ─► commit
                      ▲                   └───────(gone, back)──────►┘
                      │                           refresh ─►┘
                      └────────────────── (to be read again)
"""

from collections.abc import Callable
from typing import Any

import anyio
from anyio import TASK_STATUS_IGNORED, create_memory_object_stream, create_task_group
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from glimpsed.encoding.batch import Batch
from glimpsed.events import Event
from glimpsed.files import is_picture, shown
from glimpsed.indexing.backlog import GROUP
from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.finding import read, settle
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.inbox import Inbox
from glimpsed.indexing.keeping import HELD, commit, encode
from glimpsed.indexing.look import Job, look
from glimpsed.indexing.missing import Missing
from glimpsed.indexing.refresh import Refresh
from glimpsed.indexing.revival import revive
from glimpsed.indexing.scans import Scans
from glimpsed.indexing.sweeping import sweep
from glimpsed.indexing.tidying import tidy

_MOST_TEXTS = 64  # in one batch


class Pipeline:
    """Brings the table to what is on disk, for as long as `sources` runs."""

    def __init__(self, context: Context, folders: Folders, scans: Scans, inbox: Inbox) -> None:
        self.context = context
        self.folders = folders
        self.scans = scans
        self.inbox = inbox
        self._streams: dict[str, MemoryObjectReceiveStream[Any]] = {}
        self._texts: Callable[[], int] = lambda: 0
        context.backlog.settled = context.metrics.stage.labels("settle").observe
        self._others: tuple[Folders, Scans] | None = None
        self._change = anyio.Event()
        self._join()

    def _join(self) -> None:
        """What the stages ask the folders and their scans."""
        context, folders, scans = self.context, self.folders, self.scans
        scans.made, scans.insist = context.metrics.scans.inc, context.insist
        self.missing = Missing(folders, context)
        context.backlog.expecting = lambda: scans.waiting > 0
        context.offline, context.away, context.there = folders.unseen, folders.away, folders.there
        folders.changed, folders.catching_up = context.committed.beat, scans.catching_up.of

    def change(self, folders: Folders, scans: Scans) -> None:
        """Go on with other folders, or other rules for them, as after a start: watched, scanned, and strangers gone."""
        self._others = folders, scans
        self._change.set()

    def queues(self) -> dict[str, tuple[int, int]]:
        """What waits between the stages, and what may wait there at most."""
        backlog = self.context.backlog
        told = {"inbox": (len(self.inbox), self.inbox.most), "backlog": (backlog.waiting, backlog.most)}
        for name, stream in self._streams.items():
            statistics = stream.statistics()
            told[name] = (statistics.current_buffer_used, int(statistics.max_buffer_size))
        return {**told, "texts": (self._texts(), HELD)}

    async def run(self, stopping: anyio.Event) -> None:
        """Until `stopping` is set; then no new work is begun, and what was read is committed before this returns."""
        context = self.context
        settled, settled_in = create_memory_object_stream[list[str]](1)
        jobs, jobs_in = create_memory_object_stream[Job](GROUP)
        drafts, drafts_in = create_memory_object_stream[Pending](GROUP)
        changes, changes_in = create_memory_object_stream[Pending](GROUP)
        batch = Batch(context.config.encode.max_tokens_per_batch, _MOST_TEXTS, 0.0)
        self._streams = {"settled": settled_in, "jobs": jobs_in, "drafts": drafts_in, "changes": changes_in}
        self._texts = lambda: batch.waiting
        async with create_task_group() as stages:
            stages.start_soon(look, settled_in, jobs, changes.clone(), context, self._folder_of, self._directory)
            for _ in range(context.workers.count + 1):
                stages.start_soon(read, jobs_in.clone(), drafts.clone(), context)
            stages.start_soon(encode, drafts_in, changes.clone(), batch, context)
            stages.start_soon(commit, changes_in, context)
            async with create_task_group() as sources:
                sources.start_soon(settle, settled, context.backlog, context.hold)
                sources.start_soon(self._receive)
                await sources.start(self._follow, changes.clone())  # returns when the first scans are asked for
                sources.start_soon(Refresh(drafts, changes.clone(), context).run)
                sources.start_soon(revive, changes, context)
                sources.start_soon(sweep, context)
                jobs_in.close()
                await stopping.wait()
                self.scans.close()
                sources.cancel_scope.cancel()

    async def _follow(
        self, commit: MemoryObjectSendStream[Pending], *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        """Watch, scan and tidy the folders, until cancelled; from the start again when they change."""
        async with commit:
            while True:
                async with create_task_group() as following:
                    following.start_soon(self.scans.run)
                    await following.start(self.folders.run, self.scans)
                    following.start_soon(self.missing.run)
                    following.start_soon(tidy, commit.clone(), self.folders, self.missing, self.context)
                    task_status.started()
                    task_status = TASK_STATUS_IGNORED
                    await self._change.wait()
                    self.scans.close()
                    following.cancel_scope.cancel()
                self._change = anyio.Event()
                if self._others is not None:
                    self.folders, self.scans = self._others
                    self._join()

    def _folder_of(self, path: str) -> str | None:
        return self.folders.folder_of(path)

    async def _receive(self) -> None:
        """Take hints and losses from the observer."""
        context = self.context
        while True:
            hints, losses = await self.inbox.next(self.folders.names)
            for path in hints:
                if is_picture(path):
                    await context.backlog.room()
                    context.backlog.hint(path)
                else:
                    self._directory(path)
            for folder, reason in losses.items():
                if folder not in self.folders.names:  # not any more
                    continue
                context.metrics.lost.inc()
                context.journal.say(Event.EVENTS_LOST, folder=shown(folder), reason=reason)
                self.scans.ask(folder, why=reason)

    def _directory(self, path: str) -> None:
        """A directory came, went or was renamed: what lies in it is found by a scan."""
        folder = self.folders.directory_folder(path)
        if folder is not None:
            self.scans.ask(folder, under=None if path == folder else path, why="directory changed")

    async def caught_up(self, timeout: float) -> list[str]:
        """Wait until every file that is on disk now has been through both passes, at most `timeout` seconds.

        Returns what was not waited for, in words; empty if all was.
        """
        context = self.context
        waited = ["the scan", "first pass", "second pass"]
        with anyio.move_on_after(timeout), context.hold.urgent():
            scans: Scans | None = None
            while scans is not self.scans:  # other folders have other scans
                scans = self.scans
                for done in [scans.ask(folder, why="asked for") for folder in self.folders.online()]:
                    await done.wait()
            waited.pop(0)
            await context.backlog.drained(context.backlog.pending())
            waited.pop(0)
            first_pass = context.wall()
            beats = context.committed.beats
            while await context.table.unfinished(context.current, indexed_before=first_pass, now=context.wall()):
                await context.committed.wait(beats)
                beats = context.committed.beats
            waited.pop(0)
        return [f"not waited for within {timeout:g} s: {what}" for what in waited]
