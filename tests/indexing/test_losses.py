"""What counts as a mass disappearance, decided once and from times alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpsed.indexing.losses import FEWEST, Judged, Loss, judge

DAY = 86_400.0


def spread(count: int, at: float, step: float = 1.0) -> list[float]:
    return [at + number * step for number in range(count)]


def test_more_than_the_share_at_once_is_a_loss() -> None:
    present = [1.0] * 100
    [loss] = judge(Judged(), spread(101, DAY), present, share=0.5).losses
    assert loss == Loss(DAY, DAY + 100, 101, 201)
    assert judge(Judged(), spread(100, DAY), present, share=0.5).losses == ()


def test_a_few_may_go_from_a_small_folder() -> None:
    assert judge(Judged(), spread(FEWEST - 1, DAY), [], share=0.5).losses == ()
    assert len(judge(Judged(), spread(FEWEST, DAY), [], share=0.5).losses) == 1


def test_what_goes_bit_by_bit_is_none() -> None:
    assert judge(Judged(), spread(300, DAY, 301.0), [1.0] * 10, share=0.5).losses == ()


def test_with_a_share_of_one_there_is_none() -> None:
    assert judge(Judged(), spread(300, DAY), [], share=1.0).losses == ()


def test_what_was_decided_stays_whatever_comes_later() -> None:
    gone = spread(60, DAY)
    lost = judge(Judged(), gone, [1.0] * 20, share=0.5)
    assert [loss.of for loss in lost.losses] == [80]
    later = judge(lost, gone, [1.0] * 20 + [2 * DAY] * 1000, share=0.5)
    assert later == lost
    spared = judge(Judged(), gone, [1.0] * 100, share=0.5)
    assert spared.losses == ()
    assert judge(spared, gone, [2 * DAY] * 100, share=0.5).losses == ()  # all were read again meanwhile


def test_pictures_that_came_since_do_not_make_a_loss_less() -> None:
    assert len(judge(Judged(), spread(60, DAY), [1.0] * 20 + [2 * DAY] * 1000, share=0.5).losses) == 1


def test_it_ends_when_all_of_it_is_back() -> None:
    lost = judge(Judged(), spread(60, DAY), [], share=0.5)
    few = judge(lost, spread(3, DAY + 20), [1.0] * 57, share=0.5)
    assert few.losses == (Loss(DAY + 20, DAY + 22, 3, 60),)
    none = judge(few, [], [1.0] * 60, share=0.5)
    assert none == replace(lost, losses=())


def test_two_are_told_apart() -> None:
    first = judge(Judged(), spread(60, DAY), [1.0] * 55, share=0.5)
    both = judge(first, spread(60, DAY) + spread(55, 3 * DAY), [], share=0.5)
    assert [(loss.pictures, loss.of) for loss in both.losses] == [(60, 115), (55, 55)]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
@given(missing=st.lists(st.integers(0, 3000), max_size=200), present=st.lists(st.integers(0, 3000), max_size=100))
def test_each_missing_row_is_in_at_most_one_and_deciding_again_changes_nothing(
    share: float, missing: list[int], present: list[int]
) -> None:
    times = [float(one) for one in missing]
    judged = judge(Judged(), times, map(float, present), share=share)
    assert sum(loss.pictures for loss in judged.losses) <= len(missing)
    for loss in judged.losses:
        assert loss.pictures == sum(loss.since <= time <= loss.until for time in times) >= FEWEST
        assert share * loss.of < loss.pictures <= loss.of
    assert judge(judged, times, [], share=share) == judged
