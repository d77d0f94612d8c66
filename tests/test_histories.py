"""A real daemon against the disk: histories that hypothesis draws, and those that once found a fault.

More of them, with disks that are filled and unmounted: `make torture MINUTES=60`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from tests.histories import history
from tests.histories.disk import ACTS
from tests.histories.history import MOST, Step
from tests.histories.world import FAULTS, World, world
from tests.watching.confined import confined

NUMBERS = st.integers(0, MOST - 1)
NAMES = st.sampled_from([*ACTS, *sorted(set(FAULTS) - {"switch encoder", "settings", "kill child", "pause"})])
STEPS = st.lists(st.builds(Step, NAMES, NUMBERS, NUMBERS), min_size=6, max_size=16)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(World(tmp_path_factory.mktemp("h") / "w", READ_OCR="false")) as made:
        yield made


@settings(max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_whatever_happens_the_table_comes_to_be_the_disk(life: World, steps: list[Step]) -> None:
    made = [Step("create", number * 37, number * 101) for number in range(5)]
    note(history.written([*made, *steps]))
    history.play(life, [*made, *steps], number=len(steps))


def test_the_judge_sees_what_differs(life: World) -> None:
    history.play(life, [Step("create", 1, 0), Step("create", 1, 1)])
    assert life.differences() == []
    life.deafen(0, 0)
    first, second = life.disk.files()
    first.unlink()
    second.write_bytes(life.disk.data(second.suffix))
    new = second.with_name("new.png")
    new.write_bytes(life.disk.data(".png"))
    told = life.differences()
    assert f"no row: {new}" in told
    assert f"a row, and no file: {first}" in told
    assert any(line.startswith(f"{second}: content") for line in told)
    life.judge()
    assert life.differences() == []


def test_lost_events_are_noticed_and_made_up_for(life: World) -> None:
    steps = [
        Step("create", 0, 0),
        Step("overflow", 0, 0),
        Step("hold", 0, 0),
        Step("create", 5, 1),
        Step("delete", 0, 0),
    ]
    history.play(life, [*steps, Step("move tree", 0, 3), Step("release", 0, 0)])
    assert life.counted["overflows"]


_ON_DISKS_OF_ITS_OWN = """
import json, sys
from pathlib import Path

place, steps, *paths = sys.argv[1:]
sys.path[:0] = paths

from tests.histories import history
from tests.histories.world import World, world

with world(World(Path(place), mounts=True, stick=True, READ_OCR="false")) as life:
    history.play(life, history.read(steps), number=1)
    print(json.dumps(life.counted))
"""


def test_the_disk_is_full_and_the_other_is_unmounted(tmp_path: Path) -> None:
    steps = [
        *(Step("create", number, number) for number in range(0, 40, 5)),
        Step("pause", 7, 0),
        Step("fill disk", 0, 0),
        *(Step("create", number, number) for number in range(0, 40, 9)),
        Step("rename", 1, 1),
        Step("ask", 0, 0),
        Step("take away", 0, 0),
        Step("pause", 5, 0),
        Step("kill and start", 1, 0),
        Step("create", 4, 4),
        Step("delete", 3, 0),
    ]
    paths = [str(path) for path in sys.path if path]
    counted = confined(_ON_DISKS_OF_ITS_OWN, str(tmp_path / "w"), history.written(steps), *paths)
    for name in ("disks filled", "trees taken away", "kills"):
        assert f'"{name}": 1' in counted


def test_a_history_is_the_same_each_time_and_can_be_made_shorter() -> None:
    steps = history.drawn(7, disk=True)
    assert steps == history.drawn(7, disk=True) == history.read(history.written(steps))
    assert steps != history.drawn(8, disk=True)
    guilty = {steps[1], steps[-2]}
    assert set(history.shorter(steps, lambda some: guilty <= set(some), seconds=60)) == guilty
    assert history.shorter(steps, lambda some: guilty <= set(some), seconds=0) == steps
