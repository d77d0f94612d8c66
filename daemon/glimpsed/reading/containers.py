"""How the formats cut a file into pieces, without decoding one: each walker yields pieces until the file ends or errs.

A piece whose end lies beyond the file is yielded too, with that end: that is how a half-written file shows.
Sources: ITU T.81 annex B (JPEG), PNG 3rd edition section 5, RFC 9649 (WebP), GIF89a, ISO/IEC 14496-12 (boxes).
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Cut(NamedTuple):
    """Metadata blocks as they were cut out of a container, undecoded."""

    exif: bytes = b""
    """From the TIFF header on."""
    xmp: tuple[bytes, ...] = ()
    photoshop: bytes = b""
    """Image resources (`8BIM…`)."""


class Piece(NamedTuple):
    """One piece of a file: data[start:end] is its body."""

    kind: bytes
    start: int
    end: int


_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
LIMIT = 200_000
"""Pieces of one file; what has more is made to be slow."""


def jpeg(data: bytes) -> Iterator[Piece]:
    """Segments by marker byte, until EOI (`\\xd9`); entropy coded data lies between a scan (`\\xda`) and the next."""
    at, size = 2, len(data)
    for _ in range(LIMIT):
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 2 > size or data[at] != 0xFF:
            return
        kind = data[at + 1 : at + 2]
        if kind == b"\xd9":
            yield Piece(kind, at + 2, at + 2)
            return
        if kind == b"\x01" or 0xD0 <= kind[0] <= 0xD7:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield Piece(kind, at + 4, end)
        at = end
        if kind == b"\xda":
            found = _MARKER_IN_SCAN.search(data, at)
            if found is None:
                return
            at = found.start()


def png(data: bytes) -> Iterator[Piece]:
    """Chunks by type, `IEND` last."""
    at, size = 8, len(data)
    for _ in range(LIMIT):
        if at + 8 > size:
            return
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if not kind.isalpha():
            return
        yield Piece(kind, at + 8, at + 8 + length)
        at += 12 + length
        if kind == b"IEND":
            return


def riff(data: bytes) -> Iterator[Piece]:
    """Chunks of a WebP by type."""
    at, size = 12, len(data)
    for _ in range(LIMIT):
        if at + 8 > size:
            return
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield Piece(data[at : at + 4], at + 8, at + 8 + length)
        at += 8 + length + length % 2


def gif_start(data: bytes) -> int:
    """Where the first piece of a GIF stands: behind its header and its palette."""
    flags = data[10] if len(data) > 10 else 0
    return 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)


def gif(data: bytes) -> Iterator[Piece]:
    """Extensions by label (`\\xfe` comment), frames as `,`, the trailer as `;`; bodies with their length bytes."""
    at, size = gif_start(data), len(data)
    for _ in range(LIMIT):
        if at >= size:
            return
        kind = data[at : at + 1]
        if kind == b"!":
            kind = data[at + 1 : at + 2]
            at += 2
        elif kind == b",":
            flags = data[at + 9] if at + 9 < size else 0
            at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        else:
            yield Piece(kind, at + 1, at + 1)
            return
        start = at
        while at < size and data[at]:
            at += 1 + data[at]
        at += 1
        yield Piece(kind, start, at)


def boxes(data: bytes, start: int = 0) -> Iterator[Piece]:
    """Boxes of an ISO base media file (AVIF, JPEG 2000) by type; a body starts behind its header."""
    at, size = start, len(data)
    for _ in range(LIMIT):
        if at + 8 > size:
            return
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        header = 8
        if length == 1:
            length, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif length == 0:
            length = size - at
        if length < header:
            return
        yield Piece(kind, at + header, at + length)
        at += length


class Directory(NamedTuple):
    """One directory of a TIFF: tag to (type, count, position of the value)."""

    entries: dict[int, tuple[int, int, int]]
    next: int = 0
    cut: bool = False
    """Whether a value, or the place of the next directory, lies beyond the end of the file."""


TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
"""Bytes a value by type; 129 is UTF-8 text (EXIF 3.0)."""


def byte_order(data: bytes) -> str | None:
    """`<` or `>` where this is a TIFF (or an EXIF block) with 32-bit offsets."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(data[:4]))


def tiff_directory(data: bytes, order: str, at: int, *, whole: bool = True) -> Directory | None:
    """The directory at `at`; None where it does not lie in the file. Entries that do not are left out.

    Not `whole`: where only its beginning lies in the file, the entries there.
    """
    if at < 8 or at + 2 > len(data):
        return None
    (count,) = struct.unpack_from(order + "H", data, at)
    end = at + 2 + 12 * count
    if end > len(data) and whole:
        return None
    entries: dict[int, tuple[int, int, int]] = {}
    cut = end + 4 > len(data)
    for place in range(at + 2, min(end, len(data) - 11), 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, place)
        length = TIFF_SIZES.get(kind, 0) * number
        where = place + 8
        if length > 4:
            (where,) = struct.unpack_from(order + "I", data, place + 8)
        if where + length > len(data):
            cut = True
        elif kind in TIFF_SIZES:
            entries.setdefault(tag, (kind, number, where))
    following = 0 if end + 4 > len(data) else struct.unpack_from(order + "I", data, end)[0]
    return Directory(entries, following, cut)


def tiff_chain(data: bytes, order: str, most: int) -> Iterator[Directory]:
    """The main directories that lie in the file, one after the other, at most `most`."""
    if len(data) < 8:
        return
    (at,) = struct.unpack_from(order + "I", data, 4)
    seen: set[int] = set()
    # A chain of directories that leads back into itself has no end.
    while len(seen) < most and at not in seen and (page := tiff_directory(data, order, at)) is not None:
        seen.add(at)
        yield page
        at = page.next


def tiff_bytes(data: bytes, entry: tuple[int, int, int], limit: int | None = None) -> bytes:
    """The bytes of an entry's value as they stand in the file, at most `limit`."""
    kind, number, where = entry
    size = TIFF_SIZES[kind] * number
    return bytes(data[where : where + (size if limit is None else min(size, limit))])


def tiff_numbers(data: bytes, order: str, entry: tuple[int, int, int], limit: int = 100_000) -> tuple[float, ...]:
    """The numbers of an entry; a fraction without a denominator is nan."""
    kind, number, where = entry
    number = min(number, limit)
    if kind in {5, 10}:
        flat = struct.unpack_from(f"{order}{2 * number}{'I' if kind == 5 else 'i'}", data, where)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return tuple(above / below if below else float("nan") for above, below in pairs)
    letter = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 129: "B"}[kind]
    return tuple(struct.unpack_from(f"{order}{number}{letter}", data, where))


Entry = tuple[int, int, int, bytes]
"""Tag, type, count and value of a directory's entry."""


def tiff_append(out: bytearray, order: str, entries: Sequence[Entry], below: Mapping[int, Sequence[Entry]]) -> int:
    """Append a directory, its values, and the directories that its tags `below` point to, to a TIFF that is made.

    Returns where the place of the directory after it is to be written.
    """
    rows = [*(entry for entry in entries if entry[0] not in below), *((tag, 4, 1, bytes(4)) for tag in below)]
    at = len(out)
    values = at + 2 + 12 * len(rows) + 4
    table, store = bytearray(struct.pack(order + "H", len(rows))), bytearray()
    for tag, kind, count, value in rows:
        table += struct.pack(order + "HHI", tag, kind, count)
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", values + len(store))
            store += value + b"\0" * (len(value) % 2)
    out += table + bytes(4) + store
    for number, inner in enumerate(below.values(), len(rows) - len(below)):
        struct.pack_into(order + "I", out, at + 2 + 12 * number + 8, len(out))
        tiff_append(out, order, inner, {})
    return at + 2 + 12 * len(rows)
