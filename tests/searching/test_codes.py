"""Numbers, dates and codes are found however their pieces are joined, and only as wholes."""

import pytest

from glimpsed.folding import fold
from glimpsed.searching import codes
from glimpsed.searching.coverage import ask, terms


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("IMG_2041", ["img_2041"]),
        ("IMG_2041.jpg", ["img_2041"]),
        ("gate qf-1123 b", ["qf-1123"]),
        ("qf1123", ["qf1123"]),
        ("total 12.40", ["12.40"]),
        ("0176 555 123", ["0176 555 123"]),
        ("12 apples 20 30", []),
        ("2024-06-12", ["2024-06-12"]),
        ("keyerror user_id", []),
        ("1234", []),
        ("980円 g105次", ["g105"]),
        ("a-b c.d", []),
    ],
)
def test_what_is_a_code(question: str, found: list[str]) -> None:
    assert [code.text for code in codes.found_in(question.lower())] == found


def strength(question: str, text: str) -> float:
    asked = ask(question, (), {}, 1)
    [at] = [place for place, term in enumerate(asked.terms) if term.code]
    return asked.strengths(fold(text))[at]


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("IMG_2041", "IMG_2041", 1.0),
        ("IMG_2041", "img 2041", 0.99),
        ("IMG_2041", "IMG_20411", 0.0),
        ("IMG_2041", "IMG 3 2041", 0.0),
        ("QF-1123", "flight QF1123, gate 4", 0.99),
        ("QF1123", "QF-1123", 0.99),
        ("QF1123", "XQF1123", 0.0),
        ("12.40", "Summe 12,40 EUR", 0.99),
        ("12,40", "Total $12.40", 0.99),
        ("12.40", "112.40", 0.0),
        ("12.40", "12-40", 0.0),
        ("12.40", "1240", 0.0),
        ("1.234,56", "1,234.56", 0.99),
        ("1234,56", "1234.56", 0.99),
        ("0176 555 1234", "Tel. 0176/5551234", 0.99),
        ("0176 5551234", "+49 176 555 1234", 0.99),
        ("+49 176 5551234", "0176 5551234", 0.99),
        ("+49 176 5551234", "0177 5551234", 0.0),
        ("12.06.2024", "12/06/2024", 0.99),
        ("12.06.2024", "12.06.20245", 0.0),
        ("10:35", "boarding 10.35", 0.99),
        ("17C", "Seat 17C", 1.0),
        ("553.0", "¥553.0元", 1.0),
        ("É-12", "e-12", 1.0),
    ],
)
def test_how_well_a_text_holds_a_code(question: str, text: str, expected: float) -> None:
    assert strength(question, text) == expected


def test_a_code_counts_as_one_word_and_its_pieces_for_little() -> None:
    weights = {term.text: term.factor for term in terms("receipt IMG_2041")}
    assert weights["receipt"] == weights["img_2041"] == 1.0
    assert weights["img"] == weights["2041"] < 0.2
