"""Reads that never end."""

import anyio
import pytest
from tests.waiting import until

from glimpsed.errors import TableError
from glimpsed.storing.faults import BrokenTableError, translated
from glimpsed.storing.readings import Readings


class Silent:
    """A query whose answer stays out."""

    async def to_arrow(self) -> None:
        await anyio.sleep_forever()


async def test_an_answer_that_stays_out_is_not_waited_for_for_ever_and_is_no_damage() -> None:
    readings = Readings()
    readings.patience = 0.01
    with pytest.raises(TableError, match="no answer within") as caught, translated("reading", "/table"):
        await readings.collected(Silent())
    assert not isinstance(caught.value, BrokenTableError)
    await readings.ended()


async def test_whoever_gives_up_first_is_told_nothing_else() -> None:
    readings = Readings()
    async with anyio.create_task_group() as group:
        group.start_soon(readings.collected, Silent())
        await until(lambda: readings._under_way)
        group.cancel_scope.cancel()
    await readings.ended()
