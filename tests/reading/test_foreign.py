"""Lines that PP-OCR cannot write: the decisions with a tesseract of the test's own, and the real one where it is."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from glimpsed.reading import foreign, tesseract
from glimpsed.reading.foreign import Unread, by_tesseract, tidied, words
from glimpsed.reading.tesseract import Heard, heard

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"


def row(page: int, conf: float, text: str, level: int = 5) -> str:
    return f"{level}\t{page}\t1\t1\t1\t1\t0\t0\t9\t9\t{conf}\t{text}\n"


def forget() -> None:
    for one in (tesseract.program, tesseract.packs, tesseract.version, tesseract._listed):
        one.cache_clear()


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tesseract that writes the table in the file named by its language."""
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'case "$1" in\n'
        '  --version) echo "tesseract 5.9.9"; exit;;\n'
        f"  --list-langs) echo 'List of languages:'; ls {tmp_path} | sed -n 's/[.]tsv$//p'; exit;;\n"
        "esac\n"
        "cat > /dev/null\n"
        f'echo "$4" >> {tmp_path}/asked\n'
        f'cat {tmp_path}/"$4".tsv\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path


def unread(count: int = 1, width: int = 200) -> list[Unread]:
    box = np.zeros((4, 2), dtype=np.float32)
    return [Unread(box, np.zeros((20, width, 3), dtype=np.uint8)) for _ in range(count)]


def ask(rest: list[Unread], *packs: str, until: float = 60.0) -> tuple[list[str], tuple[str, ...]]:
    taken, languages = by_tesseract(rest, packs, until=until, now=lambda: 0.0)
    return [text for _, text, _, _ in taken], languages


def test_the_language_that_reads_best_is_taken(fake: Path) -> None:
    (fake / "rus.tsv").write_text(HEAD + row(1, 91, "Добродошли"))
    (fake / "srp.tsv").write_text(HEAD + row(1, 97, "Добродошли"))
    (fake / "kor.tsv").write_text(HEAD + row(1, 30, "거리"))
    (fake / "osd.tsv").touch()
    assert tesseract.version() == "5.9.9"
    assert tesseract.packs() == ("kor", "rus", "srp")
    rest = unread()
    assert ask(rest, "rus", "kor", "srp") == (["Добродошли"], ("sr",))
    assert rest == []
    # The second of a script is only asked when the script is known; another script not at all, once one is certain.
    assert (fake / "asked").read_text().split() == ["rus", "srp", "srp"]


def test_two_languages_in_one_picture(fake: Path) -> None:
    (fake / "rus.tsv").write_text(HEAD + row(1, 96, "Меню") + row(2, 20, "ШЩ"))
    (fake / "kor.tsv").write_text(HEAD + row(1, 95, "오늘의 차림표"))
    rest = unread(2)
    assert ask(rest, "rus", "kor") == (["Меню", "오늘의 차림표"], ("ru", "ko"))
    assert rest == []


def test_what_none_reads_stays(fake: Path) -> None:
    (fake / "rus.tsv").write_text(HEAD + row(1, 41, "Меню"))
    (fake / "tha.tsv").write_text(HEAD + row(1, 79, "เมนูอาหาร"))  # Thai's model is sure of anything
    rest = unread()
    assert ask(rest, "rus", "tha") == ([], ())
    assert len(rest) == 1
    (fake / "rus.tsv").write_text(HEAD + row(1, 85, "МУ"))  # an arrow
    assert ask(rest, "rus") == ([], ())


def test_little_to_read_is_not_tried_in_every_language(fake: Path) -> None:
    packs = ["rus", "kor", "ara", "hin", "ell", "heb"]
    for pack in packs:
        (fake / f"{pack}.tsv").write_text(HEAD)
    assert ask(unread(width=40), *packs) == ([], ())
    assert (fake / "asked").read_text().split() == packs[:4]


def test_time_is_bounded(fake: Path) -> None:
    (fake / "rus.tsv").write_text(HEAD + row(1, 96, "Меню"))
    assert ask(unread(), "rus", until=0.0) == ([], ())
    assert not (fake / "asked").exists()


def test_without_tesseract_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert tesseract.program() is None
    assert tesseract.packs() == ()
    assert tesseract.version() == ""
    assert ask(unread(), "rus") == ([], ())


def test_a_tesseract_that_cannot_be_run_reads_nothing(fake: Path) -> None:
    (fake / "bin" / "tesseract").write_bytes(b"\x7fELF no program")
    assert tesseract.packs() == ()
    assert tesseract.read([unread()[0].crop], "rus", timeout=5) == [Heard("", 0.0)]


def test_tables_are_read_as_far_as_they_make_sense() -> None:
    table = HEAD + row(1, 90, "Не") + row(1, 60, "курить") + row(2, -1, "", level=4) + row(2, 80, " ") + row(9, 99, "x")
    table += "5\t1\n" + row(1, 50, 'a"b') + "nonsense\n"
    said = heard(table, 2)
    assert said[0].text == 'Не курить a"b'
    assert said[0].score == pytest.approx((2 * 0.9 + 6 * 0.6 + 3 * 0.5) / 11)
    assert said[1] == Heard("", 0.0)
    assert heard("", 1) == [Heard("", 0.0)]


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("ร า ค า รวม 120 บา ท", "ราคารวม 120 บาท"),
        ("សូម ស្វាគមន៍", "សូមស្វាគមន៍"),
        ("今天 天气 很 好", "今天天气很好"),
        ("ありがと うございます", "ありがとうございます"),
        ("오늘 날씨", "오늘 날씨"),
        ("two words", "two words"),
        ("மொத்தம்\u200c ரூபாய்\u200c", "மொத்தம் ரூபாய்"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # inside a word it belongs to its spelling
        ("\u200b", ""),
    ],
)
def test_blanks_and_joiners(text: str, tidy: str) -> None:
    assert tidied(text) == tidy


@pytest.mark.parametrize(
    ("text", "score", "pack", "believed"),
    [
        ("Сахар", 0.7, "rus", True),
        ("Сахар", 0.5, "rus", False),
        ("да", 0.7, "rus", False),  # so short a line needs more
        ("да", 0.85, "rus", True),
        ("Total price", 0.9, "rus", False),  # Latin letters are no Russian
        ("12.50", 0.95, "rus", False),
        ("เมนู", 0.8, "tha", False),
        ("เมนู", 0.9, "tha", True),
        ("Cảm ơn", 0.9, "vie", True),
        ("whatever", 0.9, "script/Latin", True),
    ],
)
def test_what_is_believed(text: str, score: float, pack: str, believed: bool) -> None:
    assert bool(words(Heard(text, score), pack)) is believed


def test_greek_has_its_own_mu() -> None:
    assert words(Heard("σή\N{MICRO SIGN}ερα", 0.9), "ell") == "σήμερα"


def test_a_page_is_dark_on_pale_whatever_the_line_is() -> None:
    dark = np.full((30, 90, 3), 20, dtype=np.uint8)
    dark[10:20, 20:60] = 240
    for line in (dark, 255 - dark):
        page = tesseract._page(line)
        assert page.shape == (48 + 24, 144 + 24)
        assert page[0, 0] > 200
        assert page[36, 70] < 60


@pytest.mark.skipif("rus" not in tesseract.packs(), reason="tesseract with Russian is not installed")
def test_the_real_one_says_what_it_has() -> None:
    assert tesseract.version()[0].isdigit()
    assert foreign.by_tesseract([], ("rus",), until=9.0, now=lambda: 0.0) == ([], ())
    (said,) = tesseract.read([np.full((40, 200, 3), 255, np.uint8)], "rus", timeout=60)
    assert words(said, "rus") == ""  # of an empty field it makes a letter
