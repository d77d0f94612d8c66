"""The words of the index, in memory: a part of a word finds those that begin with it or hold it.

The full-text index has whole words only, and knows them as they are written: some accents, widths and marks make
another word there. So a question's word that few rows have is held against all words of the index, and those that
are forms of it are asked for too. Measured with 200,000 words: 2 MB (50 for the half second in
which they are read), and at most 3 ms a word.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio import to_thread

from glimpsed.errors import TableError
from glimpsed.folding import fold
from glimpsed.searching.forms import Form

MOST = 50
"""Words that one word of a question stands for."""
KEPT = 200_000
"""Words of a table, the most common ones; another tenth before it is read anew."""
_RECENT = KEPT // 10
COMMON = 20
"""Rows: how many hold a word that is in as many is remembered; the table tells it of the others in no time."""
_COMMON_KEPT = 50_000
"""Words that this is remembered of."""
_EXAMINED = 2_000
"""Words that are compared with one of a question."""
_EVERY = 1.0
"""Seconds between two readings of a table that changes …"""
_SHARE = 20
"""… and so many times as long as the last reading took."""
_WAIT = 0.03
"""Seconds that a question waits for the words of the newest rows."""


@dataclass(frozen=True)
class Words:
    """A list of words, most common first."""

    lines: str = "\n"
    """Folded, each between two newlines."""
    written: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """How the index has the folded words that it would not find by themselves."""

    @classmethod
    def made(cls, words: Iterable[str]) -> "Words":
        """From words as they are written."""
        forms: dict[str, list[str]] = {}
        for count, word in enumerate(words):
            if not count % 4096:
                time.sleep(0)  # a search may want the interpreter
            forms.setdefault(fold(word), []).append(word)
        forms.pop("", None)
        odd = {plain: tuple(given) for plain, given in forms.items() if any(map(_is_odd, given))}
        return cls("\n" + "".join(f"{plain}\n" for plain in forms), odd)

    def matching(self, form: Form) -> Iterator[tuple[str, float]]:
        """The words that are forms of a term, with how well they are; those that begin like it first."""
        seen: set[str] = set()
        for needle in filter(None, ("\n" + form.begins if form.begins else "", form.within)):
            at, examined = self.lines.find(needle), 0
            while at >= 0 and examined < _EXAMINED:
                examined += 1
                start = at + 1 if needle[0] == "\n" else self.lines.rfind("\n", 0, at) + 1
                end = self.lines.find("\n", start)
                word = self.lines[start:end]
                if word not in seen and (strength := form.strength(word)):
                    yield word, strength
                seen.add(word)
                at = self.lines.find(needle, end)

    def holding(self, run: str) -> Iterator[str]:
        """The words that hold these letters, wherever; those that begin with them first."""
        for needle in ("\n" + run, run):
            at = self.lines.find(needle)
            while at >= 0:
                start = self.lines.rfind("\n", 0, at + 1) + 1
                end = self.lines.find("\n", start)
                yield self.lines[start:end]
                at = self.lines.find(needle, end)

    def spelled(self, word: str) -> tuple[str, ...]:
        """How the index has a folded word."""
        return self.written.get(word, (word,))


def _is_odd(word: str) -> bool:
    """Whether the full-text index would not find a word by its folded form: it folds Latin letters only."""
    return (
        not word.isascii() and (not fold(word).isascii() or "İ" in word or "ı" in word) and word.lower() != fold(word)
    )


class Counted(Protocol):
    """The words of some rows."""

    @property
    def rows(self) -> int:
        """How many rows."""
        ...

    def words(self, most: int) -> Sequence[str]:
        """As they are written, most common first."""
        ...

    def common(self, least: int, most: int) -> Mapping[str, int]:
        """Those, as they are written, that at least so many rows hold, at most so many of them; how many do."""
        ...


class Table(Protocol):
    """What the vocabulary reads."""

    @property
    def version(self) -> int:
        """Grows with every commit."""
        ...

    async def wait_changed(self, since: int) -> None:
        """Until there is another version than that one."""
        ...

    async def words(self) -> Counted:
        """The words of all rows."""
        ...

    async def new_words(self) -> Counted | None:
        """The words of what was committed since this or `words` was called; None where all has to be read."""
        ...


class Vocabulary:
    """All words of a table, kept up to date by `run`; without it, or before it, there are none."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._base = Words()
        self._frequencies: dict[str, int] = {}
        self._recent: dict[str, None] = {}
        self._new = Words()
        self._version: int | None = None
        self._rows = 0
        self._read = 0
        self._wanted = anyio.Event()
        self._changed = anyio.Event()

    @property
    def words(self) -> int:
        """How many words there are."""
        return self._base.lines.count("\n") + self._new.lines.count("\n") - 2

    def frequency(self, word: str) -> int | None:
        """How many rows hold a folded word, as of the last reading of all rows; None where it was not common then."""
        return self._frequencies.get(word)

    def spellings(self, word: str) -> tuple[str, ...]:
        """How the index has a folded word that it would not find by itself; none where it would."""
        return (*self._base.written.get(word, ()), *self._new.written.get(word, ()))

    async def run(self) -> None:
        """Read the table whenever it has changed, in the background; until cancelled. Sleeps while it does not."""
        while True:
            began, version = time.perf_counter(), self._table.version
            if self._version != version:
                with suppress(TableError):  # a search will say so; the table is looked at again
                    await self.update()
            self._changed.set()
            self._changed = anyio.Event()
            self._wanted = anyio.Event()
            took = time.perf_counter() - began
            with anyio.move_on_after(max(_EVERY, _SHARE * took)):
                await self._wanted.wait()
            if self._version == version:
                await self._table.wait_changed(version)

    async def wait_newest(self) -> None:
        """Wait until the words of the newest rows are there, but not for long."""
        if self._version in (None, self._table.version):
            return
        self._wanted.set()
        with anyio.move_on_after(_WAIT):
            await self._changed.wait()

    async def update(self) -> None:
        """Read the rows that are new; all, where that is the first time or most have changed."""
        version = self._table.version
        full = self._version is None or self._read > self._rows // 2 + 1000 or len(self._recent) > _RECENT
        counted = None if full else await self._table.new_words()
        if counted is None:
            counted = await self._table.words()
            self._base, self._frequencies = await to_thread.run_sync(_made, counted)
            self._recent, self._new = {}, Words()
            self._rows, self._read = counted.rows, 0
        else:
            self._recent |= dict.fromkeys(counted.words(KEPT))
            self._new = Words.made(self._recent)
            self._read += counted.rows
        self._version = version

    def forms(self, form: Form) -> dict[str, float]:
        """At most MOST words, as the index has them, that are forms of a term, and how well; the best first."""
        found: dict[str, float] = {}
        for words in (self._base, self._new):
            for enough, (word, strength) in enumerate(words.matching(form)):
                if enough >= MOST:
                    break
                found |= dict.fromkeys(words.spelled(word), strength)
        return dict(sorted(found.items(), key=lambda one: -one[1])[:MOST])

    def holding(self, run: str) -> list[str]:
        """At most MOST words of the index that hold these letters, those that begin with them first."""
        found: dict[str, None] = {}
        for words in (self._base, self._new):
            for enough, word in enumerate(words.holding(run)):
                if enough >= MOST:
                    break
                found |= dict.fromkeys(words.spelled(word))
        return list(found)[:MOST]


def _made(counted: Counted) -> tuple[Words, dict[str, int]]:
    frequencies: dict[str, int] = {}
    for word, rows in counted.common(COMMON, _COMMON_KEPT).items():
        frequencies[fold(word)] = min(frequencies.get(fold(word), 0) + rows, counted.rows)
    return Words.made(counted.words(KEPT)), frequencies
