"""When it is looked for a device that was lost, and what is said about it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.encoding.comeback import FIRST, LONGEST, STEADY, Comeback, Lost
from glimpsed.encoding.news import News
from glimpsed.encoding.strong import ChosenState
from glimpsed.events import Event

FALLBACK = ""


def lost(*devices: str, at: float = 0.0) -> Comeback:
    made = Comeback()
    for device in devices:
        made.lose(device, f"{device} is broken", at)
    return made


def test_it_is_looked_only_while_something_asks() -> None:
    comeback = lost("cuda:0")
    assert comeback.due("cpu") is None
    assert comeback.ask()
    assert not comeback.ask(), "that is no news"
    assert comeback.due("cpu") == FIRST
    comeback.missed("cpu", FIRST)
    assert comeback.due("cpu") is None
    assert comeback.ask()
    assert comeback.due("cpu") == FIRST + 2 * FIRST


def test_where_nothing_is_lost_nothing_is_asked_for() -> None:
    comeback = Comeback()
    assert not comeback.ask()
    assert not comeback.owe()
    assert comeback.due("cpu") is None
    assert comeback.due(FALLBACK) is None


@pytest.mark.parametrize(
    ("used", "better"),
    [(FALLBACK, {"cuda:0", "cpu"}), ("cpu", {"cuda:0"}), ("cuda:1", set()), (None, set())],
)
def test_it_is_looked_only_for_what_is_better(used: str | None, better: set[str]) -> None:
    comeback = lost("cuda:0", "cpu")
    comeback.ask()
    assert comeback.better(used) == better
    assert (comeback.due(used) is not None) == bool(better)


def test_rows_that_wait_ask_for_as_long_as_the_fallback_stands_in() -> None:
    comeback = lost("cuda:0")
    assert comeback.owe()
    assert not comeback.owe()
    assert comeback.due(FALLBACK) == FIRST
    assert comeback.due("cpu") is None, "the CPU encodes them"
    comeback.missed(FALLBACK, 100.0)
    assert comeback.due(FALLBACK) == 100.0 + 2 * FIRST
    comeback.found("cuda:0", 200.0)
    comeback.lose("cuda:0", "again", 200.0 + STEADY)
    assert comeback.due(FALLBACK) is None


def test_the_pauses_grow_to_their_limit() -> None:
    comeback, now, pauses = lost("cuda:0"), 0.0, []
    for _ in range(12):
        comeback.ask()
        due = comeback.due(FALLBACK)
        assert due is not None
        pauses.append(due - now)
        now = due
        comeback.missed(FALLBACK, now)
    assert pauses[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert pauses[-1] == LONGEST
    assert comeback.lost == (Lost("cuda:0", "cuda:0 is broken", 12),)


@pytest.mark.parametrize(("served", "pause"), [(STEADY - 1, 2 * FIRST), (STEADY, FIRST)])
def test_one_that_is_lost_soon_after_it_came_back_waits_longer(served: float, pause: float) -> None:
    comeback = lost("cuda:0")
    comeback.found("cuda:0", 0.0)
    assert comeback.lost == ()
    comeback.lose("cuda:0", "again", served)
    comeback.ask()
    assert comeback.due("cpu") == served + pause


def test_the_newest_reason_is_kept() -> None:
    comeback = lost("cuda:0")
    comeback.ask()
    comeback.missed("cpu", 50.0)
    comeback.lose("cuda:0", "something else", 60.0)
    assert comeback.lost == (Lost("cuda:0", "something else", 1),)
    assert comeback.reasons == {"cuda:0": "something else"}


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["lose", "ask", "owe", "miss", "find"]),
            st.sampled_from(["cuda:0", "cuda:1", "cpu"]),
            st.floats(0, 5000),
        ),
        max_size=30,
    ),
    st.sampled_from([FALLBACK, "cpu", "cuda:0", None]),
)
def test_whatever_happens_it_is_looked_for_what_is_lost_and_never_at_once(
    steps: list[tuple[str, str, float]], used: str | None
) -> None:
    comeback, now, looked = Comeback(), 0.0, None
    for what, device, later in steps:
        now += later
        match what:
            case "lose":
                comeback.lose(device, "why", now)
            case "ask":
                comeback.ask()
            case "owe":
                comeback.owe()
            case "miss" if (due := comeback.due(used)) is not None:
                assert looked is None or max(due, now) >= looked + FIRST
                looked = now = max(due, now)
                comeback.missed(used, now)
            case "find":
                comeback.found(device, now)
        due = comeback.due(used)
        if due is not None:
            assert comeback.better(used)
            assert due <= now + LONGEST
        assert comeback.better(used) <= comeback.reasons.keys()


def state(phase: str = "ready", device: str = "cuda:0", reason: str = "room", *gone: Lost) -> ChosenState:
    return ChosenState("BGE-M3", "id", device, reason, None, phase, gone)  # type: ignore[arg-type]  # a literal


def test_news_of_a_device_that_is_lost_and_comes_back() -> None:
    news = News()
    assert [event for event, _ in news.of(state("choosing"))] == []
    assert list(news.of(state())) == [
        (Event.ENCODER_CHOSEN, {"encoder": "id", "name": "BGE-M3", "device": "cuda:0", "reason": "room"})
    ]
    gone = Lost("cuda:0", "broken")
    assert list(news.of(state("choosing", "cuda:0", "broken", gone))) == [
        (Event.DEVICE_LOST, {"device": "cuda:0", "error": "broken"})
    ]
    assert [event for event, _ in news.of(state("ready", "cpu", "quick", gone))] == [Event.ENCODER_CHOSEN]
    assert list(news.of(state("ready", "cpu", "quick", Lost("cuda:0", "broken", 2)))) == [
        (Event.DEVICE_STILL_LOST, {"device": "cuda:0", "looked": 2, "error": "broken"})
    ]
    assert list(news.of(state("ready", "cpu", "quick", Lost("cuda:0", "broken", 2)))) == []
    assert [event for event, _ in news.of(state())] == [Event.DEVICE_BACK, Event.ENCODER_CHOSEN]


def test_news_of_what_it_does() -> None:
    news = News()
    assert list(news.of(state("unloaded"))) == [(Event.ENCODER_UNLOADED, {"encoder": "id", "reason": "room"})]
    failed = ChosenState("fallback", "e5", "cpu", "no weights", "weights", "failed")
    assert list(news.of(failed)) == [
        (Event.ENCODER_FAILED, {"encoder": "e5", "step": "weights", "error": "no weights"})
    ]
