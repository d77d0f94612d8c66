"""ColBERT scores of candidates, what of them is kept, and how many there is time for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.encoding.fakes import DIMENSION, FakeEncoder

from glimpsed.encoding.batch import Reach
from glimpsed.encoding.encoder import Text, rough_tokens
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.encoding.scoring import Kept, Many, Scorer, colbert_score, fitting
from glimpsed.records import Encoding

QUESTION: Text = ("ramen receipt",)


class Counting(FakeEncoder):
    """Remembers what it was asked to encode."""

    def __init__(self) -> None:
        super().__init__(EncoderSpec("bge-m3"))
        self.asked: list[Text] = []

    def _one(self, text: Text) -> Encoding:
        self.asked.append(text)
        return super()._one(text)


@pytest.fixture
def encoder() -> Counting:
    return Counting()


def texts(*words: str) -> list[tuple[str, Text]]:
    return [(f"id of {word}", (word,)) for word in words]


def test_the_score_is_the_mean_over_the_question_of_the_best_similarity() -> None:
    question = np.array([[1, 0], [0, 1]], dtype=np.float16)
    text = np.array([[0.6, 0.8], [-1, 0], [0.8, 0.6]], dtype=np.float16)
    assert colbert_score(question, text) == pytest.approx(0.8, abs=1e-3)
    assert colbert_score(question, -text) == pytest.approx(0.5, abs=1e-3)


def test_candidates_are_ranked_by_the_words_they_share(encoder: Counting) -> None:
    found = Scorer(encoder).score(QUESTION, texts("boat sunset", "ramen receipt", "ramen bowl"), room=1000)
    boat, both, one = found.scores
    assert both == pytest.approx(1.0, abs=1e-3)
    assert both is not None
    assert one is not None
    assert boat is not None
    assert both > one > boat
    assert found.fresh == [0, 1, 2]


def test_what_is_kept_is_not_encoded_again_and_costs_no_room(encoder: Counting) -> None:
    scorer = Scorer(encoder)
    first = scorer.score(QUESTION, texts("a", "b"), room=1000)
    encoder.asked.clear()
    again = scorer.score(QUESTION, texts("c", "b", "a"), room=0)
    assert (again.scores, again.fresh) == ([None, first.scores[1], first.scores[0]], [])
    assert encoder.asked == []
    third = scorer.score(QUESTION, texts("c", "b", "a"), room=1000)
    assert third.fresh == [0]
    assert encoder.asked == [("c",)]


def test_a_question_that_was_encoded_is_not_encoded_again(encoder: Counting) -> None:
    scorer = Scorer(encoder)
    [encoding] = scorer.ask([QUESTION])
    assert encoding.sparse is not None, "dense and sparse come from the same pass"
    scorer.score(QUESTION, texts("a"), room=1000)
    assert encoder.asked == [QUESTION, ("a",)]


def test_a_question_too_long_to_be_kept_is_scored_all_the_same(
    encoder: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glimpsed.encoding.scoring.KEPT_QUESTIONS", 0)
    found = Scorer(encoder, kept=0).score(QUESTION, texts("ramen receipt"), room=1000)
    assert found.scores == [pytest.approx(1.0, abs=1e-3)]


def test_time_is_that_of_the_new_texts_alone(encoder: Counting) -> None:
    now = iter([5.0, 7.5])
    assert Scorer(encoder, clock=lambda: next(now)).score(QUESTION, texts("a"), room=1000).seconds == 2.5


@settings(deadline=None, max_examples=100)
@given(weights=st.lists(st.integers(1, 50), max_size=20), room=st.integers(0, 300), least=st.integers(0, 3))
def test_as_many_as_there_is_room_for_and_no_more(weights: list[int], room: int, least: int) -> None:
    count = fitting(weights, room, least)
    assert min(least, len(weights)) <= count <= len(weights)
    assert sum(weights[:count]) <= room or count <= least
    assert count == len(weights) or sum(weights[: count + 1]) > room


def vectors(tokens: int) -> Many:
    return np.zeros((tokens, DIMENSION), dtype=np.float16)


@settings(deadline=None, max_examples=100)
@given(
    puts=st.lists(st.integers(0, 9), max_size=40),
    sizes=st.lists(st.integers(1, 8), min_size=10, max_size=10),
    most=st.integers(0, 20),
)
def test_what_was_used_last_is_kept_within_the_bytes(puts: list[int], sizes: list[int], most: int) -> None:
    kept = Kept(most * vectors(1).nbytes)
    for key in puts:
        kept.put(key, vectors(sizes[key]))
    expected: list[int] = []
    left = most
    for key in dict.fromkeys(reversed(puts)):
        left -= sizes[key]
        if left < 0:
            break
        expected.append(key)
    assert [key for key in range(10) if kept.get(key) is not None] == sorted(expected)
    assert len(kept) == len(expected)


def test_what_is_used_stays() -> None:
    kept = Kept(2 * vectors(1).nbytes)
    kept.put("a", vectors(1))
    kept.put("b", vectors(1))
    assert kept.get("a") is not None
    kept.put("c", vectors(1))
    assert kept.get("b") is None
    assert kept.get("a") is not None


def test_what_there_is_time_for_follows_what_it_took() -> None:
    """A device that makes 5,000 tokens a second, then only 500."""
    reach = Reach(0.1, start=250)
    for rate in (5000, 500):
        for _ in range(12):
            reach.took(reach.room, reach.room / rate)
        assert reach.room == pytest.approx(rate / 10, rel=0.05)


def test_a_few_tokens_do_not_tell_how_long_many_take() -> None:
    reach = Reach(0.1, start=2000)
    reach.took(10, 0.04)  # by this one 25 tokens would do
    assert reach.room == 2000
    reach.took(10, 0.2)
    assert reach.room < 2000


def test_one_result_changes_little_upwards_and_a_miss_halves() -> None:
    reach = Reach(0.1, start=100)
    reach.took(100, 1e-9)
    assert reach.room == 250
    for _ in range(100):
        reach.missed()
    assert reach.room == 1
    assert rough_tokens(()) > reach.room, "nothing new, and what is kept still counts"
