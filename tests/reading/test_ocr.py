"""Words in pixels: the real engine on drawn and on real pictures, and the decisions around it."""

import difflib
import json
import platform
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.pictures import WIDE, can_draw, draw, encode, noisy

from glimpsed.reading import image, tesseract
from glimpsed.reading.foreign import Unread, by_models
from glimpsed.reading.languages import PACKS, order
from glimpsed.reading.ocr import OCR_ID, Found, Ocr
from glimpsed.reading.ppocr import Recogniser, _dictionary, decoded

REAL = Path(__file__).parents[3] / "shared" / "data" / "ocr"

Whole = Callable[[Image.Image | NDArray[np.uint8], Sequence[str]], Found]
Read = Callable[[Image.Image | NDArray[np.uint8]], str]


@pytest.fixture(scope="module")
def whole() -> Iterator[Whole]:
    """What is read by the real engine, on a thread of its own: it makes its thread flush denormals."""
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(Ocr).result()

        def found(picture: Image.Image | NDArray[np.uint8], packs: Sequence[str]) -> Found:
            return thread.submit(made.read, np.asarray(picture, dtype=np.uint8), packs).result()

        yield found


@pytest.fixture
def read(whole: Whole) -> Read:
    """Only the text, where tesseract is not installed."""
    return lambda picture: whole(picture, ()).text


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
        said = (
            "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec"
        )
        words = said.split()
        found = read(draw(said, size=(5000, 200), text_size=40)).split()
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


FOREIGN = {
    "rus": ["Сегодня хорошая погода", "Магазин закрыт на обед", "сахар"],
    "ell": ["Καλώς ήρθατε στην Αθήνα", "Ο καιρός είναι καλός"],
    "vie": ["Hôm nay trời đẹp quá", "Cảm ơn quý khách"],
    "kor": ["오늘 날씨가 좋습니다"],
}


@pytest.mark.parametrize("pack", FOREIGN)
def test_tesseract_reads_what_the_models_cannot(whole: Whole, pack: str) -> None:
    lines = FOREIGN[pack]
    path = next((place for place in WIDE if Path(place).exists()), None) if pack != "kor" else None
    if pack not in tesseract.packs():
        pytest.skip(f"tesseract with {pack} is not installed")
    if not can_draw("".join(lines)) or (pack != "kor" and path is None):
        pytest.skip(f"this machine has no font for {lines[0]}")
    found = whole(draw(lines, font_path=path), ("rus", "kor", "ell", "vie"))
    assert found.text.replace(" ", "") == "\n".join(lines).replace(" ", "")
    assert found.unread == 0
    assert {line.by for line in found.lines} == {f"tesseract {pack}"}
    assert found.languages == (next(code for code, name in PACKS.items() if name == pack),)


@pytest.mark.skipif("rus" not in tesseract.packs(), reason="tesseract with Russian is not installed")
def test_a_picture_in_another_script_is_read_on_its_head_too(whole: Whole) -> None:
    lines = FOREIGN["rus"][:2]
    if not can_draw("".join(lines)):
        pytest.skip(f"this machine has no font for {lines[0]}")
    found = whole(draw(lines).rotate(180), ("rus", "kor"))
    assert found.text == "\n".join(lines)
    assert found.lines[0].top > found.lines[1].top  # where it stands in the picture as it is


def test_lines_left_unread_are_counted(whole: Whole) -> None:
    line = "Сегодня хорошая погода"
    if not can_draw(line):
        pytest.skip(f"this machine has no font for {line}")
    found = whole(draw([line, line]), ())
    assert (found.lines, found.unread, len(found.others)) == ([], 2, 2)
    assert whole(draw("The weather is fine"), ()).unread == 0


def test_words_that_look_latin_are_not_believed_among_others(whole: Whole) -> None:
    if not can_draw("Жя"):
        pytest.skip("this machine has no font for Cyrillic")
    lines = ["Сегодня хорошая погода", "Магазин закрыт на обед", "Вход со двора", "сахар"]
    assert whole(draw(lines), ()).text == ""
    assert whole(draw(["taxi", "Hotel Europa"]), ()).text == "taxi\nHotel Europa"


def test_lines_tell_where_they_stand(whole: Whole) -> None:
    found = whole(draw(["Ramen Ichiban", "Total 12.50 EUR"], text_size=32, margin=24), ())
    assert [line.text for line in found.lines] == ["Ramen Ichiban", "Total 12.50 EUR"]
    assert all(line.score > 0.9 and line.by == "pp-ocr" for line in found.lines)
    assert [round(line.top, -1) for line in found.lines] == [30, 70]
    assert all(0 < line.left < 30 for line in found.lines)


def test_lines_of_a_turned_picture_stand_where_they_are_in_it(whole: Whole) -> None:
    """Rows side by side, too, come in the order of the picture as people turn it."""
    page = Image.new("RGB", (640, 400), "white")
    page.paste(draw(["Ramen", "Tea for two"], size=(300, 160)), (0, 0))
    page.paste(draw(["9.50", "12.80"], size=(200, 160)), (440, 0))
    found = whole(page.rotate(180), ())
    assert found.text == "Ramen 9.50\nTea for two 12.80"
    assert [line.text for line in found.lines] == ["Ramen", "9.50", "Tea for two", "12.80"]
    upright = whole(page, ()).lines
    for line, other in zip(found.lines, upright, strict=True):
        assert np.allclose(line.turned(640, 400)[:4], other[:4], atol=6)


def test_small_type_on_a_large_page_is_looked_at_more_closely(read: Read) -> None:
    lines = [f"Paragraph {number} of the general terms" for number in range(12)]
    page = draw(lines, size=(2480, 3508), text_size=30, margin=200)
    assert read(page) == "\n".join(lines)


def test_lines_turned_a_little_are_read(read: Read) -> None:
    picture = draw(["Harbour master", "open from nine"]).rotate(6, expand=True, fillcolor="white")
    assert read(picture) == "Harbour master\nopen from nine"


def test_columns_are_kept_apart(read: Read) -> None:
    page = Image.new("RGB", (1000, 600), "white")
    left = [f"left column, line {number}" for number in range(6)]
    right = [f"right column, line {number}" for number in range(6)]
    page.paste(draw(left, size=(480, 500), text_size=30), (0, 50))
    page.paste(draw(right, size=(480, 500), text_size=30), (500, 60))
    assert read(page) == "\n".join(left + right)


def test_another_model_gets_what_the_bundled_one_cannot_write(tmp_path: Path) -> None:
    """Here a copy of the bundled one without its signs: with them in a file beside it, and shifted to other letters."""
    line = "Сегодня хорошая погода"
    if not can_draw(line):
        pytest.skip(f"this machine has no font for {line}")
    import rapidocr

    bundled = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_rec_small.onnx"
    model = tmp_path / "own.onnx"
    model.write_bytes(bundled.read_bytes())
    with ThreadPoolExecutor(1) as thread:
        engine = thread.submit(Ocr, [model]).result()
        found = thread.submit(engine.read, np.asarray(draw(line), dtype=np.uint8)).result()
    assert (found.lines, found.unread) == ([], 1)  # it knows no more, and is not believed either
    rest = [Unread(np.zeros((4, 2), np.float32), np.asarray(draw("Hello there", size=(200, 48), margin=4)))]
    (taken,) = by_models(rest, [Recogniser(model)])
    assert (taken[1], taken[3], rest) == ("Hello there", "own", [])


def test_a_file_that_is_no_model_is_left_out(tmp_path: Path) -> None:
    """In a process of its own: the engine's thread is to be the one that made the first session."""
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    code = (
        "import sys, pathlib; from glimpsed.reading.ocr import Ocr; print(*Ocr([pathlib.Path(sys.argv[1])]).unusable)"
    )
    said = subprocess.check_output([sys.executable, "-c", code, str(bad)], text=True)
    assert said.startswith(f"{bad} cannot be used: ")


def test_a_model_without_signs_is_refused(tmp_path: Path) -> None:
    class Session:
        @staticmethod
        def get_modelmeta() -> Any:
            return type("Meta", (), {"custom_metadata_map": {}})

    with pytest.raises(ValueError, match="does not carry its signs"):
        _dictionary(Session(), tmp_path / "own.onnx")
    (tmp_path / "own.txt").write_text("а\nб\n", encoding="utf-8")
    assert list(_dictionary(Session(), tmp_path / "own.onnx")) == ["а", "б"]


def test_decoding_drops_repeats_and_gaps() -> None:
    signs = ("", "a", "b", " ")
    predicted = np.full((7, 4), 0.02, dtype=np.float32)
    for number, sign in enumerate((1, 1, 0, 1, 3, 2, 0)):
        predicted[number, sign] = 0.94
    text, score, steady = decoded(predicted, signs)
    assert (text, round(score, 2), round(steady, 2)) == ("aa b", 0.94, 0.94)
    nothing = np.array([[0.9, 0.1]], dtype=np.float32)
    assert decoded(nothing, signs)[:2] == ("", 0.0)


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data/ocr is not here")
@pytest.mark.skipif(
    not {"rus", "srp", "hin", "tam", "tel", "ara", "ell", "tha"} <= set(tesseract.packs()),
    reason="tesseract is not installed with all languages",
)
def test_real_pictures_in_every_script(whole: Whole) -> None:
    """At least nine of ten signs of each are right, in their order."""
    wrong = []
    for case in map(json.loads, (REAL / "truth.jsonl").read_text().splitlines()):
        pixels = image.pixels((REAL / case["file"]).read_bytes(), max_pixels=10**8)
        found = whole(pixels, order(("auto",), (), tesseract.packs()))
        truth, said = (unicodedata.normalize("NFKC", text).casefold().split() for text in (case["text"], found.text))
        if case["lang"] == "zh":  # signs all over a picture, of which the truth has some
            missed = [word for word in truth if word not in "".join(said)]
            share = 1 - len("".join(missed)) / len("".join(truth))
        else:
            share = difflib.SequenceMatcher(None, "".join(truth), "".join(said), autojunk=False).ratio()
        if share < 0.9:
            wrong.append((case["file"], share, found.text))
    assert wrong == []
