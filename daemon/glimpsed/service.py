"""The life of the daemon: resources, readiness, work, drain."""

import gc
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.to_thread
from anyio import CancelScope, create_task_group

from glimpsed import __version__, systemd
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
from glimpsed.indexing.healing import heal
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
from glimpsed.stopping import Stop, wait_for_manager
from glimpsed.storing.faults import BrokenTableError
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer
from glimpsed.telling import keep_vigil, tell_status
from glimpsed.vigil import Vigil
from glimpsed.watching.echo import Echo
from glimpsed.watching.observer import Observer
from glimpsed.watching.settle import Settle

_LIVES = 10
"""How often the table is opened before damage that is met again and again ends the daemon."""


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
        listening.start_soon(wait_for_manager, starting, stop)
        with ExitStack() as sockets:
            listener: socket.socket | None = None
            for life in range(1, _LIVES + 1):
                try:
                    async with _opened(config, journal, thorough=life > 1) as house:
                        # Whoever asks while the table is opened anew waits at the same socket.
                        listener = listener or sockets.enter_context(bound(config.serve.socket, held))
                        await _live(house, stop, listener.dup(), starting, began, load)
                except* BrokenTableError as damage:
                    config = house.pipeline.context.config  # what was taken up since holds
                    if life == _LIVES:
                        raise
                    journal.say(Event.TABLE_DAMAGED, error=damage.exceptions[0])
                else:
                    break
        listening.cancel_scope.cancel()
    journal.say(Event.DAEMON_STOPPED, ms=round((time.monotonic() - stop.at) * 1000, 1))


async def _live(
    house: "_House", stop: Stop, listener: socket.socket, starting: CancelScope, began: float, load: Load | None
) -> None:
    """Answer and index until told to stop. BrokenTableError where the table has to be opened anew."""
    pipeline, answers, journal = house.pipeline, house.answers, house.pipeline.context.journal
    async with (
        serving(make_app(answers), listener, grace=stop.grace),
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
        telling.start_soon(heal, pipeline.context)
        for use in (answers.use, pipeline.context.workers.use):
            telling.start_soon(_give_back, use, pipeline.context.config.encode.unload_after)
        answers.stopping = stop.asked
        with stop.draining() as drain:
            await pipeline.run(stop.asked)
        if drain.cancelled_caught and not stop.hurried:
            journal.say(Event.DAEMON_CUT_SHORT, why="the time to finish was over")
        telling.cancel_scope.cancel()
        journal.close()


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
async def _opened(config: Config, journal: Journal, *, thorough: bool) -> AsyncIterator[_House]:
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
            packet=read.max_packet,
            values=read.max_values,
            text=read.max_text,
            xml_entities=read.max_xml_entities,
        ),
        recycling=Recycling(read.recycle_after, read.recycle_memory),
        foreign=foreign,
        private=os.path.join(config.store.path, "workers"),
    )
    async with (
        open_table(config.store.path, fallback=FALLBACK_ID, thorough=thorough) as table,
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
