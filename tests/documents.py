"""Photoshop documents of any mode, depth and packing, without layers."""

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

RAW, RUNS, ZIP, DIFFERENCES = range(4)


def resource(number: int, body: bytes) -> bytes:
    """An image resource without a name."""
    return b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)


def document(
    planes: NDArray[Any],
    mode: int = 3,
    *,
    packing: int = RAW,
    large: bool = False,
    palette: bytes = b"",
    resources: Mapping[int, bytes] | None = None,
    depth: int | None = None,
    width: int | None = None,
) -> bytes:
    """One whose merged picture has these channels, shape (channels, height, width).

    Their type, uint8, uint16 or float32, says how deep they are. One bit a pixel: rows of bytes, and `depth` and
    `width` say so.
    """
    channels, height, columns = planes.shape
    depth = depth or planes.dtype.itemsize * 8
    head = struct.pack(">HIIHH", channels, height, width or columns, depth, mode)
    out = b"8BPS" + (b"\0\2" if large else b"\0\1") + bytes(6) + head
    blocks = b"".join(resource(number, body) for number, body in (resources or {}).items())
    out += struct.pack(">I", len(palette)) + palette + struct.pack(">I", len(blocks)) + blocks
    out += bytes(8 if large else 4)  # no layers
    return out + struct.pack(">H", packing) + _packed(planes, packing, large)


def _packed(planes: NDArray[Any], packing: int, large: bool) -> bytes:
    rows = planes.astype(planes.dtype.newbyteorder(">"))
    if packing == RAW:
        return rows.tobytes()
    if packing == RUNS:
        packed = [_runs(row.tobytes()) for plane in rows for row in plane]
        return b"".join(struct.pack(">I" if large else ">H", len(row)) for row in packed) + b"".join(packed)
    if packing == DIFFERENCES:
        if planes.dtype == np.float32:
            apart = rows.view(np.uint8).reshape(*rows.shape, 4).transpose(0, 1, 3, 2).reshape(*rows.shape[:2], -1)
            rows = np.diff(apart, axis=-1, prepend=np.uint8(0))
        else:
            rows = np.diff(planes, axis=-1, prepend=planes.dtype.type(0)).astype(rows.dtype)
    return zlib.compress(rows.tobytes())


def _runs(row: bytes) -> bytes:
    """PackBits, of which half the rows use repeats and half literals."""
    if len(set(row)) == 1 and len(row) <= 128:
        return bytes([257 - len(row), row[0]]) if len(row) > 1 else bytes([0, row[0]])
    return b"".join(bytes([len(row[at : at + 128]) - 1]) + row[at : at + 128] for at in range(0, len(row), 128))
