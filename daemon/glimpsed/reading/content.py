"""One picture's bytes to one result: header, words and thumbnail together, whatever state the bytes are in."""

from dataclasses import replace

from glimpsed.reading import exif, image, metadata
from glimpsed.reading.blocks import Blocks, blocks
from glimpsed.reading.bounds import USUAL, Bounds, bounded
from glimpsed.reading.faults import BadPicture
from glimpsed.records import Content


def read_content(
    data: bytes, content_id: str, *, max_pixels: int, bounds: Bounds = USUAL
) -> tuple[Content, bytes | None]:
    """What these bytes say, and a thumbnail (WebP).

    Never raises: a bad picture is a Content with its fault, what fields could be had, and no thumbnail. One that has
    more of something than `bounds` allow is read as far as they go, and has that as its fault.
    """
    with bounded(bounds) as spent:
        content, thumbnail = _read(data, content_id, max_pixels)
        content = replace(content, parts=spent.words(content.parts))
        return replace(content, fault=content.fault or spent.fault), thumbnail


def _read(data: bytes, content_id: str, max_pixels: int) -> tuple[Content, bytes | None]:
    found = blocks(data)
    content = replace(metadata.of_blocks(found), content_id=content_id)
    # Formats that `blocks` does not take apart tell their orientation when they are opened.
    turn = exif.orientation(exif.parse(found.exif)) if found.exif else None
    try:
        looked = image.look(data, max_pixels=max_pixels, orientation=turn)
    except BadPicture as bad:
        return replace(content, format=bad.format, width=bad.width, height=bad.height, fault=bad.fault), None
    if looked.format == "avif":
        late = Blocks(exif=image.tiff_header(looked.exif), xmp=[looked.xmp] if looked.xmp else [])
        content = replace(metadata.of_blocks(late), content_id=content_id)
    return replace(content, format=looked.format, width=looked.width, height=looked.height), looked.thumbnail
