"""Each hit says which part matched, and shows the place in it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.records import Part
from glimpsed.searching import why
from glimpsed.searching.coverage import Asked, ask

LONG = "Lorem ipsum dolor sit amet " * 20 + "Ramen 980 yen and gyoza " + "consectetur adipiscing elit " * 20
OCR = Part("ocr", "Ichiran\nRamen 980 yen")
NAME = Part("name", "kyoto trip")


def asked(question: str, phrases: tuple[str, ...] = ()) -> Asked:
    return ask(question, phrases, {}, 100)


def test_the_part_that_covers_most_is_the_one() -> None:
    found = why.match(asked("ramen 980"), [NAME, OCR], "x.jpg")
    assert (found.part, found.covered, found.covered_together) == (OCR, 1.0, 1.0)


def test_words_may_stand_in_several_parts() -> None:
    found = why.match(asked("ramen kyoto"), [NAME, OCR], "x.jpg")
    assert (found.covered, found.covered_together) == (1.0, 0.5)


def test_where_nothing_matches_the_most_telling_part_is_shown() -> None:
    assert why.match(asked("whale"), [NAME, OCR, Part("date", "2024")], "x.jpg").part == OCR
    assert why.match(asked("whale"), [NAME, Part("caption", "A lake")], "x.jpg").part == Part("caption", "A lake")
    assert why.match(asked("whale"), [Part("date", "2024")], "x.jpg").part == Part("date", "2024")


def test_a_row_without_words_has_no_part() -> None:
    found = why.match(asked("whale"), [], "x.jpg")
    assert found.part is None
    assert why.snippet(asked("whale"), found) == ""
    assert why.why(asked("whale"), found, {"dense": 0.25}, 3) == "by meaning 0.25, place 3"


@pytest.mark.parametrize(
    ("question", "part", "file_name", "exact"),
    [
        ("IMG_2041", Part("above", "IMG_2041"), "IMG_2041.JPG", True),
        ("img_2041.jpg", Part("above", "IMG_2041"), "IMG_2041.JPG", True),
        ("guitar lesson", Part("name", "Guitar Lesson"), "x.png", True),
        ("guitar lesson?", Part("title", "guitar lesson"), "x.png", True),
        ("fireworks", Part("keywords", "night\nfireworks"), "x.png", True),
        ("night", Part("keywords", "night, fireworks"), "x.png", True),
        ("yellow fever", Part("ocr", "Certificate\nYellow fever\n2019"), "x.png", True),
        ("fever", Part("ocr", "Certificate\nYellow fever\n2019"), "x.png", False),
        ("port is already allocated error", Part("ocr", "x: port is already allocated error (1)"), "x.png", True),
        ("train ticket", Part("ocr", "The train ticket office is open"), "x.png", False),
        ("lesson", Part("name", "guitar lesson"), "x.png", False),
        ("?", Part("name", "?"), "y.png", False),
    ],
)
def test_what_is_an_exact_match(question: str, part: Part, file_name: str, exact: bool) -> None:
    assert why.match(asked(question), [part], file_name).exact is exact


def test_phrases_in_quotes_are_exact_where_all_of_them_stand() -> None:
    both = asked("train ticket office", ("Train Ticket", "office"))
    assert why.match(both, [Part("ocr", "the train ticket office")], "").exact
    assert why.match(both, [Part("ocr", "a train ticket"), Part("name", "my office")], "").exact
    assert not why.match(both, [Part("ocr", "ticket train office")], "").exact


def test_a_snippet_is_short_and_holds_what_matched() -> None:
    question = asked("gyoza 980")
    found = why.match(question, [Part("ocr", LONG)], "")
    snippet = why.snippet(question, found)
    assert "Ramen 980 yen and gyoza" in snippet
    assert len(snippet) <= why.WIDTH
    assert snippet.startswith("…")
    assert snippet.endswith("…")


def test_the_reason_in_words() -> None:
    question = asked("ramen 980")
    found = why.match(question, [OCR], "")
    assert why.why(question, found, {"dense": 0.31, "text": 1.0}, 1) == (
        'ocr: "Ichiran Ramen 980 yen"; also by meaning 0.31, nearest'
    )
    assert why.why(question, found, {"text": 1.0}, None) == 'ocr: "Ichiran Ramen 980 yen"'
    exact = why.match(asked("ichiran"), [OCR], "")
    assert why.why(asked("ichiran"), exact, {}, None).startswith("exact match; ocr: ")
    other = why.match(asked("whale"), [OCR], "")
    assert why.why(asked("whale"), other, {"dense": 0.1}, 2) == (
        'by meaning 0.10, place 2: ocr "Ichiran Ramen 980 yen"'
    )


TEXTS = st.text(max_size=30) | st.text("aé京ラß ﬁ.", max_size=30)


@given(TEXTS, st.lists(st.builds(Part, st.sampled_from(["ocr", "name", "date"]), TEXTS.map(lambda text: text * 12))))
@settings(deadline=None, max_examples=100)
def test_any_text_has_a_snippet_no_longer_than_asked_for(question: str, parts: list[Part]) -> None:
    one = asked(question)
    found = why.match(one, parts, question)
    assert len(why.snippet(one, found)) <= why.WIDTH
    assert len(why.snippet(one, found, why.QUOTE)) <= why.QUOTE
    assert 0.0 <= found.covered_together <= found.covered + 1e-9
