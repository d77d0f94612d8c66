"""Pixels and headers, by Pillow; its exceptions stop here. A full decode proves that a file is complete."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from glimpsed.reading import blocks, bounds, complete, exif, frames, jxl
from glimpsed.reading.faults import BadPicture, broken, too_large, truncated
from glimpsed.reading.opening import Source, opened, sources, stored_size
from glimpsed.reading.plain import flat, is_blank, plain, shrunk, turned
from glimpsed.records import Fault

_NAMES = {"MPO": "jpeg", "DIB": "bmp"}


@dataclass(frozen=True, slots=True)
class Looked:
    """What the pixels and the header of one picture say."""

    format: str
    """A name of `formats.FORMATS`."""
    width: int
    """Pixels, after orientation."""
    height: int
    orientation: int
    """1 to 8, as EXIF numbers them: how the decoder's pixels had to be turned."""
    frames: int
    thumbnail: bytes
    """A WebP."""
    undeveloped: bool = False
    """See `Content.undeveloped`."""


def look(data: bytes, *, max_pixels: int, thumbnail: int = 512, orientation: int | None = None) -> Looked:
    """The header of a picture and a thumbnail of at most `thumbnail` pixels a side, after decoding it to its end.

    `orientation` spares finding it again. Raises BadPicture: TOO_LARGE before anything is decoded, TRUNCATED where the
    end is missing, UNSUPPORTED where no decoder is installed, else BROKEN. Never anything else.
    """
    return _first(data, lambda source: _looked(source, max_pixels, thumbnail, orientation))


def pixels(data: bytes, *, max_pixels: int, orientation: int | None = None) -> NDArray[np.uint8]:
    """The upright picture as people see it: RGB, uint8, shape (height, width, 3).

    What is transparent becomes white, or black where the visible part is bright: letters stay readable.
    Raises BadPicture and nothing else.
    """
    return page(data, 0, max_pixels=max_pixels, orientation=orientation).pixels


class Page(NamedTuple):
    """One of the pictures in a file that are read for words."""

    pixels: NDArray[np.uint8]
    """As `pixels` gives them."""
    pages: int
    """How many there are, this one included."""


def page(data: bytes, number: int, *, max_pixels: int, orientation: int | None = None) -> Page:
    """The `number`th, from 0, of the pictures that `frames.telling` names. Raises BadPicture and nothing else."""
    return _first(data, lambda source: _page(source, number, max_pixels, orientation))


T = TypeVar("T")


def _first(data: bytes, decode: Callable[[Source], T]) -> T:
    """What `decode` makes of the first source that it can decode; what was wrong with the best one where of none."""
    fault: BadPicture | None = None
    for source in sources(data):
        try:
            return decode(source)
        except BadPicture as bad:
            fault = fault or bad
    assert fault is not None  # `sources` says itself that there is none
    raise fault


def _looked(source: Source, max_pixels: int, thumbnail: int, orientation: int | None) -> Looked:
    with _opened(source, max_pixels, orientation) as (image, turn):
        width, height = _upright(source.size or image.size, turn)
        count = frames.count_of(image, source.data)
        # A JPEG decoder that scales still reads every coded block, so a missing end shows all the same.
        image.draft("", (thumbnail, thumbnail))
        image.load()
        if not (source.inner or source.sensor) and (missing := complete.shortfall(source.data, decoded=True)):
            raise BadPicture(truncated(missing))
        shown = shrunk(plain(image), thumbnail)
        if is_blank(shown) and (later := frames.middle(image, count)):
            shown = _later(image, later, thumbnail) or shown
        profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA"} else None
        out = io.BytesIO()
        turned(shown, turn).save(out, "WEBP", quality=75, method=0, **({"icc_profile": profile} if profile else {}))
        return Looked(
            format=_name(image, source),
            width=width,
            height=height,
            orientation=turn,
            frames=count,
            thumbnail=out.getvalue(),
            undeveloped=source.undeveloped,
        )


def _later(image: Image.Image, number: int, side: int) -> Image.Image | None:
    """A later frame, small; None where it cannot be had: the first one was."""
    try:
        image.seek(number)
        return shrunk(plain(image), side)
    except Exception:
        return None


def _page(source: Source, number: int, max_pixels: int, orientation: int | None) -> Page:
    with _opened(source, max_pixels, orientation) as (image, turn):
        numbers = frames.telling(image, frames.count_of(image, source.data))
        if number and numbers[number:]:
            image.seek(numbers[number])
            _check(image.size, max_pixels)
            _check_tile(image, max_pixels)
        image.load()
        upright = turned(plain(image), turn)
        rgb = flat(upright) if upright.mode == "RGBA" else upright.convert("RGB")
        return Page(np.asarray(rgb, dtype=np.uint8), len(numbers))


class _Header(NamedTuple):
    format: str | None = None
    width: int | None = None
    height: int | None = None

    def bad(self, fault: Fault) -> BadPicture:
        return BadPicture(fault, format=self.format, width=self.width, height=self.height)


@contextmanager
def _opened(source: Source, max_pixels: int, orientation: int | None) -> Iterator[tuple[Image.Image, int]]:
    """The opened, not yet decoded picture and its orientation; every exception in the block becomes a BadPicture."""
    header = _Header()
    try:
        with warnings.catch_warnings(), _pixel_limit((max_pixels + 1) // 2):
            warnings.simplefilter("ignore")
            stored = source.size if source.sensor else stored_size(source.data)
            if source.form is not None and stored is not None:
                _check(stored, max_pixels)
            with opened(source) as image:
                turn = _orientation(image, source, orientation)
                header = _Header(_name(image, source), *_upright(source.size or image.size, turn))
                _check(image.size, max_pixels)
                _check_tile(image, max_pixels)
                yield image, turn
    except BadPicture as bad:
        raise header.bad(bad.fault) from None
    except (Image.DecompressionBombError, _TooManyPixels):
        # Pillow says no more than that it is one: the header is opened once more, only for its numbers.
        header = header if header.format else _declared(source, orientation)
        size = f"{header.width} x {header.height}" if header.width else "too many"
        raise header.bad(too_large(f"{size} pixels; at most {max_pixels} are read ([read] max_pixels)")) from None
    except MemoryError:
        raise header.bad(too_large("needs more memory than a worker may use")) from None
    except Exception as error:
        # Pillow raises some twenty kinds of exception on hostile files.
        header = (
            header if header.format or source.form is None else _Header(source.form, *(source.size or (None, None)))
        )
        raise header.bad(_judged(source.data, error)) from error


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
def _pixel_limit(pixels: int | None) -> Iterator[None]:
    """Pillow refuses beyond twice its limit, a global; it also guards what hides in frames and tiles."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = pixels
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _declared(source: Source, orientation: int | None) -> _Header:
    """Format and size as the header has them, of a picture that is too large to open."""
    if (stored := source.size if source.sensor else stored_size(source.data)) is not None:
        return _Header(source.form or "webp", *_upright(stored, orientation or _tagged(source.data)))
    try:
        with _pixel_limit(None), opened(source) as image:
            return _Header(_name(image, source), *_upright(image.size, _orientation(image, source, orientation)))
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


def _name(image: Image.Image, source: Source) -> str:
    form = image.format or ""
    return source.form or _NAMES.get(form, form.lower())


def _orientation(image: Image.Image, source: Source, known: int | None) -> int:
    if source.turn is not None:
        return source.turn
    if image.format == "AVIF":
        # Its own boxes turn it, whatever its EXIF says; Pillow tells that as EXIF would.
        return exif.orientation(exif.parse(_tiff_header(image.info.get("exif"))))
    if image.format in {"TIFF", "HEIF"} or (image.format == "JXL" and not jxl.is_a_jpeg(source.data)):
        # Turned by its decoder, already in the size it gives before decoding.
        return 1
    return _tagged(source.data) if known is None else known


def _tiff_header(block: object) -> bytes:
    """An EXIF block as Pillow has it, from its TIFF header on; empty where there is none."""
    return block.removeprefix(b"Exif\0\0") if isinstance(block, bytes) else b""


def _tagged(data: bytes) -> int:
    with bounds.again():
        return exif.orientation(exif.parse(blocks.blocks(data).exif))


def _upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation in {5, 6, 7, 8} else size
