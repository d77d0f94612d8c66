"""Boxes drawn into a copy of a picture, by Pillow: what OCR saw where."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glimpsed.reading.messages import Sighted

_LARGEST_SIDE = 2000  # pixels; more shows nothing more of a box
_TOLD = "#00a03c"
_PASSED_OVER = "#dc1e28"
_GROUND = "#ffffff"


def boxes(picture: NDArray[np.uint8], lines: Sequence[Sighted]) -> bytes:
    """A PNG of the picture (RGB, shape (height, width, 3)) of at most 2,000 pixels a side.

    Lines that count as words are green with their number, from 1; the others are red with their confidence.
    """
    image = Image.fromarray(picture)
    ratio = min(1.0, _LARGEST_SIDE / max(image.size))
    if ratio < 1:
        image = image.resize((max(1, round(image.width * ratio)), max(1, round(image.height * ratio))))
    pen = ImageDraw.Draw(image)
    thick = max(1, max(image.size) // 700)
    font = ImageFont.load_default(max(10, max(image.size) // 70))
    number = 0
    for line in lines:
        number += line.told
        box = tuple(side * ratio for side in (line.left, line.top, line.right, line.bottom))
        _box(
            pen,
            box,
            f"{number}" if line.told else f"{line.score:.2f}",
            _TOLD if line.told else _PASSED_OVER,
            thick,
            font,
        )
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=3)
    return out.getvalue()


def _box(
    pen: ImageDraw.ImageDraw,
    box: tuple[float, ...],
    mark: str,
    colour: str,
    thick: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    left, right = sorted((box[0], box[2]))
    top, bottom = sorted((box[1], box[3]))
    pen.rectangle((left - thick, top - thick, right + thick, bottom + thick), outline=colour, width=thick)
    # Above the box, so that the text in it can be read; below its upper edge where there is no room.
    _, _, wide, high = pen.textbbox((0, 0), mark, font=font)
    at = (max(0.0, left - thick), max(0.0, top - thick - high))
    pen.rectangle((*at, at[0] + wide + 2, at[1] + high), fill=_GROUND)
    pen.text((at[0] + 1, at[1]), mark, fill=colour, font=font)
