"""Places in a folded text lead back to the very characters of the original."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.folding import fold
from glimpsed.searching.offsets import folded, merged


@pytest.mark.parametrize(
    ("text", "word", "original"),
    [
        ("Total 12.40", "12.40", "12.40"),
        ("die ﬁnale Straße", "finale", "ﬁnale"),
        ("die ﬁnale Straße", "strasse", "Straße"),
        ("code ＡＢＣ１２３ here", "abc123", "ＡＢＣ１２３"),
        ("l'e\u0301te\u0301 ici", "ete", "e\u0301te\u0301"),
        ("ﾗｰﾒﾝ ｶﾞﾑ", "ガム", "ｶﾞﾑ"),
        ("يقول مُحَمَّد هنا", "محمد", "مُحَمَّد"),
        ("\u1112\u1161\u11ab 글", "한", "\u1112\u1161\u11ab"),
        ("Ｚürich", "zurich", "Ｚürich"),
        ("İstanbul ve", "istanbul", "İstanbul"),
    ],
)
def test_a_word_is_found_at_its_place(text: str, word: str, original: str) -> None:
    plain = folded(text)
    at = plain.text.index(word)
    start, end = plain.places(at, at + len(word))
    assert text[start:end] == original


TEXTS = st.text(max_size=30) | st.text("aé京ラßﬁＡﾗﾞ\u0301한글ُ م.-", max_size=30)


@given(TEXTS, st.integers(0, 30), st.integers(1, 10))
@settings(deadline=None, max_examples=200)
def test_any_place_leads_to_whole_characters(text: str, at: int, length: int) -> None:
    text = " ".join(text.split())
    plain = folded(text)
    end = min(len(plain.text), at + length)
    if at < end:
        first, last = plain.places(at, end)
        assert 0 <= first < last <= len(text)
        assert folded(text[first:last]).text.find(plain.text[at:end]) >= 0


@given(st.text("abcÀéßﬁ京都ラーメンＡ１ёй ", max_size=40))
@settings(deadline=None, max_examples=150)
def test_it_is_folded_as_all_texts_are(text: str) -> None:
    assert folded(" ".join(text.split())).text == fold(text)


def test_spans_that_touch_become_one() -> None:
    assert merged([(4, 6), (0, 2), (2, 3), (5, 8), (9, 9)]) == ((0, 3), (4, 8))
    assert merged([]) == ()
