"""Camera RAW files: which they are, the JPEG pictures inside them, and their metadata. Nothing is developed.

Sources: TIFF 6.0 and the DNG specification 1.7 (directories), ISO/IEC 14496-12 (CR3). Where cameras keep their
previews differs by maker and model; a JPEG stands out by its own first bytes, so it is looked for.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from glimpsed.reading import containers
from glimpsed.reading.containers import Cut, Directory, Entry

_MAKE, _COMPRESSION, _PHOTOMETRIC, _SUB, _DNG = 271, 259, 262, 330, 50706
_WIDTH, _HEIGHT, _FULL_SIZE = 256, 257, 254
_PLACES, _SIZES = (273, 324), (279, 325)  # of strips and tiles
_SENSOR = frozenset({32803, 34892})  # photometric: as the sensor's filters have it, or each pixel on its own
_PACKED = frozenset({32767, 32769, 32770, 32772, 34713, 65535})  # compression: only cameras use these
_MAKERS = (("NIKON", "nef"), ("SONY", "arw"), ("PENTAX", "pef"), ("RICOH", "pef"), ("SAMSUNG", "srw"))
_MAGIC = {b"IIRO": "orf", b"IIRS": "orf", b"MMOR": "orf", b"IIU\0": "rw2"}
_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_DIRECTORIES = 24
_CANDIDATES = 512
_PREVIEWS = 4
_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, *range(0xC9, 0xD0), 0xD9, 0xDA}) - {0xCC}  # lossless, or too late
_JPEG = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]")


def kind(data: bytes) -> str | None:
    """The format, named by its usual suffix (`dng` for all that say they are one); None for other files."""
    if data[:15] == b"FUJIFILMCCD-RAW":
        return "raf"
    if data[4:12] == b"ftypcrx ":
        return "cr3"
    if (known := _MAGIC.get(data[:4])) is not None:
        return known
    order = containers.byte_order(data)
    if order is None:
        return None
    if data[8:10] == b"CR":
        return "cr2"
    found = list(_directories(data, order))
    if not found:
        return None
    if _DNG in found[0].entries:
        return "dng"
    if not any(_number(data, order, one, _PHOTOMETRIC) in _SENSOR for one in found) and not any(
        _number(data, order, one, _COMPRESSION) in _PACKED for one in found
    ):
        return None
    entry = found[0].entries.get(_MAKE)
    make = containers.tiff_bytes(data, entry).upper() if entry else b""
    return next((name for maker, name in _MAKERS if maker.encode() in make), None)


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height of the largest picture that the directories tell of, as stored; None where none does."""
    block = as_tiff(data)
    order = containers.byte_order(block)
    if order is None:
        return None
    told = [
        (_number(block, order, one, _WIDTH), _number(block, order, one, _HEIGHT)) for one in _directories(block, order)
    ]
    return max(
        ((w, h) for w, h in told if 0 < w < 1 << 20 and 0 < h < 1 << 20), key=lambda s: s[0] * s[1], default=None
    )


class Preview(NamedTuple):
    """A JPEG inside the file."""

    width: int
    height: int
    start: int


def previews(data: bytes) -> list[Preview]:
    """The largest JPEG pictures in the file, largest first; the sensor's own data, which JPEG can pack too, is none."""
    found = []
    for number, match in enumerate(_JPEG.finditer(data)):
        if number >= _CANDIDATES:
            break
        if (frame := _frame(data, match.start())) is not None:
            found.append(Preview(*frame, match.start()))
    return sorted(found, key=lambda one: -one.width * one.height)[:_PREVIEWS]


def jpeg(data: bytes, preview: Preview) -> bytes:
    """The bytes of a preview, to its end mark or else to the end of the file."""
    rest = data[preview.start :]
    end = next((piece.end for piece in containers.jpeg(rest) if piece.kind == b"\xd9"), len(rest))
    return rest[:end]


def shortfall(data: bytes) -> str | None:
    """What is missing at the end, in words; None where nothing is, as far as the directories tell."""
    if data[:15] == b"FUJIFILMCCD-RAW":
        places = struct.unpack(">6I", data[84:108]) if len(data) >= 108 else None
        # Offset and length of the preview, of the sensor's header and of its data.
        if places is None or any(places[i] + places[i + 1] > len(data) for i in (0, 2, 4)):
            return "a part of it lies beyond its end"
        return None
    if data[4:12] == b"ftypcrx ":
        end = max((piece.end for piece in containers.boxes(data)), default=0)
        return f"has {len(data)} of {end} bytes" if end > len(data) else None
    order = containers.byte_order(data)
    if order is None:
        return None  # Olympus and Panasonic write numbers of their own there
    for number, one in enumerate(_directories(data, order), 1):
        for places_tag, sizes_tag in zip(_PLACES, _SIZES, strict=True):
            if places_tag in one.entries and sizes_tag in one.entries:
                starts = containers.tiff_numbers(data, order, one.entries[places_tag])
                lengths = containers.tiff_numbers(data, order, one.entries[sizes_tag])
                if any(start + length > len(data) for start, length in zip(starts, lengths, strict=False)):
                    return f"the pixels of directory {number} lie beyond its end"
    return None


def as_tiff(data: bytes) -> bytes:
    """The metadata as a TIFF that `exif` can read: the file itself, or what is put together from it; else empty."""
    if containers.byte_order(data):
        return data
    if data[:4] in _MAGIC:
        return (b"II*\0" if data[:2] == b"II" else b"MM\0*") + data[4:]
    return cut(data).exif


def cut(data: bytes) -> Cut:
    """EXIF and XMP of a CR3; never raises."""
    blocks: dict[bytes, bytes] = {}
    packets = []
    for piece in containers.boxes(data):
        body = data[piece.start : piece.end]
        if piece.kind == b"uuid" and body[:16] == _XMP:
            packets.append(body[16:])
        if piece.kind == b"moov":
            for inner in containers.boxes(body):
                if inner.kind == b"uuid" and body[inner.start : inner.start + 16] == _CANON:
                    parts = containers.boxes(body[: inner.end], inner.start + 16)
                    blocks |= {part.kind: body[part.start : part.end] for part in parts}
    return Cut(_joined(*(blocks.get(name, b"") for name in (b"CMT1", b"CMT2", b"CMT4"))), tuple(packets))


def _directories(data: bytes, order: str) -> Iterator[Directory]:
    """The main directories, each followed by those below it; bounded in number."""
    ends = "little" if order == "<" else "big"
    waiting = [int.from_bytes(data[4:8], ends)]  # type: ignore[arg-type]  # one of two words
    seen: set[int] = set()
    while waiting and len(seen) < _DIRECTORIES:
        at = waiting.pop(0)
        found = None if at in seen else containers.tiff_directory(data, order, at)
        seen.add(at)
        if found is None:
            continue
        yield found
        below = found.entries.get(_SUB)
        if below is not None and below[0] in {4, 13}:
            waiting[:0] = [int(place) for place in containers.tiff_numbers(data, order, below, 8)]
        if found.next:
            waiting.append(found.next)


def _number(data: bytes, order: str, directory: Directory, tag: int) -> int:
    """The first number of a tag of whole numbers; 0 where it is not there."""
    entry = directory.entries.get(tag)
    numbers = containers.tiff_numbers(data, order, entry, 1) if entry and entry[0] in {1, 3, 4} else ()
    return int(numbers[0]) if numbers else 0


def _frame(data: bytes, start: int) -> tuple[int, int] | None:
    """Width and height of a JPEG for people: of 8 bits, in grey or colour, with a transform (ITU T.81 B.2.2)."""
    at = start + 2
    for _ in range(100):
        if data[at : at + 1] != b"\xff" or at + 4 > len(data):
            return None
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in {0xC0, 0xC1, 0xC2}:
            if at + 10 > len(data):
                return None
            depth, height, width, parts = struct.unpack_from(">BHHB", data, at + 4)
            return (width, height) if depth == 8 and parts in {1, 3} and width and height else None
        if marker < 0xC0 or marker in _OTHER_FRAMES or length < 2:
            return None
        at += 2 + length
    return None


_POINTERS = (0x8769, 0x8825)  # to the directories of EXIF and of GPS


def _joined(main: bytes, details: bytes, gps: bytes) -> bytes:
    """One TIFF of three that hold a directory each: its own, that of EXIF and that of GPS."""
    order = containers.byte_order(main)
    if order is None:
        return b""
    out = bytearray(main[:4] + struct.pack(order + "I", 8))
    pointers = {
        tag: _entries(block, order)
        for tag, block in zip(_POINTERS, (details, gps), strict=True)
        if containers.byte_order(block) == order
    }
    # Those that stand there point to somewhere in the file that the block was cut out of.
    kept = [entry for entry in _entries(main, order) if entry[0] not in _POINTERS]
    containers.tiff_append(out, order, kept, pointers)
    return bytes(out)


def _entries(block: bytes, order: str) -> list[Entry]:
    """The first directory's entries."""
    at = struct.unpack_from(order + "I", block, 4)[0] if len(block) >= 8 else 0
    directory = containers.tiff_directory(block, order, at)
    if directory is None:
        return []
    return [(tag, entry[0], entry[1], containers.tiff_bytes(block, entry)) for tag, entry in directory.entries.items()]
