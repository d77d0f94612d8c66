"""Pages, moments and copies: which of the pictures in one file are read for words, and which one is shown."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from tests import pictures

from glimpsed.reading import frames, image
from glimpsed.reading.bounds import Bounds, bounded
from glimpsed.reading.content import words
from glimpsed.reading.faults import BadPicture

LIMIT = 1_000_000


def grey(level: int, size: tuple[int, int] = (60, 40)) -> Image.Image:
    return Image.new("L", size, level)


def saved(form: str, *levels: int, **options: object) -> bytes:
    first, *rest = (grey(level).convert("RGB") for level in levels)
    for number, one in enumerate((first, *rest)):
        one.paste("white", (number % 60, 0, number % 60 + 1, 2))  # or equal frames would become one
    out = io.BytesIO()
    first.save(out, form, save_all=True, append_images=rest, **options)
    return out.getvalue()


def levels(data: bytes) -> list[int]:
    """The grey of each picture that is read."""
    first = image.page(data, 0, max_pixels=LIMIT)
    pages = [first, *(image.page(data, number, max_pixels=LIMIT) for number in range(1, first.pages))]
    assert {page.pages for page in pages} == {first.pages}
    return [round(float(page.pixels[5:].mean()) / 10) * 10 for page in pages]


def test_every_page_of_a_scan() -> None:
    assert levels(saved("TIFF", 10, 100, 200, 50)) == [10, 100, 200, 50]
    with bounded(Bounds(pages=7)):
        assert len(levels(saved("TIFF", *range(20)))) == 7


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_three_moments_of_an_animation(form: str) -> None:
    assert levels(saved(form, 10, 20, 100, 40, 200)) == [10, 100, 200]
    assert levels(saved(form, 10, 200)) == [10, 200]


@pytest.mark.parametrize("form", ["MPO", "ICO"])
def test_views_and_sizes_of_the_same_are_one(form: str) -> None:
    data = saved("MPO", 10, 200) if form == "MPO" else pictures.encode(grey(10), "ICO")
    assert levels(data) == [10]


def test_smaller_copies_and_masks_of_a_page_are_passed_over() -> None:
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out) as writer:
        for level, kind in ((10, 0), (10, 1), (255, 4), (200, 2)):
            grey(level).save(writer, "TIFF", tiffinfo={254: kind})
            writer.newFrame()
    assert levels(out.getvalue()) == [10, 200]


def test_pages_behind_a_broken_one_are_left_out() -> None:
    data = saved("TIFF", 10, 100, 200)
    opened = Image.open(io.BytesIO(data))
    assert frames.telling(opened, 3) == [0, 1, 2]
    second = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[second : second + 2], "little")
    following = second + 2 + 12 * count
    broken = data[:following] + (len(data) + 50).to_bytes(4, "little") + data[following + 4 :]
    assert levels(broken) == [10]


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_an_animation_that_fades_in_is_shown_by_its_middle(form: str) -> None:
    blank = Image.new("RGB", (64, 48), "black")
    out = io.BytesIO()
    blank.save(out, form, save_all=True, append_images=[pictures.noisy((64, 48), seed) for seed in range(4)])
    shown = Image.open(io.BytesIO(image.look(out.getvalue(), max_pixels=LIMIT).thumbnail)).convert("RGB")
    assert np.asarray(shown).std() > 10
    still = image.look(pictures.encode(blank, "PNG"), max_pixels=LIMIT)
    assert np.asarray(Image.open(io.BytesIO(still.thumbnail)).convert("RGB")).max() < 5


def test_a_page_that_is_too_large_is_a_fault() -> None:
    out = io.BytesIO()
    grey(10).save(out, "TIFF", save_all=True, append_images=[grey(20, (600, 400))])
    assert image.page(out.getvalue(), 0, max_pixels=10_000).pages == 2
    with pytest.raises(BadPicture, match=r"10000 are read"):
        image.page(out.getvalue(), 1, max_pixels=10_000)


def test_words_come_page_by_page() -> None:
    def read(pixels: NDArray[np.uint8]) -> str:
        return f"page of {round(float(pixels[5:].mean()) / 10) * 10}"

    data = saved("TIFF", 10, 100)
    assert words(data, 0, read, max_pixels=LIMIT) == ("page of 10", 2)
    assert words(data, 1, read, max_pixels=LIMIT) == ("page of 100", 2)
