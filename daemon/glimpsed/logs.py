"""structlog: lines for people on a terminal, JSON lines otherwise; ours and the libraries' in one form."""

import json
import logging
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from typing import Any, TextIO

import structlog

from glimpsed.config import Log
from glimpsed.errors import StateError
from glimpsed.events import LOGGER, Event
from glimpsed.plainly import plain
from glimpsed.signs import harmless, harmless_json

LARGEST = 10_000_000
"""Bytes of a log file before it is rotated."""
KEPT = 4
"""Rotated files beside the one that is written."""

_NOISY = ("uvicorn", "uvicorn.error", "uvicorn.access", "watchdog", "lance", "lancedb", "PIL", "httpx", "httpcore")
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}

_Dict = MutableMapping[str, Any]


def configure(log: Log) -> None:
    """Send all lines where the configuration wants them; a second call replaces the first.

    Raises StateError where the log file cannot be written.
    """
    handler = _file(log.file) if log.file else _Stream(sys.stderr)
    handler.setFormatter(_formatter(log, terminal=log.file is None and sys.stderr.isatty()))
    reset()
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    set_level(log.level)
    for name in _NOISY:
        # Some of them have handlers and levels of their own.
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def set_level(level: str) -> None:
    """Say from now on what is at least of this level: see `[log] level`."""
    logging.getLogger(LOGGER).setLevel(level.upper())


def reset() -> None:
    """Close what `configure` opened."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _Stream | _File)]:
        root.removeHandler(handler)
        handler.close()
    logging.captureWarnings(False)
    structlog.reset_defaults()


class _Stream(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """A reader that went away must not stop the daemon."""


class _File(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        # Names of people's pictures are nobody else's business.
        stream = open(  # noqa: SIM115  the handler closes it
            self.baseFilename, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
        )
        if os.path.isfile(self.baseFilename):  # not /dev/null and the like
            os.fchmod(stream.fileno(), 0o600)
        return stream

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """A full disk must not stop the daemon."""

    def close(self) -> None:
        with suppress(OSError):  # what a full disk did not take is lost
            super().close()


def _file(path: str) -> _File:
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return _File(path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
    except OSError as error:
        raise StateError(
            f"the log file cannot be written: {error.strerror}", where=str(plain(path)), hint="see [log] file"
        ) from error


def _formatter(log: Log, *, terminal: bool) -> logging.Formatter:
    console = log.format == "console" or (log.format == "auto" and terminal)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _library,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _plain,
            *([_harmless] if console else []),
            _people(colors=terminal and "NO_COLOR" not in os.environ) if console else _Json(journal=_journal(log)),
        ],
    )


def _library(_: Any, __: str, line: _Dict) -> _Dict:
    """A library's line becomes one of ours."""
    line["message"] = line.pop("event")
    line["event"] = Event.LIBRARY.value
    return line


def _plain(_: Any, __: str, line: _Dict) -> _Dict:
    return {key: plain(value) for key, value in line.items()}


def _harmless(_: Any, __: str, line: _Dict) -> _Dict:
    return {key: _without_signs(value, lines=key == "exception") for key, value in line.items()}


def _without_signs(value: object, *, lines: bool = False) -> object:
    match value:
        case str() if lines:
            return "\n".join(map(harmless, value.split("\n")))
        case str():
            return harmless(value)
        case list():
            return [_without_signs(one) for one in value]
        case dict():
            return {key: _without_signs(one) for key, one in value.items()}
    return value


def _people(*, colors: bool) -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=colors,
        pad_event_to=18,
        timestamp_key="at",
        exception_formatter=structlog.dev.plain_traceback,
    )


class _Json:
    """One JSON object a line, `at`, `level` and `event` first; before it, for journald only, its priority."""

    def __init__(self, *, journal: bool) -> None:
        self._journal = journal

    def __call__(self, _: Any, __: str, line: _Dict) -> str:
        level = line.get("level", "info")
        ordered = {"at": line.pop("at", None), "level": line.pop("level", level), "event": line.pop("event", None)}
        text = harmless_json(json.dumps({**ordered, **line}, ensure_ascii=False))
        return f"<{_PRIORITIES.get(level, 6)}>{text}" if self._journal else text


def _journal(log: Log) -> bool:
    """Whether lines go to journald, which takes the priority from a `<n>` before them: sd-daemon(3)."""
    if log.file is not None:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
