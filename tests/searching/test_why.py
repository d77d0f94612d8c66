"""Each hit says which part matched, shows the place in it, and names the language where that can be told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.records import Part
from glimpsed.searching import languages, snippets, why
from glimpsed.searching.coverage import Asked, ask

LONG = "Lorem ipsum dolor sit amet " * 20 + "Ramen 980 yen and gyoza " + "consectetur adipiscing elit " * 20
OCR = Part("ocr", "Ichiran\nRamen 980 yen")
NAME = Part("name", "kyoto trip")


def asked(question: str, phrases: tuple[str, ...] = ()) -> Asked:
    return ask(question, phrases, {}, 100)


def reason(question: str, parts: list[Part], file_name: str = "x.jpg", *, near: bool = True) -> str:
    one = asked(question)
    found = why.match(one, parts, file_name)
    first, second = (
        snippets.marked(one, part.text if part else "").cut(snippets.QUOTE).text for part in (found.part, found.second)
    )
    return why.why(found, first, second, near=near, file_name=file_name)


def test_the_part_that_covers_most_is_the_one() -> None:
    found = why.match(asked("ramen 980"), [NAME, OCR], "x.jpg")
    assert (found.part, found.covered, found.covered_together, found.second) == (OCR, 1.0, 1.0, None)


def test_words_may_stand_in_several_parts() -> None:
    found = why.match(asked("ramen kyoto"), [NAME, OCR], "x.jpg")
    assert (found.covered, found.covered_together) == (1.0, 0.5)
    assert {found.part, found.second} == {NAME, OCR}


def test_whole_words_are_surer_than_other_forms() -> None:
    assert why.match(asked("ramen"), [OCR], "x").surely == 1.0
    assert why.match(asked("ramens"), [OCR], "x").surely == 0.0
    assert why.match(asked("ramens"), [OCR], "x").covered == 0.8


def test_where_nothing_matches_the_most_telling_part_is_shown() -> None:
    assert why.match(asked("whale"), [NAME, OCR, Part("date", "2024")], "x.jpg").part == OCR
    assert why.match(asked("whale"), [NAME, Part("caption", "A lake")], "x.jpg").part == Part("caption", "A lake")
    assert why.match(asked("whale"), [Part("date", "2024")], "x.jpg").part == Part("date", "2024")


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
        ("QF-1123", Part("ocr", "Gate of QF-1123 is open"), "x.png", True),
        ("QF-1123", Part("ocr", "Gate of QF1123 is open"), "x.png", False),
        ("12.40", Part("ocr", "Total 12.40 EUR"), "x.png", True),
    ],
)
def test_what_is_an_exact_match(question: str, part: Part, file_name: str, exact: bool) -> None:
    assert why.match(asked(question), [part], file_name).exact is exact


def test_phrases_in_quotes_are_exact_where_all_of_them_stand() -> None:
    both = asked("train ticket office", ("Train Ticket", "office"))
    assert why.match(both, [Part("ocr", "the train ticket office")], "").exact
    assert why.match(both, [Part("ocr", "a train ticket"), Part("name", "my office")], "").exact
    assert not why.match(both, [Part("ocr", "office of train")], "").exact


@pytest.mark.parametrize(
    ("question", "parts", "file_name", "expected"),
    [
        ("12.40", [Part("ocr", "Total $12.40")], "x.png", "OCR says “Total $12.40”"),
        ("rotes Fahrrad", [Part("caption", "Ein rotes Fahrrad")], "x.png", "caption, German: “Ein rotes Fahrrad”"),
        ("IMG_2041", [Part("above", "IMG_2041")], "IMG_2041.JPG", "file name “IMG_2041”"),
        ("holiday", [Part("above", "holiday 2019")], "a.jpg", "directories above “holiday 2019”"),
        ("kyoto", [NAME], "kyoto_trip.jpg", "file name “kyoto trip”"),
        ("whale", [Part("caption", "A quiet lake")], "x.png", "by meaning: caption “A quiet lake”"),
        ("whale", [Part("ocr", "LAKE")], "x.png", "by meaning: OCR says “LAKE”"),
        ("ramen kyoto", [NAME, Part("ocr", "Ramen 980")], "x.png", "OCR says “Ramen 980”; file name “kyoto trip”"),
        ("領収書", [Part("ocr", "らーめん 領収書")], "x.png", "OCR, Japanese: “らーめん 領収書”"),
        ("whale", [], "x.png", "by meaning"),
    ],
)
def test_the_reason_in_words(question: str, parts: list[Part], file_name: str, expected: str) -> None:
    assert reason(question, parts, file_name) == expected


def test_the_reason_where_the_encoder_had_no_part_in_it() -> None:
    assert reason("whale", [], "whale.png", near=False) == "file name “whale.png”"
    assert reason("the whale", [Part("caption", "the lake")], near=False) == "caption, English: “the lake”"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ein rotes Fahrrad", "German"),
        ("die Katze auf dem Dach", "German"),
        ("une voiture dans la rue", "French"),
        ("los gatos", "Spanish"),
        ("uma casa", "Portuguese"),
        ("il gatto della nonna", "Italian"),
        ("a cat with the dog", "English"),
        ("с новым годом", "Russian"),
        ("Вид из окна на крыши", "Russian"),
        ("Її очі", "Ukrainian"),
        ("kot w łóżku", "Polish"),
        ("bir kedi", "Turkish"),
        ("Cà phê đường phố ở Huế", "Vietnamese"),
        ("富士山の頂上から", "Japanese"),
        ("我的猫", "Chinese"),
        ("카페 영수증", "Korean"),
        ("ตั๋วรถไฟ", "Thai"),
        ("שלום לכולם", "Hebrew"),
        ("Καλημέρα Αθήνα", "Greek"),
        # What several languages may be is not named.
        ("Sushi", None),
        ("en hund på sofaen", None),
        ("het strand", None),
        ("京都駅", None),
        ("нов год", None),
        ("куќата на мојот", None),
        ("Meeting with 東京 の team of nine people", "English"),
        ("die with los gatos", None),
        ("TOTAL 12.40", None),
        ("", None),
    ],
)
def test_a_language_is_named_where_it_can_be_told(text: str, language: str | None) -> None:
    assert languages.named(text) == language


def test_a_snippet_is_short_and_holds_what_matched() -> None:
    found = snippets.marked(asked("gyoza 980"), LONG).cut(snippets.WIDTH)
    assert "Ramen 980 yen and gyoza" in found.text
    assert len(found.text) <= snippets.WIDTH
    assert found.text.startswith("…")
    assert found.text.endswith("…")
    assert [found.text[start:end] for start, end in found.positions] == ["980", "gyoza"]


def test_a_snippet_is_where_most_of_the_question_stands_together() -> None:
    text = "gyoza " + "filler " * 40 + "ramen for two and gyoza " + "filler " * 40
    found = snippets.marked(asked("ramen gyoza"), text).cut(snippets.WIDTH)
    assert [found.text[start:end] for start, end in found.positions] == ["ramen", "gyoza"]


@pytest.mark.parametrize(
    ("question", "text", "shown"),
    [
        ("creme brulee", "Une crème brûlée", ["crème", "brûlée"]),
        ("office", "the oﬃce", ["oﬃce"]),
        ("abc", "x ＡＢＣ y", ["ＡＢＣ"]),
        ("été", "un e\u0301te\u0301 ici", ["e\u0301te\u0301"]),
        ("京都のラーメン", "ラーメン 京都", ["ラーメン", "京都"]),
        ("cats on a roof", "cats on the roof", ["cats", "roof"]),
        ("on the", "on the roof", ["on", "the"]),
        ("receipt", "Receipts", ["Receipts"]),
        ("محمد", "مُحَمَّد", ["مُحَمَّد"]),
    ],
)
def test_the_words_that_matched_are_marked_where_they_stand(question: str, text: str, shown: list[str]) -> None:
    found = snippets.marked(asked(question), text).cut(snippets.WIDTH)
    assert [found.text[start:end] for start, end in found.positions] == shown


TEXTS = st.text(max_size=30) | st.text("aé京ラß ﬁ.1-", max_size=30)


@given(TEXTS, st.lists(st.builds(Part, st.sampled_from(["ocr", "name", "date"]), TEXTS.map(lambda text: text * 12))))
@settings(deadline=None, max_examples=100)
def test_any_text_has_a_snippet_no_longer_than_asked_for_with_places_in_it(question: str, parts: list[Part]) -> None:
    one = asked(question)
    found = why.match(one, parts, question)
    for width in (snippets.WIDTH, snippets.QUOTE):
        made = snippets.marked(one, found.part.text if found.part else "").cut(width)
        assert len(made.text) <= width
        last = 0
        for start, end in made.positions:
            assert last <= start < end <= len(made.text)
            last = end + 1
    assert 0.0 <= found.covered_together <= found.covered + 1e-9
