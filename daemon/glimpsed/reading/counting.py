"""How many frames or pages a file has, by its structure: nothing is decoded, and counting ends at a bound.

Pillow counts by going through all of them, for which a file of a few megabytes can be made to take minutes.
"""

from itertools import islice

from glimpsed.reading import bigtiff, containers


def count(data: bytes, most: int) -> int:
    """Of a GIF, PNG, WebP or TIFF, at least 1 and at most `most` + 1; 1 for other formats."""
    if data.startswith(b"GIF8"):
        found = sum(1 for _ in islice((piece for piece in containers.gif(data) if piece.kind == b","), most + 1))
    elif data.startswith(b"\x89PNG"):
        found = _declared(data)
    elif data.startswith(b"RIFF"):
        found = sum(1 for _ in islice((piece for piece in containers.riff(data) if piece.kind == b"ANMF"), most + 1))
    else:
        found = _pages(data, most + 1)
    return max(1, min(found, most + 1))


def _declared(data: bytes) -> int:
    """What an APNG says of itself, in the chunk before its pixels."""
    for kind, start, _ in containers.png(data):
        if kind == b"acTL":
            return int.from_bytes(data[start : start + 4], "big")
        if kind == b"IDAT":
            break
    return 1


def _pages(data: bytes, most: int) -> int:
    order = containers.byte_order(data)
    return sum(1 for _ in containers.tiff_chain(data, order, most)) if order else bigtiff.pages(data, most)
