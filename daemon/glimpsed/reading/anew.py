"""A picture read anew, in a worker, for somebody who asks about it: where its words came from, and what OCR saw."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from glimpsed.reading import bounds, drawing, image, metadata, places, sidecar, svg
from glimpsed.reading.blocks import Blocks
from glimpsed.reading.content import read_content
from glimpsed.reading.faults import BadPicture
from glimpsed.reading.lines import Line
from glimpsed.reading.messages import Explained, Sighted
from glimpsed.reading.ocr import Found
from glimpsed.reading.sources import Source, apart
from glimpsed.records import Content, Fault, Stamp

_ELEMENTS = {"caption": "desc", "ocr": "text", "keywords": "subject", "author": "creator"}
"""Of a drawing, by the label that their words get, where that is another name."""


class Times:
    """Milliseconds by what was done."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._since = perf_counter()

    def lap(self, name: str) -> None:
        """What was done since the last lap is called `name`."""
        now = perf_counter()
        self.milliseconds[name] = round((now - self._since) * 1000, 1)
        self._since = now


def explain(
    path: str,
    data: bytes,
    stamp: Stamp,
    content_id: str,
    beside: str,
    *,
    max_pixels: int,
    read: Callable[[NDArray[np.uint8]], Found] | None,
    drawn: bool,
    times: Times,
    page: int = 0,
) -> Explained:
    """What these bytes of `path` say, place by place, and what stands beside it in the state `beside`.

    With `read` also what OCR sees on the `page`th of its pages, from 0, which is drawn if `drawn`.

    Never raises what a picture can be guilty of: it is the content's fault, or that of the words.
    """
    content, sources = fields(data, content_id, max_pixels=max_pixels)
    sources = (*sources, *_beside(path))
    times.lap("fields")
    lines: tuple[Sighted, ...] | None = None
    fault: Fault | None = None
    shown: bytes | None = None
    pages = 1
    if read is not None:
        try:
            pixels, pages = image.page(data, page, max_pixels=max_pixels)
            times.lap("pixels")
            lines = words(read(pixels), page + 1)
            times.lap("ocr")
            if drawn:
                shown = drawing.boxes(pixels, lines)
                times.lap("drawing")
        except BadPicture as bad:
            fault = bad.fault
    return Explained(stamp, content, sources, beside, lines, fault, shown, times.milliseconds, pages)


def fields(data: bytes, content_id: str, *, max_pixels: int) -> tuple[Content, tuple[Source, ...]]:
    """What the first pass makes of these bytes, and what each field of them would say without the others."""
    if svg.is_svg(data):
        content, _ = read_content(data, content_id, max_pixels=max_pixels, bounds=bounds.now().bounds)
        labels = dict.fromkeys(part.label for part in content.parts)
        return content, tuple(
            Source(
                f"SVG:{_ELEMENTS.get(label, label)}",
                Content("", parts=tuple(part for part in content.parts if part.label == label)),
            )
            for label in labels
        )
    found: list[Blocks] = []

    def noted(blocks: Blocks) -> Content:
        found.append(blocks)
        return metadata.of_blocks(blocks)

    content, _ = read_content(data, content_id, max_pixels=max_pixels, bounds=bounds.now().bounds, fields=noted)
    said = [field for blocks in found for field in metadata.everything(blocks)]
    sources = tuple(Source(name, places.located(metadata.of_said(some))) for name, some in apart(said))
    return places.located(content), sources


def _beside(path: str) -> tuple[Source, ...]:
    said = ((name, places.located(content)) for name, content in sidecar.sources(path))
    return tuple(Source(name, content) for name, content in said if content.parts or content.latitude is not None)


def words(found: Found, page: int = 1) -> tuple[Sighted, ...]:
    """The lines that count as words, in reading order, then the others."""
    told = (_sighted(line, page, told=True) for line in found.lines)
    return (*told, *(_sighted(line, page, told=False) for line in found.others))


def _sighted(line: Line, page: int, *, told: bool) -> Sighted:
    left, top, right, bottom = (round(float(side), 1) for side in line[:4])
    return Sighted(left, top, right, bottom, line.text, round(float(line.score), 3), line.by, told, page)
