"""Settling, against a model that remembers every hint."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.watching.settle import Settle

QUIET, AT_MOST = 5, 20
PATHS = ("a", "b", "c")


def test_is_due_after_quiet_time() -> None:
    settle = Settle(QUIET, AT_MOST)
    settle.hint("a", 100)
    assert settle.next_due() == 105
    assert settle.due(104.9) == []
    assert settle.due(105) == ["a"]
    assert settle.next_due() is None


def test_a_file_that_never_rests_is_due_at_most_so_late() -> None:
    settle = Settle(QUIET, AT_MOST)
    for now in range(100, 120):
        settle.hint("a", now)
        assert settle.due(now) == []
    settle.hint("a", 120)
    assert settle.due(120) == ["a"]


def test_busy_paths_wait_for_their_next_turn() -> None:
    settle = Settle(QUIET, AT_MOST)
    settle.hint("a", 0)
    assert settle.due(5) == ["a"]
    settle.hint("a", 6)
    assert settle.next_due() is None
    assert settle.due(1000) == []
    assert settle.waiting == 1
    settle.done("a", 1000)
    assert settle.next_due() == 11
    assert settle.due(1000) == ["a"]
    settle.done("a", 1001)
    assert settle.pending() == frozenset()


def test_what_a_scan_found_long_quiet_is_due_at_once_and_in_order() -> None:
    settle = Settle(QUIET, AT_MOST)
    settle.hint("newest", 100, changed_at=90)
    settle.hint("older", 100, changed_at=10)
    settle.hint("just now", 100, changed_at=98)
    settle.hint("from the future", 100, changed_at=5000)
    assert settle.due(100) == ["newest", "older"]
    assert settle.due(103) == ["just now"]
    assert settle.due(105) == ["from the future"]


def test_a_scan_does_not_hurry_what_an_event_told() -> None:
    settle = Settle(QUIET, AT_MOST)
    settle.hint("a", 100)
    settle.hint("a", 101, changed_at=0)
    assert settle.next_due() == 105


def test_hands_out_at_most_so_many() -> None:
    settle = Settle(QUIET, AT_MOST)
    for number in range(10):
        settle.hint(str(number), number)
    assert settle.due(100, most=4) == ["0", "1", "2", "3"]
    assert settle.due(100) == ["4", "5", "6", "7", "8", "9"]


def test_full_is_told_but_nothing_is_refused() -> None:
    settle = Settle(QUIET, AT_MOST, limit=2)
    told = []
    for path in ("a", "b", "c"):
        settle.hint(path, 0)
        told.append(settle.full)
    assert settle.due(5) == ["a", "b", "c"]
    for path in ("a", "b", "c"):
        told.append(settle.full)
        settle.done(path, 6)
    assert [*told, settle.full] == [False, True, True, True, True, False, False]


@pytest.mark.parametrize("path", ["unknown", "pending"])
def test_done_for_what_is_not_busy_changes_nothing(path: str) -> None:
    settle = Settle(QUIET, AT_MOST)
    settle.hint("pending", 0)
    settle.done(path, 1)
    assert settle.next_due() == 5
    assert settle.due(5) == ["pending"]


@dataclass
class Model:
    """Every hint that was not handed out yet, and who is busy."""

    hints: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)

    def hint(self, path: str, now: int, changed_at: int | None) -> None:
        self.hints.setdefault(path, []).append((now, now if changed_at is None else min(now, changed_at)))

    def due_at(self, path: str) -> int:
        first = self.hints[path][0][0]
        return max(first, min(max(last for _, last in self.hints[path]) + QUIET, first + AT_MOST))

    def due(self, now: int) -> set[str]:
        return {path for path in self.hints if path not in self.busy and self.due_at(path) <= now}


moves = st.lists(
    st.one_of(
        st.tuples(st.just("hint"), st.sampled_from(PATHS), st.none() | st.integers(0, 60)),
        st.tuples(st.just("due"), st.none() | st.integers(1, 2), st.none()),
        st.tuples(st.just("done"), st.sampled_from(PATHS), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 12), st.none()),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=300)
@given(moves)
def test_equals_the_model(moves: list[tuple[str, str | int | None, int | None]]) -> None:
    settle, model, now = Settle(QUIET, AT_MOST, limit=2), Model(), 0
    handed_out: dict[str, int] = {}
    hinted: dict[str, int] = {}
    for what, argument, age in moves:
        if what == "wait":
            assert isinstance(argument, int)
            now += argument
        elif what == "hint":
            assert isinstance(argument, str)
            changed_at = None if age is None else now - age + 5
            settle.hint(argument, now, changed_at)
            model.hint(argument, now, changed_at)
            hinted[argument] = now
        elif what == "due":
            assert argument is None or isinstance(argument, int)
            expected = model.due(now)
            paths = settle.due(now, argument)
            assert set(paths) <= expected
            assert len(paths) == len(set(paths)) == min(len(expected), argument or len(expected))
            for path in paths:
                model.hints.pop(path)
                model.busy.add(path)
                handed_out[path] = now
        else:
            assert isinstance(argument, str)
            settle.done(argument, now)
            model.busy.discard(argument)
        dues = [model.due_at(path) for path in model.hints if path not in model.busy]
        assert settle.next_due() == min(dues, default=None)
        assert settle.pending() == model.hints.keys() | model.busy
        assert settle.waiting == len(settle.pending())
        assert settle.full == (settle.waiting >= 2)

    # Nothing is lost: once all is done and quiet, whatever was hinted last was handed out after that.
    for path in PATHS:
        settle.done(path, now)
    now += AT_MOST
    for path in settle.due(now):
        handed_out[path] = now
    assert all(handed_out[path] >= when for path, when in hinted.items())
