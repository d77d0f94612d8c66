"""The bench's measures, against values computed by hand and rules that any measure of a ranking keeps."""

import math

import measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measures import Cost, Judged, Measures

IDS = st.sampled_from("abcdefghijklmnop")
RANKINGS = st.lists(IDS, unique=True)
RELEVANT = st.frozensets(IDS, min_size=1)


def test_values_computed_by_hand() -> None:
    found = measures.measure(["x", "b", "c"], {"b", "c"})
    assert found.recall_1 == 0
    assert found.recall_10 == 1
    assert found.mrr == 0.5
    # (1/log2 3 + 1/log2 4) / (1/log2 2 + 1/log2 3)
    assert found.ndcg_10 == pytest.approx((0.63093 + 0.5) / 1.63093, abs=1e-5)


def test_recall_is_of_as_many_as_there_is_room_for() -> None:
    assert measures.recall(["a", "x"], {"a", "b", "c"}, 1) == 1
    assert measures.recall(["a", "x", "b"], {"a", "b", "c"}, 3) == pytest.approx(2 / 3)
    assert measures.recall([], {"a"}, 10) == 0


def test_only_the_first_ten_count_for_ndcg_but_all_for_the_reciprocal_rank() -> None:
    ranking = [str(number) for number in range(12)] + ["a"]
    assert measures.ndcg(ranking, {"a"}, 10) == 0
    assert measures.reciprocal_rank(ranking, {"a"}) == 1 / 13


def test_a_question_without_an_answer_has_no_recall() -> None:
    with pytest.raises(ValueError, match="without an answer"):
        measures.recall(["a"], (), 1)
    with pytest.raises(ValueError, match="without an answer"):
        measures.ndcg(["a"], (), 10)


def test_the_mean_is_of_each_measure_for_itself() -> None:
    assert measures.mean([]) is None
    assert measures.mean([Measures(1, 1, 0.5, 0), Measures(0, 1, 0, 0.5)]) == Measures(0.5, 1, 0.25, 0.25)


@settings(deadline=None)
@given(RANKINGS, RELEVANT)
def test_every_measure_lies_between_none_and_all(ranking: list[str], relevant: frozenset[str]) -> None:
    found = measures.measure(ranking, relevant)
    values = [found.recall_1, found.recall_10, found.ndcg_10, found.mrr]
    assert all(0 <= value <= 1 + 1e-12 for value in values)
    assert found.recall_1 <= found.mrr
    assert (found.mrr > 0) == bool(relevant & set(ranking))


@settings(deadline=None)
@given(RANKINGS, RELEVANT)
def test_the_relevant_first_is_the_best_that_can_be(ranking: list[str], relevant: frozenset[str]) -> None:
    ideal = [*sorted(relevant), *(one for one in ranking if one not in relevant)]
    best = measures.measure(ideal, relevant)
    assert math.isclose(best.ndcg_10, 1)
    assert (best.recall_1, best.recall_10, best.mrr) == (1, 1, 1)


@settings(deadline=None)
@given(RANKINGS.filter(lambda one: len(one) > 1), RELEVANT, st.data())
def test_a_relevant_picture_that_moves_up_makes_nothing_worse(
    ranking: list[str], relevant: frozenset[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(1, len(ranking) - 1))
    if ranking[place] not in relevant or ranking[place - 1] in relevant:
        return
    better = [*ranking[: place - 1], ranking[place], ranking[place - 1], *ranking[place + 1 :]]
    before, after = measures.measure(ranking, relevant), measures.measure(better, relevant)
    for name in measures.NAMES:
        assert getattr(after, name) >= getattr(before, name) - 1e-12


def judged(
    good: tuple[bool, ...], scores: tuple[float, ...], *, answerable: bool = True, fits: bool | None = None
) -> Judged:
    return Judged(answerable, good, scores, None, None if fits is None else not fits)


def test_what_a_threshold_costs_and_saves() -> None:
    answers = [
        judged((True, False), (0.9, 0.4)),
        judged((False, True), (0.6, 0.55)),
        judged((False, False), (0.5, 0.3), answerable=False),
        judged((False,), (0.7,), answerable=False),
    ]
    assert measures.costs(answers, [0.5, 0.56, 0.8, 0.95]) == [
        Cost("score >= 0.5", 0, 0, 0),
        Cost("score >= 0.6", 0, 0.5, 0.5),  # 0.56, shown with one digit
        Cost("score >= 0.8", 0, 0.5, 1),
        Cost("score >= 0.9", 0.5, 1, 1),
    ]  # fmt: skip


def test_what_showing_only_the_sure_ones_costs() -> None:
    right = Judged(True, (True, True), (0.9, 0.8), (False, True), False)
    wrong = Judged(False, (False,), (0.9,), (False,), True)
    [line] = measures.costs([right, wrong], [])
    assert line == Cost("sure only", 1, 0, 1)
    assert measures.nothing_fits([right, wrong], answerable=False) == 1
    assert measures.nothing_fits([right, wrong], answerable=True) == 0


def test_what_the_daemon_does_not_tell_is_not_known() -> None:
    answers = [judged((True,), (0.9,)), judged((True,), (0.9,), fits=True)]
    assert measures.nothing_fits(answers, answerable=True) is None
    assert measures.nothing_fits([], answerable=True) is None
    assert measures.costs([judged((True,), (0.9,))], [0.1]) == [Cost("score >= 0.1", 0, 0, None)]
