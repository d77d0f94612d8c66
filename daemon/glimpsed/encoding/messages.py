"""What the daemon and an encoder process say to each other: msgspec structs, vectors as raw bytes."""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from glimpsed.encoding.devices import Device
from glimpsed.encoding.encoder import EncoderInfo, Text
from glimpsed.encoding.passes import Passed
from glimpsed.errors import (
    DeviceError,
    EncoderError,
    ExtraMissingError,
    HeadsMissingError,
    OwnCodeError,
    WeightsMissingError,
)
from glimpsed.records import Encoding, Sparse


class EncoderSpec(msgspec.Struct, frozen=True):
    """Which encoder a process loads, and how."""

    kind: Literal["fallback", "bge-m3", "sentence"]
    folder: bytes = b""
    """Of the weights, as `os.fsencode` gives it; the fallback has its own."""
    device: str = "cpu"
    max_length: int = 512
    """Tokens of one text."""
    max_tokens_per_batch: int = 8192
    trust_remote_code: bool = False
    """Whether code that comes with the model may be run."""


class Load(msgspec.Struct, tag="load"):
    """Load the encoder; the same one that is loaded already stays, another one goes first."""

    spec: EncoderSpec


class Probe(msgspec.Struct, tag="probe"):
    """Say which devices there are."""


class Measure(msgspec.Struct, tag="measure"):
    """Say how fast the loaded encoder is."""


class Encode(msgspec.Struct, tag="encode"):
    """Encode texts."""

    texts: list[Text]
    query: bool


class Score(msgspec.Struct, tag="score"):
    """Give the ColBERT scores of texts, those that are kept and new ones as `Scorer.score` takes them."""

    question: str
    texts: list[tuple[str, Text]]
    """Text ids and texts, best candidates first."""
    room: int
    least: int


class Loaded(msgspec.Struct, tag="loaded"):
    """The encoder is ready."""

    id: str
    name: str
    dimension: int
    device: str
    has_sparse: bool
    has_colbert: bool
    precision: str
    max_tokens: int

    def info(self) -> EncoderInfo:
        """The same as the rooms have it."""
        return EncoderInfo(**msgspec.structs.asdict(self))


class Unloaded(msgspec.Struct, tag="unloaded"):
    """Nothing is loaded: the process is a new one."""


class Probed(msgspec.Struct, tag="probed"):
    """The devices, in order of preference."""

    devices: list[Device]


class Measured(msgspec.Struct, tag="measured"):
    """The speed of the loaded encoder."""

    texts_per_second: float


class Weights(msgspec.Struct):
    """Token weights of one text, little-endian: int32 token ids and float32 weights."""

    tokens: bytes
    weights: bytes


class Encoded(msgspec.Struct, tag="encoded"):
    """Encodings in the order of the texts; `dense` is little-endian float32, shape (len(cuts), dimension)."""

    dimension: int
    dense: bytes
    cuts: list[int]
    sparse: list[Weights] | None = None
    passed: Passed = Passed()
    """In how many batches, and with how much padding; nothing for a question."""


class Scored(msgspec.Struct, tag="scored"):
    """Scores in the order of the texts, as `scoring.Scores` has them."""

    scores: list[float | None]
    fresh: list[int]
    seconds: float


class Failed(msgspec.Struct, tag="failed"):
    """The process lives, and could not do what it was asked."""

    kind: str
    what: str
    where: str | None = None
    hint: str | None = None


Request = Load | Probe | Measure | Encode | Score
"""What the daemon asks."""

Reply = Loaded | Unloaded | Probed | Measured | Encoded | Scored | Failed
"""What the process answers."""

FAILURES: dict[str, type[EncoderError]] = {
    kind.__name__: kind
    for kind in (EncoderError, ExtraMissingError, WeightsMissingError, HeadsMissingError, OwnCodeError, DeviceError)
}
"""The errors that cross the pipe, by name."""


def pack_texts(texts: Sequence[Text], *, query: bool) -> Encode:
    """Texts as a message; what no UTF-8 can say (names that are not) becomes question marks."""
    return Encode([tuple(map(_sayable, text)) for text in texts], query)


def pack_candidates(question: str, texts: Sequence[tuple[str, Text]], *, room: int, least: int) -> Score:
    """Candidates as a message, written as `pack_texts` does."""
    sayable = [(text_id, tuple(map(_sayable, text))) for text_id, text in texts]
    return Score(_sayable(question), sayable, room, least)


def _sayable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def pack_encodings(encodings: Sequence[Encoding], dimension: int) -> Encoded:
    """The encodings of one encoder as a message."""
    dense = np.zeros((len(encodings), dimension), dtype="<f4")
    sparse: list[Weights] = []
    for row, one in zip(dense, encodings, strict=True):
        row[:] = one.dense
        if one.sparse is not None:
            sparse.append(
                Weights(
                    np.asarray(one.sparse.tokens, dtype="<i4").tobytes(),
                    np.asarray(one.sparse.weights, dtype="<f4").tobytes(),
                )
            )
    return Encoded(
        dimension,
        dense.tobytes(),
        [one.cut for one in encodings],
        sparse if encodings and len(sparse) == len(encodings) else None,
    )


def unpack_encodings(message: Encoded) -> list[Encoding]:
    """The encodings of a message. Raises ValueError where its sizes contradict each other."""
    dense = np.frombuffer(message.dense, dtype="<f4").reshape(len(message.cuts), message.dimension)
    dense = dense.astype(np.float32)  # a copy of its own: the message's bytes are read-only
    if message.sparse is None:
        return [Encoding(vector, cut=cut) for vector, cut in zip(dense, message.cuts, strict=True)]
    return [
        Encoding(vector, _unpack_weights(weights), cut)
        for vector, weights, cut in zip(dense, message.sparse, message.cuts, strict=True)
    ]


def _unpack_weights(message: Weights) -> Sparse:
    tokens = np.frombuffer(message.tokens, dtype="<i4").astype(np.int32)
    weights = np.frombuffer(message.weights, dtype="<f4").astype(np.float32)
    if tokens.shape != weights.shape:
        raise ValueError("token ids and weights differ in number")
    return Sparse(tokens, weights)


def pack_error(error: EncoderError) -> Failed:
    """An error as a message; a kind that the tree does not know crosses as its nearest ancestor there."""
    kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in FAILURES)
    where, hint = (None if part is None else _sayable(part) for part in (error.where, error.hint))
    return Failed(kind, _sayable(error.what), where, hint)


def unpack_error(message: Failed) -> EncoderError:
    """The error of a message, to be raised."""
    return FAILURES.get(message.kind, EncoderError)(message.what, where=message.where, hint=message.hint)
