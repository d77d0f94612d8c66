"""Lines of text in a picture, and the order in which people read them."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

_WIDE = 5  # heights of a line: columns of running text are wider in the middle, those of prices and hours are not
_LONG = 3  # lines that a column has at least


class Line(NamedTuple):
    """One line of text as recognised; pixels, from the upper left corner. Sorts from left to right."""

    left: float
    top: float
    right: float
    bottom: float
    text: str
    score: float
    """What who read it makes of it, 0 to 1."""
    by: str = "pp-ocr"
    """What read it: `pp-ocr`, the name of another model, or `tesseract` with its language (`tesseract rus`)."""

    def turned(self, width: float, height: float) -> "Line":
        """Where it stands when a picture of this size is turned by 180 degrees."""
        left, top, right, bottom = width - self.right, height - self.bottom, width - self.left, height - self.top
        return self._replace(left=left, top=top, right=right, bottom=bottom)

    @property
    def height(self) -> float:
        """Pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left


def in_reading_order(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines in rows from top to bottom: what stands side by side is one row, columns of running text are not.

    Rows go from left to right, those in Hebrew and Arabic letters from right to left, and columns likewise. Where most
    of the text stands upright (vertical Chinese, Japanese), every line is a row, from right to left.
    """
    upright = sum(len(line.text) for line in lines if _is_upright(line))
    if 2 * upright > sum(len(line.text) for line in lines):
        return [[line] for line in sorted(lines, key=lambda line: (-(line.left + line.right), line))]
    return _ordered(sorted(lines, key=lambda line: (line.top + line.bottom, line)))


def text_of(lines: Sequence[Line]) -> str:
    """The texts in reading order, a row a line."""
    return "\n".join(" ".join(line.text for line in row) for row in in_reading_order(lines))


def signs(lines: Sequence[Line]) -> int:
    """How many letters, digits and marks there are."""
    return sum(len("".join(line.text.split())) for line in lines)


def _ordered(lines: list[Line]) -> list[list[Line]]:
    gutter = _gutter(lines)
    if gutter is None:
        return _rows(lines)
    rows: list[list[Line]] = []
    band: list[Line] = []
    for line in [*lines, None]:
        if line is not None and not line.left < gutter < line.right:
            band.append(line)
            continue
        sides = [[one for one in band if one.right <= gutter], [one for one in band if one.left >= gutter]]
        for side in reversed(sides) if _backwards(lines) else sides:
            rows += _ordered(side)
        band = []
        if line is not None:
            rows.append([line])
    return rows


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where a blank strip parts two columns of running text: x of its middle; None where none does.

    Headings that cross it are left out of account. On both sides there are some lines, wide ones, at like heights.
    """
    if len(lines) < 2 * _LONG:
        return None
    height = _median([line.height for line in lines])
    reach = max(line.right for line in lines) - min(line.left for line in lines)
    columns = sorted((line for line in lines if line.width < 0.6 * reach), key=lambda line: line.left)
    best: tuple[float, float] | None = None
    right = columns[0].right if columns else 0.0
    for line in columns:
        if line.left - right >= height:
            middle = (line.left + right) / 2
            sides = [one for one in columns if one.right < middle], [one for one in columns if one.left > middle]
            if _run_side_by_side(*sides) and (best is None or line.left - right > best[0]):
                best = line.left - right, middle
        right = max(right, line.right)
    return None if best is None else best[1]


def _run_side_by_side(one: Sequence[Line], other: Sequence[Line]) -> bool:
    if min(len(one), len(other)) < _LONG:
        return False
    if any(_median([line.width / line.height for line in side]) < _WIDE for side in (one, other)):
        return False
    tops = [min(line.top for line in side) for side in (one, other)]
    bottoms = [max(line.bottom for line in side) for side in (one, other)]
    shared = min(bottoms) - max(tops)
    return shared >= 0.5 * min(bottom - top for top, bottom in zip(tops, bottoms, strict=True))


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    rows: list[list[Line]] = []
    for line in lines:
        if rows and _side_by_side(rows[-1][-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: -line.right) if _backwards(row) else sorted(row) for row in rows]


def _side_by_side(one: Line, other: Line) -> bool:
    """Whether two lines lie at the same height: their middles differ by less than half of the lower one's height."""
    apart = abs((one.top + one.bottom) - (other.top + other.bottom)) / 2
    return apart < min(one.height, other.height) / 2


def _backwards(lines: Sequence[Line]) -> bool:
    """Whether most letters go from right to left; Unicode's bidirectional classes, UAX #9."""
    kinds = [unicodedata.bidirectional(sign) for line in lines for sign in line.text]
    return sum(kind in {"R", "AL"} for kind in kinds) > kinds.count("L")


def _is_upright(line: Line) -> bool:
    return len(line.text) > 1 and line.height > 1.5 * line.width


def _median(numbers: Sequence[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]
