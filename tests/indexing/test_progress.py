"""How far a refresh is: the decisions, by a clock that the test moves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.events import Event
from glimpsed.indexing.progress import EVERY, FEW, WINDOW, Pace, Progress


def test_a_change_of_encoder_is_told_from_its_beginning_to_its_end() -> None:
    progress = Progress()
    assert progress.worth_counting("large", FEW, 0.0)
    assert progress.counted("large", 0, 1_000, 0.0) is Event.REFRESH_STARTED
    assert not progress.worth_counting("large", FEW, EVERY / 2)
    assert progress.counted("large", 64, 1_000, EVERY / 2) is None
    assert progress.worth_counting("large", FEW, EVERY)
    assert progress.counted("large", 128, 1_000, EVERY) is Event.REFRESH_PROGRESS
    assert progress.counted("large", 130, 1_000, EVERY + 1) is None
    assert progress.worth_counting("large", 0, EVERY + 1)  # nothing is left: it may be the end
    assert progress.counted("large", 1_000, 1_000, EVERY + 1) is Event.REFRESH_FINISHED
    assert progress.counted("large", 1_000, 1_000, EVERY + 2) is None


def test_a_few_new_pictures_are_not_worth_a_line_and_many_are() -> None:
    progress = Progress()
    assert progress.counted("large", 500, 500, 0.0) is None
    assert not progress.worth_counting("large", FEW - 1, 1.0)
    assert progress.counted("large", 500, 500 + FEW - 1, 1.0) is None
    assert progress.worth_counting("large", FEW, 2.0)
    assert progress.counted("large", 500, 500 + FEW, 2.0) is Event.REFRESH_STARTED
    assert progress.counted("large", 500 + FEW, 500 + FEW, 3.0) is Event.REFRESH_FINISHED


def test_what_a_restart_or_another_choice_finds_undone_is_told_however_little() -> None:
    progress = Progress()
    assert progress.counted("large", 999, 1_000, 0.0) is Event.REFRESH_STARTED
    progress.made(1, 0.0, 1.0)
    assert progress.counted("huge", 0, 1_000, 1.0) is Event.REFRESH_STARTED
    assert progress.pace(1_000, 1.0) == Pace(None, None)
    assert progress.counted("small", 10, 10, 2.0) is None  # given up: its end is not told as if it had been reached


def test_the_rate_is_that_of_the_last_minute_pauses_between_rounds_counted() -> None:
    progress = Progress()
    progress.made(64, 0.0, 2.0)
    assert progress.pace(320, 2.0) == Pace(32.0, 10.0)
    progress.made(64, 6.0, 8.0)
    assert progress.pace(160, 8.0) == Pace(16.0, 10.0)
    progress.made(0, 8.0, 9.0)
    assert progress.pace(160, 9.0) == Pace(16.0, 10.0)
    assert progress.pace(64, 3.0 + WINDOW) == Pace(32.0, 2.0)  # the first round is too old
    assert progress.pace(64, 9.0 + WINDOW) == Pace(None, None)


ROUNDS = st.tuples(st.integers(0, 64), st.floats(0.001, 20), st.floats(0, 30))


@settings(deadline=None)
@given(st.lists(ROUNDS, max_size=40), st.integers(0, 10**6))
def test_the_time_to_go_is_what_the_rate_says(rounds: list[tuple[int, float, float]], left: int) -> None:
    progress, now = Progress(), 0.0
    for rows, took, pause in rounds:
        began, now = now, now + took
        progress.made(rows, began, now)
        now += pause
    pace = progress.pace(left, now)
    assert (pace.rate is None) == (pace.seconds_left is None)
    if pace.rate is not None and pace.seconds_left is not None:
        assert 0 < pace.rate <= 64 / 0.001
        assert pace.seconds_left == pytest.approx(left / pace.rate)
