"""What is words, and what is noise made of a script that the models cannot write."""

import pytest

from glimpsed.reading.legible import legible, lookalike, vietnamese
from glimpsed.reading.ppocr import Guess


@pytest.mark.parametrize(
    ("text", "score", "steady", "aspect", "words"),
    [
        # As PP-OCRv6 gave them for pictures in shared/data/ocr and for drawn lines.
        ("Free kittens to a good home", 0.98, 0.97, 9.0, True),
        ("東京駅までの切符", 1.0, 1.0, 6.3, True),
        ("Zażółć gęślą jaźń", 0.96, 0.97, 4.5, True),
        ("Äpfel", 0.92, 0.88, 1.4, True),
        ("ラーメン二人前", 0.93, 0.98, 6.0, True),
        ("汤度洁面乳", 0.89, 0.97, 4.5, True),
        ("12,000", 0.92, 0.97, 3.0, True),
        ("€4,99", 0.99, 0.96, 1.9, True),
        ("W", 1.0, 1.0, 1.4, True),
        ("P", 0.98, 1.0, 1.4, True),  # alone in a wide field
        ("H", 0.99, 1.0, 1.6, False),  # Khmer, the same but for that
        ("v2.3.1", 0.97, 0.98, 2.4, True),
        ("xie6", 0.93, 0.96, 1.7, False),  # Cyrillic
        ("rpeuka", 0.91, 0.97, 2.4, False),
        ("Pupl tq", 0.9, 0.93, 3.0, False),  # Armenian
        ("机市A", 0.89, 0.89, 4.2, False),  # Devanagari
        ("召大", 0.93, 0.95, 1.6, False),  # Hangul
        ("西", 0.96, 0.98, 1.1, True),
        ("ΑΘΗΝΑ", 0.98, 0.98, 3.0, True),  # Greek capitals have no accents to lose
        ("R = 10 kΩ", 0.97, 0.97, 3.5, True),
        ("λ = 3", 0.97, 0.97, 2.5, True),
        (", ?", 0.95, 0.98, 8.0, False),  # Cyrillic: nothing but its punctuation
        ("—", 1.0, 0.99, 2.0, False),
        ("yae 1", 0.96, 0.97, 9.0, False),  # Cyrillic: a few letters in a long line
        ("3 hmnmuq hml Jonín", 0.84, 0.9, 9.0, False),  # Armenian
        ("071V D17U", 0.83, 0.85, 5.0, False),  # Hebrew
        ("pululepnc", 0.82, 0.8, 5.0, False),  # Thai
        ("Selam hana", 0.97, 0.8, 5.0, False),  # sure of its letters, not of what lies between
        ("早异", 0.87, 0.96, 1.9, False),  # Hangul
        ("穴", 0.86, 0.95, 1.0, False),  # a pictogram
        ("H", 0.96, 0.98, 6.0, False),  # Khmer: one letter in a long line
        ("λ σ", 0.93, 0.96, 6.0, False),  # Greek with its accented letters lost
        ("Τουρισμ στα νησιá", 0.93, 0.96, 9.0, False),
        ("yáλa", 0.98, 0.99, 2.0, False),
        ("φτa", 0.92, 0.95, 1.6, False),
        ("", 0.0, 0.99, 5.0, False),
    ],
)
def test_telling_words_from_noise(text: str, score: float, steady: float, aspect: float, words: bool) -> None:
    assert legible(Guess(text, score, steady), aspect) is words


def test_lookalikes_have_only_letters_that_cyrillic_has_too() -> None:
    assert lookalike("MOIOKO")
    assert lookalike("caxap 2")
    assert not lookalike("Total")
    assert not lookalike("12.50")
    assert not lookalike("牛乳")


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("Cm ơn quý khách", True),
        ("Hôm nay tri đp quá", True),
        ("Cm hút thuc lá", False),  # not surely: no letter that is its own
        ("Srdačno dobrodošli u đakovo", False),  # Croatian
        ("Défense de fumer", False),
        ("WC 2 km", False),
        ("", False),
    ],
)
def test_vietnamese_is_told_by_what_is_left_of_it(text: str, is_so: bool) -> None:
    assert vietnamese([text]) is is_so
