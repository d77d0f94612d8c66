"""Each call of the table's library fails for a while, whatever is asked of it: nothing is lost, nobody gives up."""

import inspect
from collections import Counter
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests import pictures
from tests.indexing.house import FakeEncoders, house

from glimpsed.errors import NoRoomError, TableError
from glimpsed.storing.engine import Engine

T = TypeVar("T")

OPENING = {"open", "create", "make_ready"}
"""Their failures are those of opening, which tests/storing has."""
CALLS = {name for name, call in vars(Engine).items() if inspect.iscoroutinefunction(call) and name[0] != "_"} - OPENING
WRITING = {"add", "merge", "delete", "add_columns", "drop_columns"}
INDEXING = {name for name in CALLS if name.startswith("index_")}
FAILURES = 3


def draw(place: Path, number: int) -> None:
    pictures.save(place, pictures.noisy((48 + number, 36), seed=number), caption=f"about {number}")


def failing(monkeypatch: pytest.MonkeyPatch, names: Collection[str], error: TableError) -> Counter[str]:
    """The next calls of each of these fail; how many did by now."""
    failed: Counter[str] = Counter()

    async def call(self: Engine, *given: Any, name: str, real: Callable[..., Any], **named: Any) -> Any:
        if failed[name] < FAILURES:
            failed[name] += 1
            raise error
        return await real(self, *given, **named)

    for name in names:
        wrapped = partial(call, name=name, real=getattr(Engine, name))
        monkeypatch.setattr(Engine, name, lambda self, *given, _call=wrapped, **named: _call(self, *given, **named))
    return failed


async def insisting(asked: Callable[[], Any]) -> Any:
    """What is asked for, once it can be had: the test asks the same table."""
    while True:
        try:
            return await asked()
        except TableError:
            continue


@pytest.mark.parametrize("error", [TableError("the disk stumbled"), NoRoomError("no room")], ids=["fault", "room"])
@pytest.mark.parametrize(
    ("names", "surely"),
    [(CALLS - WRITING - INDEXING, {"select"}), (WRITING, {"merge"}), (INDEXING, set[str]())],
    ids=["reading", "writing", "indexing"],
)
async def test_calls_that_fail_for_a_while_cost_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: set[str], surely: set[str], error: TableError
) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    for number in range(3):
        draw(folder / f"{number}.png", number)
    async with house(tmp_path, folder, read__ocr=False, encoders=FakeEncoders(chosen="large")) as one, one.running():
        assert (await one.idle()).fresh == 3
        failed = failing(monkeypatch, names, error)
        draw(folder / "new.png", 3)
        (folder / "0.png").unlink()
        (folder / "1.png").rename(folder / "renamed.png")
        draw(folder / "2.png", 4)
        one.scans.ask(str(folder), why="asked for")

        async def same() -> bool:
            counts = await one.idle()
            known = await one.table.known(str(folder))
            here = {path for path, row in known.items() if not row.missing}
            return (counts.fresh, counts.missing, counts.errors) == (3, 2, 0) and here == set(
                map(str, folder.iterdir())
            )

        while not await insisting(same):
            pass
        await insisting(partial(one.writer.maintain, force=True))
        assert await insisting(same)
        assert failed.keys() >= surely
        assert one.context.paused is None
