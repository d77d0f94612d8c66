"""Pixels and headers, by Pillow; its exceptions stop here. A full decode proves that a file is complete."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from glimpsed.reading import blocks, bounds, complete, exif, frames
from glimpsed.reading.faults import BadPicture, broken, too_large, truncated
from glimpsed.records import Fault

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "ICO", "AVIF", "PPM", "TGA", "JPEG2000")
"""What Pillow may open, whatever a file is called; its other plugins are not for pictures that people keep. MPO comes
as JPEG."""

_NAMES = {"MPO": "jpeg", "DIB": "bmp"}

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Looked:
    """What the pixels and the header of one picture say."""

    format: str
    """Pillow's name in lower case."""
    width: int
    """Pixels, after orientation."""
    height: int
    orientation: int
    """1 to 8, as EXIF numbers them: how the decoder's pixels had to be turned."""
    frames: int
    thumbnail: bytes
    """A WebP."""
    exif: bytes | None = None
    """The EXIF block that Pillow found; only for formats that `blocks` cannot take apart."""
    xmp: bytes | None = None


def look(data: bytes, *, max_pixels: int, thumbnail: int = 512, orientation: int | None = None) -> Looked:
    """The header of a picture and a thumbnail of at most `thumbnail` pixels a side, after decoding it to its end.

    `orientation` spares finding it again. Raises BadPicture: TOO_LARGE before anything is decoded, TRUNCATED where the
    end is missing, else BROKEN. Never anything else.
    """
    with _opened(data, max_pixels, orientation) as (image, turn):
        width, height = _upright(image.size, turn)
        form = _name(image)
        # A JPEG decoder that scales still reads every coded block, so a missing end shows all the same.
        image.draft("", (thumbnail, thumbnail))
        image.load()
        if missing := complete.shortfall(data, decoded=True):
            raise BadPicture(truncated(missing))
        profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA"} else None
        small = _turned(_shrunk(_plain(image), thumbnail), turn)
        out = io.BytesIO()
        small.save(out, "WEBP", quality=75, method=0, **({"icc_profile": profile} if profile else {}))
        return Looked(
            format=form,
            width=width,
            height=height,
            orientation=turn,
            frames=_frames(data),
            thumbnail=out.getvalue(),
            exif=_bytes(image.info.get("exif")),
            xmp=_bytes(image.info.get("xmp")),
        )


def tiff_header(block: object) -> bytes:
    """An EXIF block as Pillow has it, from its TIFF header on; empty where there is none."""
    return (_bytes(block) or b"").removeprefix(b"Exif\0\0")


def pixels(data: bytes, *, max_pixels: int, orientation: int | None = None) -> NDArray[np.uint8]:
    """The upright picture as people see it: RGB, uint8, shape (height, width, 3).

    What is transparent becomes white, or black where the visible part is bright: letters stay readable.
    Raises BadPicture and nothing else.
    """
    with _opened(data, max_pixels, orientation) as (image, turn):
        image.load()
        plain = _turned(_plain(image), turn)
        flat = _flat(plain) if plain.mode == "RGBA" else plain.convert("RGB")
        return np.asarray(flat, dtype=np.uint8)


class _Header(NamedTuple):
    format: str | None = None
    width: int | None = None
    height: int | None = None

    def bad(self, fault: Fault) -> BadPicture:
        return BadPicture(fault, format=self.format, width=self.width, height=self.height)


@contextmanager
def _opened(data: bytes, max_pixels: int, orientation: int | None) -> Iterator[tuple[Image.Image, int]]:
    """The opened, not yet decoded picture and its orientation; every exception in the block becomes a BadPicture."""
    header = _Header()
    try:
        with warnings.catch_warnings(), _pixel_limit((max_pixels + 1) // 2), _text_limit():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                turn = _orientation(image, data, orientation)
                header = _Header(_name(image), *_upright(image.size, turn))
                _check(image.size, max_pixels)
                _check_tile(image, max_pixels)
                yield image, turn
    except BadPicture as bad:
        raise header.bad(bad.fault) from None
    except (Image.DecompressionBombError, _TooManyPixels):
        # Pillow says no more than that it is one: the header is opened once more, only for its numbers.
        header = header if header.format else _declared(data, orientation)
        size = f"{header.width} x {header.height}" if header.width else "too many"
        raise header.bad(too_large(f"{size} pixels; at most {max_pixels} are read ([read] max_pixels)")) from None
    except MemoryError:
        raise header.bad(too_large("needs more memory than a worker may use")) from None
    except Exception as error:
        # Pillow raises some twenty kinds of exception on hostile files.
        raise header.bad(_judged(data, error)) from error


class _TooManyPixels(Exception):  # noqa: N818 - never leaves this module
    pass


def _check(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise _TooManyPixels


def _check_tile(image: Image.Image, max_pixels: int) -> None:
    """Of a TIFF: the decoder takes the memory for a whole tile, however small the picture is."""
    tags = getattr(image, "tag_v2", {})
    width, height = tags.get(322, 0), tags.get(323, 0)
    if isinstance(width, int) and isinstance(height, int) and width * height > max_pixels:
        what = f"{width} x {height} pixels in one tile; at most {max_pixels} are read ([read] max_pixels)"
        raise BadPicture(too_large(what))


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
def _pixel_limit(pixels: int | None) -> Iterator[None]:
    """Pillow refuses beyond twice its limit, a global; it also guards what hides in frames and tiles."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = pixels
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _declared(data: bytes, orientation: int | None) -> _Header:
    """Format and size as the header has them, of a picture that is too large to open."""
    if data[:4] == b"RIFF":
        # Pillow's WebP decoder takes the memory for the whole canvas when it opens.
        width, height = complete.webp_size(data)
        return _Header("webp", *_upright((width, height), orientation or _tagged(data)))
    try:
        with _pixel_limit(None), Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _Header(_name(image), *_upright(image.size, _orientation(image, data, orientation)))
    except Exception:
        # The fault is known already; these are only its numbers.
        return _Header()


def _judged(data: bytes, error: Exception) -> Fault:
    """Broken or cut off? The structure of the file tells; Pillow's words help where a format has none."""
    if not data:
        return broken("an empty file: 0 bytes")
    if missing := complete.shortfall(data):
        return truncated(missing)
    if complete.ends_in_zeros(data):
        return truncated("ends in zeros")
    if isinstance(error, UnidentifiedImageError):
        return broken(complete.kind_of(data))
    said = str(error).strip("'\"") or type(error).__name__
    if "MAX_TEXT" in said:  # the words of Pillow's own bound, which is ours
        spent = bounds.now()
        spent.inflated(0, whole=False)
        return spent.fault or too_large(said)
    if any(word in said.lower() for word in ("truncated", "unexpected end", "not enough", "eof")):
        return truncated(said)
    return broken(f"cannot be decoded: {said}")


def _name(image: Image.Image) -> str:
    form = image.format or ""
    return _NAMES.get(form, form.lower())


def _orientation(image: Image.Image, data: bytes, known: int | None) -> int:
    if image.format == "TIFF":
        # Pillow turns these by itself, already in the size it gives before decoding.
        return 1
    if known is not None:
        return known
    if image.format == "AVIF":
        # Its own boxes turn it; Pillow tells that as EXIF would.
        return exif.orientation(exif.parse(tiff_header(image.info.get("exif"))))
    return _tagged(data)


def _tagged(data: bytes) -> int:
    with bounds.bounded(bounds.now().bounds):  # counted once, where the metadata are read
        return exif.orientation(exif.parse(blocks.blocks(data).exif))


def _upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation in {5, 6, 7, 8} else size


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _plain(image: Image.Image) -> Image.Image:
    """The first frame as L, RGB or, where any of it can be seen through, RGBA."""
    if image.mode.startswith(("I", "F")):
        return _greys(image)
    if "transparency" in image.info or image.mode in {"LA", "La", "PA", "RGBa", "RGBA"}:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in {"L", "RGB"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _greys(image: Image.Image) -> Image.Image:
    """16 bits and more a pixel, brought to 8: by their range where they use little of it, as scans and maps do."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") and high > 4096:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(scaled.astype(np.uint8))


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.5)


def _flat(image: Image.Image) -> Image.Image:
    visible = np.asarray(image.getchannel("A")) > 127
    bright = np.asarray(image.convert("L"))[visible]
    ground = 0 if bright.size and bright.mean() > 127 else 255
    flat = Image.new("RGB", image.size, (ground, ground, ground))
    flat.paste(image, mask=image.getchannel("A"))
    return flat


def _frames(data: bytes) -> int:
    spent = bounds.now()
    return spent.frames(frames.count(data, spent.bounds.frames))


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None
