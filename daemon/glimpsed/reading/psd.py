"""Photoshop documents: their sections, and what stands in them besides pixels.

Source: Adobe Photoshop File Formats Specification (2019), sections File Header to Image Data.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from glimpsed.reading.containers import Cut

_THUMBNAIL, _EXIF, _XMP, _VERSION = 1036, 1058, 1060, 1057
_ICC = 1039
_MOST_RESOURCES = 10_000


class Document(NamedTuple):
    """The header, and where the sections lie; the picture stands at `data[pixels:]`."""

    large: bool
    """Whether it is a PSB, with wider numbers."""
    channels: int
    width: int
    height: int
    depth: int
    """Bits of one channel of a pixel."""
    mode: int
    palette: bytes
    resources: bytes
    """Image resources (`8BIM…`)."""
    pixels: int


def is_psd(data: bytes) -> bool:
    """Whether these bytes begin as one."""
    return data.startswith((b"8BPS\0\1", b"8BPS\0\2"))


def document(data: bytes) -> Document | None:
    """The sections; None where the file ends before its pixels."""
    if not is_psd(data) or len(data) < 34:
        return None
    large = data[5] == 2
    channels, height, width, depth, mode = struct.unpack_from(">HIIHH", data, 12)
    try:
        palette, at = _section(data, 26)
        resources, at = _section(data, at)
        wide = 8 if large else 4
        length = int.from_bytes(data[at : at + wide], "big")
    except struct.error:
        return None
    pixels = at + wide + length
    if pixels + 2 > len(data):
        return None
    return Document(large, channels, width, height, depth, mode, palette, resources, pixels)


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height as the header has them; None where it is not whole."""
    if not is_psd(data) or len(data) < 26:
        return None
    height, width = struct.unpack_from(">II", data, 14)
    return width, height


def cut(data: bytes) -> Cut:
    """EXIF, XMP and the image resources; never raises."""
    try:
        resources, _ = _section(data, _section(data, 26)[1])
    except struct.error:
        return Cut()
    exif, packets = b"", []
    for number, body in _resources(resources):
        if number == _EXIF:
            exif = body
        elif number == _XMP:
            packets.append(body)
    return Cut(exif, tuple(packets), resources)


def is_merged(found: Document) -> bool:
    """Whether its pixels show the picture: without "maximize compatibility" they are only white."""
    return not any(number == _VERSION and body[4:5] == b"\0" for number, body in _resources(found.resources))


def thumbnail(found: Document) -> bytes | None:
    """The JPEG of some 160 pixels that Photoshop keeps for file managers."""
    return next((body[28:] for number, body in _resources(found.resources) if number == _THUMBNAIL), None)


def profile(found: Document) -> bytes | None:
    """The ICC profile."""
    return next((body for number, body in _resources(found.resources) if number == _ICC), None)


def _section(data: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">I", data, at)
    return data[at + 4 : at + 4 + length], at + 4 + length


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and body of every image resource, as far as they are in order."""
    at = 0
    for _ in range(_MOST_RESOURCES):
        if data[at : at + 4] not in {b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"} or at + 7 > len(data):
            return
        number = int.from_bytes(data[at + 4 : at + 6], "big")
        at += 6 + (data[at + 6] + 2) // 2 * 2
        length = int.from_bytes(data[at : at + 4], "big")
        yield number, data[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
