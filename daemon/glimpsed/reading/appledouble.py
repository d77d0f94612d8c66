"""AppleDouble files, `._IMG_1.jpg`: where macOS keeps a file's attributes on disks that have no room for them.

Source: RFC 1740 appendix B, and XNU's bsd/vfs/vfs_xattr.c for the attributes behind the Finder's information.
"""

import struct
from collections.abc import Iterator

_MAGIC = bytes.fromhex("00051607")
_FINDER, _COMMENT = 9, 4
_INFORMATION = 34  # bytes of the Finder's own, two of them padding
_HEADER, _COUNT = 36, 34  # bytes from `ATTR` on, the last two the number of attributes
_ATTRIBUTE = struct.Struct(">IIHB")
_MOST = 1000
COMMENT = "comment"
"""What the Finder's comment of old is called here, which has no name there."""


def attributes(data: bytes) -> dict[str, bytes]:
    """The extended attributes by name, and the comment; empty for other files. Never raises."""
    if data[:4] != _MAGIC:
        return {}
    found: dict[str, bytes] = {}
    for kind, start, length in _entries(data):
        if kind == _COMMENT and length:
            found[COMMENT] = data[start : start + length].decode("mac-roman").encode()
        if kind == _FINDER:
            found |= dict(_attributes(data, start + _INFORMATION))
    return found


def _entries(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, place and length of each part."""
    count = int.from_bytes(data[24:26], "big")
    for at in range(26, min(26 + 12 * count, len(data) - 11), 12):
        yield struct.unpack_from(">III", data, at)


def _attributes(data: bytes, at: int) -> Iterator[tuple[str, bytes]]:
    if data[at : at + 4] != b"ATTR":
        return
    count = int.from_bytes(data[at + _COUNT : at + _HEADER], "big")
    at += _HEADER
    for _ in range(min(count, _MOST)):
        if at + _ATTRIBUTE.size > len(data):
            return
        start, length, _flags, named = _ATTRIBUTE.unpack_from(data, at)
        at += _ATTRIBUTE.size
        name = data[at : at + named].split(b"\0")[0].decode("utf-8", "replace")
        if start + length <= len(data):
            yield name, data[start : start + length]
        at += named + (-(_ATTRIBUTE.size + named) % 4)
