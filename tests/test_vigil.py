"""When a part has been silent for too long, and what is made of it."""

from hypothesis import given
from hypothesis import strategies as st

from glimpsed.events import Event
from glimpsed.silence import Silence
from glimpsed.vigil import EVERY, Vigil, every


def test_a_part_that_nobody_asks_is_not_silent() -> None:
    silence = Silence()
    assert silence.overdue(1e9) is None
    silence.asked(0, 10)
    silence.answered()
    assert silence.overdue(1e9) is None


def test_a_part_that_does_not_answer_is_silent_after_its_patience() -> None:
    silence = Silence()
    silence.asked(100, 10)
    assert silence.overdue(110) is None
    assert silence.overdue(111) == 11
    silence.answered()
    assert silence.overdue(111) is None


def test_asking_again_starts_nothing_anew() -> None:
    silence = Silence()
    silence.asked(0, 10)
    silence.asked(9, 10)
    assert silence.overdue(11) == 11


def test_one_that_fails_again_and_again_is_silent() -> None:
    silence = Silence()
    for now in range(0, 12, 2):
        silence.asked(now, 10)
        silence.failed(now + 1)
    assert silence.overdue(1000) == 11
    silence.asked(1001, 10)  # long after: that was another trouble
    assert silence.overdue(1002) is None


def test_a_failure_and_then_nothing_is_no_silence() -> None:
    silence = Silence()
    silence.asked(0, 10)
    silence.failed(1)
    assert silence.overdue(1000) is None


def test_giving_up_a_question_forgets_it_but_not_what_was_before() -> None:
    silence = Silence()
    silence.asked(0, 10)
    silence.given_up()
    assert silence.overdue(1000) is None
    silence.asked(0, 10)
    silence.failed(5)
    silence.asked(9, 10)
    silence.given_up()
    silence.asked(12, 10)
    assert silence.overdue(12) == 12


@given(st.lists(st.tuples(st.sampled_from(["asked", "answered", "failed", "given_up"]), st.floats(0, 30)), max_size=40))
def test_silence_never_outlasts_the_time_since_the_last_answer(steps: list[tuple[str, float]]) -> None:
    silence, now, answered, asking = Silence(), 0.0, 0.0, False
    for what, later in steps:
        now += later
        match what:
            case "asked" if not asking:
                silence.asked(now, 10)
                asking = True
            case "answered" if asking:
                silence.answered()
                answered, asking = now, False
            case "failed" if asking:
                silence.failed(now)
                asking = False
            case "given_up" if asking:
                silence.given_up()
                asking = False
        overdue = silence.overdue(now)
        assert overdue is None or 10 < overdue <= now - answered


def test_a_look_says_what_is_new() -> None:
    vigil, one, other = Vigil(), Silence(), Silence()
    parts = [("one", one), ("other", other)]
    assert vigil.look(0, parts).alive
    assert Vigil().line is None
    one.asked(0, 10)
    other.asked(0, 20)
    first = vigil.look(15, parts)
    assert not first.alive
    assert first.said == ((Event.PART_STUCK, {"part": "one", "seconds": 15}),)
    assert vigil.line == "stuck: one has not answered for 15 s"
    assert vigil.look(16, parts).said == ()
    one.answered()
    last = vigil.look(30, parts)
    assert last.said == (
        (Event.PART_STUCK, {"part": "other", "seconds": 30}),
        (Event.PART_ANSWERS, {"part": "one"}),
    )
    other.answered()
    assert vigil.look(31, parts).alive


def test_looks_are_often_enough_for_the_manager() -> None:
    assert every(None) == EVERY
    assert every(3) == 1
    assert every(3600) == EVERY
