"""What the stages share: the rooms they join, and how far the work is."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from glimpsed.config import Config
from glimpsed.encoding.encoders import Encoders
from glimpsed.errors import NoRoomError, TableError, UnfitRowError
from glimpsed.events import Event, Journal
from glimpsed.files import shown
from glimpsed.indexing.backlog import Backlog, Pulse
from glimpsed.indexing.holding import Hold
from glimpsed.indexing.progress import Progress
from glimpsed.indexing.thumbnails import Thumbnails
from glimpsed.metrics import Metrics
from glimpsed.reading import formats
from glimpsed.reading.available import Foreign
from glimpsed.reading.description import READER, UNDEVELOPED
from glimpsed.reading.ocr import OCR_ID
from glimpsed.reading.workers import Workers
from glimpsed.records import Current, Encoding, Fault, FaultKind, Row, Written
from glimpsed.storing.faults import BrokenTableError
from glimpsed.storing.table import Table
from glimpsed.storing.writer import Writer

T = TypeVar("T")

_PAUSE = 5.0  # seconds between tries to use a table that cannot be used just now
_TRIES = 6  # of a table that looks damaged: then the daemon ends, for only opening it anew can repair it


@dataclass(slots=True)
class Context:
    """The rooms, open."""

    config: Config
    table: Table
    writer: Writer
    workers: Workers
    encoders: Encoders
    thumbnails: Thumbnails
    journal: Journal
    metrics: Metrics
    backlog: Backlog
    hold: Hold
    foreign: Foreign = field(default_factory=Foreign)
    """What reads the lines that the bundled models cannot write."""
    committed: Pulse = field(default_factory=Pulse)
    """Beats at every commit and whenever the refresh has done a round."""
    progress: Progress = field(default_factory=Progress)
    """How the chosen encoder comes through the rows."""
    places: set[str] | None = None
    """Content ids that came to a place or went from one; None where all missing rows are to be looked at."""
    outdated: set[str] = field(default_factory=set)
    """Content ids that rows had, whose thumbnails may not be needed any more."""
    unreadable: set[str] = field(default_factory=set)
    """Suffixes of files that no decoder is installed for, as far as that was said."""
    wall: Callable[[], float] = time.time
    """Seconds since the epoch."""
    offline: Callable[[], tuple[str, ...]] = tuple
    """The folders whose files cannot be seen now."""
    away: Callable[[], tuple[str, ...]] = tuple
    """The directories in folders whose disks are not there."""
    there: Callable[[str, str], bool] = lambda folder, path: True
    """Whether a folder, and the disk that a path lies on, are there as they were scanned; blocks. Where not, no file
    counts as gone."""
    pause: float = _PAUSE
    """Seconds between tries to use a table that cannot be used just now."""
    _troubles: dict[object, str] = field(default_factory=dict)

    def say_crash(self, fault: Fault, path: str) -> None:
        """Say that a worker was lost over a picture, where that is the fault."""
        if fault.kind is FaultKind.CRASHED:
            self.metrics.crashes.inc()
            self.journal.say(Event.WORKER_REPLACED, reason=fault.what, path=shown(path))

    @property
    def current(self) -> Current:
        """The ids that fresh rows carry."""
        chosen = self.encoders.chosen_id
        return Current(
            reader=READER,
            reader_partly=None if formats.installed(formats.DEVELOPER) else UNDEVELOPED,
            ocr=OCR_ID if self.config.read.ocr else None,
            ocr_partly=f"{OCR_ID}+{self.foreign.id}" if self.config.read.ocr else None,
            encoder=chosen,
            fallback="" if chosen == self.encoders.fallback_id else self.encoders.fallback_id,
            offline=self.offline(),
            away=self.away(),
        )

    @property
    def paused(self) -> str | None:
        """Why indexing waits just now."""
        return next(iter(self._troubles.values()), None)

    async def insist(self, use: Callable[[], Awaitable[T]], *, rows: int = 0) -> T:
        """What `use` of the table returns, tried again until it works: meanwhile indexing is paused, nothing is lost.

        `rows` are those that it writes. Raises UnfitRowError, which trying again does not help, and TableError where
        the table stays damaged.
        """
        me, damaged = object(), 0
        try:
            while True:
                try:
                    return await use()
                except UnfitRowError:
                    raise
                except TableError as error:
                    damaged += isinstance(error, BrokenTableError)
                    if rows and not isinstance(error, NoRoomError):
                        self.journal.say(Event.COMMIT_FAILED, rows=rows, error=str(error))
                    if damaged >= _TRIES:
                        raise
                    # Searches go on; nothing is dropped, for whoever sends more is held back by the full streams.
                    if not self._troubles:
                        self.journal.say(Event.INDEXING_PAUSED, reason=str(error))
                    self._troubles[me] = str(error)
                    await anyio.sleep(self.pause)
        finally:
            if self._troubles.pop(me, None) is not None and not self._troubles:
                self.journal.say(Event.INDEXING_RESUMED, reason="the table can be used again")


@dataclass(slots=True)
class Pending:
    """One change on its way through encode and commit."""

    path: str
    apply: Callable[["Row | None", Mapping[str, Encoding]], "Row | None"]
    """The new row from the one that stands there at commit time; None leaves it."""
    finished: Callable[[Written], None]
    """Called once it is committed; also where the change left all as it was."""
    text_id: str = ""
    text: tuple[str, ...] = ()
    """What has to be encoded for it; empty where nothing has."""
    second: bool = False
    """Whether it belongs to the second pass, which lets the first go before it."""
    encodings: dict[str, Encoding] = field(default_factory=dict)
    error: str | None = None
    """Why its text could not be encoded."""
    kind: FaultKind = FaultKind.CRASHED
    """Whether that was the text's fault (CRASHED), or the encoder could not be had (UNREADABLE)."""
    milliseconds: dict[str, float] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    def lap(self, stage: str) -> None:
        """Note the time since the last lap as that of `stage`."""
        now = time.monotonic()
        self.milliseconds[stage] = round((now - self.since) * 1000, 1)
        self.since = now
