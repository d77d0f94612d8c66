"""A table and encoders in memory, under the contract that searching relies on."""

import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tests.predicate import asked_for, taken

from glimpsed.errors import EncoderError
from glimpsed.folding import fold
from glimpsed.records import Encoding, Filters, Part, Row
from glimpsed.searching import coverage, ports

FALLBACK, STRONG = "small/1", "large/1"


def row(
    path: str,
    text: str = "",
    *,
    vector: Iterable[float] | None = None,
    strong: Iterable[float] | None = None,
    parts: tuple[Part, ...] | None = None,
    content_id: str | None = None,
    format: str = "jpeg",
    taken_at: str | None = None,
    mtime: int = 0,
    missing_since: float | None = None,
    **fields: Any,
) -> Row:
    """A row whose description is `parts`, or one caption."""
    description = parts if parts is not None else ((Part("caption", text),) if text else ())
    return Row(
        path=path,
        folder="/" + path.split("/")[1],
        content_id=path if content_id is None else content_id,
        description=description,
        text="\n".join(part.text for part in description),
        vector=None if vector is None else unit(vector),
        strong=None if strong is None else unit(strong),
        encoder=STRONG if strong is not None else FALLBACK,
        format=format,
        taken_at=taken_at,
        mtime_ns=mtime * 10**9,
        missing_since=missing_since,
        **{"width": 4, "height": 3} | fields,
    )


def unit(values: Iterable[float]) -> NDArray[np.float32]:
    vector = np.asarray(list(values), np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def _tokens(text: str) -> list[str]:
    return [term.text for term in coverage.terms(text)]


class MemoryTable:
    """Rows in a list: exact cosines, BM25 over words and pairs of characters."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = {one.path: one for one in rows}
        self.version = 1
        self.asked: list[str] = []
        self.matched: list[str] = []
        self.counted = 0

    def _left(self, filters: Filters) -> list[Row]:
        return [one for one in self.rows.values() if asked_for(one, filters)]

    def at_hand(self, filters: Filters) -> bool:
        return filters == Filters()

    async def nearest(
        self,
        vector: NDArray[np.float32],
        *,
        strong: bool,
        filters: Filters,
        k: int,
        encoder: str | None = None,
    ) -> list[tuple[str, float]]:
        found = []
        for one in self._left(filters):
            theirs = one.strong if strong else one.vector
            if theirs is not None and encoder in (None, one.encoder):
                found.append((one.path, float(theirs @ vector)))
        return sorted(found, key=lambda pair: -pair[1])[:k]

    async def match(self, question: str, filters: Filters, k: int) -> list[tuple[str, float]]:
        self.matched.append(question)
        left = self._left(filters)
        counts = {one.path: Counter(_tokens_of(one.text)) for one in left}
        mean = sum(sum(count.values()) for count in counts.values()) / max(1, len(counts))
        scores: dict[str, float] = {}
        for term in set(_tokens(question)):
            holders = [path for path, count in counts.items() if count[term]]
            idf = math.log1p((len(left) - len(holders) + 0.5) / (len(holders) + 0.5))
            for path in holders:
                tf, length = counts[path][term], sum(counts[path].values())
                scores[path] = scores.get(path, 0) + idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / mean))
        return sorted(scores.items(), key=lambda pair: -pair[1])[:k]

    async def frequency(self, word: str) -> int:
        self.asked.append(word)
        wanted = coverage.fold(word)
        return sum(wanted in _tokens_of(one.text) for one in self._left(Filters()))

    async def folder_counts(self) -> dict[str, int]:
        self.counted += 1
        return dict(Counter(one.folder for one in self._left(Filters())))

    async def select(self, paths: Collection[str], *, since: int | None = None) -> dict[str, Row]:
        return {path: self.rows[path] for path in paths if path in self.rows}

    async def recent(self, filters: Filters, k: int) -> list[Row]:
        return sorted(self._left(filters), key=lambda one: (taken(one), one.path), reverse=True)[:k]

    async def by_name(self, filters: Filters, k: int) -> list[Row]:
        return sorted(self._left(filters), key=lambda one: (fold(os.path.basename(one.path)), one.path))[:k]

    async def names(self, column: Literal["camera", "place", "directory"]) -> list[str]:
        rows = self._left(Filters())
        if column == "directory":
            return list({os.path.dirname(one.path) for one in rows})
        return list({name for one in rows if (name := getattr(one, column)) is not None})

    async def phrase(self, phrases: Sequence[str], filters: Filters, k: int) -> list[tuple[str, float]]:
        wanted = [fold(phrase) for phrase in phrases]
        texts = {one.path: fold(one.text) + " " + fold(os.path.basename(one.path)) for one in self._left(filters)}
        return [(path, 1.0) for path, text in texts.items() if all(phrase in text for phrase in wanted)][:k]


def _tokens_of(text: str) -> list[str]:
    return [coverage.fold(token) for token in _tokens(text)]


@dataclass(frozen=True)
class Asked:
    """A question in two spaces."""

    fallback: Encoding
    strong: Encoding | None = None


def asked(values: Iterable[float]) -> Asked:
    """A question of which the fallback alone has made a vector."""
    return Asked(Encoding(unit(values)))


class MemoryEncoders:
    """Encodings by heart; a question not known raises EncoderError."""

    fallback_id = FALLBACK

    def __init__(
        self, known: dict[str, Asked], chosen_id: str = FALLBACK, *, scores: Mapping[str, float] | None = None
    ) -> None:
        self.known = known
        self.chosen_id = chosen_id
        self.scores = scores or {}
        self.compared: list[tuple[list[str], int | None]] = []

    async def question(self, text: str) -> Asked:
        if text not in self.known:
            raise EncoderError("the encoder is gone")
        return self.known[text]

    async def colbert(
        self, question: str, texts: Sequence[tuple[str, tuple[str, ...]]], *, at_most: int | None
    ) -> dict[str, float]:
        """The scores known by heart, of the first `at_most` texts."""
        self.compared.append(([text_id for text_id, _ in texts], at_most))
        return {text_id: self.scores[text_id] for text_id, _ in texts[:at_most] if text_id in self.scores}


@dataclass(frozen=True)
class Weights:
    dense: float = 0.4
    sparse: float = 0.2
    colbert: float = 0.4
    text: float = 1.0


@dataclass(frozen=True)
class Settings:
    weights: ports.Weights = field(default_factory=Weights)
    min_score: float = 0.0
    colbert: str | int = "auto"
