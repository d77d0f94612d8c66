"""ColBERT scores of candidates, in the encoder process; the vectors of texts seen before are kept there.

Source: Khattab and Zaharia 2020, arXiv:2004.12832, section 3.3, as FlagEmbedding's `colbert_score` has it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpsed.encoding.encoder import ColbertEncoder, Text, rough_tokens
from glimpsed.records import Encoding

KEPT = 96 << 20
"""Bytes of the vectors of texts: some 500 pictures of 100 tokens with the published weights."""

KEPT_QUESTIONS = 4 << 20
"""Bytes of the vectors of questions: people turn pages and repeat themselves."""

Many = NDArray[np.floating[Any]]
"""The ColBERT vectors of one text, shape (tokens - 1, dimension)."""


def colbert_score(question: Many, text: Many) -> float:
    """For each token of the question its largest similarity with a token of the text; the mean of these."""
    similarities = question.astype(np.float32) @ text.astype(np.float32).T
    return float(similarities.max(axis=1).sum() / len(question))


class Kept:
    """The most recently used vectors, at most so many bytes of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Hashable, Many] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Many | None:
        """The vectors of this key, which is used by that."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, vectors: Many) -> None:
        """Keep them; those that were not used for longest go."""
        former = self._kept.pop(key, None)
        self._size += vectors.nbytes - (0 if former is None else former.nbytes)
        self._kept[key] = vectors
        while self._size > self._most:
            self._size -= self._kept.popitem(last=False)[1].nbytes


@dataclass(frozen=True, slots=True)
class Scores:
    """What became of candidates."""

    scores: list[float | None]
    """In their order; None for those that were not scored."""
    fresh: list[int]
    """The places of those whose vectors were not there and have been made."""
    seconds: float
    """That making them took."""


class Scorer:
    """Scores texts against questions with one encoder; equal text ids are equal texts."""

    def __init__(
        self, encoder: ColbertEncoder, *, kept: int = KEPT, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._encoder = encoder
        self._texts = Kept(kept)
        self._questions = Kept(KEPT_QUESTIONS)
        self._clock = clock

    def ask(self, questions: Sequence[Text]) -> list[Encoding]:
        """As the encoder's `encode`; `score` need not encode these questions again. Raises DeviceError as it does."""
        encodings = self._encoder.encode_all(questions, query=True)
        for question, encoding in zip(questions, encodings, strict=True):
            self._questions.put(question, vectors_of(encoding))
        return encodings

    def score(self, question: Text, texts: Sequence[tuple[str, Text]], *, room: int, least: int = 0) -> Scores:
        """Score texts (id and text, best first): those whose vectors are kept, and as many new ones as `room` allows.

        `room` is in rough tokens of the new ones, which are taken from the first until one does not fit; `least` of
        them are taken however long. Raises DeviceError as `encode` does.
        """
        asked = self._questions.get(question)
        if asked is None:
            asked = vectors_of(self.ask([question])[0])
        known: dict[int, Many] = {}
        unknown: list[int] = []
        for place, (key, _) in enumerate(texts):
            vectors = self._texts.get(key)
            if vectors is None:
                unknown.append(place)
            else:
                known[place] = vectors
        fresh = unknown[: fitting([rough_tokens(texts[place][1]) for place in unknown], room, least)]
        before = self._clock()
        made = self._encoder.encode_all([texts[place][1] for place in fresh], query=False)
        seconds = self._clock() - before
        for place, encoding in zip(fresh, made, strict=True):
            known[place] = vectors_of(encoding)
            self._texts.put(texts[place][0], known[place])
        scores = [colbert_score(asked, known[place]) if place in known else None for place in range(len(texts))]
        return Scores(scores, fresh, seconds)


def vectors_of(encoding: Encoding) -> Many:
    """Its ColBERT vectors, which one of `encode_all` has."""
    assert encoding.colbert is not None
    return encoding.colbert


def fitting(weights: Sequence[int], room: int, least: int = 0) -> int:
    """How many of these, from the first, are at most `room` together; at least `least` if there are so many."""
    for number, weight in enumerate(weights):
        room -= weight
        if room < 0 and number >= least:
            return number
    return len(weights)
