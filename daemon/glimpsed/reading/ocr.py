"""Words in the pixels: PP-OCR for what its models can write, other models and tesseract for the rest.

Only a worker process loads the models; importing this module does not.
"""

import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glimpsed.reading import legible, lines, tiles
from glimpsed.reading.foreign import Unread, by_models, by_tesseract
from glimpsed.reading.languages import PACKS, SCRIPTS
from glimpsed.reading.lines import Line
from glimpsed.reading.ppocr import MODELS, Boxes, Classifier, Detector, Guess, Picture, Recogniser, cut_out

_DETECTION_SIDE = 960  # pixels, longest side: finds on screenshots what 1280 finds, in half the time
_CLOSER_SIDE = 1920  # pixels, for small type …
_SMALL = 13  # … whose lines are lower than so many pixels in the middle when they are seen at the smaller size
_SHORTEST_SIDES = (10, 48)  # pixels, shorter and longer side; an icon has no words
_SAMPLE = 6  # lines that tell whether a picture stands on its head
_FOREIGN_TIME = 20.0  # seconds for tesseract, a picture

OCR_ID = f"{MODELS}/side-{_DETECTION_SIDE}-{_CLOSER_SIDE}/3"
"""Names library, models and settings; a new one makes every row's second pass stale. The last part is ours."""


class Found(NamedTuple):
    """What was read in a picture."""

    lines: list[Line]
    """Words, in reading order, where they stand in the picture as it was given."""
    text: str = ""
    """A row a line; empty where there are no words to be sure of."""
    unread: int = 0
    """Lines that seem to be text in a script that nothing here can write."""
    languages: tuple[str, ...] = ()
    """The languages (ISO 639-1) in which tesseract read some of the lines."""
    others: tuple[Line, ...] = ()
    """What looks like a line and is no words, or none that can be written here: for those who ask why."""


class Read(NamedTuple):
    """One box, and what it says as far as PP-OCR can tell."""

    box: Boxes
    crop: Picture
    guess: Guess

    @property
    def legible(self) -> bool:
        """Whether it is words."""
        return legible.legible(self.guess, self.crop.shape[1] / self.crop.shape[0])


def tiny(width: int, height: int) -> bool:
    """Whether a picture of so many pixels is too small to hold words: nobody need look."""
    return min(width, height) < _SHORTEST_SIDES[0] or max(width, height) < _SHORTEST_SIDES[1]


class Ocr:
    """Reads the words of one picture at a time, on the thread that made it, and on that thread alone."""

    def __init__(self, models: Sequence[Path] = ()) -> None:
        """Load the models, about a second; `models` are recognition models besides the wheel's.

        One of these that cannot be used is left out, see `unusable`. Raises ImportError, OSError.
        """
        self._detector = Detector()
        self._recogniser = Recogniser()
        self._classifier = Classifier()
        self._others: list[Recogniser] = []
        self.unusable: tuple[str, ...] = ()
        """Which of `models` are left out, and why."""
        for model in models:
            try:
                self._others.append(Recogniser(model))
            except Exception as error:
                # ONNX Runtime has kinds of its own, by the way in which a file is none of its.
                said = str(error).partition("\n")[0]
                self.unusable += (f"{model} cannot be used: {said}",)

    def text(self, picture: Picture) -> str:
        """As `read`, without tesseract and only the text."""
        return self.read(picture).text

    def read(self, picture: Picture, packs: Sequence[str] = (), now: Callable[[], float] = time.monotonic) -> Found:
        """The words of a picture, RGB, shape (height, width, 3). `packs`: what tesseract may be asked for, in order.

        Whatever the engine raises is raised: it may be out of memory, and is not to be used again.
        """
        if tiny(picture.shape[1], picture.shape[0]):
            return Found([])
        read, turned = self._upright(picture, self._boxes(picture))
        told = [one for one in read if one.legible]
        rest = [Unread(one.box, one.crop) for one in read if not one.legible]
        until = now() + _FOREIGN_TIME
        taken = by_models(rest, self._others)
        foreign, languages = by_tesseract(rest, packs, until=until, now=now)
        if not languages and not told and packs and self._on_its_head(rest):
            corner = np.array([picture.shape[1], picture.shape[0]], dtype=np.float32)
            over = [Unread(corner - one.box, one.crop[::-1, ::-1]) for one in rest]
            foreign, languages = by_tesseract(over, packs, until=until, now=now)
            rest, turned = (over, not turned) if languages else (rest, turned)
        taken += foreign
        left = sum(_texty(one) for one in rest)
        doubted, second = _doubts(told, languages, packs, left)
        again = [Unread(one.box, one.crop) for one in doubted]
        better, more = by_tesseract(again, second, until=until, now=now)
        kept = {id(one.box) for one in again} if second else set()
        dropped = {id(one.box) for one in doubted} - kept
        found = [_line(one.box, one.guess.text, one.guess.score) for one in told if id(one.box) not in dropped]
        found += [_line(*one) for one in (*taken, *better)]
        ordered = list(chain(*lines.in_reading_order(found)))
        nothing = {id(one.box) for one in rest} | dropped
        others = [_line(one.box, one.guess.text, one.guess.score) for one in read if id(one.box) in nothing]
        height, width = picture.shape[:2]
        shown, left_out = (
            [line.turned(width, height) for line in some] if turned else some for some in (ordered, others)
        )
        every = tuple(dict.fromkeys((*languages, *more)))
        return Found(shown, lines.text_of(found), left, every, tuple(left_out))

    def _boxes(self, picture: Picture) -> Boxes:
        """Where lines stand in the whole picture."""
        height, width = picture.shape[:2]
        found: list[Boxes] = []
        for piece in tiles.pieces(max(height, width), min(height, width)):
            along, axis = slice(piece.start, piece.end), int(height >= width)
            boxes = self._piece(picture[along] if axis else picture[:, along])
            boxes[:, :, axis] += piece.start
            middles = boxes[:, :, axis].mean(axis=1)
            found.append(boxes[(piece.mine_from <= middles) & (middles < piece.mine_to)])
        return np.concatenate(found)

    def _piece(self, picture: Picture) -> Boxes:
        """Where lines stand in a picture of common shape; looked at more closely where they are small."""
        boxes, longest = self._detector.boxes(picture, _DETECTION_SIDE), max(picture.shape[:2])
        if not len(boxes) or longest < 1.3 * _DETECTION_SIDE:
            return boxes
        heights = np.linalg.norm(boxes[:, 0] - boxes[:, 3], axis=1)
        widths = np.linalg.norm(boxes[:, 0] - boxes[:, 1], axis=1)
        seen = np.median(np.minimum(heights, widths)) * _DETECTION_SIDE / longest
        return boxes if seen >= _SMALL else self._detector.boxes(picture, _CLOSER_SIDE)

    def _upright(self, picture: Picture, boxes: Boxes) -> tuple[list[Read], bool]:
        """What the boxes say, and whether the picture had to be turned by 180 degrees: then they are of that one."""
        read = [self._one(picture, box) for box in boxes]
        if not read or 2 * sum(one.legible for one in read) >= len(read):
            return read, False
        # What is read upside down is mostly nonsense; so is what is read of a foreign script.
        sample = sorted(read, key=lambda one: -one.crop.size)[:_SAMPLE]
        turned = [one._replace(guess=self._recogniser.read(one.crop[::-1, ::-1])) for one in sample]
        ours, theirs = (sum(len(one.guess.text) for one in some if one.legible) for some in (sample, turned))
        if theirs <= ours:
            return read, False
        height, width = picture.shape[:2]
        corner = np.array([width, height], dtype=np.float32)
        again = np.roll(corner - boxes, 2, axis=1)
        return [self._one(picture[::-1, ::-1], box) for box in again], True

    def _on_its_head(self, rest: Sequence[Unread]) -> bool:
        """Whether the classifier takes most lines for turned; of scripts that it has not learnt it knows little."""
        return 2 * sum(self._classifier.turned(one.crop) for one in rest) > len(rest)

    def _one(self, picture: Picture, box: Boxes) -> Read:
        crop = cut_out(picture, box)
        return Read(box, crop, self._recogniser.read(crop))


def _doubts(
    told: Sequence[Read], languages: Sequence[str], packs: Sequence[str], left: int
) -> tuple[list[Read], list[str]]:
    """Lines that are not what they seem, and the packs that are to be asked; those that none reads better stay.

    Without packs they are noise: most of the picture is in a script that nothing here can write (`left` lines), and
    these few look as if they were, too.
    """
    if "vie" in packs and legible.vietnamese([one.guess.text for one in told]):
        return list(told), ["vie"]
    alike = [one for one in told if legible.lookalike(one.guess.text)]
    found = [PACKS.get(code, code) for code in languages]
    if second := [pack for pack in found if SCRIPTS.get(pack) in legible.ALIKE]:
        return alike, second
    return (alike, []) if not languages and left >= max(3, 3 * len(alike)) else ([], [])


def _texty(one: Unread) -> bool:
    """Whether a line that nothing could read has the shape of text, rather than of a pattern."""
    return one.crop.shape[0] >= 8 and one.aspect >= 2


def _line(box: Boxes, text: str, score: float, by: str = "pp-ocr") -> Line:
    left, top = map(float, box.min(axis=0))
    right, bottom = map(float, box.max(axis=0))
    return Line(left, top, right, bottom, text, score, by)
