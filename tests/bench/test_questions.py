"""Reading questions with their answers, and what is said of those that cannot be used."""

import json
from pathlib import Path

import pytest
import questions
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import Line, Pictures, Question, UnusableError
from tables import table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Pictures"
    (folder / "2024").mkdir(parents=True)
    (folder / "2024" / "a.png").write_bytes(b"one")
    (folder / "copy of a.png").write_bytes(b"one")
    (folder / "b.png").write_bytes(b"two")
    (tmp_path / "outside.png").write_bytes(b"three")
    return folder


def written(folder: Path, *lines: object) -> Path:
    file = folder.parent / "truth.jsonl"
    file.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), "utf-8")
    return file


def test_paths_may_be_relative_or_absolute_and_copies_are_one_picture(folder: Path) -> None:
    pictures = Pictures(folder)
    file = written(
        folder,
        {"query": "one", "lang": "en", "relevant": ["2024/a.png", str(folder / "copy of a.png")]},
        "",
        {"query": "zwei", "lang": "de", "relevant": ["b.png"], "kind": "OCR", "note": "more is passed over"},
        {"query": "nothing", "lang": "en", "relevant": []},
    )
    one, two = pictures.id("2024/a.png"), pictures.id("b.png")
    assert one
    assert two
    assert questions.read(file, pictures) == [
        Question("one", "en", frozenset({one})),
        Question("zwei", "de", frozenset({two}), "OCR"),
        Question("nothing", "en", frozenset()),
    ]
    assert pictures.ranking([str(folder / "copy of a.png"), "b.png", "2024/a.png", "/gone.png"]) == [
        one, two, "/gone.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "is not JSON"),
        ("[1]", "is no object"),
        ('{"lang": "en", "relevant": []}', '"query" is to be a text'),
        ('{"query": " ", "lang": "en", "relevant": []}', '"query" is to be a text'),
        ('{"query": "x", "lang": 7, "relevant": []}', '"lang" is to be a text'),
        ('{"query": "x", "lang": "en"}', '"relevant" is to be a list'),
        ('{"query": "x", "lang": "en", "relevant": [3]}', '"relevant" is to be a list'),
        ('{"query": "x", "lang": "en", "relevant": [], "kind": ""}', '"kind" is to be a text'),
        ('{"query": "x", "lang": "en", "relevant": ["gone.png"]}', "not in .*: 'gone.png'"),
        ('{"query": "x", "lang": "en", "relevant": ["../outside.png"]}', "not in .*: '../outside.png'"),
    ],
)
def test_a_bad_line_is_told_with_its_number(folder: Path, line: str, fault: str) -> None:
    file = written(folder, {"query": "one", "lang": "en", "relevant": ["b.png"]}, line)
    with pytest.raises(UnusableError, match=rf"truth\.jsonl:2: {fault}"):
        questions.read(file, Pictures(folder))


def test_every_bad_line_is_told_at_once(folder: Path) -> None:
    file = written(folder, *["{"] * 30)
    with pytest.raises(UnusableError) as told:
        questions.read(file, Pictures(folder))
    assert str(told.value).count("is not JSON") == 20
    assert str(told.value).endswith("and 10 more")


def test_a_file_that_is_none_or_empty_or_no_text_is_unusable(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="No such file"):
        questions.read(tmp_path / "gone.jsonl", Pictures(folder))
    with pytest.raises(UnusableError, match="holds no question"):
        questions.read(written(folder, "", " "), Pictures(folder))
    (tmp_path / "latin.jsonl").write_bytes(b"\n\n\xe4")
    with pytest.raises(UnusableError, match=r"latin\.jsonl:3: is not UTF-8"):
        questions.read(tmp_path / "latin.jsonl", Pictures(folder))


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1).filter(str.strip).filter(lambda text: text.isprintable() or "\u2028" in text))
def test_whatever_is_asked_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, query: str) -> None:
    folder = tmp_path_factory.mktemp("folder")
    file = folder / "truth.jsonl"
    questions.write(file, [Line(query, "en", (), "code")])
    assert questions.read(file, Pictures(folder)) == [Question(query, "en", frozenset(), "code")]


def test_a_limit_is_for_each_language_with_and_without_an_answer() -> None:
    every = [Question(str(n), lang, frozenset({"a"} if n % 2 else ())) for lang in ("de", "fr") for n in range(20)]
    some = questions.chosen(every, ["fr"], 3)
    assert [one.lang for one in some] == ["fr"] * 6
    assert sum(bool(one.relevant) for one in some) == 3
    assert questions.chosen(every, None, None) == sorted(every, key=lambda one: (one.lang, not one.relevant))
    with pytest.raises(UnusableError, match="no question is in xx; there are de, fr"):
        questions.chosen(every, ["xx"], None)


def test_a_table_is_aligned_also_where_signs_are_wide() -> None:
    assert table(["", "n", "share"], [["日本", 3, 0.5], ["ab", None, 1.0]]) == (
        "      n  share\n----  -  -----\n日本  3  0.500\nab    –  1.000"
    )
