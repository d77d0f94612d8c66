"""Opening a picture of any format with what is installed for it: Pillow, its plugins, and what is inside a RAW."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from PIL import Image, PngImagePlugin

from glimpsed.reading import blocks, bounds, complete, exif, formats, jxl, psd, psd_pixels, raw
from glimpsed.reading.faults import BadPicture, broken, truncated, unsupported

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "ICO", "AVIF", "PPM", "TGA", "JPEG2000")
"""What Pillow may open by itself, whatever a file is called; its other plugins are not for pictures that people keep.
MPO comes as JPEG."""

_SMALL = 640  # pixels, longer side

_PLUGINS = {"heic": ("HEIF",), "jxl": ("JXL",)}


class Source(NamedTuple):
    """The bytes to decode, and what the file around them says of the picture."""

    data: bytes
    form: str | None = None
    """The format's name, where it is not Pillow's to tell."""
    size: tuple[int, int] | None = None
    """Of the picture as stored, where the bytes hold a smaller one of it."""
    inner: bool = False
    """Whether the bytes are a JPEG out of another file."""
    sensor: bool = False
    """Whether it is to be developed from what the sensor saw."""
    turn: int | None = None
    """How the decoder's pixels have to be turned, as EXIF numbers it; None where the bytes themselves say."""
    undeveloped: bool = False
    """Whether they show less than what is not installed would make of the file."""


def sources(data: bytes) -> Iterator[Source]:
    """What may be decoded of a file, best first: itself, or the previews inside.

    Raises BadPicture for what no decoder is installed for, and where there is nothing to decode.
    """
    name = formats.recognised(data)
    form = formats.by_name(name)
    if form is not None and not formats.readable(form):
        raise BadPicture(unsupported(formats.unreadable(form)), format=name)
    if name == "svg":
        raise BadPicture(broken("a drawing has no pixels"), format=name)
    if name == "psd":
        yield _document(data)
    elif name is not None and raw.kind(data) is not None:
        yield from _previews(data, name)
    else:
        yield Source(data, name if name in _PLUGINS else None)


def _document(data: bytes) -> Source:
    found = psd.document(data)
    if found is None:
        raise BadPicture(truncated("ends before its pixels"), format="psd")
    small = None if psd.is_merged(found) else psd.thumbnail(found)
    # A document without its merged picture still has the small one that was made for file managers.
    size = (found.width, found.height)
    # It is kept upright, whatever the EXIF block of the photo that it began as says.
    return Source(small or data, "psd", size, inner=small is not None, turn=1)


def _previews(data: bytes, name: str) -> Iterator[Source]:
    if missing := raw.shortfall(data):
        raise BadPicture(truncated(missing), format=name)
    with bounds.again():
        told, found, block = raw.size(data), raw.previews(data), blocks.blocks(data).exif
    turn = exif.orientation(exif.parse(block)) if block else None
    # A thumbnail of a few hundred pixels shows no letters.
    small, developer = not found or max(found[0][:2]) < _SMALL, formats.installed(formats.DEVELOPER)
    if small and developer:
        yield Source(data, name, told, sensor=True, turn=turn)
    for preview in found:
        size = max(told or (0, 0), preview[:2], key=lambda one: one[0] * one[1])
        undeveloped = small and not developer
        yield Source(raw.jpeg(data, preview), name, size, inner=True, turn=turn, undeveloped=undeveloped)
    form = formats.by_name(name)
    if not found and not developer and form is not None:
        width, height = told or (None, None)
        raise BadPicture(unsupported(formats.undeveloped(form)), format=name, width=width, height=height)


def stored_size(data: bytes) -> tuple[int, int] | None:
    """Of a format whose decoder takes the memory for all pixels as it opens: the size that the header declares."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return complete.webp_size(data)
    return psd.size(data) or (jxl.size(data) if jxl.is_jxl(data) else None)


@contextmanager
def opened(source: Source) -> Iterator[Image.Image]:
    """The picture, not yet decoded where its decoder can wait. Raises whatever a decoder does."""
    with _text_limit(), _by_form(source) as image:
        yield image


@contextmanager
def _text_limit() -> Iterator[None]:
    """Packed texts and profiles of a PNG beyond Pillow's limits, globals of 1 MiB and more, make it unreadable."""
    before = PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = bounds.now().bounds.inflated
    try:
        yield
    finally:
        PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = before


@contextmanager
def _by_form(source: Source) -> Iterator[Image.Image]:
    if source.form == "psd" and not source.inner:
        found = psd.document(source.data)
        assert found is not None  # or there would be no source
        with psd_pixels.merged(source.data, found) as image:
            yield image
        return
    if source.sensor:
        with _developed(source.data) as image:
            yield image
        return
    names: tuple[str, ...] = FORMATS
    if source.form in _PLUGINS:
        _register(source.form)
        names = _PLUGINS[source.form]
    with _image(source, names) as image:
        yield image


def _image(source: Source, names: tuple[str, ...]) -> Image.Image:
    try:
        return Image.open(io.BytesIO(source.data), formats=names)
    except RuntimeError as error:
        if source.form != "jxl":
            raise
        raise OSError("refused by libjxl") from error  # which tells at length how to build another one


def _developed(data: bytes) -> Image.Image:
    """What the sensor saw, by LibRaw: at half its size, in the camera's own white balance, not turned."""
    import rawpy  # noqa: PLC0415

    try:
        with rawpy.imread(io.BytesIO(data)) as sensor:
            return Image.fromarray(sensor.postprocess(half_size=True, use_camera_wb=True, user_flip=0, output_bps=8))
    except rawpy.LibRawError as error:
        raise OSError(f"refused by LibRaw: {error}") from error


def _register(form: str) -> None:
    """Tell Pillow of a plugin; they are loaded when the first picture needs them. Raises ImportError."""
    if form == "heic" and "HEIF" not in Image.OPEN:
        import pillow_heif  # noqa: PLC0415

        # The small pictures inside would prove nothing of the large one, and a worker has one thread.
        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    if form == "jxl" and "JXL" not in Image.OPEN:
        from pillow_jxl import JpegXLImagePlugin  # noqa: PLC0415

        JpegXLImagePlugin.DECODE_THREADS = 0
