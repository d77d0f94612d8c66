"""Sidecars beside pictures, in the forms that programs and people write them."""

import os
from pathlib import Path

import pytest
from tests.pictures import xmp_packet

from glimpsed.reading import sidecar
from glimpsed.records import Content, Part

XMP = """
<dc:title><rdf:Alt>
<rdf:li xml:lang="x-default">Sunset</rdf:li><rdf:li xml:lang="de">Abendrot</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>beach</rdf:li><rdf:li>Lisbon</rdf:li></rdf:Bag></dc:subject>
<exif:DateTimeOriginal>2023-07-01T21:04:05+01:00</exif:DateTimeOriginal>
<exif:GPSLatitude>38,43.2N</exif:GPSLatitude><exif:GPSLongitude>9,8.4W</exif:GPSLongitude>
"""


def test_no_sidecar_says_nothing(tmp_path: Path) -> None:
    assert sidecar.read(str(tmp_path / "a.jpg")) == ((), None)


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp"])
def test_xmp(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(xmp_packet(XMP))
    parts, content = sidecar.read(str(tmp_path / "a.jpg"))
    assert parts == (Part("sidecar", "Sunset"), Part("sidecar", "Abendrot"), Part("sidecar", "beach, Lisbon"))
    date = Part("date", "2023-07-01 1 July 2023 Saturday")
    assert content == Content("", taken_at="2023-07-01T21:04:05+01:00", latitude=38.72, longitude=-9.14, parts=(date,))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("在京都吃的拉面,非常好吃".encode(encoding))
    assert sidecar.read(str(tmp_path / "a.jpg"))[0] == (Part("sidecar", "在京都吃的拉面,非常好吃"),)


def test_all_are_read_and_the_first_wins_a_field(tmp_path: Path) -> None:
    (tmp_path / "a.jpg.xmp").write_bytes(
        xmp_packet("<exif:DateTimeOriginal>2020-01-01T00:00:00</exif:DateTimeOriginal>")
    )
    (tmp_path / "a.xmp").write_bytes(xmp_packet(XMP))
    (tmp_path / "a.jpg.txt").write_text("Sunset")
    (tmp_path / "a.txt").write_text("with grandma")
    parts, content = sidecar.read(str(tmp_path / "a.jpg"))
    assert [part.text for part in parts] == ["Sunset", "Abendrot", "beach, Lisbon", "with grandma"]
    assert content is not None
    assert content.taken_at == "2020-01-01T00:00:00"
    assert content.latitude == 38.72


def test_what_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jpg.xmp").mkdir()
    os.mkfifo(tmp_path / "a.xmp")
    (tmp_path / "a.jpg.txt").symlink_to("nowhere")
    (tmp_path / "a.txt").write_bytes(b"")
    assert sidecar.read(str(tmp_path / "a.jpg")) == ((), None)
    assert sidecar.read("/a\0.jpg") == ((), None)


def test_a_file_too_large_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.xmp").write_bytes(xmp_packet(XMP) + b" " * (sidecar.LIMIT + 1))
    (tmp_path / "a.txt").write_bytes(b"word " * sidecar.LIMIT)
    parts, content = sidecar.read(str(tmp_path / "a.jpg"))
    assert content is None
    (part,) = parts
    assert part.text.startswith("word word")
    assert len(part.text) <= 4000
