"""Results as aligned plain text."""

import unicodedata
from collections.abc import Sequence

Cell = str | float | int | None


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], *, digits: int = 3) -> str:
    """Rows under a head: the first column to the left, the others to the right; a dash for what is not known."""
    shown = [list(head), *([_shown(cell, digits) for cell in row] for row in rows)]
    widths = [max(_width(row[column]) for row in shown) for column in range(len(head))]
    lines = []
    for row in shown:
        cells = [_padded(cell, width, left=not i) for i, (cell, width) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells))
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _shown(cell: Cell, digits: int) -> str:
    match cell:
        case None:
            return "–"
        case float():
            return f"{cell:.{digits}f}"
        case _:
            return str(cell)


def _padded(text: str, width: int, *, left: bool) -> str:
    blanks = " " * (width - _width(text))
    return text + blanks if left else blanks + text


def _width(text: str) -> int:
    """Columns on a terminal."""
    return sum(0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)
