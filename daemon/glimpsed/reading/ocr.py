"""Words in the pixels: PP-OCRv6 through RapidOCR on ONNX Runtime, whose models are in the wheel.

Only a worker process loads them; importing this module does not.
"""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_DETECTION_SIDE = 960  # pixels, longest side: finds on screenshots what 1280 finds, in half the time
_LARGEST_SIDE = 3 * _DETECTION_SIDE  # pixels; see _shrunk
_LONG = 2.5  # a picture longer than so many times its other side is read in pieces …
_LONG_SIDE = 2400  # … where it has more pixels than this along it
_PIECES = 12  # at most; beyond, the pieces get longer
_SHORTEST_SIDES = (10, 48)  # pixels, shorter and longer side; an icon has no words
_SURE = 0.95
_PLAUSIBLE = 0.85

OCR_ID = (
    f"rapidocr-{importlib.metadata.version('rapidocr')}/pp-ocrv6-small"
    f"/side-{_DETECTION_SIDE}-{_LARGEST_SIDE}/score-{_PLAUSIBLE}-{_SURE}/1"
)
"""Names library, models and settings; a new one makes every row's second pass stale. The last part is ours."""


class Line(NamedTuple):
    """One box of text as recognised; pixels, from the upper left corner. Sorts from left to right."""

    left: float
    top: float
    right: float
    bottom: float
    text: str
    score: float
    """Mean confidence of its signs, 0 to 1."""


class Lines(NamedTuple):
    """What was found in one picture, in no order."""

    lines: tuple[Line, ...]
    turned: bool
    """Whether the picture stood upside down: the boxes are those of the picture turned round."""


def tiny(width: int, height: int) -> bool:
    """Whether a picture of so many pixels is too small to hold words: nobody need look."""
    return min(width, height) < _SHORTEST_SIDES[0] or max(width, height) < _SHORTEST_SIDES[1]


class Ocr:
    """Reads the words of one picture at a time, on the thread that made it, and on that thread alone."""

    def __init__(self) -> None:
        """Load the models, about a second. Raises ImportError, OSError."""
        import cv2  # noqa: PLC0415  here and below: some 250 MB that only the second pass needs
        import rapidocr  # noqa: PLC0415

        models = Path(rapidocr.__file__).parent / "models"
        _flush_denormals(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx")
        cv2.setNumThreads(1)
        self._engine: Any = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": 0.0,  # `telling` decides
                "Global.max_side_len": _LARGEST_SIDE,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                # Given a path, RapidOCR does not try to fetch what it takes for damaged or missing.
                "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
                "Det.limit_type": "max",
                "Det.limit_side_len": _DETECTION_SIDE,
                "Global.use_cls": False,  # it turns one good line in ten upside down; see `text`
                "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
                "Rec.rec_batch_num": 1,  # on one thread a batch gains nothing, and pads every line to the longest
            }
        )

    def text(self, picture: NDArray[np.uint8]) -> str:
        """The lines in reading order, joined by newlines; empty where there are none to be sure of.

        `picture` is RGB, shape (height, width, 3). Whatever the engine raises is raised: it may be out of memory,
        and is not to be used again.
        """
        return "\n".join(in_reading_order([line for line in self.lines(picture).lines if telling(line)]))

    def lines(self, picture: NDArray[np.uint8]) -> Lines:
        """All that looks like text, as it is told and as it is not: `telling` says which."""
        if tiny(*picture.shape[:2]):
            return Lines((), turned=False)
        lines = self._found(picture)
        told = [line for line in lines if telling(line)]
        if 2 * len(told) < len(lines):
            # Upside down, or turned so that its lines are: what is read then is mostly nonsense.
            turned = self._found(picture[::-1, ::-1])
            if _signs([line for line in turned if telling(line)]) > _signs(told):
                return Lines(tuple(turned), turned=True)
        return Lines(tuple(lines), turned=False)

    def _found(self, picture: NDArray[np.uint8]) -> list[Line]:
        height, width = picture.shape[:2]
        found: list[Line] = []
        for piece in pieces(max(height, width), min(height, width)):
            along = slice(piece.start, piece.end)
            lines = self._lines(picture[along] if height >= width else picture[:, along])
            for line in lines:
                middle = (line.top + line.bottom if height >= width else line.left + line.right) / 2 + piece.start
                if piece.mine_from <= middle < piece.mine_to:
                    down, right = (piece.start, 0) if height >= width else (0, piece.start)
                    found.append(
                        line._replace(
                            left=line.left + right,
                            right=line.right + right,
                            top=line.top + down,
                            bottom=line.bottom + down,
                        )
                    )
        return found

    def _lines(self, picture: NDArray[np.uint8]) -> list[Line]:
        shrunk = _shrunk(picture)
        result = self._engine(np.ascontiguousarray(shrunk[:, :, ::-1]))  # it takes an array for BGR
        if result.txts is None or result.boxes is None:
            return []
        back = picture.shape[0] / shrunk.shape[0]
        lines = []
        for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
            left, top = corners.min(axis=0) * back
            right, bottom = corners.max(axis=0) * back
            lines.append(Line(left, top, right, bottom, " ".join(text.split()), float(score)))
        return lines


class Piece(NamedTuple):
    """A stretch of a long picture, in pixels along it."""

    start: int
    end: int
    mine_from: float
    """Text whose middle lies in this range is this piece's; what overlaps is read twice."""
    mine_to: float


def pieces(length: int, breadth: int) -> list[Piece]:
    """How a picture is cut along its longer side, so that detection sees its text large enough.

    A conversation saved as one picture of 1080 × 20,000 would be 52 pixels wide otherwise.
    """
    if length <= _LONG_SIDE or length <= _LONG * breadth:
        return [Piece(0, length, 0, float("inf"))]
    stretch = max(2 * breadth, _LONG_SIDE)
    overlap = max(breadth, _DETECTION_SIDE) // 4  # a word's width, and several lines
    count = min(_PIECES, -(-(length - overlap) // (stretch - overlap)))
    step = (length - overlap) / count
    starts = [round(number * step) for number in range(count)]
    ends = [*(start + overlap for start in starts[1:]), length]
    cuts = [0.0, *(start + overlap / 2 for start in starts[1:]), float("inf")]
    return [Piece(*one) for one in zip(starts, ends, cuts, cuts[1:], strict=False)]


def telling(line: Line) -> bool:
    """Whether a line is words, as far as its confidence and its shape tell.

    On scripts that its dictionary lacks (Cyrillic, Hangul, Arabic, Thai, …) the model returns nothing, blanks and
    punctuation, or a few Latin letters with confidence mostly below .85; what it can read it gives .93 and more.
    Between, crumbs are dropped: less than three letters or digits, or words of less than two on average.
    """
    signs = sum(sign.isalnum() for sign in line.text)
    if signs == 0 or line.score < _PLAUSIBLE:
        return False
    return line.score >= _SURE or (signs >= 3 and signs >= 2 * len(line.text.split()))


def in_reading_order(lines: Sequence[Line]) -> list[str]:
    """The texts from top to bottom; what stands side by side becomes one, from left to right.

    Where most of the text stands in columns (vertical Chinese, Japanese), these go from right to left.
    """
    return [" ".join(line.text for line in row) for row in rows(lines)]


def rows(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines in reading order: each row holds those that stand side by side."""
    upright = _signs([line for line in lines if _is_column(line)])
    if 2 * upright > _signs(lines):
        return [[line] for line in sorted(lines, key=lambda line: (-(line.left + line.right), line))]
    found: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.top + line.bottom, line)):
        if found and _side_by_side(found[-1][-1], line):
            found[-1].append(line)
        else:
            found.append([line])
    return [sorted(row) for row in found]


def _signs(lines: Sequence[Line]) -> int:
    return sum(len(line.text) for line in lines)


def _is_column(line: Line) -> bool:
    return len(line.text) > 1 and line.bottom - line.top > 1.5 * (line.right - line.left)


def _side_by_side(one: Line, other: Line) -> bool:
    """Whether two lines lie at the same height: their middles differ by less than half of the lower one's height."""
    apart = abs((one.top + one.bottom) - (other.top + other.bottom)) / 2
    return apart < min(one.bottom - one.top, other.bottom - other.top) / 2


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture as large as recognition can use it.

    Text that detection sees at 960 pixels is some 8 of them high; in a picture three times as large it has the 24
    that recognition needs. More would cost memory and nothing else.
    """
    import cv2  # noqa: PLC0415

    height, width = picture.shape[:2]
    ratio = _LARGEST_SIDE / max(height, width)
    if ratio >= 1:
        return picture
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _flush_denormals(model: Path) -> None:
    """Make this thread treat denormal numbers as zero: detection is three times as fast (0.6 → 0.17 s).

    ONNX Runtime does it for the thread that makes the process's first session, and RapidOCR cannot ask for it.
    See https://github.com/microsoft/onnxruntime/pull/5391.
    """
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
