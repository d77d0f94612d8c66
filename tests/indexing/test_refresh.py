"""The refresh: stale rows become fresh, in the background, without spinning where that is not possible."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
import pytest
from blake3 import blake3
from tests import pictures
from tests.indexing.house import Clock, FakeEncoders, House, house
from tests.storing.making import put, puts
from tests.storing.making import row as made_row
from tests.waiting import until

from glimpsed.encoding.fallback import FALLBACK_ID
from glimpsed.events import Event
from glimpsed.indexing.again import try_again
from glimpsed.indexing.context import Pending
from glimpsed.indexing.follow import Following
from glimpsed.indexing.keeping import commit
from glimpsed.indexing.plan import plan
from glimpsed.indexing.refresh import Refresh
from glimpsed.indexing.rows import ENCODING_FAILED, OCR_FAILED
from glimpsed.reading.available import Foreign
from glimpsed.reading.description import READER, describe
from glimpsed.reading.ocr import OCR_ID
from glimpsed.records import Current, Fault, FaultKind, Part, Row, Words
from glimpsed.storing.columns import Columns

FIRST = Current(reader="reader-1", ocr="ocr-1", encoder="small")
STRONG = replace(FIRST, encoder="large", fallback="small")
LARGE = {"encoder": "large", "base_encoder": "small", "strong": np.ones(8, np.float32)}
OLDER = LARGE | {"base_encoder": "small-older"}
NOW = 1000.0


def draw(folder: Path, *names: str, caption: str = "") -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        number = sum(map(ord, name))
        pictures.save(folder / name, pictures.noisy((64, 48), seed=number), caption=caption or f"about {name}")


def needs(row: Row, current: Current = FIRST, *, ready: bool = True) -> str:
    """What a plan makes of one row."""
    made = plan([row], current, fallback="small", can_strengthen=ready, now=NOW)
    [name] = [name for name in ("read", "ocr", "encode", "strengthen", "forgive") if getattr(made, name)] or [""]
    return name


@pytest.mark.parametrize(
    ("fields", "current", "wanted"),
    [
        ({}, FIRST, ""),
        ({"reader": "older"}, FIRST, "read"),
        ({"reader": "older", "encoder": None}, FIRST, "read"),
        ({"retry_at": NOW, "error": "permission denied"}, FIRST, "read"),
        ({"retry_at": NOW + 1, "error": "permission denied"}, FIRST, ""),
        ({"retry_at": NOW, "error": OCR_FAILED + "it crashed", "ocr": None}, FIRST, "ocr"),
        ({"retry_at": NOW, "error": OCR_FAILED + "it crashed", "ocr": None}, replace(FIRST, ocr=None), "forgive"),
        ({"retry_at": NOW, "error": ENCODING_FAILED + "it crashed", "encoder": None, "vector": None}, FIRST, "encode"),
        ({"retry_at": NOW, "error": ENCODING_FAILED + "it crashed"}, STRONG, "strengthen"),
        ({"retry_at": NOW, "error": ENCODING_FAILED + "it crashed"}, FIRST, "forgive"),
        ({"ocr": None}, FIRST, "ocr"),
        ({"ocr": "older"}, FIRST, "ocr"),
        ({"ocr": None}, replace(FIRST, ocr=None), ""),
        ({"ocr": "ocr-1+none"}, replace(FIRST, ocr_partly="ocr-1+none"), ""),
        ({"ocr": "ocr-1+none"}, replace(FIRST, ocr_partly="ocr-1+tesseract-5"), "ocr"),
        ({"ocr": "ocr-1"}, replace(FIRST, ocr_partly="ocr-1+tesseract-5"), ""),
        ({"ocr": None, "content_id": ""}, FIRST, ""),
        ({"encoder": None}, FIRST, "encode"),
        ({"vector": None}, STRONG, "encode"),
        ({"encoder": "small-older"}, FIRST, "encode"),
        ({}, STRONG, "strengthen"),
        (LARGE, STRONG, ""),
        (LARGE, FIRST, ""),
        (LARGE, replace(STRONG, encoder="huge"), "strengthen"),
        (OLDER, STRONG, "encode"),
        (OLDER | {"ocr": None}, STRONG, "ocr"),
    ],
)
def test_what_a_stale_row_needs_first(fields: dict[str, object], current: Current, wanted: str) -> None:
    assert needs(made_row(1, **fields), current) == wanted


def test_nothing_is_asked_of_an_encoder_that_cannot_now() -> None:
    assert needs(made_row(1), STRONG, ready=False) == ""


async def still(one: House, calls: Callable[[], int]) -> None:
    """Fails unless something is not done any more, over many turns of the loop and of the table."""
    before = -1

    async def rests() -> bool:
        nonlocal before
        seen, before = before, calls()
        for _ in range(20):
            await one.counts()
        return seen == calls()

    done: bool = await until(rests)
    assert done


async def test_the_words_in_a_picture_are_added_once_a_content(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "one.png", "none.png")
    shutil.copy(folder / "one.png", folder / "again.png")
    async with house(tmp_path, folder) as one:
        for name in ("one.png", "again.png"):
            one.workers.words[name] = Words("", "RAMEN 1630")
        async with one.running():
            assert (await one.idle()).fresh == 3
        assert len(one.workers.ocrs) == 2
        for name in ("one.png", "again.png"):
            row = await one.row(folder / name)
            assert "RAMEN" in row.text
            assert row.ocr == OCR_ID
            assert row.encoder == FALLBACK_ID
        assert "RAMEN" not in (await one.row(folder / "none.png")).text
        assert {str(said["path"]) for said in one.journal.of(Event.OCR_DONE)} == set(map(str, folder.iterdir()))


async def test_lines_left_unread_are_tried_again_when_more_can_be_read(tmp_path: Path) -> None:
    """Only the pictures that have such lines, once for each content: the others are not read again."""
    folder = tmp_path / "Pictures"
    draw(folder, "russian.png", "english.png")
    shutil.copy(folder / "russian.png", folder / "again.png")
    russian = ("russian.png", "again.png")
    async with house(tmp_path, folder) as one:
        one.workers.words |= {name: Words("", "", unread=3) for name in russian}
        one.workers.words["english.png"] = Words("", "NO PARKING")
        async with one.running():
            assert (await one.idle()).fresh == 3
        assert {(await one.row(folder / name)).ocr for name in russian} == {f"{OCR_ID}+none"}
        assert await one.table.unread(one.context.current) == 2
    async with house(tmp_path, folder) as one:
        one.context.foreign = Foreign(version="5.3.0", installed=("rus",))
        one.workers.words |= {name: Words("", "СТОЯНКА ЗАПРЕЩЕНА") for name in russian}
        async with one.running():
            assert (await one.idle()).fresh == 3
        assert len(one.workers.ocrs) == 1
        assert set(one.workers.ocrs) <= set(russian)
        for row in [await one.row(folder / name) for name in russian]:
            assert row.ocr == OCR_ID
            assert "СТОЯНКА" in row.text
        assert await one.table.unread(one.context.current) == 0


async def test_ocr_that_fails_is_tried_again_a_few_times(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "bad.png", "good.png")
    async with house(tmp_path, folder) as one, one.running():
        one.workers.words["bad.png"] = Words("", "", Fault(FaultKind.CRASHED, "it died"))
        counts = await one.idle()
        assert (counts.fresh, counts.errors) == (1, 1)
        row = await one.row(folder / "bad.png")
        assert (row.error, row.attempts, row.ocr) == (OCR_FAILED + "it died", 1, None)
        assert row.retry_at is not None
        assert row.vector is not None  # it is found all the same
        for attempt, seconds in ((2, 61), (3, 601)):
            one.later(seconds)
            row = await one.has(folder / "bad.png", lambda row, attempt=attempt: row.attempts == attempt)  # type: ignore[misc]  # bound at once
        assert row.retry_at is None
        one.later(10_000_000)
        await one.idle()
        assert one.workers.ocrs.count("bad.png") == 3
        assert one.workers.reads.count("bad.png") == 1
        assert len(one.journal.of(Event.OCR_FAILED)) == 3


async def test_of_pages_that_fail_the_words_before_them_are_kept_and_it_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "fax.png")
    async with house(tmp_path, folder) as one, one.running():
        one.workers.words["fax.png"] = Words("", "PAGE ONE", Fault(FaultKind.CRASHED, "page 2 of 9: it died"))
        assert (await one.idle()).errors == 1
        for attempt, seconds in ((1, 61), (2, 601), (3, 10_000_000)):
            row = await one.has(folder / "fax.png", lambda row, attempt=attempt: row.attempts == attempt)  # type: ignore[misc]  # bound at once
            assert (row.error, row.ocr) == (OCR_FAILED + "page 2 of 9: it died", None)
            assert "PAGE ONE" in row.text
            assert row.vector is not None
            one.later(seconds)
        assert row.retry_at is None
        await one.idle()
        assert one.workers.ocrs == ["fax.png"] * 3
        one.workers.words["fax.png"] = Words("", "PAGE ONE\nPAGE TWO")
        await try_again([str(folder / "fax.png")], one.context)
        row = await one.has(folder / "fax.png", lambda row: row.error is None)
        assert (row.attempts, row.retry_at, row.ocr) == (0, None, OCR_ID)
        assert "PAGE TWO" in row.text


async def test_ocr_that_works_at_the_second_try(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "bad.png")
    async with house(tmp_path, folder) as one, one.running():
        one.workers.words["bad.png"] = Words("", "", Fault(FaultKind.UNREADABLE, "Input/output error"))
        await one.idle()
        for attempt in range(2, 6):  # a disk is tried for ever
            one.later(90_000)
            await one.has(folder / "bad.png", lambda row, attempt=attempt: row.attempts == attempt)  # type: ignore[misc]  # bound at once
        one.workers.words["bad.png"] = Words("", "WORDS AT LAST")
        one.later(90_000)
        row = await one.has(folder / "bad.png", lambda row: row.ocr)
        assert (row.error, row.attempts, row.retry_at) == (None, 0, None)
        assert "WORDS AT LAST" in row.text


async def test_without_ocr_its_errors_are_forgiven(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "bad.png")
    async with house(tmp_path, folder) as one, one.running():
        one.workers.words["bad.png"] = Words("", "", Fault(FaultKind.CRASHED, "it died"))
        assert (await one.idle()).errors == 1
    async with house(tmp_path, folder, read__ocr=False) as one, one.running():
        one.clock.ahead = 100
        assert (await one.idle()).fresh == 1
        assert one.workers.ocrs == []


async def test_new_ids_make_rows_stale_and_fresh_again(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "reader.png", "ocr.png", "encoder.png", "fine.png")
    async with house(tmp_path, folder) as one:
        async with one.running():
            assert (await one.idle()).fresh == 4
        rows = {name: await one.row(folder / f"{name}.png") for name in ("reader", "ocr", "encoder")}
        older = [
            replace(rows["reader"], reader="reader-0"),
            replace(rows["ocr"], ocr="ocr-0"),
            replace(rows["encoder"], encoder="multilingual-e5-small-q4/older/1"),
        ]
        await one.writer.commit(puts(older))
        assert (await one.counts()).stale == 3
        for calls in (one.workers.reads, one.workers.ocrs, one.encoders.passed):
            calls.clear()
        async with one.running():
            assert (await one.idle()).fresh == 4
        assert one.workers.reads == ["reader.png"]
        assert one.workers.ocrs == ["ocr.png"]
        assert len(one.encoders.passed) == 1
        assert {
            (row.reader, row.ocr, row.encoder) for row in (await one.table.rows(map(str, folder.iterdir()))).values()
        } == {(READER, OCR_ID, FALLBACK_ID)}


async def test_the_first_pass_goes_before_the_second(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "first.png")
    async with house(tmp_path, folder) as one:
        one.workers.gate = anyio.Event()
        await one.writer.commit(
            puts(made_row(number, path=f"{folder}/{number}.png", folder=str(folder), ocr=None) for number in range(3))
        )
        for number in range(3):
            draw(folder, f"{number}.png")
        async with one.running():
            await until(lambda: one.context.backlog.busy)
            for _ in range(20):
                await one.counts()
            assert one.workers.ocrs == []
            one.workers.gate.set()
            await one.idle()
            assert len(one.workers.ocrs) == 4


async def test_it_rests_while_the_chosen_encoder_cannot(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png", "b.png")
    encoders = FakeEncoders(chosen="large")
    encoders.strong_broken = "the device is lost"
    async with house(tmp_path, folder, encoders=encoders, read__ocr=False) as one, one.running():
        await until(lambda: encoders.strengthened)
        encoders.ready = False  # what the real ones do after that
        encoders.changed()
        await one.has(folder / "a.png", lambda row: row.encoder == FALLBACK_ID)
        await one.has(folder / "b.png", lambda row: row.encoder == FALLBACK_ID)
        await still(one, lambda: one.table.calls["stale"])
        assert (await one.counts()).stale == 2
        encoders.strong_broken, encoders.ready = None, True
        encoders.changed()
        assert (await one.idle()).fresh == 2
        row = await one.row(folder / "a.png")
        assert row.encoder == "large"
        assert row.strong is not None
        assert row.sparse is not None
        assert row.vector is not None


async def test_a_text_that_the_chosen_encoder_cannot_take_does_not_hold_up_others(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, *(f"{number}.png" for number in range(4)))
    encoders = FakeEncoders()
    async with house(tmp_path, folder, encoders=encoders, read__ocr=False) as one, one.running():
        assert (await one.idle()).fresh == 4
        encoders.poison = "about 2.png"
        encoders.choose("large")
        counts = await one.idle()
        assert (counts.fresh, counts.errors) == (3, 1)
        row = await one.row(folder / "2.png")
        assert (row.error or "").startswith(ENCODING_FAILED)
        assert row.encoder == FALLBACK_ID
        assert row.vector is not None
        encoders.poison = "nothing"
        one.later(61)
        row = await one.has(folder / "2.png", lambda row: row.encoder == "large")
        assert (row.error, row.retry_at, row.attempts) == (None, None, 0)


async def test_another_model_takes_over_and_the_formers_vectors_go_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, *(f"{number}.png" for number in range(70)))  # more than a round
    encoders = FakeEncoders(chosen="large", dimension=8)
    async with house(tmp_path, folder, encoders=encoders, read__ocr=False) as one, one.running():
        assert (await one.idle()).fresh == 70
        await until(lambda: one.journal.of(Event.REFRESH_FINISHED))
        encoders.gates["huge"] = anyio.Event()
        encoders.choose("huge", 16)
        await until(lambda: one.journal.of(Event.REFRESH_STARTED)[1:])
        assert await one.former("large") == 70
        encoders.gates["huge"].set()
        assert (await one.idle()).fresh == 70
        await until(lambda: one.journal.of(Event.VECTORS_DROPPED))
        assert one.journal.of(Event.VECTORS_DROPPED) == [{"encoder": "large"}]
        assert one.table.columns == (Columns("huge", 16),)
        rows = await one.table.rows(list(map(str, folder.iterdir())))
        assert {(row.encoder, len(row.strong), len(row.others)) for row in rows.values()} == {("huge", 16, 0)}
        started, finished = one.journal.of(Event.REFRESH_STARTED)[1], one.journal.of(Event.REFRESH_FINISHED)[1]
        assert started == {"encoder": "huge", "done": 0, "total": 70}
        assert finished == {"encoder": "huge", "done": 70, "total": 70}


@pytest.mark.parametrize("dimension", [8, 16])
async def test_a_model_given_up_half_way_loses_nothing_of_the_former(tmp_path: Path, dimension: int) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, *(f"{number}.png" for number in range(70)))
    encoders = FakeEncoders(chosen="large", dimension=8)
    async with house(tmp_path, folder, encoders=encoders, read__ocr=False) as one, one.running():
        assert (await one.idle()).fresh == 70
        encoders.choose("huge", dimension)
        await until(lambda: one.table.columns[1:])
        encoders.gates["huge"] = anyio.Event()  # its second round
        before = list(encoders.strengthened)
        encoders.choose("large", 8)
        assert (await one.counts()).stale == 0
        assert await one.former("large") == 70
        encoders.gates["huge"].set()
        await until(lambda: one.table.columns == (Columns("large", 8),))
        assert (await one.idle()).fresh == 70
        assert [text for text in encoders.strengthened[len(before) :] if len(text) > 1] == []
        rows = await one.table.rows(list(map(str, folder.iterdir())))
        assert {(row.encoder, len(row.strong), len(row.others)) for row in rows.values()} == {("large", 8, 0)}


async def test_nothing_is_dropped_while_a_folder_is_offline_that_needs_it(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png")
    encoders = FakeEncoders(chosen="large", dimension=8)
    async with house(tmp_path, folder, encoders=encoders, read__ocr=False) as one:
        async with one.running():
            assert (await one.idle()).fresh == 1
        one.context.offline = lambda: (str(folder),)
        await one.writer.add_encoder("huge", 16)
        encoders.choose("huge", 16)
        following = Following(one.context)
        await following.look(0)
        assert await one.former("large") == 1
        assert one.journal.of(Event.VECTORS_DROPPED) == []


async def test_equal_texts_are_encoded_once_over_all_rounds(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    encoders = FakeEncoders(chosen="large", dimension=8)
    async with house(tmp_path, folder, encoders=encoders, read__ocr=False) as one:
        parts = (Part("caption", "a heron"),)
        text_id = describe(parts, ()).text_id
        alike = [
            made_row(number, description=parts, text_id=text_id, encoder=FALLBACK_ID, reader=READER, ocr=None)
            for number in range(150)
        ]
        await one.writer.commit(puts(alike))
        folder.mkdir()
        one.context.offline = tuple
        out, unused = anyio.create_memory_object_stream[Pending](1)
        commit_, changes = anyio.create_memory_object_stream[Pending](300)
        async with unused, anyio.create_task_group() as group:
            group.start_soon(commit, changes, one.context)
            group.start_soon(Refresh(out, commit_, one.context).run)
            await until(lambda: one.journal.of(Event.REFRESH_FINISHED))
            group.cancel_scope.cancel()
        assert encoders.strengthened == [("a heron",)]
        assert one.context.metrics.encoded.labels("chosen")._value.get() == 1
        assert (await one.counts()).fresh == 150


async def test_while_the_fallback_stands_in_nothing_of_the_other_is_thrown_away(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png")
    encoders = FakeEncoders(chosen="large")
    async with house(tmp_path, folder, encoders=encoders, read__ocr=False) as one, one.running():
        await one.idle()
        encoders.choose(None)  # its device is lost
        draw(folder, "b.png")
        await one.has(folder / "b.png", lambda row: row.encoder == FALLBACK_ID)
        assert (await one.idle()).fresh == 2
        assert await one.former("large") == 1
        before = list(encoders.strengthened)
        encoders.choose("large")
        assert (await one.idle()).fresh == 2
        assert len(encoders.strengthened) == len(before) + 1
        assert (await one.row(folder / "b.png")).encoder == "large"


async def test_rows_that_a_lost_device_has_yet_to_encode_are_told_and_are_encoded_when_it_is_back(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png", caption="a heron")
    encoders = FakeEncoders(chosen="large")
    async with house(tmp_path, folder, encoders=encoders, read__ocr=False) as one, one.running():
        await one.idle()
        encoders.given_up = "large"
        encoders.choose(None)
        await still(one, lambda: encoders.owed)
        assert encoders.owed == 0, "all have its vectors"
        draw(folder, "b.png", caption="a stork")
        await one.has(folder / "b.png", lambda row: row.encoder == FALLBACK_ID)
        encoders.changed()  # it was looked for, in vain
        await until(lambda: encoders.owed == 1)
        encoders.given_up = None
        encoders.choose("large")
        await one.has(folder / "b.png", lambda row: row.encoder == "large")
        assert encoders.strengthened == [("a heron", "a"), ("a stork", "b")], "what it had encoded is not encoded again"


class Leaping(Clock):
    """Every look at the clock takes long."""

    def __call__(self) -> float:
        self.ahead += 10.0
        return super().__call__()


async def test_a_retry_that_falls_due_between_two_looks_is_not_missed(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png")
    async with house(tmp_path, folder, read__ocr=False) as one, one.running():
        await one.idle()
        await still(one, lambda: one.table.calls["stale"])
        row = await one.row(folder / "a.png")
        one.context.wall = Leaping()
        retry = one.context.wall() + 15  # due after the next look, and before the one after that
        await one.writer.commit([put(replace(row, error="Input/output error", retry_at=retry, attempts=1))])
        one.context.committed.beat()
        row = await one.has(folder / "a.png", lambda row: row.error is None)
        assert one.workers.reads == ["a.png", "a.png"]


async def test_a_file_that_changed_before_its_words_were_read_is_looked_at_and_not_hammered(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png")
    async with house(tmp_path, folder, watch__settle=0.5) as one:
        one.workers.words["a.png"] = None  # the file has another content, says the worker
        async with one.running():
            await until(lambda: len(one.workers.ocrs) > 3)
            # Each time the path was looked at first; here the disk says that all is well, so it goes round.
            assert one.table.calls["by_size"] >= len(one.workers.ocrs) - 1
            one.workers.words["a.png"] = Words("", "")
            assert (await one.idle()).fresh == 1


async def test_bytes_that_are_others_although_all_else_is_the_same_are_read_before_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png")
    true = blake3((folder / "a.png").read_bytes()).hexdigest()
    asked: list[str] = []

    async def ocr(path: str, content_id: str) -> Words | None:
        asked.append(content_id)
        return Words(content_id, "") if content_id == true else None

    async with house(tmp_path, folder) as one:
        monkeypatch.setattr(one.workers, "ocr", ocr)
        async with one.running():
            await one.idle()
            row = await one.row(folder / "a.png")
            # As after a write in the very moment of the kernel's clock in which the file was read.
            await one.writer.commit([put(replace(row, content_id="0" * 64, ocr=None))])
            one.context.committed.beat()
            await one.has(folder / "a.png", lambda row: row.content_id == true and row.ocr == OCR_ID)
            assert (await one.idle()).fresh == 1
    assert asked == [true, "0" * 64, true]


async def test_a_file_that_never_rests_does_not_hold_up_the_words_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "live.png")
    async with house(tmp_path, folder, watch__settle=0.5, watch__settle_at_most=3600.0) as one:
        one.workers.words["live.png"] = None  # another one by the time

        async def live() -> None:
            while True:
                one.context.backlog.hint(str(folder / "live.png"))
                await anyio.sleep(0.01)

        async with one.running(), anyio.create_task_group() as group:
            await until(lambda: one.workers.ocrs)
            group.start_soon(live)
            await until(lambda: one.context.backlog.waiting)
            draw(folder, "other.png")
            await until(lambda: "other.png" in one.workers.ocrs)
            await still(one, lambda: one.table.calls["stale"])
            group.cancel_scope.cancel()
            one.workers.words["live.png"] = Words("", "")
            # Nothing is committed by the look at it, and it is gone on with all the same.
            assert (await one.idle()).fresh == 2


async def test_rows_of_a_folder_that_is_away_are_left_alone(tmp_path: Path) -> None:
    folder, away = tmp_path / "Pictures", tmp_path / "away"
    draw(folder, "a.png", "b.png")
    async with house(tmp_path, folder, watch__rescan=1.0) as one, one.running():
        await one.idle()
        folder.rename(away)
        await until(lambda: not one.folders.online())
        rows = [await one.row(folder / name) for name in ("a.png", "b.png")]
        await one.writer.commit(puts([replace(rows[0], ocr=None), replace(rows[1], reader="reader-0")]))
        one.later(0)
        counts = await one.idle()  # not stale: nothing can be done about them
        assert counts.missing == 0
        one.context.backlog.hint(str(folder / "a.png"))
        await until(lambda: not one.context.backlog.waiting)
        await still(one, lambda: one.table.calls["stale"])
        assert (await one.row(folder / "a.png")).missing_since is None
        away.rename(folder)
        await until(one.folders.online)
        await one.has(folder / "a.png", lambda row: row.ocr == OCR_ID)
        await one.has(folder / "b.png", lambda row: row.reader == READER)
