"""Half-written pictures are told from complete ones, and from broken ones."""

import struct

import pytest
from tests import pictures
from tests.reading.test_image import LIMIT, NOISY, fault, moving

from glimpsed.reading import complete, image
from glimpsed.records import FaultKind

FILES: dict[str, bytes] = {
    "jpeg": pictures.encode(NOISY, "JPEG", caption="x"),
    "progressive jpeg": pictures.encode(NOISY, "JPEG", options={"progressive": True}),
    "png": pictures.encode(NOISY, "PNG", caption="x"),
    "apng": moving("PNG"),
    "webp": pictures.encode(NOISY, "WEBP", caption="x"),
    "lossless webp": pictures.encode(NOISY, "WEBP", options={"lossless": True}),
    "moving webp": moving("WEBP"),
    "gif": pictures.encode(NOISY, "GIF"),
    "moving gif": moving("GIF"),
    "tiff": pictures.encode(NOISY, "TIFF", caption="x"),
    "packed tiff": pictures.encode(NOISY, "TIFF", options={"compression": "tiff_lzw"}),
    "jpeg in tiff": pictures.encode(NOISY, "TIFF", options={"compression": "jpeg"}),
    "many pages": moving("TIFF"),
    "bmp": pictures.encode(NOISY, "BMP"),
    "avif": pictures.encode(NOISY, "AVIF", caption="x"),
    "jpeg2000": pictures.encode(NOISY, "JPEG2000"),
    "codestream": pictures.encode(NOISY, "JPEG2000", options={"no_jp2": True}),
    "ico": pictures.encode(NOISY, "ICO", options={"sizes": [NOISY.size]}),
    "ppm": pictures.encode(NOISY, "PPM"),
    "tga": pictures.encode(NOISY, "TGA"),
}


END_MARK = {"gif": 1, "moving gif": 1, "ico": 60, "tga": 26, "many pages": 4, "codestream": 2}
"""Bytes at the end without which a picture is still all there."""


@pytest.mark.parametrize("name", FILES)
def test_half_written_is_told_from_complete(name: str) -> None:
    data = FILES[name]
    image.look(data, max_pixels=LIMIT)
    last = len(data) - END_MARK.get(name, 0)
    cuts = {*range(20, 60), *range(60, last, max(1, len(data) // 40)), *range(last - 12, last)}
    for cut in sorted(cuts):
        assert fault(data[:cut]).fault.kind is FaultKind.TRUNCATED, cut


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "avif", "packed tiff", "jpeg2000"])
def test_reserved_room_is_not_a_picture(name: str) -> None:
    data = FILES[name]
    for cut in range(60, len(data) - 300, max(1, len(data) // 10)):
        assert fault(data[:cut] + bytes(len(data) - cut)).fault.kind is FaultKind.TRUNCATED, cut
    assert fault(bytes(5000)).fault.kind is FaultKind.TRUNCATED


def test_a_missing_end_mark_alone_is_forgiven() -> None:
    for name in ("gif", "moving gif"):
        assert complete.shortfall(FILES[name][:-1]) == "no end mark"
        image.look(FILES[name][:-1], max_pixels=LIMIT)
    assert complete.shortfall(FILES["jpeg"][:-2]) == "no end mark"


def test_whatever_follows_the_end_is_no_matter() -> None:
    for name in ("jpeg", "png", "gif", "webp"):
        image.look(FILES[name] + b"a film of some seconds" + bytes(500), max_pixels=LIMIT)


def test_sizes_in_headers_that_programs_get_wrong_are_forgiven() -> None:
    data = bytearray(pictures.encode(NOISY, "BMP"))
    data[2:6] = (len(data) + 1000).to_bytes(4, "little")
    image.look(bytes(data), max_pixels=LIMIT)


def test_directories_that_run_in_circles() -> None:
    data = bytearray(pictures.encode(NOISY, "TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    assert complete.shortfall(bytes(data)) is None


def test_formats_that_do_not_tell() -> None:
    assert complete.shortfall(b"P6 1 1 255 abc and more") is None
    assert complete.shortfall(b"\0\0\0\x00ftyp" + b"x" * 20) == "ends before its pixels"
    assert complete.shortfall(b"\0\0\0\x04ftyp" + b"x" * 20) is None
    assert complete.shortfall(b"\0\0\0\x01ftyp" + struct.pack(">Q", 64) + b"x" * 20) == "ends inside its ftyp box"
    assert complete.shortfall(b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0") == "ends before its pixels"
    assert complete.shortfall(b"\xff\xd8\xff\xe0\0\x04ab rubbish without a marker") is None
    assert complete.shortfall(b"\x89PNG\r\n\x1a\n\0\0\0\0 ??? and rubbish") is None
