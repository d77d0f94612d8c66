"""Files that keep changing, with a clock of the test's."""

import itertools

import pytest

from glimpsed.indexing.backlog import Backlog
from glimpsed.watching.restless import Restless
from glimpsed.watching.settle import Settle

QUIET, AT_MOST, HOUR = 0.5, 30.0, 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def looks(backlog: Backlog, clock: Clock, path: str) -> bool:
    """Whether the path is due now; then it is looked at."""
    if not backlog._due_now():
        return False
    found = await backlog.due()
    for one in found:
        backlog.done(one)
    return path in found


@pytest.mark.parametrize("pause", [0.1, 0.7, 2.0, 7.0, 25.0, 31.0])
async def test_a_file_appended_to_for_an_hour_is_looked_at_seldom_and_at_the_end(pause: float) -> None:
    clock = Clock()
    backlog = Backlog(Settle(QUIET, AT_MOST), clock=clock)
    start, written, seen = clock.now, clock.now, []
    while clock.now < start + HOUR + 2 * AT_MOST:
        if written <= clock.now < start + HOUR:
            backlog.hint("log.gif")
            last = clock.now
            written += pause
        if await looks(backlog, clock, "log.gif"):
            seen.append(clock.now)
        clock.now += 0.1
    assert last <= seen[-1] <= last + AT_MOST + 0.2
    # The waits grow to `at_most` within eight looks.
    assert HOUR / (2 * AT_MOST) <= len(seen) <= HOUR / AT_MOST + 8
    assert all(later - before >= AT_MOST - 0.2 for before, later in itertools.pairwise(seen[8:-1]))


def test_a_file_that_rested_is_new_again() -> None:
    restless = Restless(QUIET, AT_MOST)
    assert restless.quiet("a", 0.0) == QUIET
    for now, quiet in ((0.0, 1.0), (1.0, 2.0), (3.0, 4.0), (7.0, 8.0), (15.0, 16.0), (31.0, 30.0), (61.0, 30.0)):
        restless.looked("a", now)
        assert restless.quiet("a", now) == quiet
    assert restless.quiet("b", 61.0) == QUIET
    assert restless.quiet("a", 121.0) == AT_MOST
    assert restless.quiet("a", 121.1) == QUIET


def test_only_so_many_are_remembered() -> None:
    restless = Restless(QUIET, AT_MOST, limit=2)
    for path in ("a", "b", "c"):
        restless.looked(path, 0.0)
    assert [restless.quiet(path, 0.0) for path in ("a", "b", "c")] == [QUIET, 2 * QUIET, 2 * QUIET]
    restless.looked("d", 100.0)
    assert list(restless._looks) == ["d"]


async def test_the_files_of_one_shot_are_looked_at_together() -> None:
    clock = Clock()
    backlog = Backlog(Settle(QUIET, AT_MOST), clock=clock)
    backlog.hint("/card/IMG_1.JPG")
    for _ in range(20):  # the raw file is copied for two seconds
        clock.now += 0.1
        backlog.hint("/card/IMG_1.CR2")
        backlog.hint("/card/other.jpg")
        assert not backlog._due_now()
    clock.now += QUIET + 0.01
    assert await backlog.due() == ["/card/IMG_1.JPG", "/card/IMG_1.CR2", "/card/other.jpg"]
