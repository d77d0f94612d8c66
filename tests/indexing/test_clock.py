"""Clocks that are set back or forward, and files whose times are none that a clock would show."""

import os
from pathlib import Path

import anyio
import pytest
from tests import pictures
from tests.indexing.house import House, house
from tests.waiting import until

from glimpsed import files
from glimpsed.indexing.differences import Difference
from glimpsed.indexing.retry import is_due
from glimpsed.indexing.verifying import Verifier
from glimpsed.records import Fault, FaultKind, Unread

YEAR = 365 * 86_400.0
TIMES = {"epoch": 0, "before": -86_400 * 10**9, "future": 4_102_444_800 * 10**9, "odd": 1_700_000_000_123_456_789}


def draw(path: Path, seed: int = 1) -> Path:
    path.parent.mkdir(exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=f"about {path.name}")
    return path


async def differing(made: House, folder: Path) -> list[Difference]:
    verifier = Verifier(made.context, made.folders, made.scans, made.inbox, moment=0.2)
    return (await verifier.check([(str(folder), None)], lambda *_: None, full=True)).differences


async def test_any_time_of_a_file_will_do(tmp_path: Path) -> None:
    for seed, (name, ns) in enumerate(TIMES.items()):
        os.utime(draw(tmp_path / "p" / f"{name}.jpg", seed), ns=(ns, ns))
    async with house(tmp_path, tmp_path / "p") as made, made.running():
        assert (await made.idle()).fresh == len(TIMES)
        for name, ns in TIMES.items():
            row = await made.row(tmp_path / "p" / f"{name}.jpg")
            assert (row.mtime_ns, row.error) == (ns, None)
        assert await differing(made, tmp_path / "p") == []
        # What `cp -p` and `rsync -t` do: other bytes, as many, with the times of before.
        path = tmp_path / "p" / "odd.jpg"
        before = await made.row(path)
        data = bytearray(path.read_bytes())
        data[-40:-20] = bytes(20)
        path.write_bytes(bytes(data))
        os.utime(path, ns=(before.mtime_ns, before.mtime_ns))
        after = await made.has(path, lambda row: row.content_id != before.content_id)
        assert (after.mtime_ns, after.size, after.inode) == (before.mtime_ns, before.size, before.inode)
        # And another file in its place, which has its size and times.
        other = tmp_path / "p" / "other.part"
        other.write_bytes(path.read_bytes()[:-1] + b"\0")
        os.utime(other, ns=(before.mtime_ns, before.mtime_ns))
        other.rename(path)
        await made.has(path, lambda row: row.content_id not in (before.content_id, after.content_id))
        await made.idle()
        assert await differing(made, tmp_path / "p") == []


async def test_a_clock_that_is_set_back_does_not_put_a_retry_off_for_years(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "bad.jpg")
    fault = Fault(FaultKind.UNREADABLE, "Input/output error")
    async with house(tmp_path, tmp_path / "p") as made:
        made.workers.unread["bad.jpg"] = [Unread(str(path), files.look(str(path)), fault) for _ in range(2)]
        made.clock.ahead = YEAR
        async with made.running():
            await made.has(path, lambda row: row.attempts == 1)
            assert (await made.idle()).errors == 1
            made.later(-2 * YEAR)
            row = await made.has(path, lambda row: row.attempts == 2)
            assert row.retry_at is not None
            assert row.retry_at < made.clock() + 86_400
            # Forward: it is due at once, once, and no picture is forgotten for it.
            made.later(3 * YEAR)
            await made.has(path, lambda row: row.error is None)
            assert (await made.idle()).fresh == 1
            assert await until(lambda: made.workers.reads == ["bad.jpg"] * 3)


async def test_who_waits_for_all_waits_for_rows_of_a_clock_that_was_set_back(tmp_path: Path) -> None:
    path = tmp_path / "p" / "large.jpg"
    path.parent.mkdir()
    pictures.save(path, pictures.noisy((640, 400)))
    async with house(tmp_path, tmp_path / "p") as made:
        opened, recognise = anyio.Event(), made.workers.ocr

        async def held(path: str, content_id: str) -> object:
            await opened.wait()
            return await recognise(path, content_id)

        made.workers.ocr = held  # type: ignore[method-assign, assignment]
        made.clock.ahead = YEAR
        async with made.running():
            await made.has(path, lambda row: row.encoder is not None)
            made.clock.ahead = 0.0
            async with anyio.create_task_group() as group:

                async def open_once_it_is_waited_for() -> None:
                    await until(lambda: made.table.calls.get("unfinished"))
                    opened.set()

                group.start_soon(open_once_it_is_waited_for)
                assert await made.pipeline.caught_up(60.0) == []
                assert (await made.row(path)).ocr is not None


@pytest.mark.parametrize(
    ("when", "due"), [(None, False), (9.0, True), (10.0, True), (11.0, False), (86_400.0, False), (1e9, True)]
)
def test_when_a_retry_is_due(when: float | None, due: bool) -> None:
    assert is_due(when, 10.0) is due
