"""Bytes to one result: never an exception, whatever the bytes; and real files against exiftool."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import pictures
from tests.reading.test_complete import FILES
from tests.reading.test_image import bomb

from glimpsed.reading.content import read_content
from glimpsed.records import Content, FaultKind, Part

LIMIT = 20_000_000
DATA = Path(__file__).parents[3] / "shared" / "data"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real files of ../shared/data are not here")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_sound_picture(form: str) -> None:
    data = pictures.encode(
        pictures.draw("RAMEN 1200", size=(300, 200)), form, caption="Receipt", taken="2024-03-05T10:11:12",
        offset="+09:00", camera=("Canon", "EOS R5"), gps=(35.0, 135.75), orientation=6,
        xmp="<dc:title>Lunch</dc:title>",
    )  # fmt: skip
    content, thumbnail = read_content(data, "id", max_pixels=LIMIT)
    assert content == Content(
        content_id="id",
        format=form.lower(),
        width=200,
        height=300,
        taken_at="2024-03-05T10:11:12+09:00",
        taken_from="EXIF:DateTimeOriginal",
        camera="Canon EOS R5",
        latitude=35.0,
        longitude=135.75,
        parts=(
            Part("caption", "Receipt"),
            Part("title", "Lunch"),
            Part("date", "2024-03-05 5 March 2024 Tuesday"),
            Part("camera", "Canon EOS R5"),
        ),
    )
    assert thumbnail is not None
    assert thumbnail[8:12] == b"WEBP"


def test_a_half_written_picture_keeps_its_words() -> None:
    data = pictures.encode(pictures.noisy(), "JPEG", caption="Receipt", orientation=6)
    content, thumbnail = read_content(data[: len(data) // 2], "id", max_pixels=LIMIT)
    assert content.fault is not None
    assert content.fault.kind is FaultKind.TRUNCATED
    assert content.parts == (Part("caption", "Receipt"),)
    assert (content.format, content.width, content.height) == ("jpeg", 400, 640)
    assert thumbnail is None


def test_a_picture_too_large_keeps_its_words() -> None:
    data = bomb(30_000)
    words = pictures.encode(pictures.noisy((8, 8)), "PNG", png_text={"Title": "Whole sky"})
    at = words.index(b"iTXt") - 4
    text = words[at : at + 12 + int.from_bytes(words[at : at + 4], "big")]
    for place in (33, len(data) - 12):
        content, thumbnail = read_content(data[:place] + text + data[place:], "id", max_pixels=200_000_000)
        assert content.fault is not None
        assert content.fault.kind is FaultKind.TOO_LARGE
        assert (content.format, content.width, content.height) == ("png", 30_000, 30_000)
        assert content.parts == (Part("title", "Whole sky"),)
        assert thumbnail is None


def test_text_named_like_a_picture() -> None:
    content, thumbnail = read_content(b"just words\n", "id", max_pixels=LIMIT)
    assert content.fault is not None
    assert content.fault.kind is FaultKind.BROKEN
    assert "text" in content.fault.what
    assert (content.format, content.parts, thumbnail) == (None, (), None)


@settings(deadline=None, max_examples=250)
@given(st.data())
def test_no_damage_makes_it_fail(data: st.DataObject) -> None:
    whole = bytearray(FILES[data.draw(st.sampled_from(sorted(FILES)))])
    # Most of what decides stands at the beginning and at the end.
    places = st.integers(0, min(200, len(whole) - 1)) | st.integers(len(whole) - 100, len(whole) - 1)
    for place in data.draw(st.lists(places | st.integers(0, len(whole) - 1), min_size=1, max_size=6)):
        whole[place] = data.draw(st.integers(0, 255))
    content, thumbnail = read_content(bytes(whole), "id", max_pixels=1_000_000)
    assert (thumbnail is None) == (content.fault is not None)
    if content.fault is None:
        assert content.format


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    assert read_content(data, "id", max_pixels=LIMIT)[0].content_id == "id"


@needs_data
def test_fuzzed_pictures_harm_nothing() -> None:
    files = sorted(path for path in (DATA / "hostile").rglob("*") if path.is_file())
    assert len(files) > 500
    for path in files[::3]:
        content, thumbnail = read_content(path.read_bytes(), "id", max_pixels=LIMIT)
        assert (thumbnail is None) == (content.fault is not None), path
        for part in content.parts:
            part.text.encode("utf-8")


@needs_data
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_fields_are_what_exiftool_says() -> None:
    root = DATA / "metadata"
    out = subprocess.run(["exiftool", "-json", "-n", "-r", "-G0", str(root)], capture_output=True, check=False).stdout
    told: list[dict[str, Any]] = json.loads(out)
    compared = 0
    for fields in told:
        path = Path(fields["SourceFile"])
        if path.suffix.lower() not in {".jpg", ".jpeg", ".tiff"}:
            continue
        content, _ = read_content(path.read_bytes(), "id", max_pixels=LIMIT)
        assert content.fault is None, path
        turned = fields.get("EXIF:Orientation", 1) in {5, 6, 7, 8}
        size = fields.get("File:ImageWidth", content.width), fields.get("File:ImageHeight", content.height)
        if "File:ImageWidth" in fields:
            assert (content.width, content.height) == (size[::-1] if turned else size), path
        assert content.latitude == pytest.approx(fields.get("Composite:GPSLatitude"), abs=1e-6), path
        assert content.longitude == pytest.approx(fields.get("Composite:GPSLongitude"), abs=1e-6), path
        taken = str(fields.get("EXIF:DateTimeOriginal", "")).replace(":", "-", 2).replace(" ", "T")
        if taken and not taken.startswith(("0000", " ")):
            assert (content.taken_at or "").startswith(taken), path
            compared += 1
        caption = " ".join(str(fields.get("EXIF:ImageDescription", "")).split())
        if caption and "DIGITAL CAMERA" not in caption and "Digimax" not in caption:
            assert caption in {part.text for part in content.parts}, path
            compared += 1
    assert compared > 50
