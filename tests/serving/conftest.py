"""What the tests of the door share."""

import os
import tempfile
from collections.abc import Callable, Iterator

import pytest
from tests.serving.asking import Timers
from tests.serving.doors import StandIn

from glimpsed.serving.protocol import Connection


@pytest.fixture
def door() -> StandIn:
    return StandIn()


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    """What the connections would do when their time is over; a test decides when that is."""
    due: Timers = {}

    def after(self: Connection, seconds: float, do: Callable[[], None]) -> None:
        due[self] = do

    monkeypatch.setattr(Connection, "_after", after)
    return due


@pytest.fixture
def path() -> Iterator[str]:
    """pytest's own directories have names that are too long for sockets where TMPDIR is deep."""
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp") as directory:
        yield os.path.join(directory, "run", "socket")
