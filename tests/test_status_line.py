"""The line that `systemctl status` shows."""

import pytest

from glimpsed import status_parts
from glimpsed.indexing.advance import Advance
from glimpsed.indexing.progress import WINDOW
from glimpsed.records import Counts
from glimpsed.status_line import StatusLine

M3 = "BGE-M3 on cuda:0"


def test_work_with_its_rate_and_the_time_to_go() -> None:
    line = StatusLine()
    assert line.line(0, state="indexing", done=100, left=9781, encoder=M3) == f"100 of 9,881; {M3}"
    assert line.line(1, state="indexing", done=120, left=9761, encoder=M3) == f"120 of 9,881; {M3}"  # too soon to tell
    said = line.line(10, state="indexing", done=470, left=9411, encoder=M3)
    assert said == f"470 of 9,881, 37/s, about 4 min; {M3}"


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("idle", None, "1,234 pictures; "),
        ("scanning", None, "scanning: 1,234 pictures; "),
        ("stopping", None, "stopping: 1,234 pictures; "),
        ("paused", "the disk is full", "paused (the disk is full): 1,234 pictures; "),
    ],
)
def test_states(state: str, reason: str | None, said: str) -> None:
    assert StatusLine().line(0, state=state, done=1234, left=0, encoder=M3, reason=reason) == said + M3


def test_a_slow_rate_is_told_as_what_it_is() -> None:
    advance = Advance()
    advance.told(0, 100, 50)
    advance.told(30, 101, 49)
    told = status_parts.work(Counts(fresh=101, stale=49, missing=0, errors=0), 0, advance)
    assert told is not None
    assert (told.rate, told.seconds_left) == (0.0333, 1470)


def test_one_picture_is_one() -> None:
    assert StatusLine().line(0, state="idle", done=1, left=0, encoder=M3) == f"1 picture; {M3}"


@pytest.mark.parametrize(
    ("came", "left", "said"),
    [(200, 30, "20/s, about 2 s"), (20, 200, "2.0/s, about 2 min"), (1, 60, "6/min, about 10 min")],
)
def test_rates_and_times_in_units_that_fit(came: int, left: int, said: str) -> None:
    line = StatusLine()
    line.line(0, state="indexing", done=0, left=came + left, encoder=M3)
    assert said in line.line(10, state="indexing", done=came, left=left, encoder=M3)


@pytest.mark.parametrize(("left", "said"), [(10_000, "about 3 h"), (1_000_000, "about 12 d"), (58, "about 1 min")])
def test_long_times(left: int, said: str) -> None:
    line = StatusLine()
    line.line(0, state="indexing", done=0, left=left + 10, encoder=M3)
    assert said in line.line(10, state="indexing", done=10, left=left, encoder=M3)


def test_what_was_long_ago_says_nothing_of_the_rate() -> None:
    line = StatusLine()
    line.line(0, state="indexing", done=0, left=1000, encoder=M3)
    line.line(10, state="indexing", done=900, left=100, encoder=M3)
    assert "/s" not in line.line(11 + WINDOW, state="indexing", done=900, left=100, encoder=M3)


def test_the_rate_begins_anew_with_new_work() -> None:
    line = StatusLine()
    line.line(0, state="indexing", done=50, left=50, encoder=M3)
    line.line(10, state="idle", done=100, left=0, encoder=M3)
    assert line.line(11, state="indexing", done=100, left=5, encoder=M3) == f"100 of 105; {M3}"
    line.line(20, state="indexing", done=3, left=102, encoder=M3)  # all of it is stale now
    assert line.line(21, state="indexing", done=4, left=101, encoder=M3) == f"4 of 105; {M3}"
