"""What happens in the daemon, said once: a line in the log, and the same to whoever follows /v1/events.

The names are a closed list: docs/logs.md has them all, and scripts may rely on them.
"""

import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

import anyio
import structlog

from glimpsed.plainly import plain
from glimpsed.repeats import Repeats


class Event(StrEnum):
    """Everything that is ever said, each with its level and what its line tells."""

    level: str
    doc: str

    def __new__(cls, name: str, level: str = "info", doc: str = "") -> Self:
        """One event; only its name counts when it is compared."""
        self = str.__new__(cls, name)
        self._value_ = name
        self.level = level
        self.doc = doc
        return self

    DAEMON_STARTED = "daemon_started", "info", "The daemon began: `version`, `state`, `socket`, `folders`."
    DAEMON_READY = "daemon_ready", "info", "The table is open and the socket answers: `ms` since the start."
    DAEMON_STOPPING = "daemon_stopping", "info", "Told to stop, finishing what was read: `why`, `grace`."
    DAEMON_CUT_SHORT = "daemon_cut_short", "warning", "Stopped before all was finished: `why`; the next scan finds it."
    DAEMON_STOPPED = "daemon_stopped", "info", "The daemon ended in order: `ms` since it was told to."
    CONFIG_RELOADED = (
        "config_reloaded",
        "info",
        "The configuration was read: `changed` keys hold, `later` ones after a start.",
    )
    CONFIG_REFUSED = "config_refused", "error", "It has faults, so the configuration before holds on: `faults`."
    PART_STUCK = "part_stuck", "error", "A part hangs or is dead, so the watchdog hears nothing: `part`, `seconds`."
    PART_ANSWERS = "part_answers", "info", "A part that was stuck answers again: `part`."
    DAEMON_FAILED = "daemon_failed", "error", "The daemon cannot go on: `error`, and `traceback` of a mistake of ours."

    FOLDER_WATCHING = "folder_watching", "info", "Changes in a folder are noticed at once: `folder`."
    FOLDER_ON_TIMER = "folder_on_timer", "warning", "A folder is only scanned on a timer: `folder`, `reason`, `every`."
    FOLDER_OFFLINE = (
        "folder_offline",
        "warning",
        "A folder, or a disk in one, is gone, its rows stay: `folder`, `reason`.",
    )
    FOLDER_BACK = "folder_back", "info", "A folder that was offline is there again: `folder`."
    FOLDER_CATCHING_UP = "folder_catching_up", "info", "A scan found much to do: `folder`, `pictures`."
    FOLDER_CAUGHT_UP = "folder_caught_up", "info", "All of that was looked at: `folder`, `pictures`."
    WATCH_FAILED = "watch_failed", "warning", "A folder's watch died and is made anew: `folder`, `reason`."
    EVENTS_LOST = "events_lost", "warning", "Changes may have been missed, the folder is scanned: `folder`, `reason`."

    SCAN_STARTED = "scan_started", "debug", "A folder is compared with the index: `folder`, `why`."
    SCAN_FINISHED = (
        "scan_finished",
        "info",
        "A folder was compared: `folder`, `why`, `pictures`, `changed`, `vanished`, `directories`, `passed_over`,"
        " `ignored`, `ms`.",
    )
    DIRECTORY_UNREADABLE = (
        "directory_unreadable",
        "warning",
        "A directory cannot be listed; nothing below it counts as gone: `path`, `reason`.",
    )

    PICTURE_INDEXED = (
        "picture_indexed",
        "info",
        "A picture was read and can be found: `path`, `content_id`, `encoder`, `why`, `ms` by stage.",
    )
    PICTURE_READ_AGAIN = (
        "picture_read_again",
        "info",
        "A known picture was read anew, for it, its sidecar or the reader changed: `path`, `content_id`, `encoder`,"
        " `why`, `ms` by stage.",
    )
    PICTURE_MOVED = (
        "picture_moved",
        "info",
        "A known content was found elsewhere, nothing was read twice: `path`, `before`, `content_id`, `why`, `ms`.",
    )
    PICTURE_MISSING = "picture_missing", "info", "A picture's file is gone, it is hidden: `path`, `content_id`."
    MASS_MISSING = (
        "mass_missing",
        "warning",
        "Very many pictures of a folder vanished at once, none of them is forgotten: `folder`, `pictures`, `of`.",
    )
    PICTURE_FORGOTTEN = "picture_forgotten", "info", "A missing picture's row was deleted for good: `path`."
    PICTURE_FAILED = (
        "picture_failed",
        "warning",
        "A picture cannot be read: `path`, `content_id`, `why`, `error`, `attempts`, `retry_at`, `ms`.",
    )

    SIDECAR_UNREADABLE = (
        "sidecar_unreadable",
        "warning",
        "What stands beside a picture cannot be read, the picture can: `path`, `reason`, `attempts`, `retry_at`.",
    )
    FORMAT_UNREADABLE = (
        "format_unreadable",
        "warning",
        "Files of a format cannot be read by this installation, said once for each suffix: `suffix`, `path`, `reason`.",
    )
    PICTURES_RETRIED = "pictures_retried", "info", "Somebody had failed pictures tried again: `pictures`, `paths`."

    FORGOTTEN_FOR_GOOD = (
        "forgotten_for_good",
        "info",
        "Somebody had pictures removed from all that is kept, see `glimpse forget`: `pictures`, `ms`.",
    )

    OCR_DONE = "ocr_done", "info", "The words in a picture were read: `path`, `content_id`, `characters`, `ms`."
    OCR_FAILED = "ocr_failed", "warning", "The words in a picture cannot be read: `path`, `content_id`, `error`, `ms`."
    WORKER_REPLACED = "worker_replaced", "warning", "A process that reads pictures died or hung: `reason`, `path`."

    BATCH_ENCODED = "batch_encoded", "info", "Texts were encoded: `encoder`, `texts`, `why`, `ms`."
    ENCODER_CHOSEN = "encoder_chosen", "info", "What new texts are encoded with: `encoder`, `name`, `device`, `reason`."
    ENCODER_UNLOADED = "encoder_unloaded", "info", "An encoder gave its memory back: `encoder`, `reason`."
    ENCODER_FAILED = (
        "encoder_failed",
        "warning",
        "An encoder cannot be used, another takes over: `encoder`, `step`, `error`.",
    )
    DEVICE_LOST = (
        "device_lost",
        "warning",
        "A device cannot be used for now, the next one or the fallback takes over: `device`, `error`.",
    )
    DEVICE_STILL_LOST = (
        "device_still_lost",
        "debug",
        "It was looked for and is not back: `device`, `looked` (times so far), `error` (what it was lost for).",
    )
    DEVICE_BACK = "device_back", "info", "A device that was lost is used again: `device`, `encoder`."

    REFRESH_STARTED = (
        "refresh_started",
        "info",
        "The chosen encoder begins with the rows that it has not encoded, or goes on with them: `encoder`, `done` of"
        " `total` rows.",
    )
    REFRESH_PROGRESS = (
        "refresh_progress",
        "info",
        "How far it is, every ten seconds: `encoder`, `done`, `total`, `rate` (rows a second), `seconds_left`.",
    )
    REFRESH_FINISHED = "refresh_finished", "info", "It has encoded all of them: `encoder`, `done`, `total`."
    VECTORS_DROPPED = "vectors_dropped", "info", "A former encoder's vectors are not needed any more: `encoder`."

    TABLE_SET_ASIDE = (
        "table_set_aside",
        "error",
        "The table was damaged and is rebuilt from the pictures: `reason`.",
    )
    TABLE_DAMAGED = (
        "table_damaged",
        "error",
        "Files of the table turned out to be damaged while it was used; it is looked through and mended: `error`.",
    )
    TABLE_MAINTAINED = "table_maintained", "info", "The table was tidied up: `why`, `ms`."
    TABLE_VERIFIED = (
        "table_verified",
        "info",
        "Somebody had the table compared with the disk: `state`, `full`, `differences` by kind, `ms`.",
    )
    COMMIT_FAILED = (
        "commit_failed",
        "error",
        "A group of rows could not be written and is tried again: `rows`, `error`; `path` where it is about one.",
    )
    INDEXING_PAUSED = "indexing_paused", "warning", "Indexing waits, searching goes on: `reason`."
    INDEXING_RESUMED = "indexing_resumed", "info", "Indexing goes on: `reason`."

    SECOND_PASS_WAITS = "second_pass_waits", "debug", "OCR and refreshing give way to others: `reason`."
    SECOND_PASS_GOES_ON = "second_pass_goes_on", "debug", "They go on: `reason`."

    SEARCHED = "searched", "debug", "A question was answered: `q`, `hits`, `encoders`, `ms`."
    REQUEST_REFUSED = "request_refused", "warning", "A request was not answered: `route`, `status`, `reason`."

    LIBRARY = (
        "library",
        "warning",
        "A library that glimpsed uses had something to say: `logger`, `message`, and `exception` where there was one.",
    )
    LINES_LOST = "lines_lost", "warning", "Only in /v1/events: this reader was too slow and `lost` lines are gone."


LOGGER = "glimpsed"
"""The name of the logger that lines go through."""

Line = Mapping[str, object]
"""What was said: `at` (ISO 8601, UTC), `level`, `event` and its fields; ready for JSON."""


class Lines:
    """What one subscriber has not read yet: the newest lines, at most `limit`; the oldest make room."""

    def __init__(self, limit: int) -> None:
        self._waiting: deque[Line] = deque(maxlen=limit)
        self._lost = 0
        self._closed = False
        self._news = anyio.Event()

    def put(self, line: Line) -> None:
        """Hand over a line; never waits."""
        self._lost += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(line)
        self._news.set()

    def close(self) -> None:
        """What was put is still read; then the lines end."""
        self._closed = True
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Line:
        while not (self._waiting or self._lost or self._closed):
            self._news = anyio.Event()
            await self._news.wait()
        if self._lost:
            lost, self._lost = self._lost, 0
            return _line(Event.LINES_LOST, {"lost": lost}, time.time())
        if not self._waiting:
            raise StopAsyncIteration
        return self._waiting.popleft()


class Journal:
    """Says what happens. To be used from the event loop's thread."""

    def __init__(self, repeats: Repeats[Event] | None = None) -> None:
        self._log = structlog.stdlib.get_logger(LOGGER)
        self._repeats = repeats or Repeats()
        self._subscribers: set[Lines] = set()
        self._closed = False

    def say(self, event: Event, /, **fields: object) -> None:
        """Log the event at its level, and hand it to all subscribers; never waits, never raises.

        A warning or an error that is identical to one of the last minute, but for its `ms`, is only counted; the
        count follows as `repeated` when the minute is over.
        """
        now = time.monotonic()
        for again, known in self._repeats.over(now):
            self._tell(again, known)
        if event.level in {"debug", "info"} or self._repeats.admit(event, fields, now):
            self._tell(event, fields)

    @asynccontextmanager
    async def subscribe(self, limit: int = 256) -> AsyncIterator[Lines]:
        """All that is said from now on, of every level, until the journal is closed.

        At most `limit` lines wait for a slow subscriber; then it loses the oldest, and a `lines_lost` line says
        how many.
        """
        lines = Lines(limit)
        if self._closed:
            lines.close()
        self._subscribers.add(lines)
        try:
            yield lines
        finally:
            self._subscribers.discard(lines)

    def close(self) -> None:
        """Say what was only counted, and end all subscriptions. Nothing is handed to subscribers any more."""
        for again, known in self._repeats.over(float("inf")):
            self._tell(again, known)
        self._closed = True
        for lines in self._subscribers:
            lines.close()

    def _tell(self, event: Event, fields: Mapping[str, object]) -> None:
        line = _line(event, fields, time.time())
        if not self._closed:
            for lines in self._subscribers:
                lines.put(line)
        getattr(self._log, event.level)(event.value, **{key: line[key] for key in line if key not in _OWN})


_OWN = frozenset({"at", "level", "event"})


def _line(event: Event, fields: Mapping[str, object], now: float) -> Line:
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {name: plain(value) for name, value in fields.items() if name not in _OWN}
    return {"at": at, "level": event.level, "event": event.value, **said}
