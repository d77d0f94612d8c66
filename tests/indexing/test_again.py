"""A picture that kills its worker is tried twice more, then remembered, until its file changes or somebody asks."""

import os
from pathlib import Path

from tests import pictures
from tests.indexing.house import House, house
from tests.pictures import xmp_packet
from tests.waiting import until

from glimpsed import files
from glimpsed.events import Event
from glimpsed.indexing.again import try_again
from glimpsed.indexing.rows import OCR_FAILED
from glimpsed.records import Fault, FaultKind, Unread, Words

DIED = Fault(FaultKind.CRASHED, "picture worker 1 was killed by SIGSEGV")
DAY = 86_400.0


def draw(path: Path, seed: int = 1) -> Path:
    path.parent.mkdir(exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=f"about {path.name}")
    return path


def kills(made: House, path: Path, times: int) -> None:
    made.workers.unread[path.name] = [Unread(str(path), files.look(str(path)), DIED) for _ in range(times)]


async def test_three_deaths_are_the_last_word(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "bad.jpg")
    async with house(tmp_path, tmp_path / "p") as made:
        kills(made, path, 4)
        async with made.running():
            for attempt, wait in ((1, 60.0), (2, 600.0)):
                row = await made.has(path, lambda row, attempt=attempt: row.attempts == attempt)  # type: ignore[misc]
                assert row.error == DIED.what
                assert row.retry_at is not None
                made.later(wait + 1)
            row = await made.has(path, lambda row: row.attempts == 3)
            assert (row.error, row.retry_at) == (DIED.what, None)
            made.later(30 * DAY)
            assert (await made.idle()).errors == 1
            assert made.workers.reads == ["bad.jpg"] * 3
            assert len(made.journal.of(Event.WORKER_REPLACED)) == 3

            # A change of the file begins anew.
            draw(path, seed=2)
            await until(lambda: made.workers.reads == ["bad.jpg"] * 4)
            assert (await made.has(path, lambda row: row.attempts == 1)).retry_at is not None


async def test_whoever_asks_has_it_tried_as_if_it_were_new(tmp_path: Path) -> None:
    bad, good = draw(tmp_path / "p" / "bad.jpg"), draw(tmp_path / "p" / "good.jpg", seed=3)
    async with house(tmp_path, tmp_path / "p") as made:
        kills(made, bad, 4)
        async with made.running():
            for wait in (61.0, 601.0, 0.0):
                await made.idle()
                made.later(wait)
            await made.has(bad, lambda row: row.attempts == 3)
            assert await made.table.failed([str(tmp_path / "p")]) == [str(bad)]
            assert await made.table.failed([str(good), str(tmp_path / "q")]) == []
            assert await try_again([str(bad), str(good), "/nowhere"], made.context) == 1
            row = await made.has(bad, lambda row: row.attempts == 1)
            assert row.retry_at is not None
            assert await try_again([str(bad)], made.context) == 1
            row = await made.has(bad, lambda row: row.error is None)
            assert (row.attempts, row.retry_at) == (0, None)
            assert made.workers.reads.count("bad.jpg") == 5
            assert made.workers.reads.count("good.jpg") == 1


async def test_words_that_could_not_be_read_are_tried_again_too(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "bad.jpg")
    async with house(tmp_path, tmp_path / "p", read__ocr=True) as made:
        made.workers.words["bad.jpg"] = Words("", "", Fault(FaultKind.BROKEN, "it cannot be"))
        async with made.running():
            row = await made.has(path, lambda row: row.error)
            assert row.error == OCR_FAILED + "it cannot be"
            made.workers.words["bad.jpg"] = Words(row.content_id, "RAMEN")
            assert await try_again([str(path)], made.context) == 1
            row = await made.has(path, lambda row: row.error is None)
            assert "RAMEN" in row.text
            assert made.workers.reads == ["bad.jpg"]


async def test_what_is_missing_is_not_tried(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "bad.jpg")
    path.write_bytes(b"no picture")
    os.utime(path, (1, 1))  # it does not grow any more
    async with house(tmp_path, tmp_path / "p") as made, made.running():
        await made.has(path, lambda row: row.error)
        assert await made.table.failed([str(path)]) == [str(path)]
        path.unlink()
        await made.has(path, lambda row: row.missing_since)
        assert await made.table.failed([str(path)]) == []
        assert await try_again([str(path)], made.context) == 0


async def test_a_dangerous_sidecar_is_an_error_until_it_changes(tmp_path: Path) -> None:
    path = draw(tmp_path / "p" / "a.jpg")
    sidecar = tmp_path / "p" / "a.xmp"
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'
    sidecar.write_bytes(laughs)
    async with house(tmp_path, tmp_path / "p") as made, made.running():
        row = await made.has(path, lambda row: row.error)
        assert row.error == ("a sidecar has XMP that declares entities; at most 0 are read ([read] max_xml_entities)")
        assert "about a.jpg" in row.text  # the picture's own words are there
        assert row.retry_at is None
        sidecar.write_bytes(xmp_packet("<dc:title>Lunch</dc:title>"))
        made.context.backlog.hint(str(path))
        row = await made.has(path, lambda row: row.error is None)
        assert "Lunch" in row.text
