"""Deciding what is encoded together."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from glimpsed.encoding.batch import Batch, Courtesy, Lane, Pace, Turns, Waiting

LANES = (Lane.FIRST, Lane.SECOND)


@dataclass
class Held:
    """What the batch should hold of one key."""

    tokens: int
    since: float
    lane: Lane


class BatchMachine(RuleBasedStateMachine):
    """The batch against a dict."""

    @initialize(max_tokens=st.integers(1, 60), max_count=st.integers(1, 6), max_age=st.integers(0, 10))
    def start(self, max_tokens: int, max_count: int, max_age: int) -> None:
        self.max_tokens, self.max_count, self.max_age = max_tokens, max_count, max_age
        self.batch = Batch(max_tokens, max_count, max_age)
        self.held: dict[str, Held] = {}
        self.now = 0.0

    @rule(seconds=st.integers(0, 6))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    @rule(key=st.sampled_from("abcdefghij"), tokens=st.integers(1, 80), lane=st.sampled_from(LANES))
    def add(self, key: str, tokens: int, lane: Lane) -> None:
        known = self.held.get(key)
        assert self.batch.add(key, (key,), tokens, self.now, lane) == (known is None)
        if known is None:
            self.held[key] = Held(tokens, self.now, lane)
        else:
            known.lane = min(known.lane, lane)

    @rule(idle=st.booleans())
    def take(self, idle: bool) -> None:
        before = dict(self.held)
        taken = self.batch.take(self.now, idle=idle)
        total = sum(held.tokens for held in before.values())
        due = any(held.since + self.max_age <= self.now for held in before.values())
        full = total >= self.max_tokens or len(before) >= self.max_count
        assert (taken is not None) == (bool(before) and (idle or due or full))
        if taken is None:
            return
        self.check(taken)
        for one in taken:
            del self.held[one.key]

    def check(self, taken: list[Waiting]) -> None:
        assert taken
        keys = [one.key for one in taken]
        assert len(set(keys)) == len(keys)
        tokens = sum(one.tokens for one in taken)
        assert len(taken) <= self.max_count
        assert tokens <= self.max_tokens or len(taken) == 1
        for one in taken:
            assert (one.tokens, one.since) == (self.held[one.key].tokens, self.held[one.key].since)
            assert one.text == (one.key,)
        lanes = [self.held[key].lane for key in keys]
        assert lanes == sorted(lanes)
        left = [held.lane for key, held in self.held.items() if key not in keys]
        if Lane.FIRST in left:
            assert Lane.SECOND not in lanes

    @invariant()
    def nothing_lost(self) -> None:
        assert self.batch.waiting == len(self.held)
        oldest = min((held.since for held in self.held.values()), default=None)
        assert self.batch.next_due() == (None if oldest is None else oldest + self.max_age)

    def teardown(self) -> None:
        while (taken := self.batch.take(self.now, idle=True)) is not None:
            self.check(taken)
            for one in taken:
                del self.held[one.key]
        assert not self.held


TestBatch = BatchMachine.TestCase
TestBatch.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)


def test_it_waits_for_more_while_the_encoder_is_busy() -> None:
    batch = Batch(100, 3, 5.0)
    assert batch.take(0.0, idle=True) is None
    batch.add("a", ("a",), 10, 0.0)
    batch.add("b", ("b",), 10, 1.0)
    assert batch.take(4.9, idle=False) is None
    assert batch.next_due() == 5.0
    aged = batch.take(5.0, idle=False)
    assert aged is not None
    assert [one.key for one in aged] == ["a", "b"]
    batch.add("c", ("c",), 10, 6.0)
    idle = batch.take(6.0, idle=True)
    assert idle is not None
    assert [one.key for one in idle] == ["c"]


def test_a_text_that_is_wanted_sooner_keeps_its_age() -> None:
    batch = Batch(100, 1, 5.0)
    batch.add("slow", ("s",), 1, 0.0, Lane.SECOND)
    batch.add("wanted", ("w",), 1, 1.0, Lane.SECOND)
    assert not batch.add("wanted", ("w",), 1, 3.0, Lane.FIRST)
    taken = batch.take(3.0, idle=True)
    assert taken is not None
    assert [(one.key, one.since) for one in taken] == [("wanted", 1.0)]


@given(st.lists(st.integers(1, 1000), max_size=30), st.floats(1, 2000))
def test_pace_shares_at_least_one_and_no_more_than_its_weight(weights: list[int], start: float) -> None:
    share = Pace(0.1, start=start).share(weights)
    assert (share == 0) == (not weights)
    assert sum(weights[:share]) <= start or share <= 1
    if share < len(weights):
        assert sum(weights[: share + 1]) > start


@settings(deadline=None, max_examples=40)
@given(st.floats(10, 20_000), st.floats(1, 5000))
def test_pace_comes_to_its_target_at_any_speed(speed: float, start: float) -> None:
    """`speed` is weight a second; texts are small enough to make a batch of any size."""
    pace = Pace(0.1, start=start)
    share = 0
    for _ in range(100):
        share = pace.share([1] * 4_000)
        pace.took(share, share / speed)
    assert 0.05 <= share / speed <= 0.15 or share == 1


def test_pace_is_not_thrown_by_one_slow_batch() -> None:
    pace = Pace(0.1, start=1000)
    pace.took(1000, 60.0)
    assert pace.share([100] * 20) >= 7
    pace.took(1, 0.0)
    assert pace.share([100] * 20) >= 7


def test_turns_go_to_the_best_lane_then_to_the_longest_waiting() -> None:
    turns: Turns[str] = Turns()
    assert turns.ask("at once", Lane.SECOND)
    for who, lane in [("s1", Lane.SECOND), ("f1", Lane.FIRST), ("q1", Lane.QUESTION), ("f2", Lane.FIRST)]:
        assert not turns.ask(who, lane)
    assert not turns.ask("q2", Lane.QUESTION)
    assert turns.give_up("f2")
    order = [turns.leave() for _ in range(4)]
    assert order == ["q1", "q2", "f1", "s1"]
    assert not turns.give_up("s1")  # it is its turn: it has to leave
    assert not turns.ask("s2", Lane.SECOND)
    assert turns.again("s1", Lane.SECOND) == "s1"
    assert not turns.ask("f3", Lane.FIRST)
    assert turns.again("s1", Lane.SECOND) == "f3"
    assert [turns.leave(), turns.leave()] == ["s1", "s2"]
    assert turns.leave() is None
    assert turns.ask("again", Lane.SECOND)


@dataclass
class Run:
    """Who holds the encoder in a random course of turns."""

    turns: Turns[int] = field(default_factory=Turns)
    holder: int | None = None
    waiting: dict[int, Lane] = field(default_factory=dict)


@pytest.mark.parametrize("lanes", [tuple(Lane)])
@given(st.data())
def test_turns_have_one_holder_and_forget_nobody(lanes: tuple[Lane, ...], data: st.DataObject) -> None:
    run = Run()
    for who, act in enumerate(data.draw(st.lists(st.sampled_from(["ask", "leave", "give up"]), max_size=40))):
        if act == "ask":
            lane = data.draw(st.sampled_from(lanes))
            if run.turns.ask(who, lane):
                assert run.holder is None
                run.holder = who
            else:
                assert run.holder is not None
                run.waiting[who] = lane
        elif act == "leave" and run.holder is not None:
            best = min(run.waiting.items(), key=lambda item: (item[1], item[0]), default=None)
            run.holder = run.turns.leave()
            assert run.holder == (best[0] if best else None)
            if run.holder is not None:
                del run.waiting[run.holder]
        elif act == "give up" and run.waiting:
            who_gives_up = data.draw(st.sampled_from(sorted(run.waiting)))
            assert run.turns.give_up(who_gives_up)
            del run.waiting[who_gives_up]


def test_a_batch_stands_aside_until_a_search_is_back_or_late() -> None:
    courtesy = Courtesy(0.1)
    assert courtesy.left(5.0) == 0.0
    courtesy.asked(5.0)
    assert courtesy.left(5.0) == pytest.approx(0.1)
    assert courtesy.left(5.06) == pytest.approx(0.04)
    assert courtesy.left(5.2) == 0.0
    courtesy.asked(6.0)
    courtesy.came()
    assert courtesy.left(6.0) == 0.0
