"""BigTIFF: TIFF with 64-bit offsets, for scans and maps beyond 4 GB, and for whatever a program saves so.

Source: the BigTIFF design by AWare Systems, as libtiff has it. Only what stands in the directories is looked at here.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from glimpsed.reading import bounds, containers
from glimpsed.reading.containers import Entry

_ENTRIES = 4096
_VALUE = 16 << 20  # bytes of one value
_DETAILS = (0x8769, 0x8825)  # pointers to the directories of EXIF and of GPS
_POINTER_TYPES = {4: "I", 13: "I", 16: "Q", 18: "Q"}


class _Directory(NamedTuple):
    entries: list[Entry]
    below: dict[int, int]
    """Where the directories of EXIF and of GPS stand."""


def byte_order(data: bytes) -> str | None:
    """`<` or `>` where this is a BigTIFF."""
    order = {b"II+\0": "<", b"MM\0+": ">"}.get(bytes(data[:4]))
    return order if order and len(data) >= 16 and struct.unpack_from(order + "HH", data, 4) == (8, 0) else None


def pages(data: bytes, most: int) -> int:
    """How many directories follow each other, at most `most`."""
    return sum(1 for _ in _chain(data, most))


def classic(data: bytes) -> bytes:
    """The directories as a TIFF with 32-bit offsets, as `exif` reads it: their texts and numbers, no pixels.

    Never raises: what does not lie in the file, or is more than the bounds allow, is left out.
    """
    order = byte_order(data)
    if order is None:
        return b""
    most, left = bounds.now().bounds.pages, bounds.now().bounds.metadata
    out = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
    link = 4  # where the place of the next directory is to be written
    for at in _chain(data, most):
        page, left = _directory(data, order, at, left)
        below = {tag: _directory(data, order, place, left)[0].entries for tag, place in page.below.items()}
        struct.pack_into(order + "I", out, link, len(out))
        link = containers.tiff_append(out, order, page.entries, below)
    return bytes(out)


def _chain(data: bytes, most: int) -> Iterator[int]:
    """Where the main directories stand."""
    order = byte_order(data)
    if order is None:
        return
    (at,) = struct.unpack_from(order + "Q", data, 8)
    seen: set[int] = set()
    while len(seen) < most and at not in seen and 16 <= at <= len(data) - 8:
        seen.add(at)
        yield at
        (count,) = struct.unpack_from(order + "Q", data, at)
        end = at + 8 + 20 * count
        if end + 8 > len(data):
            return
        (at,) = struct.unpack_from(order + "Q", data, end)


def _directory(data: bytes, order: str, at: int, left: int) -> tuple[_Directory, int]:
    """A directory whose values have at most `left` bytes, and how many are left."""
    found, below = list[Entry](), dict[int, int]()
    if not 16 <= at <= len(data) - 8:
        return _Directory(found, below), left
    (count,) = struct.unpack_from(order + "Q", data, at)
    for place in range(at + 8, min(at + 8 + 20 * min(count, _ENTRIES), len(data) - 19), 20):
        tag, kind, number = struct.unpack_from(order + "HHQ", data, place)
        if tag in _DETAILS and kind in _POINTER_TYPES:
            (below[tag],) = struct.unpack_from(order + _POINTER_TYPES[kind], data, place + 12)
            continue
        length = containers.TIFF_SIZES.get(kind, 0) * number
        where = place + 12 if length <= 8 else struct.unpack_from(order + "Q", data, place + 12)[0]
        if 0 < length <= min(left, _VALUE) and where + length <= len(data):
            left -= length
            found.append((tag, kind, number, bytes(data[where : where + length])))
    return _Directory(found, below), left
