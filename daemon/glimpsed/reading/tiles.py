"""How long pictures are cut into pieces, so that detection sees their text large enough."""

from typing import NamedTuple

_LONG = 2.5  # a picture longer than so many times its other side is read in pieces …
_LONG_SIDE = 2400  # … where it has more pixels than this along it
_PIECES = 12  # at most; beyond, the pieces get longer
_OVERLAP = 240  # pixels at least: a word's width, and several lines


class Piece(NamedTuple):
    """A stretch of a long picture, in pixels along it."""

    start: int
    end: int
    mine_from: float
    """Text whose middle lies in this range is this piece's; what overlaps is seen twice."""
    mine_to: float


def pieces(length: int, breadth: int) -> list[Piece]:
    """How a picture is cut along its longer side.

    A conversation saved as one picture of 1080 × 20,000 would be 52 pixels wide otherwise.
    """
    if length <= _LONG_SIDE or length <= _LONG * breadth:
        return [Piece(0, length, 0, float("inf"))]
    stretch = max(2 * breadth, _LONG_SIDE)
    overlap = max(breadth // 4, _OVERLAP)
    count = min(_PIECES, -(-(length - overlap) // (stretch - overlap)))
    step = (length - overlap) / count
    starts = [round(number * step) for number in range(count)]
    ends = [*(start + overlap for start in starts[1:]), length]
    cuts = [0.0, *(start + overlap / 2 for start in starts[1:]), float("inf")]
    return [Piece(*one) for one in zip(starts, ends, cuts, cuts[1:], strict=False)]
