"""A picture read anew for somebody who asks: the real engine, boxes where the words are, and a drawing of them."""

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.pictures import can_draw, draw, encode, noisy, save

from glimpsed.reading import anew, drawing
from glimpsed.reading.bounds import Bounds
from glimpsed.reading.lines import Line
from glimpsed.reading.messages import Explain, Explained, Failed, Reply, Sighted
from glimpsed.reading.ocr import Found
from glimpsed.reading.worker import Worker
from glimpsed.reading.workers import Workers
from glimpsed.records import FaultKind

GREEN = (0, 160, 60)
RED = (220, 30, 40)


Answer = Callable[[Explain], Reply]


@pytest.fixture(scope="module")
def worker() -> Iterator[Answer]:
    """A worker's answers, on a thread of its own: OCR makes its thread flush denormals."""
    made = Worker(max_pixels=2_000_000, bounds=Bounds(bytes=5_000_000))
    with ThreadPoolExecutor(1) as thread:
        yield lambda request: thread.submit(made.answer, request).result()


def explained(worker: Answer, path: str | Path, *, pixels: bool = True, drawn: bool = False) -> Explained:
    told = worker(Explain(os.fsencode(path), pixels, drawn))
    assert isinstance(told, Explained)
    return told


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    return image.convert("RGB")


def test_lines_come_with_their_boxes_and_are_drawn(worker: Answer, tmp_path: Path) -> None:
    lines = ["Ramen Ichiban", "Total 12.50 EUR", "Thank you"]
    path = save(tmp_path / "a.png", draw(lines, text_size=40))
    told = explained(worker, path, drawn=True)
    assert told.lines is not None
    assert [line.text for line in told.lines] == lines
    ink = np.asarray(draw(lines, text_size=40).convert("L")) < 128
    seen = np.zeros_like(ink)
    for line in told.lines:
        assert line.told
        assert line.score > 0.9
        assert ink[int(line.top) : int(line.bottom) + 1, int(line.left) : int(line.right) + 1].any()
        seen[max(0, int(line.top) - 6) : int(line.bottom) + 6, max(0, int(line.left) - 6) : int(line.right) + 6] = True
    assert not (ink & ~seen).any()  # no letter outside of the boxes
    assert set(told.milliseconds) == {"file", "fields", "pixels", "ocr", "drawing"}
    picture = opened(told.drawn)
    assert picture.size == (640, 400)
    assert (np.asarray(picture) == GREEN).all(axis=2).sum() > 500
    assert not (np.asarray(picture) == RED).all(axis=2).any()


def test_boxes_of_a_picture_upside_down_are_where_its_words_are(worker: Answer, tmp_path: Path) -> None:
    lines = ["The weather is fine today", "No parking on Sundays"]
    path = save(tmp_path / "a.png", draw(lines).rotate(180))
    told = explained(worker, path).lines
    assert told is not None
    assert [line.text for line in told] == lines
    assert told[0].top > told[1].bottom  # what is read first stands below
    assert all(line.left < line.right and line.top < line.bottom for line in told)
    assert min(line.top for line in told) > 200


def test_fields_alone_cost_no_engine(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", draw("Hello"), caption="A receipt", taken="2024-03-05T10:11:12")
    fresh = Worker(max_pixels=2_000_000)
    told = explained(fresh.answer, path, pixels=False)
    assert fresh._ocr is None
    assert (told.lines, told.drawn, told.fault) == (None, None, None)
    assert told.content.taken_at == "2024-03-05T10:11:12"
    assert set(told.milliseconds) == {"file", "fields"}


@pytest.mark.skipif(not can_draw("Сегодня"), reason="this machine has no font for Cyrillic")
def test_what_cannot_be_written_here_is_shown_where_it_stands(worker: Answer, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", draw(["Сегодня хорошая погода", "Сегодня хорошая погода"]))
    told = explained(worker, path, drawn=True)
    assert told.lines is not None
    assert [line.told for line in told.lines] == [False, False]
    assert all(line.right - line.left > 200 for line in told.lines)
    assert (np.asarray(opened(told.drawn)) == RED).all(axis=2).sum() > 500


def test_a_picture_without_words(worker: Answer, tmp_path: Path) -> None:
    told = explained(worker, save(tmp_path / "a.png", noisy()), drawn=True)
    assert not [line for line in told.lines or () if line.told]
    assert opened(told.drawn).size == (640, 400)


def test_bad_pictures_tell_why(worker: Answer, tmp_path: Path) -> None:
    whole = encode(draw("Hello"), "JPEG", caption="A receipt")
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    told = explained(worker, tmp_path / "half.jpg", drawn=True)
    assert told.content.fault is not None
    assert told.content.fault.kind is FaultKind.TRUNCATED
    assert told.fault is not None
    assert (told.lines, told.drawn) == (None, None)
    assert [source.name for source in told.sources] == ["EXIF:ImageDescription"]
    (tmp_path / "large.png").write_bytes(encode(Image.new("L", (2000, 2000))))
    large = explained(worker, tmp_path / "large.png")
    assert large.fault is not None
    assert large.fault.kind is FaultKind.TOO_LARGE
    (tmp_path / "huge.png").write_bytes(bytes(5_000_001))
    assert isinstance(worker(Explain(os.fsencode(tmp_path / "huge.png"), True, True)), Failed)


def test_words_come_before_what_is_none() -> None:
    words = [Line(10, 10, 90, 30, "Ramen", 0.99), Line(300, 12, 380, 32, "Меню", 0.9, "tesseract rus")]
    assert anew.words(Found(words, others=(Line(1, 2, 3, 4, "xq", 0.5),))) == (
        Sighted(10, 10, 90, 30, "Ramen", 0.99, "pp-ocr", True),
        Sighted(300, 12, 380, 32, "Меню", 0.9, "tesseract rus", True),
        Sighted(1, 2, 3, 4, "xq", 0.5, "pp-ocr", False),
    )


@pytest.mark.parametrize("size", [(1, 1), (40, 3000), (6000, 300), (3, 3)])
@pytest.mark.parametrize("box", [(0, 0, 1, 1), (-5, -5, 9000, 9000), (50, 40, 10, 10)])
def test_any_box_can_be_drawn_into_any_picture(size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    pixels = np.asarray(Image.new("RGB", size, "teal"))
    drawn = opened(drawing.boxes(pixels, [Sighted(*box, "x", 0.5, "", True), Sighted(*box, "y", 0.25, "", False)]))
    assert max(drawn.size) == min(2000, max(size))


async def test_lines_of_every_page(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    first, *others = (draw(text).convert("RGB") for text in ("First Sheet", "Second Sheet", "Third Sheet"))
    first.save(path, "TIFF", save_all=True, append_images=others)
    async with Workers(1, timeout=300.0, max_pixels=2_000_000) as workers:
        told = await workers.explain(str(path), pixels=True, drawn=True)
        without = await workers.explain(str(path), pixels=False, drawn=False)
    assert isinstance(told, Explained)
    assert told.drawn is not None
    assert [(line.page, line.text.partition(" ")[0]) for line in told.lines or () if line.told] == [
        (1, "First"),
        (2, "Second"),
        (3, "Third"),
    ]
    assert isinstance(without, Explained)
    assert without.lines is None


def test_the_words_of_a_drawing_have_their_source(worker: Answer, tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60"><title>Tides</title><desc>A chart</desc>'
        "<text>High water</text></svg>"
    )
    told = explained(worker, path, pixels=False)
    said = {source.name: [part.text for part in source.content.parts] for source in told.sources}
    assert said == {"SVG:title": ["Tides"], "SVG:desc": ["A chart"], "SVG:text": ["High water"]}
