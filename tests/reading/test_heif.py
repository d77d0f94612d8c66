"""HEIF containers: metadata found without a decoder, and pictures where one is installed."""

import importlib.util
import io
import struct

import numpy as np
import pytest
from PIL import Image
from tests import pictures
from tests.raws import box

from glimpsed.reading import formats, heif, image, metadata
from glimpsed.reading.content import read_content
from glimpsed.records import FaultKind, Part

LIMIT = 1_000_000
EXIF = pictures.exif(caption="A red boat", taken="2024-03-05T10:11:12", orientation=6).tobytes()
XMP = pictures.xmp_packet("<dc:subject><rdf:Bag><rdf:li>harbour</rdf:li></rdf:Bag></dc:subject>")
needs_heif = pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="the extra heif is missing")


def container(brand: bytes = b"heic", *, version: int = 0, inside: bool = False, others: bytes = b"mif1") -> bytes:
    """A HEIF without pixels: two items, in the file or (`inside`) in the box of metadata itself."""
    full = bytes([version]) + bytes(3)
    wide = version > 1
    body = struct.pack(">I", 6) + EXIF
    number = ">I" if wide else ">H"
    entry = bytes([3 if wide else 2]) + bytes(3)
    items = box(b"infe", entry, struct.pack(number, 1), bytes(2), b"Exif\0")
    items += box(b"infe", entry, struct.pack(number, 2), bytes(2), b"mime\0application/rdf+xml\0")
    items += box(b"infe", entry, struct.pack(number, 3), bytes(2), b"hvc1\0")
    count = struct.pack(">I" if wide else ">H", 3)
    info = box(b"iinf", bytes([1 if wide else 0]) + bytes(3), count, items)

    def located(start: int) -> bytes:
        out = full + b"\x44\x40" + struct.pack(number, 3)
        for item, (at, length) in enumerate([(0, len(body)), (len(body), len(XMP)), (0, 5)], 1):
            out += struct.pack(number, item) + (struct.pack(">H", int(inside)) if version else b"") + bytes(2)
            out += struct.pack(">I", 0 if inside else start) + struct.pack(">HII", 1, at, length)
        return box(b"iloc", out)

    store = box(b"idat", body, XMP) if inside else b""
    head = box(b"ftyp", brand, bytes(4), others)
    before = len(head) + len(box(b"meta", bytes(4), info, located(0), store)) + 8
    return head + box(b"meta", bytes(4), info, located(before), store) + box(b"mdat", body, XMP)


@pytest.mark.parametrize(("version", "inside"), [(0, False), (1, False), (1, True), (2, False), (2, True)])
def test_metadata_without_a_decoder(version: int, inside: bool) -> None:
    content = metadata.fields(container(version=version, inside=inside))
    assert content.taken_at == "2024-03-05T10:11:12"
    assert {Part("caption", "A red boat"), Part("keywords", "harbour")} <= set(content.parts)


@pytest.mark.parametrize(
    ("brand", "others", "name"),
    [(b"heic", b"mif1", "heic"), (b"mif1", b"mif1avif", "avif"), (b"avif", b"mif1", "avif"), (b"mif1", b"heic", "heic"),
     (b"msf1", b"hevc", "heic"), (b"isom", b"mp42", None), (b"qt  ", b"heic", None)],
)  # fmt: skip
def test_brands(brand: bytes, others: bytes, name: str | None) -> None:
    assert heif.brand(container(brand, others=others)) == name


def test_what_is_broken_is_left_out() -> None:
    whole = container()
    for end in range(16, len(whole) - len(XMP), 3):
        heif.cut(whole[:end])
    for place in range(20, 300):
        heif.cut(whole[:place] + b"\xff" + whole[place + 1 :])
    assert heif.cut(box(b"ftyp", b"heic") + box(b"meta", bytes(4))) == ((b"", (), b""))


def test_extents_of_no_size_end() -> None:
    info = box(b"iinf", bytes(4), b"\0\1", box(b"infe", b"\2\0\0\0\0\1\0\0Exif\0"))
    rows = (b"\0\1\0\0" + b"\xff\xff") * 10_000
    assert heif.cut(box(b"meta", bytes(4), info, box(b"iloc", bytes(4), b"\0\0\x27\x10", rows))).exif == b""


def test_without_the_extra_the_words_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "installed", lambda module: module != "pillow_heif")
    content, thumbnail = read_content(container(), "id", max_pixels=LIMIT)
    assert content.fault is not None
    assert content.fault.kind is FaultKind.UNSUPPORTED
    assert content.fault.what.startswith("HEIC files cannot be read by this installation: `make formats`")
    assert "glimpsed[heif]" in content.fault.what
    assert content.format == "heic"
    assert content.taken_at == "2024-03-05T10:11:12"
    assert thumbnail is None


def encoded(picture: Image.Image, **options: object) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    out = io.BytesIO()
    picture.save(out, "HEIF", quality=90, **options)
    return out.getvalue()


def halves() -> Image.Image:
    picture = Image.new("RGB", (96, 64), "red")
    picture.paste("blue", (48, 0, 96, 64))
    return picture


@needs_heif
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_is_turned_once(orientation: int) -> None:
    data = encoded(halves(), exif=pictures.exif(caption="A red boat", orientation=orientation).tobytes(), xmp=XMP)
    content, thumbnail = read_content(data, "id", max_pixels=LIMIT)
    assert content.fault is None
    upright = (64, 96) if orientation in {6, 8} else (96, 64)
    assert (content.format, content.width, content.height) == ("heic", *upright)
    assert {Part("caption", "A red boat"), Part("keywords", "harbour")} <= set(content.parts)
    assert thumbnail is not None
    array = image.pixels(data, max_pixels=LIMIT)
    red = {1: (32, 10), 3: (32, 86), 6: (10, 32), 8: (86, 32)}[orientation]
    assert array.shape == (upright[1], upright[0], 3)
    assert array[red].argmax() == 0
    shown = np.asarray(Image.open(io.BytesIO(thumbnail)).convert("RGB"))
    assert shown[red].argmax() == 0


@needs_heif
def test_broken_cut_and_large_ones() -> None:
    data = encoded(pictures.noisy((200, 100)))
    cut, _ = read_content(data[: len(data) // 2], "id", max_pixels=LIMIT)
    large, _ = read_content(data, "id", max_pixels=19_999)
    spoilt, _ = read_content(data[:-500] + bytes(range(250)) * 2, "id", max_pixels=LIMIT)
    assert cut.fault is not None
    assert cut.fault.kind is FaultKind.TRUNCATED
    assert large.fault is not None
    assert (large.fault.kind, large.width, large.height) == (FaultKind.TOO_LARGE, 200, 100)
    assert spoilt.format == "heic"  # its decoder conceals errors, so there may be no fault
