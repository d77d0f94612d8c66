"""A real table in a directory of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer


@pytest.fixture
def state(tmp_path: Path) -> str:
    return str(tmp_path / "state")


@pytest.fixture
async def table(state: str) -> AsyncIterator[Table]:
    async with open_table(state) as opened:
        yield opened


@pytest.fixture
def writer(table: Table) -> Writer:
    return Writer(table)
