"""When a failure is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from glimpsed.indexing.retry import retry_at
from glimpsed.records import FaultKind


def test_what_the_picture_itself_is_to_blame_for_is_never_tried_again() -> None:
    for kind in (FaultKind.BROKEN, FaultKind.TRUNCATED, FaultKind.TOO_LARGE):
        assert retry_at(kind, 1, 0.0) is None


def test_a_crash_is_tried_twice_more() -> None:
    assert [retry_at(FaultKind.CRASHED, attempts, 0.0) for attempts in (1, 2, 3)] == [60.0, 600.0, None]


@given(st.integers(1, 500), st.floats(0, 4e9))
def test_pauses_grow_up_to_a_day(attempts: int, now: float) -> None:
    first, second = (retry_at(FaultKind.UNREADABLE, number, now) for number in (attempts, attempts + 1))
    assert first is not None
    assert second is not None
    assert now + 59 <= first <= second <= now + 86_401
