"""Sidecars beside pictures, in the forms that programs and people write them."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from tests.pictures import encode, noisy, xmp_packet

from glimpsed.reading import sidecar
from glimpsed.reading.bounds import Bounds, bounded
from glimpsed.records import Content, Fault, FaultKind, Part

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


def test_what_is_refused_is_told_and_the_others_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg.xmp").write_bytes(xmp_packet(XMP))
    (tmp_path / "a.txt").write_text("a note")
    refused = str(tmp_path / "a.jpg.xmp")
    real = os.open

    def opened(path: Any, *more: Any, **named: Any) -> int:
        if path == refused:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *more, **named)

    monkeypatch.setattr(os, "open", opened)
    fault = Fault(FaultKind.UNREADABLE, "a.jpg.xmp: Permission denied")
    assert sidecar.read(str(tmp_path / "a.jpg")) == ((Part("sidecar", "a note"),), Content("", fault=fault))


def test_a_file_too_large_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.xmp").write_bytes(xmp_packet(XMP) + b" " * 2_000)
    (tmp_path / "a.txt").write_bytes(b"word " * 2_000_000)
    with bounded(Bounds(packet=2_000)) as spent:
        parts, content = sidecar.read(str(tmp_path / "a.jpg"))
    assert content is None
    assert spent.fault is not None
    assert spent.fault.what == "an XMP packet of more bytes; at most 2,000 are read ([read] max_packet)"
    (part,) = parts
    assert part.text.startswith("word word")
    assert 1_900 < len(part.text) <= 2_001


def test_markdown(tmp_path: Path) -> None:
    (tmp_path / "a.jpg.md").write_text("# Sunset\n\nwith *grandma*")
    (tmp_path / "a.txt").write_text("at the lake")
    assert sidecar.read(str(tmp_path / "a.jpg"))[0] == (
        Part("sidecar", "at the lake"),
        Part("sidecar", "Sunset\nwith grandma"),
    )


def test_the_other_files_of_a_group(tmp_path: Path) -> None:
    """Of a raw file's picture: words, date, camera and position, behind those of any sidecar."""
    fields: dict[str, Any] = {
        "caption": "a heron",
        "taken": "2020-01-02T03:04:05",
        "camera": ("Box", "One"),
        "gps": (35.0, 135.75),
    }
    (tmp_path / "IMG_1.JPG").write_bytes(encode(noisy((64, 48)), "JPEG", **fields))
    (tmp_path / "IMG_1.CR2.xmp").write_bytes(xmp_packet(XMP))
    parts, content = sidecar.read(str(tmp_path / "IMG_1.CR2"))
    assert [part.text for part in parts] == ["Sunset", "Abendrot", "beach, Lisbon", "a heron"]
    assert content is not None
    assert (content.taken_at, content.camera) == ("2023-07-01T21:04:05+01:00", "Box One")
    assert (content.latitude, content.longitude) == (38.72, -9.14)
    (tmp_path / "IMG_1.CR2.xmp").unlink()
    _, content = sidecar.read(str(tmp_path / "IMG_1.CR2"))
    assert content is not None
    assert content.taken_at == "2020-01-02T03:04:05"
    assert content.latitude == pytest.approx(35.0)
    assert [part.label for part in content.parts] == ["date", "camera"]


def test_of_a_large_file_of_the_group_the_beginning_is_read(tmp_path: Path) -> None:
    data = encode(noisy((64, 48)), "JPEG", caption="a heron")
    (tmp_path / "IMG_1.jpg").write_bytes(data + b"\0" * 2_000_000)
    assert sidecar.read(str(tmp_path / "IMG_1.nef"))[0] == (Part("sidecar", "a heron"),)


def test_a_json_too_large_is_passed_over(tmp_path: Path) -> None:
    told = '{"photoTakenTime": {}, "description": "a heron"}'
    (tmp_path / "a.jpg.json").write_text(told + " " * 2_000)
    with bounded(Bounds(packet=2_000)) as spent:
        assert sidecar.read(str(tmp_path / "a.jpg")) == ((), None)
    assert spent.fault is not None
    assert spent.fault.what == "JSON of more bytes; at most 2,000 are read ([read] max_packet)"
    (tmp_path / "a.jpg.json").write_text(told)
    assert sidecar.read(str(tmp_path / "a.jpg")) == ((Part("sidecar", "a heron"),), None)


def test_darktable(tmp_path: Path) -> None:
    """Its own tags and its history are no words of anybody."""
    (tmp_path / "IMG_1.CR2.xmp").write_bytes(
        xmp_packet(
            "<dc:subject><rdf:Seq><rdf:li>darktable</rdf:li><rdf:li>format</rdf:li><rdf:li>cr2</rdf:li>"
            "<rdf:li>tram</rdf:li></rdf:Seq></dc:subject>"
            "<lr:hierarchicalSubject><rdf:Seq><rdf:li>darktable|format|cr2</rdf:li>"
            "<rdf:li>places|Portugal|Lisboa</rdf:li></rdf:Seq></lr:hierarchicalSubject>"
            '<d:history xmlns:d="http://darktable.sf.net/"><rdf:Seq><rdf:li d:num="0" d:operation="rawprepare"/>'
            "</rdf:Seq></d:history><exif:DateTimeOriginal>2021:08:14 18:22:31.000</exif:DateTimeOriginal>"
        )
    )
    parts, content = sidecar.read(str(tmp_path / "IMG_1.CR2"))
    assert [part.text for part in parts] == ["tram, places, Portugal, Lisboa"]
    assert content is not None
    assert content.taken_at == "2021-08-14T18:22:31"


def test_lightroom(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.xmp").write_bytes(
        xmp_packet(
            '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Ribeira at dusk</rdf:li></rdf:Alt></dc:description>'
            "<photoshop:City>Porto</photoshop:City><tiff:Make>Canon</tiff:Make><tiff:Model>Canon EOS 6D</tiff:Model>"
            "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Family|Anna Silva</rdf:li></rdf:Bag></lr:hierarchicalSubject>"
            '<c:ToneCurveName xmlns:c="http://ns.adobe.com/camera-raw-settings/1.0/">Linear</c:ToneCurveName>'
        )
    )
    for picture in ("IMG_1.dng", "IMG_1.jpg"):
        parts, content = sidecar.read(str(tmp_path / picture))
        assert [part.text for part in parts] == ["Ribeira at dusk", "Family, Anna Silva", "Porto"]
        assert content is not None
        assert content.camera == "Canon EOS 6D"
