"""The life of the daemon: resources, readiness, work, drain."""

import gc
import math
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.to_thread
from anyio import CancelScope, create_task_group, open_signal_receiver
from anyio.abc import TaskStatus

from glimpsed import __version__, systemd
from glimpsed.allocation import give_back
from glimpsed.answers import Answers
from glimpsed.config import Config
from glimpsed.encoding.encoders import Encoders, open_encoders
from glimpsed.encoding.fallback import FALLBACK_ID
from glimpsed.encoding.news import News
from glimpsed.events import Event, Journal
from glimpsed.idling import Use
from glimpsed.indexing.backlog import Backlog, Pulse
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
from glimpsed.reloading import Load, Reloading
from glimpsed.searching.search import Search
from glimpsed.searching.vocabulary import Vocabulary
from glimpsed.serving.app import make_app
from glimpsed.serving.server import bound, serving
from glimpsed.silence import Silence
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer
from glimpsed.telling import LONGEST_START, ask_for_time, keep_vigil, tell_status
from glimpsed.vigil import Vigil
from glimpsed.watching.echo import Echo
from glimpsed.watching.observer import Observer
from glimpsed.watching.settle import Settle

_ENDING = 120.0  # seconds beyond the grace time that may be asked for to end: encoders finish what they are at


class Stop:
    """Two signals: the first closes the source, the second (or the deadline) cuts the drain short. SIGHUP reloads."""

    def __init__(self, grace: float, journal: Journal) -> None:
        self.grace = grace
        self._journal = journal
        self.asked = anyio.Event()
        self.drain = CancelScope()
        self.at = math.inf
        self.hurried = False
        """Whether a second signal came."""
        self.reload = Pulse()
        """Beats at each SIGHUP."""
        self._terminal = _has_terminal()

    async def on_signals(self, *, task_status: TaskStatus[None]) -> None:
        """Listen for SIGTERM, SIGINT and SIGHUP."""
        with open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            task_status.started()
            async for number in signals:
                if number == signal.SIGHUP and not (self._terminal and not _has_terminal()):
                    self.reload.beat()
                    continue  # a terminal that was closed ends what runs in it
                name = signal.Signals(number).name
                if self.asked.is_set():
                    self.hurried = True
                    self._journal.say(Event.DAEMON_CUT_SHORT, why=f"a second signal, {name}")
                    self.drain.cancel()
                    continue
                systemd.stopping("finishing what was read")
                self._journal.say(Event.DAEMON_STOPPING, why=name, grace=self.grace)
                self.at = time.monotonic()
                self.drain.deadline = anyio.current_time() + self.grace
                self.asked.set()


async def run(config: Config, load: Load | None = None) -> None:
    """Watch the folders and answer searches until told to stop. Raises errors of the tree where it cannot.

    `load` reads the configuration again when a SIGHUP asks for it; without it nothing is reloaded.
    """
    began = time.monotonic()
    held = systemd.listener(config.serve.socket)
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
        starting = CancelScope()
        listening.start_soon(_ask_for_time, starting, stop)
        async with _opened(config, journal) as house:
            pipeline, answers = house.pipeline, house.answers
            with bound(config.serve.socket, held) as listener:
                async with (
                    serving(make_app(answers), listener, grace=config.serve.grace),
                    create_task_group() as telling,
                ):
                    # What is there now stays: looking through it time and again would hold up a search for 100 ms.
                    gc.collect()
                    gc.freeze()
                    starting.cancel()
                    systemd.ready(await answers.line())
                    journal.say(Event.DAEMON_READY, ms=round((time.monotonic() - began) * 1000, 1))
                    vigil = Vigil()
                    telling.start_soon(tell_status, answers, vigil)
                    telling.start_soon(keep_vigil, vigil, house.parts, house.echo, journal)
                    if load is not None:
                        telling.start_soon(house.reloading(load).run, stop.reload)
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


async def _ask_for_time(starting: CancelScope, stop: Stop) -> None:
    """Of the service manager, until `starting` is cancelled, and again once the daemon is told to stop."""
    with starting:
        await ask_for_time(LONGEST_START)
    await stop.asked.wait()
    await ask_for_time(stop.grace + _ENDING)


def _has_terminal() -> bool:
    """Whether there is a terminal that it was started in and that is still open."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _House:
    """Every resource, open."""

    pipeline: Pipeline
    answers: Answers
    search: Search
    echo: Echo
    made: Callable[[Config], tuple[Folders, Scans]]

    def parts(self) -> list[tuple[str, Silence]]:
        """What has to live for the daemon to be of use."""
        context = self.pipeline.context
        return [("the writer", context.writer.silence), *context.encoders.silences]

    def reloading(self, load: Load) -> Reloading:
        """What takes up another configuration."""
        return Reloading(load, self.pipeline.context.journal, self.pipeline, self.search, self.answers, self.made)


@asynccontextmanager
async def _opened(config: Config, journal: Journal) -> AsyncIterator[_House]:
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

            def made(config: Config) -> tuple[Folders, Scans]:
                folders = Folders(config, inbox, observer, journal)
                return folders, Scans(table, context.backlog, journal, folders.scan, folders.scanned)

            pipeline = Pipeline(context, *made(config), inbox)
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
                echo = Echo(config.store.path, observer)
                yield _House(pipeline, Answers(pipeline, search), search, echo, made)
                reading.cancel_scope.cancel()


def _encoded(row: Row) -> tuple[str, ...]:
    """What of a row is encoded."""
    return describe(row.description, ()).encoded


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
