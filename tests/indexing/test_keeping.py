"""Encoding in batches and the one writer: what fails there loses nothing and stops nobody for good."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import create_memory_object_stream
from tests import pictures
from tests.indexing.house import FakeEncoders, House, house
from tests.storing.making import puts, unit
from tests.storing.making import row as made_row
from tests.waiting import until

from glimpsed.encoding.batch import Batch, Waiting
from glimpsed.encoding.encoder import Text
from glimpsed.encoding.fallback import FALLBACK_ID
from glimpsed.errors import EncoderError, NoRoomError, TableError
from glimpsed.events import Event
from glimpsed.indexing.context import Pending
from glimpsed.indexing.keeping import commit, encode, encode_each, maintain
from glimpsed.indexing.rows import ENCODING_FAILED
from glimpsed.records import Encoding, Row, Written
from glimpsed.storing.faults import BrokenTableError


def draw(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        pictures.save(folder / name, pictures.noisy((64, 48), seed=number), caption=f"about {name}")


@pytest.mark.parametrize(
    ("error", "failed"), [(NoRoomError("no room"), 0), (TableError("the disk stumbled"), 3)], ids=["room", "fault"]
)
async def test_what_cannot_be_written_now_is_written_later(tmp_path: Path, error: TableError, failed: int) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png", "b.png")
    async with house(tmp_path, folder, read__ocr=False) as one:
        one.writer.errors["commit"] = [error] * 3
        paused: list[str | None] = []
        one.journal.say = _noting(one, paused)  # type: ignore[method-assign]  # to see the state at that moment
        async with one.running():
            assert (await one.idle()).fresh == 2
        assert one.context.paused is None
        assert paused == [None, None]  # it is set and reset around what is said
        assert [event for event, _ in one.journal.lines if "indexing" in event] == [
            Event.INDEXING_PAUSED,
            Event.INDEXING_RESUMED,
        ]
        assert len(one.journal.of(Event.COMMIT_FAILED)) == failed


def _noting(one: House, paused: list[str | None]) -> Callable[..., None]:
    say = one.journal.say

    def note(event: Event, /, **fields: object) -> None:
        if event in (Event.INDEXING_PAUSED, Event.INDEXING_RESUMED):
            paused.append(one.context.paused)
        say(event, **fields)

    return note


async def test_while_there_is_no_room_it_is_said_and_searching_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png")
    async with house(tmp_path, folder, read__ocr=False) as one, one.running():
        await one.idle()
        one.writer.errors["commit"] = [NoRoomError("no room on that disk")] * 10_000
        draw(folder, "b.png")
        assert await until(lambda: one.context.paused) == "no room on that disk"
        assert (await one.counts()).fresh == 1
        one.writer.errors.clear()
        await until(lambda: one.context.paused is None)
        assert (await one.idle()).fresh == 2


async def test_reads_that_fail_are_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png", "b.png")
    async with house(tmp_path, folder) as one:
        for name in ("rows", "by_size", "by_content", "by_text", "stale", "next_retry", "folder_counts"):
            one.table.errors[name] = [TableError(f"{name} stumbled")]
        async with one.running():
            assert (await one.idle()).fresh == 2
            await until(lambda: not any(one.table.errors.values()))


async def test_a_table_that_stays_damaged_ends_the_daemon(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png")
    async with house(tmp_path, folder) as one:
        one.writer.errors["commit"] = [BrokenTableError("a file of it is gone")] * 100
        with pytest.raises(ExceptionGroup) as caught:
            await one.pipeline.run(anyio.Event())
        error: BaseException = caught.value
        while isinstance(error, ExceptionGroup):
            [error] = error.exceptions
        assert isinstance(error, TableError)
        assert one.journal.of(Event.COMMIT_FAILED)


async def test_a_row_that_never_fits_harms_no_other_and_is_not_waited_for(tmp_path: Path) -> None:
    async with house(tmp_path, tmp_path / "Pictures") as one:
        written: list[Written] = []

        def change(row: Row) -> Pending:
            return Pending(row.path, apply=lambda current, encodings: row, finished=written.append)

        out, inp = create_memory_object_stream[Pending](8)
        good, bad = [made_row(number) for number in (1, 2)], made_row(3, width=2**40)
        for row in (good[0], bad, good[1]):
            out.send_nowait(change(row))
        out.close()
        await commit(inp, one.context)
        assert {result.path: result.after is not None for result in written} == {
            good[0].path: True,
            good[1].path: True,
            bad.path: False,
        }
        assert set(await one.table.rows([good[0].path, good[1].path, bad.path])) == {row.path for row in good}
        [failed] = one.journal.of(Event.COMMIT_FAILED)
        assert failed["path"] == bad.path


async def test_maintenance_that_fails_waits_for_the_next_time(tmp_path: Path) -> None:
    async with house(tmp_path, tmp_path / "Pictures") as one:
        one.writer.errors["maintain"] = [TableError("not now")]
        await maintain(one.context)
        [failed] = one.journal.of(Event.COMMIT_FAILED)
        assert "not now" in str(failed["error"])
        await maintain(one.context)
        assert not one.journal.of(Event.TABLE_MAINTAINED)
        one.writer.answers["maintain"] = [True]  # as if it had been due
        await maintain(one.context)
        assert one.journal.of(Event.TABLE_MAINTAINED)


async def test_a_text_that_cannot_be_encoded_leaves_a_row_that_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "good.png", "poison.png", "fine.png")
    async with house(tmp_path, folder, read__ocr=False) as one, one.running():
        counts = await one.idle()
        assert (counts.fresh, counts.errors) == (2, 1)
        row = await one.row(folder / "poison.png")
        assert row.error is not None
        assert row.error.startswith(ENCODING_FAILED)
        assert "it kills the process" in row.error
        assert (row.vector, row.encoder, row.attempts) == (None, None, 1)
        assert row.retry_at is not None
        assert "about poison.png" in row.text  # found by words

        one.later(61)
        await one.has(folder / "poison.png", lambda row: row.attempts == 2)
        one.later(601)
        row = await one.has(folder / "poison.png", lambda row: row.attempts == 3)
        assert row.retry_at is None  # it would do so again
        assert (await one.row(folder / "good.png")).attempts == 0

        one.encoders.poison = "nothing"
        (folder / "poison.png").touch()
        assert (await one.idle()).fresh >= 2


async def test_a_text_that_can_be_encoded_at_the_second_try_is_fresh(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "poison.png")
    async with house(tmp_path, folder, read__ocr=False) as one, one.running():
        assert (await one.idle()).errors == 1
        one.encoders.poison = "nothing"
        one.later(61)
        row = await one.has(folder / "poison.png", lambda row: row.error is None)
        assert (row.encoder, row.attempts, row.retry_at) == (FALLBACK_ID, 0, None)
        assert row.vector is not None


async def test_without_the_encoder_rows_are_kept_and_it_is_tried_for_ever(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder, "a.png", "b.png", "c.png")
    async with house(tmp_path, folder, read__ocr=False) as one, one.running():
        one.encoders.broken = "it cannot be started"
        assert (await one.idle()).errors == 3
        for attempt in range(2, 7):
            one.later(90_000)
            await one.has(folder / "a.png", lambda row, attempt=attempt: row.attempts >= attempt)  # type: ignore[misc]  # bound at once
        assert (await one.row(folder / "a.png")).retry_at is not None
        one.encoders.broken = None
        one.later(90_000)
        assert (await one.idle()).fresh == 3


class Picky(FakeEncoders):
    """Gives up a whole call where three texts of it are bad, as the process does that keeps ending."""

    async def passages(self, texts: list[Text]) -> list[Encoding]:  # type: ignore[override]  # narrower
        if sum("poison" in " ".join(text) for text in texts) >= 3:
            self.passed += texts
            raise EncoderError("it keeps ending")
        return await super().passages(texts)


async def test_many_bad_texts_do_not_cost_the_good_ones(tmp_path: Path) -> None:
    async with house(tmp_path, tmp_path / "Pictures", encoders=Picky()) as one:
        words = ["poison"] * 4 + ["good"] * 4
        taken = [Waiting(str(number), (f"{word} {number}",), 4, 0.0) for number, word in enumerate(words)]
        results = await encode_each(taken, one.context)
        assert [isinstance(result, Encoding) for result in results] == [False] * 4 + [True] * 4

        one.encoders.passed.clear()
        one.encoders.broken = "there is none"
        results = await encode_each(taken[4:], one.context)
        assert all(isinstance(result, EncoderError) for result in results)
        assert len(one.encoders.passed) <= 2 * len(taken[4:])  # not every one of them alone
        assert len(await encode_each(taken[:1], one.context)) == 1


def pending(number: int, text: str, done: list[str] | None = None, *, second: bool = False) -> Pending:
    row = made_row(number, text_id=text, encoder=None, vector=None)

    def apply(current: Row | None, encodings: Any) -> Row:
        made = encodings.get(text)
        return replace(row, vector=made.dense if made else None, encoder=FALLBACK_ID if made else None)

    def finished(written: Written) -> None:
        if done is not None:
            done.append(written.path)

    return Pending(row.path, apply=apply, finished=finished, text_id=text, text=(text,), second=second)


async def test_the_encoder_holds_back_who_sends_more(tmp_path: Path) -> None:
    async with house(tmp_path, tmp_path / "Pictures") as one:
        one.encoders.gate = anyio.Event()
        out, inp = create_memory_object_stream[Pending](0)
        ready, encoded = create_memory_object_stream[Pending](10_000)
        sent = 0
        looks: list[int] = []

        def still(sent: int) -> bool:
            """Whether nothing more was sent for many looks."""
            looks.append(sent)
            return sent > 0 and looks[-50:] == [sent] * 50

        async def send() -> None:
            nonlocal sent
            async with out:
                for number in range(1000):
                    await out.send(pending(number, f"text {number}"))
                    sent += 1
                    if number % 8 == 0 and one.encoders.gate is not None:
                        one.encoders.gate.set()  # one batch of few texts
                        one.encoders.gate = anyio.Event()

        async with anyio.create_task_group() as group:
            group.start_soon(encode, inp, ready, Batch(16, 2, 0.0), one.context)
            group.start_soon(send)
            await until(lambda: still(sent))
            assert sent <= 3 * 64
            assert one.encoders.gate is not None
            one.encoders.gate.set()
            one.encoders.gate = None
        async with encoded:
            assert len([item async for item in encoded]) == 1000


async def test_equal_texts_are_encoded_once_and_known_ones_never(tmp_path: Path) -> None:
    async with house(tmp_path, tmp_path / "Pictures") as one:
        old = made_row(7, text_id="old revision", encoder="multilingual-e5-small-q4/older/1")
        known = made_row(8, text_id="known", encoder=FALLBACK_ID)
        await one.writer.commit(puts([old, known]))
        done: list[str] = []
        out, inp = create_memory_object_stream[Pending](16)
        ready, changes = create_memory_object_stream[Pending](16)
        for number, text in enumerate(["same", "known", "same", "old revision"]):
            out.send_nowait(pending(number, text, done, second=number == 0))
        out.close()
        async with anyio.create_task_group() as group:
            group.start_soon(encode, inp, ready, Batch(4096, 64, 0.0), one.context)
            group.start_soon(commit, changes, one.context)
        assert sorted(one.encoders.passed) == [("old revision",), ("same",)]
        assert len(done) == 4
        rows = await one.table.rows([made_row(number).path for number in range(4)])
        assert all(row.encoder == FALLBACK_ID for row in rows.values())


async def test_vectors_of_a_model_that_was_replaced_meanwhile_are_dropped(tmp_path: Path) -> None:
    async with house(tmp_path, tmp_path / "Pictures", encoders=FakeEncoders(chosen="new", dimension=8)) as one:
        await one.writer.add_encoder("new", 8)
        late = made_row(1, strong=unit(1, 8), encoder="old", base_encoder=FALLBACK_ID)
        out, inp = create_memory_object_stream[Pending](1)
        out.send_nowait(Pending(late.path, apply=lambda current, encodings: late, finished=lambda written: None))
        out.close()
        await commit(inp, one.context)
        row = await one.row(late.path)
        assert row.strong is None
        assert row.encoder == FALLBACK_ID
        assert row.vector is not None
