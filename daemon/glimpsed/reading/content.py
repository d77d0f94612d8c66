"""One picture's bytes to one result: header, words and thumbnail together, whatever state the bytes are in."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glimpsed.reading import exif, formats, image, metadata, svg
from glimpsed.reading.blocks import Blocks, blocks
from glimpsed.reading.bounds import USUAL, Bounds, bounded, now
from glimpsed.reading.faults import BadPicture, broken
from glimpsed.records import Content


def read_content(
    data: bytes,
    content_id: str,
    *,
    max_pixels: int,
    bounds: Bounds = USUAL,
    fields: Callable[[Blocks], Content] = metadata.of_blocks,
) -> tuple[Content, bytes | None]:
    """What these bytes say, and a thumbnail (WebP). `fields` makes words and fields of the blocks that are found.

    Never raises: a bad picture is a Content with its fault, what fields could be had, and no thumbnail. A drawing
    (SVG) has none either: it is not drawn. One that has more of something than `bounds` allow is read as far as they
    go, and has that as its fault.
    """
    with bounded(bounds) as spent:
        content, thumbnail = _read(data, content_id, max_pixels, fields)
        content = replace(content, parts=spent.words(content.parts))
        return replace(content, fault=content.fault or spent.fault), thumbnail


def _read(
    data: bytes, content_id: str, max_pixels: int, fields: Callable[[Blocks], Content]
) -> tuple[Content, bytes | None]:
    if svg.is_svg(data):
        return _drawing(data, content_id), None
    found = blocks(data)
    content = replace(fields(found), content_id=content_id)
    # Formats that `blocks` does not take apart tell their orientation when they are opened.
    turn = exif.orientation(exif.parse(found.exif)) if found.exif else None
    try:
        looked = image.look(data, max_pixels=max_pixels, orientation=turn)
    except BadPicture as bad:
        form = bad.format or formats.recognised(data)
        return replace(content, format=form, width=bad.width, height=bad.height, fault=bad.fault), None
    content = replace(content, format=looked.format, width=looked.width, height=looked.height)
    return replace(content, undeveloped=looked.undeveloped), looked.thumbnail


def words(data: bytes, number: int, read: Callable[[NDArray[np.uint8]], str], *, max_pixels: int) -> tuple[str, int]:
    """The words that `read` finds in the `number`th page, from 0, of a picture, and how many pages there are.

    A drawing is one page, whose text needs no reading. Raises BadPicture, and what `read` raises.
    """
    if svg.is_svg(data):
        return "\n".join(text for label, text in _drawn(data).texts if label == "ocr"), 1
    page = image.page(data, number, max_pixels=max_pixels)
    return read(page.pixels), page.pages


def _drawing(data: bytes, content_id: str) -> Content:
    try:
        drawing = _drawn(data)
    except BadPicture as bad:
        return Content(content_id, format="svg", fault=bad.fault)
    width, height = drawing.size or (None, None)
    return Content(content_id, format="svg", width=width, height=height, parts=metadata.parts(drawing.texts))


def _drawn(data: bytes) -> svg.Drawing:
    try:
        return svg.read(data)
    except svg.BadDrawing as bad:
        raise BadPicture(now().fault or broken(f"cannot be read: {bad}"), format="svg") from None
