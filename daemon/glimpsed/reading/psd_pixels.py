"""The merged picture of a Photoshop document, of every mode and depth; Pillow unpacks its runs."""

import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImagePalette

from glimpsed.reading.psd import Document, profile

_MODES = {0: ("L", 1), 1: ("L", 1), 2: ("P", 1), 3: ("RGB", 3), 4: ("CMYK", 4), 7: ("L", 1), 8: ("L", 1), 9: ("LAB", 3)}
"""Photoshop's mode to Pillow's, and how many channels it takes; what is more is alpha or spot colours."""
_RAW, _RUNS, _ZIP, _ZIP_DIFFERENCES = range(4)


def merged(data: bytes, found: Document) -> Image.Image:
    """The picture as the document shows it, 8 bits a channel. Raises ValueError, EOFError, zlib.error, OSError."""
    if found.mode not in _MODES or found.depth not in {1, 8, 16, 32} or not found.width or not found.height:
        raise ValueError(f"a document of mode {found.mode} and {found.depth} bits")
    mode, count = _MODES[found.mode]
    if found.channels < count:
        raise ValueError(f"{found.channels} of {count} channels")
    if mode == "RGB" and found.channels == 4:
        mode, count = "RGBA", 4
    planes = [Image.fromarray(plane) for plane in _planes(data, found, count)]
    if mode == "CMYK":
        # Ink is stored as its opposite.
        planes = [plane.point(lambda value: 255 - value) for plane in planes]
    image = Image.merge(mode, planes) if count > 1 else planes[0]
    if mode == "P":
        image = image.copy()
        image.putpalette(ImagePalette.raw("RGB;L", found.palette[:768]))
    if (icc := profile(found)) is not None:
        image.info["icc_profile"] = icc
    return image


def _planes(data: bytes, found: Document, count: int) -> Iterator[NDArray[np.uint8]]:
    """The first `count` channels, uint8, shape (height, width)."""
    row = (found.width * found.depth + 7) // 8
    size = row * found.height
    packing = int.from_bytes(data[found.pixels : found.pixels + 2], "big")
    at = found.pixels + 2
    if packing == _RAW:
        chunks = [data[at + number * size : at + (number + 1) * size] for number in range(count)]
    elif packing == _RUNS:
        chunks = list(_runs(data, at, found, count, row))
    elif packing in {_ZIP, _ZIP_DIFFERENCES}:
        inflated = zlib.decompressobj().decompress(data[at:], size * count)
        chunks = [inflated[number * size : (number + 1) * size] for number in range(count)]
    else:
        raise ValueError(f"packed in an unknown way ({packing})")
    for chunk in chunks:
        if len(chunk) < size:
            raise EOFError(f"truncated: {len(chunk)} of {size} bytes of a channel")
        plane = np.frombuffer(chunk, dtype=np.uint8).reshape(found.height, row)
        yield _eight(plane, found, differences=packing == _ZIP_DIFFERENCES)


def _runs(data: bytes, at: int, found: Document, count: int, row: int) -> Iterator[bytes]:
    """Channels out of PackBits: all row lengths of all channels come first."""
    wide = 4 if found.large else 2
    table = np.frombuffer(data, dtype=f">u{wide}", count=found.height * found.channels, offset=at).astype(np.int64)
    at += wide * len(table)
    for number in range(count):
        length = int(table[number * found.height : (number + 1) * found.height].sum())
        if at + length > len(data):
            raise EOFError("truncated: a channel lies beyond its end")
        yield Image.frombytes("L", (row, found.height), data[at : at + length], "packbits", "L").tobytes()
        at += length


def _eight(plane: NDArray[np.uint8], found: Document, *, differences: bool) -> NDArray[np.uint8]:
    """Rows of bytes brought to 8 bits a pixel."""
    if found.depth == 1:
        return np.where(np.unpackbits(plane, axis=1)[:, : found.width] > 0, 0, 255).astype(np.uint8)
    if found.depth == 8:
        return np.cumsum(plane, axis=1, dtype=np.uint8) if differences else plane
    if found.depth == 16:
        if differences:
            plane = np.cumsum(plane.view(">u2"), axis=1, dtype=np.uint16).astype(">u2").view(np.uint8)
        return np.ascontiguousarray(plane[:, ::2])
    if differences:
        # Bytes of equal weight stand together in a row, each as its distance from the one before.
        plane = np.cumsum(plane, axis=1, dtype=np.uint8)
        plane = np.ascontiguousarray(plane.reshape(found.height, 4, found.width).transpose(0, 2, 1))
        plane = plane.reshape(found.height, 4 * found.width)
    light = np.nan_to_num(plane.view(">f4").astype(np.float32), posinf=1.0, neginf=0.0).clip(0.0, 1.0)
    # Such documents count light as it is; screens want it as the eye sees it.
    return (255 * light ** (1 / 2.2)).round().astype(np.uint8)
