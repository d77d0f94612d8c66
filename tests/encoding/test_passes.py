"""Which texts go through one pass together, and what is made ready meanwhile."""

import threading
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.encoding.passes import Budget, Passed, one_ahead, windows

LENGTHS = st.lists(st.integers(1, 600), min_size=1, max_size=60)


@given(st.lists(LENGTHS, max_size=5))
def test_padding_is_what_the_shorter_texts_of_a_batch_lack(batches: list[list[int]]) -> None:
    budget = Budget(100_000)
    for lengths in batches:
        before = budget.counted
        budget.passed(lengths)
        assert budget.counted.since(before) == Passed(1, sum(lengths), sum(max(lengths) - one for one in lengths))
        assert before.plus(budget.counted.since(before)) == budget.counted
    assert budget.counted.batches == len(batches)


@settings(deadline=None, max_examples=100)
@given(
    tokens=st.integers(1, 2000),
    lengths=LENGTHS,
    room=st.integers(1, 2000),
)
def test_whatever_the_memory_every_text_has_its_turn(tokens: int, lengths: list[int], room: int) -> None:
    budget, done, failures = Budget(tokens), 0, 0
    lengths.sort(reverse=True)
    while done < len(lengths):
        count = budget.take(lengths[done:])
        padded = count * lengths[done]
        assert 1 <= count <= len(lengths) - done
        assert count == 1 or padded <= tokens
        if padded > room:
            failures += 1
            if count == 1:
                return
            budget.halve(padded)
            continue
        budget.passed()
        done += count
    assert failures <= tokens.bit_length() + 1


def test_a_budget_that_was_halved_grows_again_when_all_goes_well() -> None:
    budget = Budget(1000)
    budget.halve(900)
    assert budget.tokens == 450
    for _ in range(200):
        budget.passed()
    assert budget.tokens == 1000


def test_a_batch_that_has_enough_takes_no_text_that_is_mostly_padding() -> None:
    budget = Budget(1000, enough=300)
    assert budget.take([100, 90, 85, 81, 40, 10]) == 4
    assert budget.take([100, 90, 30, 30, 30]) == 3, "too little for the device without some padding"
    assert budget.take([100] * 30) == 10
    assert budget.take([2000, 10]) == 1
    assert budget.take([]) == 0
    assert Budget(1000).take([100, 10, 10]) == 3


@settings(deadline=None, max_examples=100)
@given(tokens=st.integers(1, 2000), enough=st.integers(0, 3000), lengths=LENGTHS)
def test_a_batch_is_never_above_the_budget_and_never_wasteful(tokens: int, enough: int, lengths: list[int]) -> None:
    lengths.sort(reverse=True)
    longest = lengths[0]
    count = Budget(tokens, enough).take(lengths)
    assert 1 <= count <= len(lengths)
    assert count == 1 or count * longest <= tokens
    assert count == 1 or lengths[count - 1] >= 0.8 * longest or (count - 1) * longest < enough
    if count < len(lengths) and (count + 1) * longest <= tokens:
        assert lengths[count] < 0.8 * longest, "there was room"


@settings(deadline=None, max_examples=100)
@given(sizes=st.lists(st.integers(0, 300), max_size=40), most=st.integers(1, 600))
def test_each_place_is_in_one_window_and_the_largest_come_first(sizes: list[int], most: int) -> None:
    groups = windows(sizes, most)
    assert sorted(place for group in groups for place in group) == list(range(len(sizes)))
    flat = [sizes[place] for group in groups for place in group]
    assert flat == sorted(flat, reverse=True)
    assert all(sum(sizes[place] for place in group) <= most or len(group) == 1 for group in groups)


def test_the_next_one_is_made_while_the_last_is_worked_on() -> None:
    begun = {number: threading.Event() for number in range(4)}

    def make(number: int) -> int:
        begun[number].set()
        return number * number

    done = []
    for number, made in enumerate(one_ahead(make, range(4))):
        assert number == 3 or begun[number + 1].wait(60), "the next one waits for us"
        assert number > 1 or not begun[number + 2].is_set(), "one ahead, not two"
        done.append(made)
    assert done == [0, 1, 4, 9]


def test_a_lone_one_needs_no_thread() -> None:
    assert list(one_ahead(lambda _: threading.current_thread(), [0])) == [threading.main_thread()]
    assert list(one_ahead(str, [])) == []


def test_what_goes_wrong_comes_out_where_the_result_would() -> None:
    def make(number: int) -> int:
        return 12 // number

    made = one_ahead(make, [3, 2, 0, 1])
    assert [next(made), next(made)] == [4, 6]
    with pytest.raises(ZeroDivisionError):
        next(made)


def test_left_early_the_thread_ends() -> None:
    with closing(one_ahead(str, range(100))) as made:
        assert next(made) == "0"
        assert next(made) == "1"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("one-ahead")]
