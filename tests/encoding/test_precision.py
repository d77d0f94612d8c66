"""What a model computes in."""

from collections.abc import Iterator

import pytest

from glimpsed.encoding import devices
from glimpsed.encoding.precision import QUICKER, measure, precision, take


def test_the_quicker_one_is_taken_where_it_is_worth_it() -> None:
    assert take({"float32": 4.0, "bfloat16": 1.0}) == "bfloat16"
    assert take({"float32": 1.0, "bfloat16": 4.0}) == "float32"
    assert take({"float32": 1.0, "bfloat16": 0.9}) == "float32", "hardly quicker is not worth the digits"
    assert take({"float32": QUICKER, "bfloat16": 1.0}) == "bfloat16"
    assert take({"float32": 4.0, "bfloat16": 2.0, "float16": 1.0}) == "float16"
    assert take({"float32": 1.0}) == "float32"


def test_it_depends_on_the_device() -> None:
    assert precision("cuda:0", exact=False) == "float16"
    assert precision("cuda:0", exact=True) == precision("cpu", exact=True) == "float32"
    assert precision("cpu", exact=False) in ("float32", "bfloat16")
    assert precision("cpu", exact=False) == precision("cpu", exact=False)
    if not devices.runs_bf16():
        assert precision("cpu", exact=False) == "float32"


@pytest.mark.parametrize(("slow", "expected"), [(0, "bfloat16"), (1, "float32")])
def test_the_best_of_a_few_counts(slow: int, expected: str) -> None:
    """By a clock on which one of the two takes ten times as long, and the first round a thousand times."""

    def ticks() -> Iterator[float]:
        now, measured = 0.0, 0
        while True:
            yield now
            now += (1000 if measured < 2 else 1) * (10 if measured % 2 == slow else 1)
            yield now
            measured += 1

    clock = ticks()
    seconds = measure(clock=lambda: next(clock))
    assert sorted(seconds.values()) == [1, 10]
    assert take(seconds) == expected
