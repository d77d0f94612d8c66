"""What is not used gives its memory back, and is there again when it is wanted."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from tests.pictures import draw, save
from tests.waiting import until

from glimpsed.idling import Use
from glimpsed.reading.workers import Workers
from glimpsed.records import Reading

NOTHING = frozenset[str]()


async def test_what_was_never_used_is_not_waited_for_and_what_is_in_use_is_not_idle() -> None:
    use, told = Use(), []

    async def tell() -> None:
        while True:
            await use.wait_unused(0.0)
            told.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        group.start_soon(tell)
        await anyio.wait_all_tasks_blocked()
        assert told == []
        with use.held():
            await anyio.wait_all_tasks_blocked()
            assert told == []
            with use.held():
                pass
        await until(lambda: told)
        await anyio.wait_all_tasks_blocked()
        count = len(told)
        await anyio.wait_all_tasks_blocked()
        assert len(told) == count  # once for each time that it was used
        group.cancel_scope.cancel()


async def test_workers_end_when_idle_and_nobody_meets_one_that_is_ending(tmp_path: Path) -> None:
    picture = save(tmp_path / "ramen.png", draw("Ramen"), caption="A receipt")
    async with Workers(2, timeout=120, max_pixels=50_000_000) as workers, anyio.create_task_group() as group:
        group.start_soon(workers.unload, 0.0)

        async def read() -> None:
            for _ in range(4):
                assert isinstance(await workers.read(picture, str(tmp_path), NOTHING), Reading)
                await until(lambda: workers.pids() == [])

        async def hurry() -> None:
            for _ in range(8):
                assert isinstance(await workers.read(picture, str(tmp_path), NOTHING), Reading)

        async with anyio.create_task_group() as readers:
            readers.start_soon(read)
            readers.start_soon(hurry)
        await until(lambda: workers.pids() == [])
        assert workers.deaths == 0
        group.cancel_scope.cancel()


@pytest.mark.parametrize("after", [3600.0])
async def test_workers_stay_until_then(tmp_path: Path, after: float) -> None:
    picture = save(tmp_path / "ramen.png", draw("Ramen"), caption="A receipt")
    async with Workers(1, timeout=120, max_pixels=50_000_000) as workers, anyio.create_task_group() as group:
        group.start_soon(workers.unload, after)
        await workers.read(picture, str(tmp_path), NOTHING)
        await anyio.wait_all_tasks_blocked()
        assert len(workers.pids()) == 1
        group.cancel_scope.cancel()
