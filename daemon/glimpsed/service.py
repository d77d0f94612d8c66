"""The life of the daemon: resources, readiness, work, drain."""

import gc
import math
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from anyio import CancelScope, create_task_group, open_signal_receiver
from anyio.abc import TaskStatus

from glimpsed import __version__
from glimpsed.allocation import give_back
from glimpsed.answers import Answers
from glimpsed.config import Config
from glimpsed.encoding.encoders import Encoders, open_encoders
from glimpsed.encoding.fallback import FALLBACK_ID
from glimpsed.encoding.news import News
from glimpsed.events import Event, Journal
from glimpsed.idling import Use
from glimpsed.indexing.backlog import Backlog
from glimpsed.indexing.context import Context
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.holding import Hold
from glimpsed.indexing.inbox import Inbox
from glimpsed.indexing.scans import Scans
from glimpsed.indexing.thumbnails import Thumbnails
from glimpsed.metrics import Metrics
from glimpsed.pipeline import Pipeline
from glimpsed.reading import available
from glimpsed.reading.bounds import Bounds
from glimpsed.reading.description import describe
from glimpsed.reading.recycling import Recycling
from glimpsed.reading.workers import Workers, default_count
from glimpsed.records import Row
from glimpsed.searching.search import Search
from glimpsed.searching.vocabulary import Vocabulary
from glimpsed.serving.app import make_app
from glimpsed.serving.server import bound, serving
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer
from glimpsed.systemd import notify
from glimpsed.watching.observer import Observer
from glimpsed.watching.settle import Settle

_STATUS_EVERY = 5.0  # seconds between two lines for `systemctl status`


class Stop:
    """Two signals: the first closes the source, the second (or the deadline) cuts the drain short."""

    def __init__(self, grace: float, journal: Journal) -> None:
        self._grace = grace
        self._journal = journal
        self.asked = anyio.Event()
        self.drain = CancelScope()
        self.at = math.inf
        self.hurried = False
        """Whether a second signal came."""

    async def on_signals(self, *, task_status: TaskStatus[None]) -> None:
        """Listen for SIGTERM and SIGINT."""
        with open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                name = signal.Signals(number).name
                if self.asked.is_set():
                    self.hurried = True
                    self._journal.say(Event.DAEMON_CUT_SHORT, why=f"a second signal, {name}")
                    self.drain.cancel()
                    continue
                notify("STOPPING=1")
                self._journal.say(Event.DAEMON_STOPPING, why=name, grace=self._grace)
                self.at = time.monotonic()
                self.drain.deadline = anyio.current_time() + self._grace
                self.asked.set()


async def run(config: Config) -> None:
    """Watch the folders and answer searches until told to stop. Raises errors of the tree where it cannot."""
    began = time.monotonic()
    journal = Journal()
    stop = Stop(config.serve.grace, journal)
    journal.say(
        Event.DAEMON_STARTED,
        version=__version__,
        state=config.store.path,
        socket=config.serve.socket,
        folders=list(config.watch.folders),
    )
    async with create_task_group() as listening:
        await listening.start(stop.on_signals)
        async with _opened(config, journal) as (pipeline, answers):
            with bound(config.serve.socket) as listener:
                async with (
                    serving(make_app(answers), listener, grace=config.serve.grace),
                    create_task_group() as telling,
                ):
                    # What is there now stays: looking through it time and again would hold up a search for 100 ms.
                    gc.collect()
                    gc.freeze()
                    notify("READY=1")
                    journal.say(Event.DAEMON_READY, ms=round((time.monotonic() - began) * 1000, 1))
                    telling.start_soon(_tell_status, answers)
                    telling.start_soon(_tell_encoder, pipeline.context.encoders, journal)
                    for use in (answers.use, pipeline.context.workers.use):
                        telling.start_soon(_give_back, use, config.encode.unload_after)
                    answers.stopping = stop.asked
                    with stop.drain:
                        await pipeline.run(stop.asked)
                    if stop.drain.cancelled_caught and not stop.hurried:
                        journal.say(Event.DAEMON_CUT_SHORT, why="the time to finish was over")
                    telling.cancel_scope.cancel()
                    journal.close()
        listening.cancel_scope.cancel()
    journal.say(Event.DAEMON_STOPPED, ms=round((time.monotonic() - stop.at) * 1000, 1))


@asynccontextmanager
async def _opened(config: Config, journal: Journal) -> AsyncIterator[tuple[Pipeline, Answers]]:
    """Every resource, open; closed in the opposite order."""
    inbox = Inbox()
    read = config.read
    foreign = await anyio.to_thread.run_sync(available.look, read.ocr_languages, read.ocr_models)
    workers = Workers(
        read.workers or default_count(),
        timeout=read.timeout,
        max_pixels=read.max_pixels,
        bounds=Bounds(
            bytes=read.max_bytes,
            frames=read.max_frames,
            pages=read.max_pages,
            metadata=read.max_metadata,
            inflated=read.max_inflated,
            text=read.max_text,
            xml_entities=read.max_xml_entities,
        ),
        recycling=Recycling(read.recycle_after, read.recycle_memory),
        foreign=foreign,
        private=os.path.join(config.store.path, "workers"),
    )
    async with (
        open_table(config.store.path, fallback=FALLBACK_ID) as table,
        workers,
        open_encoders(config.encode) as encoders,
    ):
        table.chosen = lambda: encoders.chosen_id
        for notice in table.notices:
            journal.say(Event.TABLE_SET_ASIDE, reason=notice)
        context = Context(
            config=config,
            table=table,
            writer=Writer(table),
            workers=workers,
            encoders=encoders,
            thumbnails=Thumbnails(config.store.path),
            journal=journal,
            metrics=Metrics(),
            foreign=foreign,
            hold=Hold(config.work, config.store.path, journal),
            backlog=Backlog(Settle(config.watch.settle, config.watch.settle_at_most)),
        )
        observer = Observer(inbox.hint, inbox.lost, share=config.watch.watch_share)
        with observer:
            folders = Folders(config, inbox, observer, journal)
            scans = Scans(table, context.backlog, journal, folders.scan, folders.scanned)
            pipeline = Pipeline(context, folders, scans, inbox)
            vocabulary = Vocabulary(table)
            search = Search(
                table,
                encoders,
                config.search,
                encoded=_encoded,
                vocabulary=vocabulary,
                folders=config.watch.folders,
            )
            async with create_task_group() as reading:
                reading.start_soon(vocabulary.run)
                reading.start_soon(workers.unload, config.encode.unload_after)
                yield pipeline, Answers(pipeline, search)
                reading.cancel_scope.cancel()


def _encoded(row: Row) -> tuple[str, ...]:
    """What of a row is encoded."""
    return describe(row.description, ()).encoded


async def _tell_status(answers: Answers) -> None:
    """Keep the line that `systemctl status` shows."""
    told = ""
    while True:
        line = await answers.line()
        if line != told:
            notify(f"STATUS={line}")
            told = line
        await anyio.sleep(_STATUS_EVERY)


async def _give_back(use: Use, after: float) -> None:
    """Give back what the heap holds for nothing, whenever nothing was done for so many seconds."""
    while True:
        await use.wait_unused(after)
        await anyio.to_thread.run_sync(give_back)


async def _tell_encoder(encoders: Encoders, journal: Journal) -> None:
    """Say which encoder was chosen and why, and whenever that or a device changes."""
    news = News()
    while True:
        version = encoders.version
        for event, said in news.of(encoders.state):
            journal.say(event, **said)
        await encoders.wait_changed(version)
