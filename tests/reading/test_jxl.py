"""JPEG XL: size and metadata found without a decoder, and pictures where one is installed."""

import importlib.util
import io
import struct
import sys

import pytest
from PIL import Image
from tests import pictures
from tests.raws import box

from glimpsed.reading import formats, image, jxl, metadata
from glimpsed.reading.bounds import Bounds, bounded
from glimpsed.reading.content import read_content
from glimpsed.records import FaultKind, Part

LIMIT = 10_000_000
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl ", bytes(4), b"jxl ")
EXIF = pictures.exif(caption="A red boat", taken="2024-03-05T10:11:12").tobytes().removeprefix(b"Exif\0\0")
XMP = pictures.xmp_packet("<dc:subject><rdf:Bag><rdf:li>harbour</rdf:li></rdf:Bag></dc:subject>")
needs_jxl = pytest.mark.skipif(importlib.util.find_spec("pillow_jxl") is None, reason="the extra jxl is missing")
needs_brotli = pytest.mark.skipif(importlib.util.find_spec("brotli") is None, reason="the extra jxl is missing")


def stream(width: int, height: int, ratio: int = 0) -> bytes:
    """A codestream's header."""

    def plain(value: int) -> tuple[int, int]:
        choice = next(number for number, most in enumerate((9, 13, 18, 30)) if value <= 1 << most)
        return choice | (value - 1) << 2, 2 + (9, 13, 18, 30)[choice]

    bits, at = 0, 1
    for value, length in (plain(height), (ratio, 3), *(() if ratio else (plain(width),))):
        bits |= value << at
        at += length
    return b"\xff\x0a" + bits.to_bytes(30, "little")


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (stream(5, 700), (5, 700)),
        (stream(1_000_000_000, 262_144), (1_000_000_000, 262_144)),
        (stream(0, 900, ratio=5), (1600, 900)),
        (b"\xff\x0a" + (1 | 9 << 1 | 1 << 6).to_bytes(4, "little"), (80, 80)),
        (b"\xff\x0a" + (1 | 9 << 1 | 0 << 6 | 4 << 9).to_bytes(4, "little"), (40, 80)),
        (CONTAINER + box(b"jxlc", stream(30, 20)), (30, 20)),
        (CONTAINER + box(b"jxlp", bytes(4), stream(30, 20)), (30, 20)),
        (CONTAINER, None),
        (b"\xff\x0a\0", None),
    ],
)
def test_sizes(data: bytes, size: tuple[int, int] | None) -> None:
    assert jxl.is_jxl(data)
    assert jxl.size(data) == size


@pytest.mark.parametrize("exif", [struct.pack(">I", 0) + EXIF, EXIF, struct.pack(">I", 4) + b"\0\0\0\0" + EXIF])
def test_metadata_without_a_decoder(exif: bytes) -> None:
    content = metadata.fields(CONTAINER + box(b"Exif", exif) + box(b"xml ", XMP) + box(b"jxlc", stream(8, 8)))
    assert content.taken_at == "2024-03-05T10:11:12"
    assert {Part("caption", "A red boat"), Part("keywords", "harbour")} <= set(content.parts)


@needs_brotli
def test_packed_metadata() -> None:
    import brotli

    packed = box(b"brob", b"Exif", brotli.compress(bytes(4) + EXIF)) + box(b"brob", b"xml ", brotli.compress(XMP))
    content = metadata.fields(CONTAINER + packed)
    assert {Part("caption", "A red boat"), Part("keywords", "harbour")} <= set(content.parts)
    assert jxl.cut(CONTAINER + box(b"brob", b"xml ", b"no brotli")).xmp == (b"",)


@needs_brotli
def test_a_packed_bomb_is_bounded() -> None:
    import brotli

    bomb = CONTAINER + box(b"brob", b"xml ", brotli.compress(b" " * 5_000_000))
    with bounded(Bounds(inflated=1_000_000)) as spent:
        assert jxl.cut(bomb).xmp == (b"",)
    assert spent.fault is not None
    assert spent.fault.what.endswith("at most 1,000,000 are read ([read] max_inflated)")
    with bounded(Bounds(inflated=5_000_000)) as spent:
        assert jxl.cut(bomb).xmp == (b" " * 5_000_000,)
    assert spent.fault is None


def test_without_brotli_packed_metadata_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    assert jxl.cut(CONTAINER + box(b"brob", b"xml ", b"packed")).xmp == (b"",)


def test_without_the_extra_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "installed", lambda module: module != "pillow_jxl")
    content, _ = read_content(CONTAINER + box(b"Exif", EXIF), "id", max_pixels=LIMIT)
    assert content.fault is not None
    assert content.fault.kind is FaultKind.UNSUPPORTED
    assert "glimpsed[jxl]" in content.fault.what
    assert Part("caption", "A red boat") in content.parts


def encoded(picture: Image.Image, **options: object) -> bytes:
    from pillow_jxl import JpegXLImagePlugin  # noqa: F401  it registers itself

    out = io.BytesIO()
    picture.save(out, "JXL", **options)
    return out.getvalue()


@needs_jxl
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_picture(mode: str) -> None:
    data = encoded(pictures.noisy((200, 100)).convert(mode), exif=EXIF, compress_metadata=True)
    content, thumbnail = read_content(data, "id", max_pixels=LIMIT)
    assert content.fault is None
    assert (content.format, content.width, content.height) == ("jxl", 200, 100)
    assert Part("caption", "A red boat") in content.parts
    assert thumbnail is not None
    assert image.pixels(data, max_pixels=LIMIT).shape == (100, 200, 3)


@needs_jxl
@pytest.mark.filterwarnings("ignore:Using JPEG reconstruction")
def test_a_jpeg_inside_is_turned_by_its_exif(tmp_path: object) -> None:
    jpeg = f"{tmp_path}/a.jpg"
    pictures.noisy((200, 100)).save(jpeg, exif=pictures.exif(orientation=6).tobytes())
    data = encoded(Image.open(jpeg))
    assert jxl.is_a_jpeg(data)
    content, _ = read_content(data, "id", max_pixels=LIMIT)
    assert content.fault is None
    assert (content.width, content.height) == (100, 200)
    assert image.pixels(data, max_pixels=LIMIT).shape == (200, 100, 3)


@needs_jxl
def test_broken_cut_and_large_ones() -> None:
    data = encoded(pictures.noisy((200, 100)), use_container=True, exif=EXIF)
    cut, _ = read_content(data[:-100], "id", max_pixels=LIMIT)
    large, _ = read_content(data, "id", max_pixels=19_999)
    alone, _ = read_content(b"\xff\x0a" + bytes(range(60)), "id", max_pixels=LIMIT)
    assert cut.fault is not None
    assert cut.fault.kind is FaultKind.TRUNCATED
    assert large.fault is not None
    assert (large.fault.kind, large.width, large.height) == (FaultKind.TOO_LARGE, 200, 100)
    assert alone.fault is not None
    assert alone.fault.kind in {FaultKind.BROKEN, FaultKind.TOO_LARGE}
