"""Words in pixels: the real engine on drawn and on real pictures, and the decisions around it."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from tests.pictures import WIDE, can_draw, draw, encode, noisy

from glimpsed.reading import image
from glimpsed.reading.ocr import OCR_ID, Line, Ocr, in_reading_order, pieces, telling

REAL = Path(__file__).parents[3] / "shared" / "data" / "ocr"

Read = Callable[[Image.Image | NDArray[np.uint8]], str]


@pytest.fixture(scope="module")
def read() -> Iterator[Read]:
    """The text of a picture, by the real engine, on a thread of its own: it makes its thread flush denormals."""
    with ThreadPoolExecutor(1) as thread:
        engine = thread.submit(Ocr).result()

        def text(picture: Image.Image | NDArray[np.uint8]) -> str:
            return thread.submit(engine.text, np.asarray(picture, dtype=np.uint8)).result()

        yield text


@pytest.mark.parametrize(
    "lines",
    [
        ["Ramen Ichiban", "Total 12.50 EUR", "Thank you for your visit"],
        ["Fiesta de la música", "Mañana a las nueve", "Entrada libre"],
        ["Größe und Übermut", "Straßenbahnhaltestelle"],
        ["北京南站 D6502", "今天天气很好", "请勿吸烟"],
        ["東京駅までの切符", "ありがとうございます"],
    ],
)
def test_lines_are_read(read: Read, lines: list[str]) -> None:
    if not can_draw("".join(lines)):
        pytest.skip(f"this machine has no font for {lines[0]}")
    accents = any(0xA0 < ord(sign) < 0x250 for sign in "".join(lines))
    path = next((place for place in WIDE if Path(place).exists()), None)
    if accents and path is None:
        pytest.skip(f"this machine has no font for {lines[0]}")
    assert read(draw(lines, font_path=path if accents else None)).replace(" ", "") == "\n".join(lines).replace(" ", "")


def test_screenshot_in_small_type(read: Read) -> None:
    lines = [
        "Traceback (most recent call last):",
        'File "/home/ada/loader.py", line 214, in load',
        "FileNotFoundError: No such file: settings.toml",
    ]
    picture = draw(lines, size=(1280, 800), text_size=15, colours=("#1e1e28", "#e6e6e6"))
    assert read(picture) == "\n".join(lines)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_pictures_are_read(read: Read, turns: int) -> None:
    lines = ["The weather is fine today", "No parking on Sundays", "Platform nine"]
    assert read(np.rot90(np.asarray(draw(lines)), turns)) == "\n".join(lines)


def test_text_in_a_large_photo(read: Read) -> None:
    picture = draw(["Harbour master's office", "open from nine"], size=(4000, 3000), text_size=60)
    assert read(picture) == "Harbour master's office\nopen from nine"


@pytest.mark.parametrize("upright", [True, False])
def test_long_pictures_are_read_to_the_end(read: Read, upright: bool) -> None:
    if upright:
        lines = [f"Message number {number} of many" for number in range(40)]
        assert read(draw(lines, size=(1080, 40 * 72 + 100), text_size=48)) == "\n".join(lines)
    else:
        words = [f"word{number}" for number in range(24)]
        found = read(draw(" ".join(words), size=(5000, 200), text_size=40)).split()
        assert len(set(words).difference(found)) <= 2  # two cuts, and each can cost the word that it goes through


@pytest.mark.parametrize("size", [(640, 400), (1, 1), (40, 40), (300, 5), (48, 10), (10, 48), (30_000, 10), (10, 9000)])
def test_nothing_to_read(read: Read, size: tuple[int, int]) -> None:
    assert read(Image.new("RGB", size, "teal")) == ""


def test_noise_is_not_words(read: Read) -> None:
    assert read(noisy((640, 400), seed=7)) == ""


@pytest.mark.parametrize("ink", ["black", "white"])
def test_transparent_ground(read: Read, ink: str) -> None:
    drawn = draw("Invoice 2024", colours=("black", "white"))
    picture = Image.new("RGBA", drawn.size, ink)
    picture.putalpha(drawn.convert("L"))
    assert read(image.pixels(encode(picture, "PNG"), max_pixels=10**6)) == "Invoice 2024"


@pytest.mark.parametrize(
    "line", ["Сегодня хорошая погода", "오늘 날씨가 좋습니다", "مرحبا بالعالم", "שלום עולם", "გამარჯობა მსოფლიო"]
)
@pytest.mark.parametrize("size", [20, 32])
def test_scripts_that_the_dictionary_lacks_give_no_noise(read: Read, line: str, size: int) -> None:
    if not can_draw(line):
        pytest.skip(f"this machine has no font for {line}")
    assert read(draw(line, text_size=size)) == ""


def test_engine_is_silent(read: Read, capfd: pytest.CaptureFixture[str]) -> None:
    read(draw("Hello"))
    read(Image.new("RGB", (100, 100)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data/ocr is not here")
def test_real_pictures(read: Read) -> None:
    """What PP-OCRv6 has a dictionary for is read; of the rest, nothing is made up."""
    wrong = []
    for case in map(json.loads, (REAL / "truth.jsonl").read_text().splitlines()):
        if case["file"] == "rapidocr/text_cls.jpg":
            continue  # three signs upside down: nothing is found that would tell so
        said = read(image.pixels((REAL / case["file"]).read_bytes(), max_pixels=10**8))
        if case["lang"] in ("zh", "en", "la"):
            truth = case["text"].replace("frequentissie", "frequentissime")  # what the picture shows
            missed = [word for word in truth.split() if word not in said.replace("\n", " ")]
        else:
            missed = [said] if said else []
        if missed:
            wrong.append((case["file"], missed, said))
    assert wrong == []


@pytest.mark.skipif(platform.machine() != "x86_64", reason="ONNX Runtime flushes denormals on x86 alone")
def test_detection_is_not_slowed_down_by_denormals() -> None:
    """In a process of its own: the first session of a process decides it."""
    code = (
        "import numpy as np\n"
        "from glimpsed.reading.ocr import Ocr\n"
        "tiny = np.full(4, 1e-30, np.float32)\n"
        "before = (tiny * np.float32(1e-10)).any()\n"
        "Ocr()\n"
        "print(before, (tiny * np.float32(1e-10)).any())\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "True False\n"


def test_id_names_version_and_settings_without_loading_the_engine() -> None:
    code = "import sys; from glimpsed.reading.ocr import OCR_ID; print(OCR_ID, *sys.modules)"
    said, *modules = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert said == OCR_ID
    assert OCR_ID.startswith("rapidocr-3.")
    assert "pp-ocrv6" in OCR_ID
    assert not {"rapidocr", "onnxruntime", "cv2", "PIL"}.intersection(modules)


@pytest.mark.parametrize(
    ("score", "text", "words"),
    [
        # As PP-OCRv6 gave them for pictures in shared/data/ocr and for drawn lines.
        (1.0, "W", True),
        (0.96, "西", True),
        (0.99, "315", True),
        (0.93, "ラーメン二人前", True),
        (0.89, "汤度洁面乳", True),
        (0.92, "12,000", True),
        (0.95, "Xin chào th gii", True),
        (0.84, "3 hmnmuq hml Jonín", False),  # Armenian
        (0.83, "071V D17U", False),  # Hebrew
        (0.82, "pululepnc", False),  # Thai
        (0.86, "穴", False),  # a pictogram
        (0.93, "λ σ", False),  # Greek with its accented letters lost
        (0.89, "Ω ιρ σε", False),
        (0.93, ".", False),  # Telugu
        (0.95, ", ?", False),  # Cyrillic
        (1.0, "—", False),
    ],
)
def test_telling_words_from_noise(score: float, text: str, words: bool) -> None:
    assert telling(Line(0, 0, 100, 20, text, score)) is words


def test_reading_order() -> None:
    lines = [
        Line(10, 100, 90, 130, "Ramen", 1),
        Line(300, 106, 380, 126, "9.50", 1),
        Line(10, 140, 90, 170, "Tea", 1),
        Line(300, 138, 380, 168, "3.00", 1),
        Line(100, 20, 300, 80, "Ichiban", 1),
    ]
    assert in_reading_order(lines) == ["Ichiban", "Ramen 9.50", "Tea 3.00"]


def test_columns_go_from_right_to_left() -> None:
    lines = [
        Line(left, 10, left + 30, 400, text, 1) for left, text in ((10, "第三行"), (60, "第二行"), (110, "第一行"))
    ]
    assert in_reading_order(lines) == ["第一行", "第二行", "第三行"]


boxes = st.builds(
    lambda left, top, width, height, text: Line(left, top, left + width, top + height, text, 1.0),
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(1, 200),
    st.integers(1, 60),
    st.text("abc", min_size=1, max_size=5),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(boxes, max_size=12), st.randoms())
def test_order_does_not_depend_on_detection_and_loses_nothing(lines: list[Line], random: Random) -> None:
    ordered = in_reading_order(lines)
    assert sorted(" ".join(ordered).split()) == sorted(line.text for line in lines)
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert in_reading_order(shuffled) == ordered


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 60_000), st.integers(1, 60_000), st.data())
def test_pieces_share_out_a_picture(one: int, other: int, data: st.DataObject) -> None:
    length, breadth = max(one, other), min(one, other)
    cut = pieces(length, breadth)
    assert 1 <= len(cut) <= 12
    assert cut[0].start == 0
    assert cut[-1].end == length
    # A line as high as fits between two pieces is seen whole by exactly the piece whose it is.
    overlap = min((before.end - after.start for before, after in pairwise(cut)), default=length)
    top = data.draw(st.integers(0, length - 1))
    bottom = data.draw(st.integers(top + 1, min(length, top + overlap)))
    (mine,) = [piece for piece in cut if piece.mine_from <= (top + bottom) / 2 < piece.mine_to]
    assert mine.start <= top
    assert bottom <= mine.end
