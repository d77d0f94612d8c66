"""Camera RAW files: recognised, shown by their previews, described by their metadata, whole or not."""

import importlib.util
import io

import numpy as np
import pytest
from PIL import Image
from tests import pictures, raws

from glimpsed.reading import formats, image, metadata, raw
from glimpsed.reading.content import read_content
from glimpsed.records import Content, FaultKind, Part

LIMIT = 10_000_000
LARGE, SMALL = raws.jpeg((400, 300)), raws.jpeg((160, 120), colour="lime")
EXIF = pictures.exif(camera=("Panasonic", "DMC-LX3"), taken="2024-03-05T10:11:12", orientation=6).tobytes()
DNG = {50706: (1, 4, b"\1\4\0\0")}


def read(data: bytes) -> tuple[Content, bytes | None]:
    return read_content(data, "id", max_pixels=LIMIT)


CANON = b"II*\0\x10\0\0\0CR\2\0\0\0\0\0" + raws.directory({271: raws.text("Canon"), 272: raws.text("EOS 350D")}, 16)
FILES = {
    "nef": raws.camera(previews=[SMALL, LARGE]),
    "arw": raws.camera("SONY", compression=32767, previews=[LARGE, SMALL]),
    "pef": raws.camera("PENTAX Corporation", compression=65535, previews=[LARGE]),
    "srw": raws.camera("SAMSUNG", compression=32770, previews=[LARGE]),
    "dng": raws.camera("Google", compression=7, previews=[LARGE], extra=DNG),
    "cr2": CANON + LARGE,
    "cr3": raws.cr3(SMALL, LARGE),
    "raf": raws.raf(raws.jpeg((400, 300), exif=EXIF)),
    "orf": raws.olympus(LARGE),
    "rw2": raws.panasonic(raws.jpeg((400, 300), exif=EXIF)),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_recognised_and_shown_by_the_largest_preview(name: str) -> None:
    assert raw.kind(FILES[name]) == name
    content, thumbnail = read(FILES[name])
    assert content.fault is None
    assert content.format == name
    assert thumbnail is not None
    shown = np.asarray(Image.open(io.BytesIO(thumbnail)).convert("RGB"))
    upright = (400, 300) if name in {"raf", "rw2"} else (300, 400)  # those two are turned by their EXIF
    assert shown.shape[:2] == upright
    assert shown[10, 10].argmax() in {0, 2}  # red or blue: the small green one was not taken
    assert image.pixels(FILES[name], max_pixels=LIMIT).shape[:2] == upright


@pytest.mark.parametrize("name", ["nef", "cr3", "rw2", "raf", "orf"])
def test_metadata(name: str) -> None:
    content, _ = read(FILES[name])
    assert content.taken_at == "2024-03-05T10:11:12"
    camera = {"nef": "NIKON D70", "cr3": "Canon EOS M50", "orf": "OLYMPUS E-M5"}.get(name, "Panasonic DMC-LX3")
    assert content.camera == camera
    if name in {"nef", "orf"}:
        assert Part("caption", "A heron at dusk") in content.parts
    if name == "cr3":
        assert Part("caption", "Swans") in content.parts
        assert (content.latitude, content.longitude) == (48.5, 48.5)


def test_the_size_is_that_of_the_whole_picture() -> None:
    for name, size in (("nef", (640, 480)), ("cr3", (6000, 4000)), ("raf", (300, 400))):
        content, _ = read(FILES[name])
        assert (content.width, content.height) == size


@pytest.mark.parametrize("make", [lambda o: raws.camera(orientation=o, previews=[LARGE]),
                                  lambda o: raws.cr3(LARGE, orientation=o)])  # fmt: skip
def test_a_preview_is_turned_as_the_file_says(make) -> None:  # type: ignore[no-untyped-def]  # two lambdas
    data = make(6)
    content, thumbnail = read(data)
    assert content.width is not None
    assert content.height is not None
    assert content.width < content.height
    assert thumbnail is not None
    shown = np.asarray(Image.open(io.BytesIO(thumbnail)).convert("RGB"))
    assert shown.shape[:2] == (400, 300)
    assert shown[10, 150].argmax() == 0
    assert shown[390, 150].argmax() == 2
    assert image.pixels(data, max_pixels=LIMIT).shape == (400, 300, 3)


needs_rawpy = pytest.mark.skipif(importlib.util.find_spec("rawpy") is None, reason="the extra raw is missing")


@needs_rawpy
@pytest.mark.parametrize("previews", [(), (raws.jpeg((64, 48), colour="lime"),)])
@pytest.mark.parametrize(
    ("orientation", "red", "blue"),
    [(1, (60, 10), (60, 150)), (6, (10, 60), (150, 60)), (3, (60, 150), (60, 10))],
)
def test_developed_where_no_preview_is_large_enough(
    previews: tuple[bytes, ...], orientation: int, red: tuple[int, int], blue: tuple[int, int]
) -> None:
    data = raws.negative(orientation=orientation, previews=previews)
    content, thumbnail = read(data)
    assert content.fault is None
    assert thumbnail is not None
    assert content.format == "dng"
    assert (content.width, content.height) == ((240, 320) if orientation == 6 else (320, 240))
    array = image.pixels(data, max_pixels=LIMIT)
    assert array.shape == ((160, 120, 3) if orientation == 6 else (120, 160, 3))
    assert array[red].argmax() == 0
    assert array[blue].argmax() == 2


@needs_rawpy
def test_what_cannot_be_developed() -> None:
    content, _ = read(raws.camera())
    assert content.fault is not None
    assert "LibRaw" in content.fault.what
    assert (content.format, content.width) == ("nef", 640)
    large, _ = read_content(raws.negative(), "id", max_pixels=320 * 240 - 1)
    assert large.fault is not None
    assert (large.fault.kind, large.width, large.height) == (FaultKind.TOO_LARGE, 320, 240)


def test_without_a_preview_the_metadata_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "installed", lambda module: False)
    content, thumbnail = read(raws.camera())
    assert content.fault is not None
    assert content.fault.kind is FaultKind.UNSUPPORTED
    assert "NEF files without a preview inside cannot be read" in content.fault.what
    assert "glimpsed[raw]" in content.fault.what
    assert (content.format, content.width, content.height, content.camera) == ("nef", 640, 480, "NIKON D70")
    assert thumbnail is None


def test_a_broken_preview_gives_way_to_the_next() -> None:
    broken = LARGE[:300] + bytes(200)
    content, thumbnail = read(raws.camera(previews=[SMALL, broken]))
    assert content.fault is None
    assert thumbnail is not None
    assert Image.open(io.BytesIO(thumbnail)).size == (160, 120)
    only, _ = read(raws.camera(previews=[broken]))
    assert only.fault is not None
    assert only.format == "nef"


def test_what_the_sensor_packs_as_jpeg_is_no_preview() -> None:
    lossless = LARGE.replace(b"\xff\xc0", b"\xff\xc3", 1)
    assert raw.previews(raws.camera(sensor=lossless)) == []
    assert raw.previews(b"\xff\xd8\xff\xe0" * 1000) == []
    assert raw.previews(LARGE[:12]) == []


@pytest.mark.parametrize("name", ["nef", "dng", "cr3", "raf"])
def test_a_cut_file_is_truncated(name: str) -> None:
    data = FILES[name]
    cut = data[: 4000 if name in {"nef", "dng"} else len(data) - 2000]
    content, thumbnail = read(cut)
    assert content.fault is not None
    assert content.fault.kind is FaultKind.TRUNCATED
    assert thumbnail is None
    assert raw.shortfall(data) is None
    assert raw.shortfall(b"FUJIFILMCCD-RAW ") is not None


def test_a_tiff_is_no_raw() -> None:
    plain = pictures.encode(pictures.noisy((60, 40)), "TIFF")
    assert raw.kind(plain) is None
    assert raw.kind(raws.camera("Scanner Inc.")) is None
    assert raw.kind(b"II*\0" + bytes(20)) is None
    assert raw.kind(raws.camera(compression=1, photometric=2)) is None
    assert read(raws.camera("Scanner Inc.", compression=1, photometric=2))[0].format in {None, "tiff"}


def test_directories_that_point_at_each_other_end() -> None:
    loop = b"II*\0" + (8).to_bytes(4, "little") + raws.directory({330: raws.long(8), 271: raws.text("SONY")}, 8, 8)
    assert raw.kind(loop) is None
    assert raw.size(loop) is None


@pytest.mark.parametrize("broken", [b"", b"II*\0", b"MM\0*" + bytes(4), b"II*\0\x08\0\0\0\0\0"])
def test_broken_blocks_of_a_cr3_are_left_out(broken: bytes) -> None:
    whole = raws.cr3(LARGE)
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    moov = raws.box(b"moov", raws.box(b"uuid", canon, raws.box(b"CMT1", broken)))
    data = raws.box(b"ftyp", b"crx ") + moov + whole[-len(LARGE) - 8 :]
    assert metadata.fields(data).camera is None
    content, _ = read(data)
    assert content.format == "cr3"
