"""A line that tells how far a command is, on a terminal only: drawn in place after a second, gone at the end."""

import shutil
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from glimpsed.cli_show import draws, roughly, shown

if TYPE_CHECKING:
    from glimpsed.client import Client

PATIENCE = 1.0
"""Seconds that a command may take without a word."""

_EVERY = 0.2  # seconds between two looks
_WIDE = 24  # characters of the bar itself
_LEAST = 0.02  # of the whole: before it a time to go would be a guess
_ASKING = 5.0  # seconds that the daemon has to say how far it is
_CLEAR = "\r\x1b[K"


@dataclass(frozen=True, slots=True)
class At:
    """How far a work is."""

    done: int
    total: int | None = None
    """None where nobody knows."""
    note: str = ""
    """What is done just now, such as a path."""
    unit: str = ""
    """What is counted."""


def line(label: str, at: At | None, seconds: float, width: int) -> str:
    """What is shown after so many seconds, at most `width` columns: `verify [####----] 312 of 9,881, 37/s, 4 min`."""
    if at is None:
        return _cut(f"{label} … {roughly(seconds)}", width)
    unit = f" {at.unit}" if at.unit else ""
    if at.total is None:
        text = f"{label} … {at.done:,}{unit}, {roughly(seconds)}"
    else:
        share = min(1.0, at.done / at.total) if at.total > 0 else 1.0
        full = round(share * _WIDE)
        text = f"{label} [{'#' * full}{'-' * (_WIDE - full)}] {at.done:,} of {at.total:,}{unit}"
        if at.done and seconds > 0:
            text += f", {at.done / seconds:,.0f}/s" if at.done >= seconds else ""
            if _LEAST <= share < 1:
                text += f", about {roughly(seconds / share - seconds)}"
    return _cut(f"{text}  {at.note}" if at.note else text, width)


class Bar:
    """Told of each step by the one who works; draws seldom, and nothing where `stream` is no terminal."""

    def __init__(
        self, label: str, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._label = label
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._began = clock()
        self._next = self._began + PATIENCE
        self._terminal = draws(self._stream)
        self._drawn = False

    def at(self, done: int, total: int | None = None, note: str = "", *, unit: str = "") -> None:
        """So much is done; the note may be any text."""
        self.show(At(done, total, note, unit))

    def show(self, at: At | None) -> None:
        """The same, where it may not be known how much."""
        now = self._clock()
        if not self._terminal or now < self._next:
            return
        self._next = now + _EVERY
        text = line(self._label, at, now - self._began, shutil.get_terminal_size().columns - 1)
        self._drawn = True
        self._stream.write(_CLEAR + text)
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, so that something else can be printed; the next step draws it again."""
        if self._drawn:
            self._drawn = False
            self._stream.write(_CLEAR)
            self._stream.flush()


@contextmanager
def bar(label: str, stream: TextIO | None = None) -> Iterator[Bar]:
    """A bar for the block; its line is gone after it, however that ends."""
    made = Bar(label, stream)
    try:
        yield made
    finally:
        made.clear()


@contextmanager
def watched(label: str, look: Callable[[], At | None], stream: TextIO | None = None) -> Iterator[None]:
    """A bar for a block that waits for somebody else: `look` is asked from another thread how far they are.

    It is asked after PATIENCE, and not at all where there is no terminal; what it raises ends the looking, not the
    block.
    """
    stream = sys.stderr if stream is None else stream
    if not draws(stream):
        yield
        return
    over = threading.Event()
    made = Bar(label, stream)

    def keep_looking() -> None:
        wait = PATIENCE
        while not over.wait(wait):
            try:
                made.show(look())
            except Exception:  # the block itself will say what is wrong
                return
            wait = _EVERY

    thread = threading.Thread(target=keep_looking, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        made.clear()


@contextmanager
def working(label: str, client: "Client") -> Iterator[None]:
    """A bar for a block that waits for the daemon: how much of what it has to do is done."""
    from glimpsed.client import Client  # noqa: PLC0415  not where there is no terminal

    most = 0

    def look() -> At | None:
        nonlocal most
        with Client(client.socket_path, timeout=_ASKING) as other:
            pictures = other.status()["pictures"]
        left = pictures["waiting"] + pictures["stale"]
        most = max(most, left)
        return At(most - left, most, unit="pictures") if most else None

    with watched(label, look):
        yield


def _cut(text: str, width: int) -> str:
    """At most `width` columns of it; safe on any terminal."""
    text = shown(text)
    used, kept = 0, list[str]()
    for sign in text:
        used += 0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        if used > width:
            return "".join(kept[:-1]) + "…"
        kept.append(sign)
    return text
