"""The pipeline in the test's own process: a real table, real files; encoders and workers that do as they are told."""

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import numpy as np
from tests.waiting import until

from glimpsed.config import Config, load
from glimpsed.encoding.encoder import Text, UnencodableError
from glimpsed.encoding.encoders import Encoders
from glimpsed.encoding.fallback import FALLBACK_ID
from glimpsed.encoding.strong import ChosenState
from glimpsed.errors import EncoderError
from glimpsed.events import Event, Journal
from glimpsed.indexing.backlog import Backlog
from glimpsed.indexing.context import Context
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.holding import Hold
from glimpsed.indexing.inbox import Inbox
from glimpsed.indexing.scans import Scans
from glimpsed.indexing.thumbnails import Thumbnails
from glimpsed.metrics import Metrics
from glimpsed.pipeline import Pipeline
from glimpsed.reading.confinement import Confinement
from glimpsed.reading.workers import Workers
from glimpsed.records import Content, Counts, Encoding, Fault, Reading, Row, Sparse, Unread, Words
from glimpsed.storing.columns import of
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer
from glimpsed.watching.observer import Observer
from glimpsed.watching.settle import Settle

PIXELS = 100_000_000


def vector(text: str, length: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    seed = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())
    made = np.random.default_rng(seed).normal(size=length).astype(np.float32)
    return made / np.linalg.norm(made)


class FakeEncoders:
    """As `Encoders`: texts with the word `poison` cannot be encoded, and nothing can while `broken`."""

    fallback_id = FALLBACK_ID

    def __init__(self, *, chosen: str | None = None, dimension: int = 8) -> None:
        self.chosen_id = chosen or FALLBACK_ID
        self.chosen_dimension = dimension
        self.ready = chosen is not None
        self.version = 0
        self.broken: str | None = None
        self.strong_broken: str | None = None
        self.poison = "poison"
        self.gate: anyio.Event | None = None
        """Encoding waits for it."""
        self.gates: dict[str, anyio.Event] = {}
        """By id: the chosen encoder waits for it."""
        self.given_up: str | None = None
        self.owed = 0
        self.passed: list[Text] = []
        self.strengthened: list[Text] = []
        self._change = anyio.Event()

    @property
    def state(self) -> ChosenState:
        return ChosenState("fake", self.chosen_id, "cpu", "the test says so", None, "ready")

    def choose(self, chosen: str | None, dimension: int = 8) -> None:
        self.chosen_id, self.chosen_dimension, self.ready = chosen or FALLBACK_ID, dimension, chosen is not None
        self.changed()

    def owe(self) -> None:
        self.owed += 1

    def changed(self) -> None:
        self.version += 1
        self._change.set()
        self._change = anyio.Event()

    async def wait_changed(self, since: int | None = None) -> None:
        if since is None or since == self.version:
            await self._change.wait()

    async def passages(self, texts: Sequence[Text]) -> list[Encoding]:
        if self.gate is not None:
            await self.gate.wait()
        self.passed += texts
        return self._encode(texts, 384, self.broken)

    async def strong(self, texts: Sequence[Text]) -> list[Encoding]:
        self.strengthened += texts
        if (gate := self.gates.get(self.chosen_id)) is not None:
            await gate.wait()
        if self.strong_broken is not None:
            self.changed()  # as the real ones do: the state tells what is wrong
        return self._encode(texts, self.chosen_dimension, self.strong_broken)

    def _encode(self, texts: Sequence[Text], length: int, broken: str | None) -> list[Encoding]:
        if broken is not None:
            raise EncoderError(broken)
        made: list[Encoding | None] = []
        for text in texts:
            bad = self.poison in " ".join(text)
            sparse = Sparse(np.array([1], np.int32), np.array([0.5], np.float32)) if length != 384 else None
            made.append(None if bad else Encoding(vector("\n".join(text), length), sparse))
        faults = {place: "it kills the process" for place, one in enumerate(made) if one is None}
        if faults:
            raise UnencodableError(made, faults)
        return [one for one in made if one is not None]


class FakeWorkers:
    """Reads with a real worker; the words in pictures are what the test says, and so are faults."""

    def __init__(self, real: Workers) -> None:
        self._real = real
        self.count = 2
        self.words: dict[str, Words | None] = {}
        """By name of the file; else no words."""
        self.unread: dict[str, list[Unread]] = {}
        """By name: what the next readings come to."""
        self.refused: dict[str, list[Fault]] = {}
        """By name: why what stands beside it cannot be had at the next readings."""
        self.unhashed: dict[str, Fault] = {}
        """By name: why its bytes cannot be had."""
        self.reading: Callable[[str], None] = lambda path: None
        self.gate: anyio.Event | None = None
        """Reading waits for it."""
        self.reads: list[str] = []
        self.hashes: list[str] = []
        self.ocrs: list[str] = []
        self.confinement: tuple[Confinement, ...] = ()

    async def read(self, path: str, folder: str, known: frozenset[str]) -> Reading | Unread:
        name = Path(path).name
        self.reads.append(name)
        if self.gate is not None:
            await self.gate.wait()
        if self.unread.get(name):
            return self.unread[name].pop(0)
        made = await self._real.read(path, folder, known)
        self.reading(path)
        if self.refused.get(name) and isinstance(made, Reading):
            made = replace(made, sidecar_parts=(), sidecar_content=Content("", fault=self.refused[name].pop(0)))
        return made

    async def hash(self, path: str) -> Any:
        self.hashes.append(Path(path).name)
        if (fault := self.unhashed.get(Path(path).name)) is not None:
            return Unread(path, None, fault)
        return await self._real.hash(path)

    async def ocr(self, path: str, content_id: str) -> Words | None:
        name = Path(path).name
        self.ocrs.append(name)
        return self.words[name] if name in self.words else Words(content_id, "")


class Said(Journal):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[Event, dict[str, object]]] = []

    def say(self, event: Event, /, **fields: object) -> None:
        self.lines.append((event, fields))
        super().say(event, **fields)

    def of(self, event: Event) -> list[dict[str, object]]:
        return [fields for one, fields in self.lines if one is event]


class Stumbling:
    """The table, or its writer, with errors that the next calls of a method raise."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.errors: dict[str, list[Exception]] = {}
        self.answers: dict[str, list[Any]] = {}
        """Given instead of what the real one would."""
        self.calls: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not callable(found):
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            if self.errors.get(name):
                raise self.errors[name].pop(0)
            if self.answers.get(name):
                return self.answers[name].pop(0)
            return await found(*arguments, **named)

        return call


class Clock:
    """The wall clock, moved by the test."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class House:
    """The rooms, joined; `running` brings life into them."""

    def __init__(self, config: Config, table: Table, workers: Workers, encoders: FakeEncoders) -> None:
        table.chosen = lambda: encoders.chosen_id
        self.table, self.writer = Stumbling(table), Stumbling(Writer(table))
        self.encoders, self.workers = encoders, FakeWorkers(workers)
        self.journal, self.clock, self.inbox = Said(), Clock(), Inbox()
        self.context = Context(
            config=config,
            table=cast(Table, self.table),
            writer=cast(Writer, self.writer),
            workers=cast(Workers, self.workers),
            encoders=cast(Encoders, encoders),
            thumbnails=Thumbnails(config.store.path),
            journal=self.journal,
            metrics=Metrics(),
            backlog=Backlog(Settle(config.watch.settle, config.watch.settle_at_most)),
            # The tests themselves may keep the machine busy.
            hold=Hold(replace(config.work, give_way=False, on_battery=True), config.store.path, self.journal),
            wall=self.clock,
            pause=0.01,
        )
        self.observer = Observer(self.inbox.hint, self.inbox.lost)
        self.folders = Folders(config, self.inbox, self.observer, self.journal)
        self.scans = Scans(
            cast(Table, self.table), self.context.backlog, self.journal, self.folders.scan, self.folders.scanned
        )
        self.pipeline = Pipeline(self.context, self.folders, self.scans, self.inbox)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The pipeline, until the end of the block; then it drains."""
        stopping = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(self.pipeline.run, stopping)
            try:
                yield
            finally:
                stopping.set()

    async def counts(self) -> Counts:
        return cast(Counts, await self.table.counts(self.context.current, self.clock()))

    async def idle(self) -> Counts:
        """The counts once all that can be done is done."""

        found: list[Counts] = []

        async def rests() -> bool:
            if not self.scans.begun or self.scans.waiting or len(self.inbox) or self.context.backlog.waiting:
                return False
            if self.folders.unseen() and len(self.folders.online()) == len(self.folders.names):
                return False
            found.append(await self.counts())
            return not found[-1].stale

        done: bool = await until(rests)
        assert done
        return found[-1]

    async def row(self, path: Path | str) -> Row:
        rows: dict[str, Row] = await self.table.rows([str(path)])
        return rows[str(path)]

    async def former(self, encoder: str) -> int:
        """How many rows have that encoder's vector, chosen or not."""
        columns = of(self.table.columns, encoder)
        return 0 if columns is None else int(await self.table.engine.count(f"{columns.cut} IS NOT NULL"))

    async def has(self, path: Path | str, holds: Callable[[Row], object]) -> Row:
        """The row of a path, once that holds."""

        rows: dict[str, Row] = {}

        async def looks() -> bool:
            rows.update(await self.table.rows([str(path)]))
            return str(path) in rows and bool(holds(rows[str(path)]))

        there: bool = await until(looks)
        assert there
        return rows[str(path)]

    def later(self, seconds: float) -> None:
        """Let time pass; whoever sleeps until then is woken as if something had been committed."""
        self.clock.ahead += seconds
        self.context.committed.beat()


def config(home: Path, *folders: Path, **settings: object) -> Config:
    """The shipped configuration, with quick settling."""
    environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    flags: dict[str, object] = {
        "watch.folders": [str(folder) for folder in folders],
        "watch.settle": 0.02,
        "store.path": str(home / "state"),
        **{key.replace("__", "."): value for key, value in settings.items()},
    }
    return load(environment=environment, flags=flags)


@asynccontextmanager
async def house(
    home: Path, *folders: Path, encoders: FakeEncoders | None = None, **settings: object
) -> AsyncIterator[House]:
    """A house whose rooms are open."""
    given = config(home, *folders, **settings)
    async with (
        open_table(given.store.path) as table,
        Workers(1, timeout=60.0, max_pixels=PIXELS) as workers,
    ):
        made = House(given, table, workers, encoders or FakeEncoders())
        with made.observer:
            yield made
