"""Metadata in ISO base media files: items of the `meta` box (ISO/IEC 14496-12, 8.11; HEIF: ISO/IEC 23008-12, annex A).

HEIC, HEIF and AVIF have EXIF and XMP as items; JPEG XL's container has them as boxes of their own (ISO/IEC 18181-2).
"""

from collections.abc import Iterator

from glimpsed.reading import containers
from glimpsed.reading.containers import Piece

_LARGEST = 16 << 20
"""Bytes of one item."""
_ITEMS = 10_000


def is_media(data: bytes) -> bool:
    """Whether this is a HEIF, an AVIF or a JPEG XL in its container."""
    return data[4:8] == b"ftyp" or data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n"


def metadata(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """`exif` or `xmp`, and the block; an EXIF block from its TIFF header on. Never raises."""
    for kind, start, end in containers.boxes(data):
        if kind == b"Exif":
            yield b"exif", _without_offset(data[start : min(end, start + _LARGEST)])
        elif kind == b"xml ":
            yield b"xmp", data[start : min(end, start + _LARGEST)]
        elif kind == b"meta":
            yield from _items(data, start + 4, min(end, len(data)))


def _without_offset(block: bytes) -> bytes:
    """An EXIF block behind its first four bytes, which tell where the TIFF header stands."""
    skipped = 4 + int.from_bytes(block[:4], "big")
    return block[skipped:] if containers.byte_order(block[skipped:]) else block[4:].removeprefix(b"Exif\0\0")


def _items(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    inside = {piece.kind: piece for piece in containers.boxes(data[:end], start)}
    names, places, own = inside.get(b"iinf"), inside.get(b"iloc"), inside.get(b"idat")
    if names is None or places is None:
        return
    wanted = dict(_named(data, names))
    for number, within, extents in _located(data, places):
        if number in wanted:
            base = own.start if within and own else 0
            block = b"".join(data[base + at : base + at + length] for at, length in extents)[:_LARGEST]
            yield wanted[number], _without_offset(block) if wanted[number] == b"exif" else block


def _named(data: bytes, box: Piece) -> Iterator[tuple[int, bytes]]:
    """The numbers of the items that are metadata, and which; entries of version 2 and 3 have types."""
    first = box.start + (6 if data[box.start] == 0 else 8)
    for kind, start, end in containers.boxes(data[: box.end], first):
        version = data[start] if start < len(data) else 0
        if kind != b"infe" or version < 2:
            continue
        size = 2 if version == 2 else 4
        number = int.from_bytes(data[start + 4 : start + 4 + size], "big")
        at = start + 4 + size + 2
        form, rest = data[at : at + 4], data[at + 4 : end]
        if form == b"Exif":
            yield number, b"exif"
        elif form == b"mime" and b"application/rdf+xml" in rest:
            yield number, b"xmp"


def _located(data: bytes, box: Piece) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """Number, whether its place is counted from `idat`, and where the pieces of each item stand: offset and length."""
    at = box.start

    def number(size: int) -> int:
        nonlocal at
        value = int.from_bytes(data[at : min(at + size, box.end)], "big")
        at += size
        return value

    version = number(4) >> 24
    sizes = number(2)
    offsets, lengths, bases, indices = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    for _ in range(min(number(4 if version == 2 else 2), _ITEMS)):
        if at >= box.end:
            return
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        number(2)  # the file it is in: this one
        base = number(bases)
        pieces = []
        for _ in range(min(number(2), _ITEMS)):
            if at >= box.end:
                return
            if version:
                number(indices)
            start = base + number(offsets)
            pieces.append((start, number(lengths)))
        if method in {0, 1}:
            yield item, method == 1, pieces
