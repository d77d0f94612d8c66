"""Headers, thumbnails and pixels of real pictures, whole and damaged."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests import pictures

from glimpsed.reading import counting, frames, image
from glimpsed.reading.faults import BadPicture
from glimpsed.records import FaultKind

LIMIT = 10_000_000


NOISY = pictures.noisy((160, 120))


def moving(form: str) -> bytes:
    out = io.BytesIO()
    NOISY.save(out, form, save_all=True, append_images=[pictures.noisy((160, 120), seed) for seed in (1, 2)])
    return out.getvalue()


def thumb(looked: image.Looked) -> Image.Image:
    opened = Image.open(io.BytesIO(looked.thumbnail))
    opened.load()
    assert opened.format == "WEBP"
    return opened


def fault(data: bytes, max_pixels: int = LIMIT) -> BadPicture:
    with pytest.raises(BadPicture) as caught:
        image.look(data, max_pixels=max_pixels)
    return caught.value


@pytest.mark.parametrize(
    ("form", "name"),
    [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif"), ("TIFF", "tiff"), ("BMP", "bmp"),
     ("ICO", "ico"), ("AVIF", "avif"), ("PPM", "ppm"), ("TGA", "tga"), ("JPEG2000", "jpeg2000"), ("DIB", "bmp"),
     ("MPO", "jpeg")],
)  # fmt: skip
def test_formats(form: str, name: str) -> None:
    options = {"sizes": [NOISY.size]} if form == "ICO" else {}
    looked = image.look(pictures.encode(NOISY, form, options=options), max_pixels=LIMIT)
    assert (looked.format, looked.width, looked.height, looked.orientation, looked.frames) == (name, 160, 120, 1, 1)
    assert thumb(looked).size == (160, 120)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_frames(form: str) -> None:
    assert image.look(moving(form), max_pixels=LIMIT).frames == 3


@pytest.mark.parametrize(
    ("size", "expected"),
    [((2000, 1000), (512, 256)), ((30, 3000), (5, 512)), ((4000, 3), (512, 1)), ((512, 8), (512, 8))],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_thumbnail_size(form: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    looked = image.look(pictures.encode(pictures.noisy(size), form), max_pixels=2 * LIMIT)
    assert (looked.width, looked.height) == size
    assert thumb(looked).size == expected


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation(form: str, orientation: int) -> None:
    # Red at the upper left, green at the upper right, as people shall see it.
    upright = Image.new("RGB", (64, 32), "blue")
    upright.paste("red", (0, 0, 32, 16))
    upright.paste("lime", (32, 0, 64, 16))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    data = pictures.encode(stored, form, orientation=orientation, quality=95)
    looked = image.look(data, max_pixels=LIMIT)
    array = image.pixels(data, max_pixels=LIMIT)
    assert (looked.width, looked.height, looked.orientation) == (64, 32, 1 if form == "TIFF" else orientation)
    assert array.shape == (32, 64, 3)
    for pixels in (array, np.asarray(thumb(looked).convert("RGB"))):
        assert pixels[8, 16].argmax() == 0
        assert pixels[8, 48].argmax() == 1
        assert pixels[24, 32].argmax() == 2


def test_a_known_orientation_is_believed() -> None:
    looked = image.look(pictures.encode(NOISY, "JPEG"), max_pixels=LIMIT, orientation=6)
    assert (looked.width, looked.height) == (120, 160)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "I;16", "LAB"])
def test_modes(mode: str) -> None:
    if mode == "I;16":
        source: Image.Image = Image.fromarray(np.linspace(0, 65535, 64 * 32, dtype=np.uint16).reshape(32, 64))
    else:
        source = NOISY.resize((64, 32)).convert("L").convert(mode) if mode in "IF" else _converted(mode)
    form = "PNG" if mode in {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"} else "TIFF"
    data = pictures.encode(source, form)
    assert thumb(image.look(data, max_pixels=LIMIT)).size == (64, 32)
    array = image.pixels(data, max_pixels=LIMIT)
    assert array.shape == (32, 64, 3)
    assert array.dtype == np.uint8
    assert array.max() > array.min()


def _converted(mode: str) -> Image.Image:
    small = NOISY.resize((64, 32))
    if mode == "PA":
        return small.convert("P").convert("PA")
    if mode == "LAB":
        return Image.merge("LAB", small.split())
    return small.convert(mode)


def test_deep_greys_keep_what_they_show() -> None:
    dark = Image.fromarray((np.arange(64 * 32, dtype=np.uint16) % 800).reshape(32, 64))
    array = image.pixels(pictures.encode(dark, "PNG"), max_pixels=LIMIT)
    assert array.min() == 0
    assert array.max() == 255
    flat = Image.fromarray(np.full((8, 8), 7, dtype=np.uint16))
    assert image.pixels(pictures.encode(flat, "PNG"), max_pixels=LIMIT).max() == 0


@pytest.mark.parametrize(("ink", "ground"), [((0, 0, 0), 255), ((255, 255, 255), 0)])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_letters_on_nothing_stay_readable(ink: tuple[int, int, int], ground: int, mode: str) -> None:
    letters = Image.new("RGBA", (80, 40), (*ink, 0))
    letters.paste((*ink, 255), (20, 10, 40, 30))
    array = image.pixels(pictures.encode(letters.convert(mode), "PNG"), max_pixels=LIMIT)
    assert (array[20, 30] == ink).all()
    assert (array[2, 2] == ground).all()


def test_a_transparent_colour() -> None:
    data = pictures.encode(Image.new("RGB", (20, 20), (10, 20, 30)), "PNG", options={"transparency": (10, 20, 30)})
    assert (image.pixels(data, max_pixels=LIMIT) == 255).all()
    assert thumb(image.look(data, max_pixels=LIMIT)).mode == "RGBA"


def test_a_colour_profile_goes_along() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    looked = image.look(pictures.encode(NOISY, "PNG", options={"icc_profile": profile}), max_pixels=LIMIT)
    assert thumb(looked).info["icc_profile"] == profile


def test_broken_later_frames_do_not_hide_the_first() -> None:
    data = bytearray(moving("TIFF"))
    first = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[first : first + 2], "little")
    place = first + 2 + 12 * entries
    data[place : place + 4] = b"\xf0\xff\xff\x7f"  # the second page lies behind the end of the file
    assert counting.count(bytes(data), 100) == 1


def test_a_decoder_that_cannot_count_has_one_frame() -> None:
    class Frames:
        format = "MPO"

        @property
        def n_frames(self) -> int:
            raise EOFError

    assert frames.count_of(Frames(), b"") == 1  # type: ignore[arg-type]  # only these attributes are asked for


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"Dear diary, today I saw a cat.\n" * 30, "looks like text"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"<?xml version='1.0'?><note/>", "XML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"%PDF-1.7", "PDF"),
        (bytes(range(1, 256)) * 4, "known format"),
        (b"a\0" * 100, "known format"),
        ("é".encode() * 400, "looks like text"),
    ],
)
def test_what_is_no_picture_is_told_plainly(data: bytes, what: str) -> None:
    bad = fault(data)
    assert bad.fault.kind is FaultKind.BROKEN
    assert what in bad.fault.what
    assert bad.format is None


def bomb(side: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_too_many_pixels_are_never_decoded() -> None:
    data = bomb(30_000)
    for limit in (200_000_000, 500_000_000):
        bad = fault(data, limit)
        assert bad.fault.kind is FaultKind.TOO_LARGE
        assert "30000 x 30000" in bad.fault.what
        assert str(limit) in bad.fault.what
        assert (bad.format, bad.width, bad.height) == ("png", 30_000, 30_000)
        with pytest.raises(BadPicture):
            image.pixels(data, max_pixels=limit)


def test_the_limit_is_exact_and_puts_nothing_aside() -> None:
    before = Image.MAX_IMAGE_PIXELS
    data = pictures.encode(NOISY, "PNG")
    image.look(data, max_pixels=160 * 120)
    assert fault(data, 160 * 120 - 1).fault.kind is FaultKind.TOO_LARGE
    assert fault(data, 10).fault.kind is FaultKind.TOO_LARGE
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"VP8X\x0a\0\0\0\0\0\0\0" + (16382).to_bytes(3, "little") * 2, (16383, 16383)),
        (b"VP8L\x05\0\0\0\x2f" + (16382 | 16382 << 14).to_bytes(4, "little"), (16383, 16383)),
        (b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a" + (16000).to_bytes(2, "little") * 2, (16000, 16000)),
    ],
)
def test_a_canvas_of_thirty_bytes(body: bytes, size: tuple[int, int]) -> None:
    bad = fault(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)
    assert bad.fault.kind is FaultKind.TOO_LARGE
    assert (bad.format, bad.width, bad.height) == ("webp", *size)


def test_a_bomb_of_which_not_even_the_header_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Image.Image:
        raise Image.DecompressionBombError

    monkeypatch.setattr(Image, "open", refuse)
    bad = fault(b"BM")
    assert bad.fault.kind is FaultKind.TOO_LARGE
    assert bad.width is None


@pytest.mark.parametrize(
    "error", [MemoryError, ValueError, struct.error, RecursionError, NotImplementedError, KeyError]
)
def test_every_exception_of_the_decoder_becomes_a_fault(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Image.Image, "transpose", fail)
    bad = fault(pictures.encode(NOISY, "JPEG", orientation=6))
    assert bad.fault.kind is (FaultKind.TOO_LARGE if error is MemoryError else FaultKind.BROKEN)
    assert bad.fault.what
    assert (bad.format, bad.width, bad.height) == ("jpeg", 120, 160)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_of_inks_is_shown_in_its_colours(options: dict[str, Any]) -> None:
    inks = Image.new("CMYK", (64, 48), (0, 255, 255, 0))
    inks.paste((255, 0, 255, 0), (32, 0, 64, 48))
    array = image.pixels(pictures.encode(inks, "JPEG", quality=95, options=options), max_pixels=LIMIT)
    assert array[24, 10].argmax() == 0
    assert array[24, 54].argmax() == 1
