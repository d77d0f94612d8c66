"""Photoshop documents: the merged picture in every mode and depth, what stands around it, and broken ones."""

import io
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from tests import pictures, raws
from tests.documents import DIFFERENCES, RAW, RUNS, ZIP, document

from glimpsed.reading import image, psd
from glimpsed.reading.content import read_content
from glimpsed.records import FaultKind, Part

LIMIT = 1_000_000
RGB = np.stack([np.full((20, 30), 200), np.tile(np.arange(30) * 8, (20, 1)), np.full((20, 30), 10)]).astype(np.uint8)


def shown(data: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    array = image.pixels(data, max_pixels=LIMIT)
    looked = image.look(data, max_pixels=LIMIT)
    assert (looked.format, (looked.height, looked.width)) == ("psd", array.shape[:2])
    return array


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("packing", [RAW, RUNS, ZIP, DIFFERENCES])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_depths_and_packings(depth: int, packing: int, large: bool) -> None:
    planes: NDArray[Any] = RGB if depth == 8 else RGB.astype(np.uint16) * 257
    if depth == 32:
        planes = ((RGB / 255) ** 2.2).astype(np.float32)
    array = shown(document(planes, packing=packing, large=large))
    assert np.abs(array.astype(int) - RGB.transpose(1, 2, 0)).max() <= (0 if depth < 32 else 1)


@pytest.mark.parametrize(("mode", "count"), [(1, 1), (3, 3), (4, 4), (7, 2), (8, 1), (9, 3)])
@pytest.mark.parametrize("more", [0, 2])
def test_modes_and_further_channels(mode: int, count: int, more: int) -> None:
    rng = np.random.default_rng(mode)
    planes = rng.integers(0, 256, (count + more, 20, 30), dtype=np.uint8)
    array = shown(document(planes, mode, packing=RUNS))
    if mode in {1, 7, 8}:
        assert (array[:, :, 0] == planes[0]).all()
    elif mode == 3:
        assert (array == planes[:3].transpose(1, 2, 0)).all()
    elif mode == 4:
        cyan = Image.merge("CMYK", [Image.fromarray(255 - plane) for plane in planes[:4]])
        assert (array == np.asarray(cyan.convert("RGB"))).all()


def test_lab_is_shown_in_its_colours() -> None:
    red = Image.new("RGB", (20, 20), "red")
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(red, to_lab)
    assert lab is not None
    planes = np.stack([np.asarray(band) for band in lab.split()])
    assert shown(document(planes, 9))[5, 5].argmax() == 0


def test_alpha_palette_and_bits() -> None:
    see_through = np.concatenate([RGB, np.zeros((1, 20, 30), np.uint8)])
    assert (shown(document(see_through)) == 255).all()
    palette = bytes(range(256)) + bytes(255 - value for value in range(256)) + bytes(256)
    indexed = shown(document(RGB[1:2], 2, palette=palette))
    assert (indexed[:, :, 0] == RGB[1]).all()
    assert (indexed[:, :, 1] == 255 - RGB[1]).all()
    bits = np.packbits(RGB[1] > 100, axis=1)[None]
    drawn = shown(document(bits, 0, depth=1, width=30, packing=RUNS))
    assert ((drawn[:, :, 0] == 0) == (RGB[1] > 100)).all()


def test_words_around_it() -> None:
    exif = pictures.exif(caption="A red boat", orientation=6).tobytes().removeprefix(b"Exif\0\0")
    xmp = pictures.xmp_packet("<dc:subject><rdf:Bag><rdf:li>poster</rdf:li></rdf:Bag></dc:subject>")
    iptc = b"\x1c\x02\x78\0\x05Hello"
    content, thumbnail = read_content(
        document(RGB, resources={1028: iptc, 1058: exif, 1060: xmp}), "id", max_pixels=LIMIT
    )
    assert {Part("caption", "A red boat"), Part("keywords", "poster"), Part("caption", "Hello")} <= set(content.parts)
    assert (content.format, content.width, content.height) == ("psd", 30, 20)  # it is kept upright
    assert thumbnail is not None


def test_without_its_merged_picture_the_thumbnail_serves() -> None:
    hidden = {1036: bytes(28) + raws.jpeg((16, 12)), 1057: b"\0\0\0\1\0" + bytes(8)}
    content, thumbnail = read_content(document(np.full_like(RGB, 255), resources=hidden), "id", max_pixels=LIMIT)
    assert content.fault is None
    assert (content.width, content.height) == (30, 20)
    assert thumbnail is not None
    assert Image.open(io.BytesIO(thumbnail)).convert("RGB").getpixel((2, 2)) != (255, 255, 255)
    assert (shown(document(RGB, resources={1057: b"\0\0\0\1\0"})) == RGB.transpose(1, 2, 0)).all()


def test_a_colour_profile_goes_along() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    looked = image.look(document(RGB, resources={1039: profile}), max_pixels=LIMIT)
    assert Image.open(io.BytesIO(looked.thumbnail)).info["icc_profile"] == profile


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (document(RGB)[:-5], FaultKind.TRUNCATED),
        (document(RGB, packing=RUNS)[:-5], FaultKind.TRUNCATED),
        (document(RGB)[:30], FaultKind.TRUNCATED),
        (document(RGB)[:20], FaultKind.TRUNCATED),
        (document(RGB, packing=ZIP)[:-40], FaultKind.TRUNCATED),
        (document(RGB, packing=9), FaultKind.BROKEN),
        (document(RGB, 5), FaultKind.BROKEN),
        (document(RGB[:2], 3), FaultKind.BROKEN),
        (document(RGB, depth=4), FaultKind.BROKEN),
        (document(RGB, packing=RAW)[:-1800] + zlib.compress(b"x"), FaultKind.TRUNCATED),
    ],
)
def test_broken_ones(data: bytes, kind: FaultKind) -> None:
    content, thumbnail = read_content(data, "id", max_pixels=LIMIT)
    assert content.fault is not None
    assert (content.format, content.fault.kind) == ("psd", kind)
    assert thumbnail is None


def test_too_many_pixels_are_never_unpacked() -> None:
    content, _ = read_content(document(RGB), "id", max_pixels=599)
    assert content.fault is not None
    assert content.fault.kind is FaultKind.TOO_LARGE
    assert (content.width, content.height) == (30, 20)


def test_resources_out_of_order_end_there() -> None:
    assert psd.cut(b"8BPS\0\1") == psd.cut(b"")
    data = document(RGB, resources={1060: b"<x/>"})
    assert psd.cut(data.replace(b"8BIM", b"8BXX")).xmp == ()
