"""What an encoder is, and how a text of many parts is made to fit one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from glimpsed.errors import EncoderError
from glimpsed.records import Encoding

Text = tuple[str, ...]
"""The parts of one text to encode, most telling first."""

JOINT = "\n"
"""Stands between two parts; tokenizers take it for a blank."""

_LONGEST = 64  # characters of one token and the blanks around it, generously: bounds the search for a cut


class Encoder(Protocol):
    """Turns texts into encodings; one caller at a time. Encodings of different ids are never compared."""

    @property
    def id(self) -> str:
        """Model, revision and settings: whatever changes a vector changes the id."""
        ...

    @property
    def name(self) -> str:
        """For people: `fallback`, `BGE-M3`."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a dense vector."""
        ...

    @property
    def device(self) -> str:
        """Where it runs: `cpu`, `cuda:0`."""
        ...

    @property
    def has_sparse(self) -> bool:
        """Whether its encodings carry token weights."""
        ...

    @property
    def has_colbert(self) -> bool:
        """Whether it is a `ColbertEncoder`."""
        ...

    @property
    def precision(self) -> str:
        """What it computes in, for people: `float32`, `bfloat16`, `4 bits`."""
        ...

    @property
    def max_tokens(self) -> int:
        """The longest text it takes, special tokens counted."""
        ...

    def encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        """One encoding a text, in order; `dense` is float32 of unit length, shape (dimension,).

        Texts too long are cut as `fit` does, and `Encoding.cut` says by how many parts. An empty text has an
        encoding too. Raises DeviceError when the device is lost or too small even for one text.
        """
        ...

    def close(self) -> None:
        """Give the memory back; the encoder is not used after."""
        ...


class ColbertEncoder(Encoder, Protocol):
    """An encoder with a vector for each token, too: what `has_colbert` promises."""

    def encode_all(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        """As `encode`, and each encoding has its `colbert`: at least one vector, float16 or better."""
        ...


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """What is to be known of a loaded encoder that lives in another process."""

    id: str
    name: str
    dimension: int
    device: str
    has_sparse: bool
    has_colbert: bool
    precision: str
    max_tokens: int


class UnencodableError(EncoderError):
    """Some texts of a call end the encoder process whenever they are tried; the others are encoded.

    `encodings` has None at the place of each text in `faults`.
    """

    def __init__(self, encodings: Sequence[Encoding | None], faults: Mapping[int, str]) -> None:
        told = "; ".join(f"text {place}: {fault}" for place, fault in sorted(faults.items()))
        super().__init__(f"{len(faults)} of {len(encodings)} texts cannot be encoded: {told}")
        self.encodings = tuple(encodings)
        self.faults = dict(faults)


class Fitted(NamedTuple):
    """A text as an encoder takes it."""

    text: str
    tokens: int
    cut: int
    """How many parts were left out or shortened."""


def fit(text: Text, count: Callable[[str], int], limit: int) -> Fitted:
    """The parts of `text` that fit `limit` tokens, joined in order.

    `count` tells the tokens of a string, special tokens included. Parts are taken whole, most telling first; one
    that does not fit any more is left out, and shorter ones after it still have their turn. Only where leaving it
    out would waste more than half of the limit (the first part is too long, or a page of OCR text follows a short
    name) it is shortened to the room that is left, at a line's or a word's end where there is one.
    """
    whole = JOINT.join(text)
    tokens = count(whole)
    if tokens <= limit:
        return Fitted(whole, tokens, 0)
    joined, tokens, cut = "", count(""), 0
    for part in text:
        head = joined + JOINT if joined else ""
        needed = count(head + part)
        if needed <= limit:
            joined, tokens = head + part, needed
            continue
        cut += 1
        if 2 * tokens <= limit:
            joined, tokens = _shorten(head, part, count, limit)
    return Fitted(joined, tokens, cut)


def rough_tokens(text: Text) -> int:
    """About how many tokens a text has, without a tokenizer: for sharing work out, not for cutting."""
    # A token is some four letters of Latin text, and some one and a half signs (five bytes) of Chinese.
    return 4 + sum(1 + len(part.encode("utf-8", "replace")) // 4 for part in text)


def _shorten(head: str, part: str, count: Callable[[str], int], limit: int) -> tuple[str, int]:
    """`head` and as much of `part` as fits, and the tokens of both."""
    low, high = 0, min(len(part), limit * _LONGEST)  # `low` characters fit, `high` do not
    while high - low > 1:
        middle = (low + high) // 2
        if count(head + part[:middle]) <= limit:
            low = middle
        else:
            high = middle
    # Half a word or half a line says something else than the whole; scripts without blanks are cut anywhere.
    for end in (part.rfind("\n", 0, low + 1), part.rfind(" ", 0, low + 1)):
        if end > low * 3 // 4:
            low = end
            break
    shortened = head + part[:low]
    while low and (tokens := count(shortened)) > limit:  # tokenizers are not quite monotonous
        low -= 1
        shortened = head + part[:low]
    tokens = count(shortened)
    return shortened, tokens
