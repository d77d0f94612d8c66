"""Signals become one score by the formula that the module states."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searching.fakes import Weights

from glimpsed.searching.rank import Signals, nearness, score

EVEN = Weights()


def test_nearness_halves_at_the_sixth_place() -> None:
    assert nearness(1) == 1.0
    assert nearness(6) == 0.5


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (Signals(120, 1.0, 1.0), Signals(1, 0.0, 0.0)),
        (Signals(1, 0.0, 0.0), Signals(2, 0.05, 0.05)),
        (Signals(1, 0.0, 0.0), Signals(4, 0.5, 0.5)),
        (Signals(3, 0.8, 0.8), Signals(3, 0.8, 0.4)),
        (Signals(99, 0.1, 0.1, exact=True), Signals(1, 1.0, 1.0)),
        (Signals(7, 0.0, 0.0), Signals(8, 0.0, 0.0)),
    ],
)
def test_what_is_before_what(better: Signals, worse: Signals) -> None:
    assert score(better, EVEN) > score(worse, EVEN)


def test_the_ends_of_the_scale() -> None:
    assert score(Signals(1, 1.0, 1.0, exact=True), EVEN) == 1.0
    assert score(Signals(1, 1.0, 1.0), EVEN) == pytest.approx(0.9)
    assert score(Signals(1, 1.0, 1.0), Weights(0, 0.2, 0, 0)) == 0.0


def test_weights_are_those_of_the_configuration() -> None:
    near, said = Signals(1, 0.0, 0.0), Signals(50, 1.0, 1.0, exact=True)
    assert score(near, Weights(1, 0, 0, 0)) > score(said, Weights(1, 0, 0, 0))
    assert score(near, Weights(0, 0, 0, 1)) == 0.0
    assert score(said, Weights(0, 0, 0, 1)) == pytest.approx(1.0)


def test_meaning_counts_the_same_with_dense_vectors_alone_and_with_all_three_signals() -> None:
    near, said = Signals(1, 0.0, 0.0), Signals(50, 1.0, 1.0)
    for weights in (EVEN, Weights(1, 1, 1, 1)):
        assert score(near, weights) == score(near, weights, strong=True)
        assert score(said, weights) == score(said, weights, strong=True)
    assert score(near, EVEN) == pytest.approx(0.45)
    assert score(near, Weights(0, 0.5, 0, 0.5)) == 0.0
    assert score(near, Weights(0, 0.5, 0, 0.5), strong=True) == pytest.approx(0.45)


SIGNALS = st.builds(
    Signals,
    place=st.integers(1, 10_000),
    covered=st.floats(0, 1),
    covered_together=st.floats(0, 1),
    exact=st.booleans(),
)


@given(SIGNALS, st.builds(Weights, *[st.floats(0, 10)] * 3, st.floats(0.01, 10)))
@settings(deadline=None, max_examples=150)
def test_scores_lie_between_0_and_1_and_exact_ones_above(signals: Signals, weights: Weights) -> None:
    total = score(signals, weights, strong=True)
    assert 0.0 <= total <= 1.0 + 1e-9
    assert (total >= 0.9 - 1e-9) if signals.exact else (total <= 0.9 + 1e-9)
