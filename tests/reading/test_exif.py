"""EXIF values of odd types, in odd places, and in odd encodings."""

import io
import struct

import pytest
from PIL import Image
from tests import pictures

from glimpsed.reading import exif
from glimpsed.reading.blocks import blocks
from glimpsed.reading.comments import coded

PICTURE = pictures.noisy((48, 32))


def told(data: bytes) -> dict[str, str]:
    return {field.source: field.text for field in exif.fields(exif.parse(blocks(data).exif)) if field.text}


def saved(block: Image.Exif) -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, "JPEG", exif=block)
    return out.getvalue()


def test_dates_have_their_own_offset_and_their_own_parts_of_a_second() -> None:
    block = Image.Exif()
    block[0x0132] = "2024:03:01 00:00:00"
    block.get_ifd(0x8769).update({
        0x9003: "2024:01:01 10:00:00", 0x9011: "+05:45", 0x9291: "120",
        0x9004: "2024:02:01 10:00:00", 0x9292: "007 ",
        0x9010: "Z", 0x9290: "x",
    })  # fmt: skip
    found = told(saved(block))
    assert found["EXIF:DateTimeOriginal"] == "2024-01-01T10:00:00.12+05:45"
    assert found["EXIF:CreateDate"] == "2024-02-01T10:00:00.007"
    assert found["EXIF:ModifyDate"] == "2024-03-01T00:00:00+00:00"


def test_the_time_of_the_satellites() -> None:
    block = Image.Exif()
    block.get_ifd(0x8825).update({29: "2024:03:05", 7: (9.0, 54.0, 28.5), 28: b"ASCII\0\0\0Lago di Como"})
    found = told(saved(block))
    assert found["EXIF:GPSDateTime"] == "2024-03-05T09:54:28.5+00:00"
    assert found["EXIF:GPSAreaInformation"] == "Lago di Como"


def test_a_text_ends_at_a_zero_byte_and_a_copyright_has_two_parts() -> None:
    block = Image.Exif()
    block[0x0110] = b"ION230\0F"
    block[0x8298] = b"Ana\0Ben\0"
    block[0x010D] = "Lake".encode("utf-16-le")
    found = told(saved(block))
    assert found["EXIF:Model"] == "ION230"
    assert found["EXIF:Copyright"] == "Ana\nBen"
    assert found["EXIF:DocumentName"] == "Lake"


def test_tags_in_the_other_directory() -> None:
    block = Image.Exif()
    block[0x9003] = "2024:01:01 10:00:00"
    block[0xA434] = "23mm"
    assert told(saved(block)) == {"EXIF:DateTimeOriginal": "2024-01-01T10:00:00", "EXIF:LensModel": "23mm"}


def test_each_page_of_a_tiff_has_its_texts() -> None:
    pages = [PICTURE.copy() for _ in range(3)]
    out = io.BytesIO()
    for number, page in enumerate(pages):
        page.encoderinfo = {"tiffinfo": {270: f"page {number}"}}
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], tiffinfo={270: "page 0"})
    found = [field.text for field in exif.fields(exif.parse(out.getvalue())) if field.source == "EXIF:ImageDescription"]
    assert found == ["page 0", "page 1", "page 2"]


def test_a_directory_that_is_cut_off_keeps_its_beginning() -> None:
    block = Image.Exif()
    block[0x010F] = "R5"
    block[0x0112] = 6
    data = block.tobytes().removeprefix(b"Exif\0\0")
    assert set(exif.parse(data).main.entries) == {0x010F, 0x0112}
    assert set(exif.parse(data[:26]).main.entries) == {0x010F}


def test_directories_in_a_ring_end() -> None:
    block = bytearray(pictures.exif(caption="A lake").tobytes().removeprefix(b"Exif\0\0"))
    order = "<" if block[:2] == b"II" else ">"
    (count,) = struct.unpack_from(order + "H", block, 8)
    struct.pack_into(order + "I", block, 10 + 12 * count, 8)
    assert len(exif.parse(bytes(block)).pages) == 1


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"UNICODE\0" + "Паром на остров".encode(), "Паром на остров"),
        (b"UNICODE\0" + "เรือข้ามฟาก".encode("utf-16-le"), "เรือข้ามฟาก"),
        (b"UNICODE\0" + "𠮷野家".encode("utf-16-be"), "𠮷野家"),
        (b"UNICODE\0" + "Ferry 🚢".encode("utf-16-le"), "Ferry 🚢"),
        (b"Unicode\0" + "дача".encode("utf-16"), "дача"),
        (b"JIS\0\0\0\0\0" + "東京の夜景".encode("shift_jis"), "東京の夜景"),
        (b"ASCII\0\0\0GCM_TAG\0rest\0", "GCM_TAG"),
        (b"ASCII   plain", "plain"),
        ("plain".encode("utf-16-le"), "plain"),
        (b"", ""),
    ],
)
def test_comments_of_all_kinds(raw: bytes, expected: str) -> None:
    assert coded(raw, "<") == expected
