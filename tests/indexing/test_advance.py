"""How fast the work goes as a whole."""

from hypothesis import given
from hypothesis import strategies as st

from glimpsed.indexing.advance import Advance
from glimpsed.indexing.progress import WINDOW, Pace


def test_the_rate_is_that_of_the_last_minute() -> None:
    advance = Advance()
    assert advance.pace(10) == Pace(None, None)
    advance.told(0, 0, 100)
    advance.told(1, 10, 90)
    assert advance.pace(90) == Pace(None, None)  # too early to tell
    advance.told(4, 40, 60)
    assert advance.pace(60) == Pace(10, 6)
    advance.told(WINDOW + 4, 46, 54)
    assert advance.pace(54) == Pace(0.1, 540)


def test_at_rest_and_when_more_turns_up_it_begins_anew() -> None:
    advance = Advance()
    advance.told(0, 0, 10)
    advance.told(5, 10, 0)
    assert advance.pace(0) == Pace(None, None)
    advance.told(9, 10, 5)
    advance.told(14, 12, 3)
    assert advance.pace(3) == Pace(0.4, 7.5)
    advance.told(15, 2, 13)  # the reader is a new one: all are stale again
    assert advance.pace(13) == Pace(None, None)
    advance.told(20, 2, 13)
    assert advance.pace(13) == Pace(None, None)


@given(st.lists(st.tuples(st.floats(0, 90), st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_it_is_never_negative_nor_endless(looks: list[tuple[float, int, int]]) -> None:
    advance, now = Advance(), 0.0
    for pause, done, left in looks:
        now += pause
        advance.told(now, done, left)
        pace = advance.pace(left)
        assert (pace.rate is None) is (pace.seconds_left is None)
        assert pace.rate is None or (pace.rate > 0 and (pace.seconds_left or 0) >= 0)
