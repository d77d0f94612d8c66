"""The journal: the same lines for the log and for subscribers, and what is left out of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import CapturingLogger

from glimpsed.events import Event, Journal, Lines
from glimpsed.plainly import plain
from glimpsed.repeats import Repeats


@pytest.fixture
def log() -> Iterator[CapturingLogger]:
    logger = CapturingLogger()
    structlog.configure(
        processors=[structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=False,
    )
    yield logger
    structlog.reset_defaults()


def said(log: CapturingLogger) -> list[tuple[str, str]]:
    return [(call.method_name, call.kwargs["msg"]) for call in log.calls]


def test_names_are_plain_words_and_every_event_is_explained() -> None:
    for event in Event:
        assert event.value == event.name.lower()
        assert event.level in {"debug", "info", "warning", "error"}
        assert event.doc.endswith(".")
    assert Event("picture_indexed") is Event.PICTURE_INDEXED


async def test_a_line_goes_to_the_log_and_to_every_subscriber(log: CapturingLogger) -> None:
    journal = Journal()
    async with journal.subscribe() as one, journal.subscribe() as two:
        journal.say(Event.PICTURE_INDEXED, path="/p/\udcff.png", ms={"read": 1.23456}, at="hidden")
        for lines in (one, two):
            line = await anext(lines)
            assert (line["event"], line["level"]) == ("picture_indexed", "info")
            assert line["path"] == "/p/�.png"
            assert line["ms"] == {"read": 1.235}
            assert str(line["at"]).endswith("Z")
    assert said(log) == [("info", "picture_indexed")]


async def test_subscribers_get_every_level_and_only_what_comes_later(log: CapturingLogger) -> None:
    journal = Journal()
    journal.say(Event.SCAN_STARTED, folder="/before")
    async with journal.subscribe() as lines:
        journal.say(Event.SCAN_STARTED, folder="/after")
        assert (await anext(lines))["folder"] == "/after"


async def test_a_slow_subscriber_loses_the_oldest_and_is_told(log: CapturingLogger) -> None:
    journal = Journal()
    async with journal.subscribe(limit=3) as lines:
        for number in range(10):
            journal.say(Event.PICTURE_INDEXED, number=number)
        lost = await anext(lines)
        assert (lost["event"], lost["lost"]) == ("lines_lost", 7)
        assert [(await anext(lines))["number"] for _ in range(3)] == [7, 8, 9]
        journal.say(Event.PICTURE_INDEXED, number=10)
        assert (await anext(lines))["number"] == 10


async def test_a_waiting_subscriber_is_woken_and_ends_when_the_journal_closes(log: CapturingLogger) -> None:
    journal = Journal()
    got: list[object] = []

    async def follow(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        async with journal.subscribe() as lines:
            task_status.started()
            got.extend([line["number"] async for line in lines])

    async with anyio.create_task_group() as tasks:
        await tasks.start(follow)
        await anyio.wait_all_tasks_blocked()
        journal.say(Event.PICTURE_INDEXED, number=1)
        await anyio.wait_all_tasks_blocked()
        journal.say(Event.PICTURE_INDEXED, number=2)
        journal.close()
    assert got == [1, 2]
    async with journal.subscribe() as late:
        journal.say(Event.DAEMON_STOPPED)
        assert [line async for line in late] == []
    assert said(log)[-1] == ("info", "daemon_stopped")


async def test_a_subscriber_that_left_gets_nothing(log: CapturingLogger) -> None:
    journal = Journal()
    async with journal.subscribe() as lines:
        pass
    journal.say(Event.PICTURE_INDEXED)
    lines.close()
    assert [line async for line in lines] == []


def test_identical_warnings_are_counted_and_told_in_the_end(log: CapturingLogger) -> None:
    journal = Journal()
    for number in range(5):
        journal.say(Event.EVENTS_LOST, folder="/a", reason="overflow", ms=number)
    journal.say(Event.EVENTS_LOST, folder="/b", reason="overflow")
    for _ in range(2):
        journal.say(Event.PICTURE_INDEXED, path="/a")
    journal.close()
    assert said(log) == [("warning", "events_lost")] * 2 + [("info", "picture_indexed")] * 2 + [
        ("warning", "events_lost")
    ]
    assert log.calls[-1].kwargs["extra"] == {"folder": "/a", "reason": "overflow", "ms": 0, "repeated": 4}


def test_a_warning_is_said_anew_when_its_window_is_over() -> None:
    repeats: Repeats[Event] = Repeats(window=60)
    fields: dict[str, object] = {"folder": "/a"}
    assert repeats.admit(Event.EVENTS_LOST, fields, 0)
    assert not repeats.admit(Event.EVENTS_LOST, fields, 59)
    assert repeats.over(59.9) == []
    assert repeats.over(60) == [(Event.EVENTS_LOST, {"folder": "/a", "repeated": 1})]
    assert repeats.admit(Event.EVENTS_LOST, fields, 60)
    assert repeats.over(200) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 30)), max_size=60), st.integers(1, 4))
@settings(deadline=None, max_examples=100)
def test_every_warning_is_said_or_counted_once(warnings: list[tuple[int, float]], limit: int) -> None:
    repeats: Repeats[Event] = Repeats(window=60, limit=limit)
    now, told, counted = 0.0, 0, 0
    for which, pause in warnings:
        now += pause
        counted += sum(int(str(fields["repeated"])) for _, fields in repeats.over(now))
        told += repeats.admit(Event.EVENTS_LOST, {"folder": which}, now)
    counted += sum(int(str(fields["repeated"])) for _, fields in repeats.over(float("inf")))
    assert told + counted == len(warnings)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers()) | st.tuples(inner),
        max_leaves=10,
    )
)
@settings(deadline=None, max_examples=100)
def test_any_field_becomes_json(value: object) -> None:
    json.dumps(plain(value), ensure_ascii=False).encode()


def test_fields_that_json_does_not_know() -> None:
    assert plain(Path("/a")) == "/a"
    assert plain(ValueError("no")) == "no"
    assert plain(ValueError()) == "ValueError"
    assert plain(Event.LIBRARY) == "library"
    assert plain(1j) == "1j"


async def test_lines_that_end_are_read_first() -> None:
    lines = Lines(2)
    lines.put({"number": 1})
    lines.close()
    assert [line async for line in lines] == [{"number": 1}]
