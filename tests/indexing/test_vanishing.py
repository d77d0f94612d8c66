"""Pictures that vanish on their way into the table, while nobody hears of it."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from tests import pictures
from tests.indexing.house import house
from tests.waiting import until

from glimpsed.records import Known


@pytest.mark.parametrize("known", [False, True], ids=["a new one", "one that was missing"])
async def test_a_scan_sees_that_what_is_being_indexed_is_gone(tmp_path: Path, known: bool) -> None:
    """Its row comes after the scan has looked at the table, and no event tells that the file went."""
    folder = tmp_path / "Pictures"
    folder.mkdir()
    picture = folder / "short-lived.png"
    async with house(tmp_path, folder, read__ocr=False) as one, one.running():
        await one.idle()
        if known:
            pictures.save(picture, pictures.noisy((40, 30)), caption="seen before")
            await one.has(picture, lambda row: row.missing_since is None)
            picture.unlink()
            await one.has(picture, lambda row: row.missing_since is not None)
            await one.idle()
        gate = one.encoders.gate = anyio.Event()
        pictures.save(picture, pictures.noisy((48, 36), seed=1), caption="gone in a moment")
        await until(lambda: gate.statistics().tasks_waiting)
        await to_thread.run_sync(one.observer.unwatch, str(folder))
        await until(lambda: not len(one.inbox) and not one.scans.waiting)
        await until(lambda: one.context.backlog.waiting == 1)
        picture.unlink()
        await one.scans.ask(str(folder), why="events were lost").wait()
        one.encoders.gate = None
        gate.set()
        counts = await one.idle()
        assert (counts.fresh, counts.missing) == (0, 1)


async def test_a_directory_with_the_name_of_a_picture_that_went_is_scanned_no_more(tmp_path: Path) -> None:
    """A scan of it during which it was looked at made the next look, which made the next scan, for ever."""
    folder = tmp_path / "Pictures"
    folder.mkdir()
    gone = str(folder / "album.jpg")
    asked = 0

    async def looked_at_meanwhile(use: Callable[[], Awaitable[Mapping[str, Known]]]) -> Mapping[str, Known]:
        nonlocal asked
        asked += 1
        if asked == 1:
            one.context.backlog.hint(gone, mtime=0.0)
        await one.context.backlog.drained([gone])
        return await use()

    async with house(tmp_path, folder, read__ocr=False) as one, one.running():
        await one.idle()
        one.scans.insist = looked_at_meanwhile
        await one.scans.ask(str(folder), under=gone, why="it went").wait()
        await one.idle()
        assert asked == 2  # the one that was asked for, and the one of the look
