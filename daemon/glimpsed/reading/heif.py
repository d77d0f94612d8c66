"""HEIF containers (HEIC, AVIF): the EXIF and XMP items, found without decoding anything.

Source: ISO/IEC 14496-12 section 8.11 (`meta`, `iinf`, `iloc`, `idat`), ISO/IEC 23008-12 annexes A and B.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from glimpsed.reading import bounds, containers
from glimpsed.reading.containers import Cut, Piece

_HEVC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AV1 = frozenset({b"avif", b"avis"})
_ANY = frozenset({b"mif1", b"msf1", b"mif2", b"miaf"})
_MOST = 10_000  # items, and extents of them


def brand(data: bytes) -> str | None:
    """`heic` or `avif`; None for other files. `mif1` alone says only that it is one of these: the others tell."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if data[8:12] not in _HEVC | _AV1 | _ANY:
        return None
    return "avif" if brands & _AV1 else "heic"


class _Item(NamedTuple):
    number: int
    kind: bytes


def cut(data: bytes) -> Cut:
    """EXIF (from its TIFF header on) and XMP; what is broken is left out, so it never raises."""
    meta = next((piece for piece in containers.boxes(data) if piece.kind == b"meta"), None)
    if meta is None:
        return Cut()
    inner = list(containers.boxes(data[: meta.end], meta.start + 4))
    try:
        wanted = {item.number: item.kind for piece in inner if piece.kind == b"iinf" for item in _items(data, piece)}
        found = _located(data, inner, wanted)
    except (struct.error, IndexError):
        return Cut()
    exif = next((_tiff(body) for number, body in found if wanted[number] == b"Exif"), b"")
    return Cut(exif, tuple(body for number, body in found if wanted[number] == b"mime"))


def _items(data: bytes, info: Piece) -> Iterator[_Item]:
    """The items that hold EXIF or XMP."""
    header = 6 if data[info.start] == 0 else 8
    for piece in containers.boxes(data[: info.end], info.start + header):
        version = data[piece.start]
        if piece.kind != b"infe" or version < 2:
            continue
        wide = version > 2
        (number,) = struct.unpack_from(">I" if wide else ">H", data, piece.start + 4)
        at = piece.start + (10 if wide else 8)
        kind = data[at : at + 4]
        # A name, then of `mime` the type of its content, both ending in a zero.
        mime = data[at + 4 : piece.end].split(b"\0")[1:2] == [b"application/rdf+xml"]
        if kind == b"Exif" or (kind == b"mime" and mime):
            yield _Item(number, kind)


def _located(data: bytes, inner: list[Piece], wanted: dict[int, bytes]) -> list[tuple[int, bytes]]:
    """Number and bytes of each wanted item, as `iloc` says where its extents lie."""
    location = next((piece for piece in inner if piece.kind == b"iloc"), None)
    store = next((data[piece.start : piece.end] for piece in inner if piece.kind == b"idat"), b"")
    if location is None:
        return []
    version, at = data[location.start], location.start + 4
    sizes = data[at], data[at + 1]
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version else 0

    def number(size: int) -> int:
        nonlocal at
        if at + size > location.end:
            raise IndexError
        at += size
        return int.from_bytes(data[at - size : at], "big")

    at += 2
    left, room = _MOST, bounds.now().block
    found: list[tuple[int, bytes]] = []
    for _ in range(min(number(2 if version < 2 else 4), _MOST)):
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)  # the file it lies in: always this one
        base, body = number(base_size), b""
        for _ in range(number(2)):
            left -= 1
            if left < 0:
                raise IndexError  # extents of no size take no room in the file
            number(index_size)
            start, length = base + number(offset_size), number(length_size)
            if item in wanted and room:
                piece = (store if method == 1 else data)[start : start + min(length, room)]
                body, room = body + piece, room - len(piece)
        if item in wanted:
            found.append((item, body))
    return found


def _tiff(body: bytes) -> bytes:
    """An EXIF item begins with the distance to its TIFF header."""
    start = 4 + int.from_bytes(body[:4], "big")
    return body[start:].removeprefix(b"Exif\0\0")
