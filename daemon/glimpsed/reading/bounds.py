"""How much of one picture is taken in besides its pixels. What has more is read as far as that, and its fault says so.

The parsers ask `now()`: what bounds the reading under way, and what it has used up.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from glimpsed.reading.faults import too_large
from glimpsed.records import Fault, Part

_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The keys `max_…` of `[read]`, but for the pixels."""

    bytes: int = 512 << 20
    """Of a file; a larger one is not read at all."""
    frames: int = 10_000
    """Or pages, of one file."""
    pages: int = 100
    """Of one file whose words are read."""
    metadata: int = 64 << 20
    """Bytes of all its metadata blocks together."""
    inflated: int = 64 << 20
    """Bytes that all its packed texts and profiles become."""
    packet: int = 4 << 20
    """Bytes of one XMP packet, or of one sidecar."""
    values: int = 20_000
    """Of one XMP packet or IPTC block; no person wrote more."""
    text: int = 1 << 20
    """Bytes of words that are kept, in UTF-8."""
    xml_entities: int = 0
    """That an XMP packet may declare; 0 refuses every document type."""


USUAL = Bounds()


class Spent:
    """What one reading has used up, and of what there was too much."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._metadata = bounds.metadata
        self._inflated = bounds.inflated
        self._too_much: dict[str, None] = {}

    @property
    def fault(self) -> Fault | None:
        """All that there was too much of; None where there was not."""
        return too_large("; ".join(self._too_much)) if self._too_much else None

    def too_much(self, what: str, key: str, most: int) -> None:
        """Take note of `what` there is more than `[read] key` allows; the same once."""
        self._too_much[f"{what}; at most {most:,} are read ([read] {key})"] = None

    def metadata(self, block: bytes) -> bytes:
        """The block, or nothing where no room is left for it."""
        if len(block) <= self._metadata:
            self._metadata -= len(block)
            return block
        self.too_much(f"{len(block):,} bytes of metadata", "max_metadata", self.bounds.metadata)
        return b""

    @property
    def block(self) -> int:
        """Bytes of metadata to cut out of a file at most: one more than are read, which tells that there are more."""
        return self.bounds.metadata + 1

    @property
    def inflatable(self) -> int:
        """Bytes that may still be unpacked."""
        return self._inflated

    def inflated(self, size: int, *, whole: bool) -> None:
        """`size` bytes were unpacked; they are not the `whole` where there was no room for more."""
        self._inflated = max(0, self._inflated - size)
        if not whole:
            self.too_much("text that unpacks to more bytes", "max_inflated", self.bounds.inflated)

    def frames(self, count: int) -> int:
        """How many of `count` frames are looked at."""
        if count > self.bounds.frames:
            self.too_much("more frames or pages", "max_frames", self.bounds.frames)
        return min(count, self.bounds.frames)

    def packet(self, size: int, what: str) -> bool:
        """Whether `what`, of so many bytes, is small enough to be read."""
        if size > self.bounds.packet:
            self.too_much(f"{what} of more bytes", "max_packet", self.bounds.packet)
        return size <= self.bounds.packet

    def values(self, found: Iterable[_V], what: str) -> Iterator[_V]:
        """The first of what is found in `what`, as many as may be."""
        for count, one in enumerate(found):
            if count == self.bounds.values:
                self.too_much(f"more values in {what}", "max_values", self.bounds.values)
                return
            yield one

    def words(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """The parts, the first of them, as far as there is room."""
        kept, left = [], self.bounds.text
        for part in parts:
            left -= len(part.text.encode())
            if left < 0:
                self.too_much("more bytes of text", "max_text", self.bounds.text)
                break
            kept.append(part)
        return tuple(kept)

    def entities(self) -> None:
        """An XMP packet declares too many entities, or any document type where none may."""
        self.too_much("XMP that declares entities", "max_xml_entities", self.bounds.xml_entities)


_SPENT: ContextVar[Spent] = ContextVar("spent")


def now() -> Spent:
    """The account of the reading under way; one of its own where there is none."""
    return _SPENT.get(None) or Spent(USUAL)


@contextmanager
def bounded(bounds: Bounds) -> Iterator[Spent]:
    """One reading."""
    spent = Spent(bounds)
    token = _SPENT.set(spent)
    try:
        yield spent
    finally:
        _SPENT.reset(token)


@contextmanager
def again() -> Iterator[None]:
    """What is read a second time was counted at the first, and is not in this block."""
    with bounded(now().bounds):
        yield
