"""What searching needs of the table and the encoders, and what it hands back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from glimpsed.records import Encoding, Filters, Row

Sort = Literal["relevance", "date", "name"]
"""What hits are sorted by; without words `relevance` is `date`."""

Certainty = Literal["sure", "maybe"]


class Table(Protocol):
    """The reads that a search makes; every list comes best first."""

    @property
    def version(self) -> int:
        """Grows with every commit."""
        ...

    async def nearest(
        self, vector: Any, *, strong: bool, filters: Filters, k: int, encoder: str | None = None
    ) -> Sequence[tuple[str, float]]:
        """(path, cosine similarity) of the rows that have such a vector, made by `encoder` if that is given."""
        ...

    def at_hand(self, filters: Filters) -> bool:
        """Whether `nearest` would compare the fallback's vectors in memory, which takes a core."""
        ...

    async def match(self, question: str, filters: Filters, k: int) -> Sequence[tuple[str, float]]:
        """(path, bm25) of the rows that hold any of the question's words."""
        ...

    async def frequency(self, word: str) -> int:
        """How many rows hold the word."""
        ...

    async def folder_counts(self) -> Mapping[str, int]:
        """How many rows each folder has."""
        ...

    async def select(self, paths: Collection[str], *, since: int | None = None) -> Mapping[str, Row]:
        """The rows of these paths, those that are there; vectors, `text` and what only indexing needs may be left out.

        As they are now or, with `since`, in some version of the table from that one on.
        """
        ...

    async def phrase(self, phrases: Sequence[str], filters: Filters, k: int) -> Sequence[tuple[str, float]]:
        """(path, bm25) of rows that may hold every phrase, in their text or their file's name.

        None that has it as it is written, accents of Latin letters aside, is left out unless there are more than `k`.
        """
        ...

    async def recent(self, filters: Filters, k: int) -> Sequence[Row]:
        """Newest first, by when the picture was taken, else by when the file changed."""
        ...

    async def by_name(self, filters: Filters, k: int) -> Sequence[Row]:
        """By the name of the file, case and accents aside, then by path."""
        ...

    async def names(self, column: Literal["camera", "place", "directory"]) -> Sequence[str]:
        """The different values of a column, or the directories that rows lie in; in no order."""
        ...


class Question(Protocol):
    """A question in the space of each encoder that could take it."""

    @property
    def fallback(self) -> Encoding:
        """By the fallback: always there."""
        ...

    @property
    def strong(self) -> Encoding | None:
        """By the chosen encoder where that is another one and can answer now."""
        ...


class Encoders(Protocol):
    """What a search needs of the encoders."""

    @property
    def fallback_id(self) -> str:
        """Of the encoder whose vector every row has."""
        ...

    @property
    def chosen_id(self) -> str:
        """Of the encoder whose vector rows should have; the fallback's id where no other was chosen."""
        ...

    async def question(self, text: str) -> Question:
        """Encode a question; never waits for a load."""
        ...

    async def colbert(
        self, question: str, texts: Sequence[tuple[str, tuple[str, ...]]], *, at_most: int | None
    ) -> Mapping[str, float]:
        """ColBERT scores by text id, of those of the (text id, text) that were scored; best candidates come first.

        `at_most` None: as many as take some 100 ms. None at all where the chosen encoder cannot. Never raises.
        """
        ...


class Weights(Protocol):
    """How much each signal counts; not negative, not all zero."""

    @property
    def dense(self) -> float:
        """Of nearness in meaning, within the model's score."""
        ...

    @property
    def sparse(self) -> float:
        """Of the encoder's token weights, within the model's score."""
        ...

    @property
    def colbert(self) -> float:
        """Of the comparison word by word, within the model's score."""
        ...

    @property
    def text(self) -> float:
        """Of the words themselves, against the sum of the three."""
        ...


class Settings(Protocol):
    """The section [search] of the configuration."""

    @property
    def weights(self) -> Weights:
        """Of the signals."""
        ...

    @property
    def colbert(self) -> str | int:
        """`auto`, `off`, or how many candidates are compared word by word."""
        ...

    @property
    def min_score(self) -> float:
        """0 to 1: hits below are not shown."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What a hit says of itself."""

    snippet: str
    positions: tuple[tuple[int, int], ...]
    why: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One picture of an answer."""

    id: str
    """The content id; empty where the file's bytes could never be read."""
    path: str
    folder: str
    score: float
    """0 to 1, comparable within one answer only."""
    signals: dict[str, float]
    """Those that apply, 0 to 1: `dense` is the cosine (of the fallback, after what all questions share is taken away:
    0.2 is much), `sparse` the product of the token weights, `colbert` the mean of each word's best match, `text` the
    share of the question that the row's words cover."""
    label: str
    """Of the part that matched best; empty where the row has no words at all."""
    certainty: Certainty
    """Whether it is what was asked for, as far as could be measured."""
    taken_at: str | None
    width: int | None
    height: int | None
    also: tuple[str, ...] = ()
    """Other paths of the same content, or of the same shot as a camera's raw file, that match too, best first."""
    snippet: str = ""
    """Set, as the next two are, where it is shown."""
    positions: tuple[tuple[int, int], ...] = ()
    """From and to, in characters of the snippet, of the words that matched."""
    why: str = ""
    tell: Callable[[], Told] | None = field(default=None, compare=False, repr=False)
    """Finds these three, which takes longer than all the rest; None where it was done."""

    def shown(self) -> "Hit":
        """The same hit with snippet, positions and reason."""
        if self.tell is None:
            return self
        told = self.tell()
        return replace(self, snippet=told.snippet, positions=told.positions, why=told.why, tell=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of hits, best first."""

    hits: tuple[Hit, ...]
    next: str | None
    """Cursor of the next page; None at the end."""
    took_ms: float
    encoders: tuple[str, ...]
    """Ids of the encoders that took part."""
    warnings: tuple[str, ...] = ()
    nothing_fits: bool = False
    """Whether words were asked for and no hit, of the first page or this one, is better than `maybe`."""
