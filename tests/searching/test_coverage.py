"""What of a question the words of a text cover."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glimpsed.searching import coverage, function_words
from glimpsed.searching.coverage import Asked, ask, fold, rarity, terms


def covered(question: str, text: str, rows: int = 1) -> float:
    asked = ask(question, (), {}, rows)
    return asked.share(asked.strengths(fold(text)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CRÈME Brûlée", "creme brulee"),
        ("Straße", "STRASSE"),
        ("ﬁnal", "Final"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﾗｰﾒﾝ", "ラーメン"),
        ("ёлка", "Елка"),
        ("e\u0301te\u0301", "été"),
        ("مُحَمَّد", "محمد"),
        ("a \n\t b", "a b"),
    ],
)
def test_folded_texts_are_equal_whatever_their_case_width_and_accents(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_folding_keeps_what_tells_words_apart() -> None:
    assert fold("が") != fold("か")
    assert fold("किताब") == "किताब"
    assert fold("น้ำ") != fold("นา")


def test_a_question_falls_into_words_and_pairs_of_characters() -> None:
    assert [term.text for term in terms("Ramen 京都駅 980円 ramen")] == ["ramen", "京都", "都駅", "980", "円"]
    assert [term.text for term in terms("रेल टिकट")] == ["रेल", "टिकट"]
    assert [term.text for term in terms("ตั๋วรถไฟ")][:2] == ["ตั", "ั๋"]
    assert terms("!? ... 🙂") == ()
    assert len(terms(" ".join(map(str, range(1000))))) == coverage.MOST


@pytest.mark.parametrize(
    ("question", "text", "least", "most"),
    [
        ("cats on a roof", "a", 0.0, 0.05),
        ("cats on a roof", "on a", 0.0, 0.06),
        ("cats on a roof", "two cats on the roof", 0.97, 1.0),
        ("receipt", "receipts of May", 0.8, 0.8),
        ("receipts", "a receipt", 0.8, 0.8),
        ("cats", "my cat", 0.8, 0.8),
        ("cat", "cats", 0.8, 0.8),
        ("cat", "concatenate", 0.0, 0.0),
        ("car", "care", 0.0, 0.0),
        ("Fahrkarte", "Die Fahrkarten", 0.8, 0.8),
        ("ticket", "Bahnticket", 0.6, 0.6),
        ("билет", "два билета", 0.8, 0.8),
        ("wifi password", "password: x", 0.5, 0.5),
        ("980", "1980", 0.0, 0.0),
        ("980", "980円", 1.0, 1.0),
        ("user_id", "KeyError: 'user_id'", 1.0, 1.0),
        ("京都のラーメン", "ラーメン 京都", 0.9, 1.0),
        ("火车票", "北京 火车票 553元", 1.0, 1.0),
        ("火车票", "火车站", 0.4, 0.6),
        ("영수증을", "카페 영수증", 0.9, 1.0),
        ("猫", "猫と犬", 1.0, 1.0),
        ("rouge à lèvres", "Rouge a levres", 1.0, 1.0),
    ],
)
def test_the_share_that_a_text_covers(question: str, text: str, least: float, most: float) -> None:
    assert least - 1e-9 <= covered(question, text) <= most + 1e-9


def test_rare_words_count_for_more() -> None:
    asked = ask("beach melange1900", (), {"beach": 500, "melange1900": 1}, 1000)
    rare, common = (asked.share(asked.strengths(text)) for text in ("melange1900", "beach"))
    assert rare > 0.85
    assert common < 0.15
    assert rare + common == pytest.approx(1.0)


def test_rarity_goes_from_one_to_nearly_nothing() -> None:
    assert rarity(0, 1000) == rarity(1, 1000) == 1.0
    assert rarity(1000, 1000) < 0.01
    assert rarity(2000, 1000) < 0.01  # counted before rows were forgotten
    assert rarity(5, 0) == rarity(1, 1) == 1.0
    steps = [rarity(n, 1000) for n in (1, 10, 100, 900)]
    assert steps == sorted(steps, reverse=True)


def test_a_question_of_function_words_alone_is_still_asked() -> None:
    assert covered("the who", "The Who live") == 1.0
    assert covered("to be or not to be", "to be or not to be") == 1.0


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("cats on a roof", "en"),
        ("gatos en el tejado de la casa", "es"),
        ("un chat sur le toit", "fr"),
        ("die Katze auf dem Dach", "de"),
        ("кот на крыше", "ru"),
        ("dog park", None),
        ("cat", None),
        ("京都", None),
    ],
)
def test_the_language_shows_in_function_words(question: str, language: str | None) -> None:
    assert function_words.likely_language(question.lower().split()) == language


@pytest.mark.parametrize("word", ["cat", "dog", "man", "sea"])
def test_words_of_content_stay_though_another_language_has_them_as_function_words(word: str) -> None:
    for question in (word, f"{word} park", f"where is the {word} park", f"a {word} on the roof"):
        term = next(term for term in terms(question) if term.text == word)
        assert term.factor == 1.0, question


def test_the_suffix_of_a_file_name_is_no_word() -> None:
    assert [term.factor for term in terms("ramen.png")] == [1.0, function_words.SHORT]
    assert [term.factor for term in terms("png ramen.example")] == [1.0, 1.0, 1.0]


TEXTS = st.text(max_size=40) | st.text("abcé京都ラのがกำ한글 09.-", max_size=40)


@given(TEXTS, TEXTS, st.integers(0, 5000))
@example("0+0", "", 0)
@example("1:2:2020 3#4", "", 0)
@settings(deadline=None, max_examples=150)
def test_any_text_is_covered_by_itself_and_never_by_more_than_all(question: str, text: str, rows: int) -> None:
    asked = ask(question, (question,), {}, rows)
    assert all(0.0 <= strength <= 1.0 for strength in asked.strengths(fold(text)))
    assert 0.0 <= asked.share(asked.strengths(fold(text))) <= 1.0
    if asked.terms:
        assert asked.share(asked.strengths(fold(question))) == pytest.approx(1.0)


@given(TEXTS)
@settings(deadline=None, max_examples=150)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_nothing_asked_covers_nothing() -> None:
    assert Asked("", (), ()).share(()) == 0.0
