"""One round of the refresh: what is done to some stale rows, side by side, until all of it is committed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import anyio
from anyio.abc import ObjectSendStream

from glimpsed import files
from glimpsed.encoding.encoder import Text, UnencodableError
from glimpsed.errors import EncoderError
from glimpsed.events import Event
from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.keeping import one_by_one
from glimpsed.indexing.retry import retry_at
from glimpsed.indexing.rows import ENCODING_FAILED, OCR_FAILED, Worded, ocr_text, reencoded, strengthened
from glimpsed.reading.description import describe
from glimpsed.records import Encoding, Fault, FaultKind, Row, Words, Written


class Round:
    """The changes of one round, and when all of them are committed."""

    def __init__(self, out: ObjectSendStream[Pending], commit: ObjectSendStream[Pending], context: Context) -> None:
        self._encode = out
        self._commit = commit
        self._context = context
        self._open = 0
        self._all_committed = anyio.Event()
        self.done = False
        """Whether anything could be done."""
        self.strengthened = 0
        """Rows that got the chosen encoder's vector."""
        self.changed: list[Row] = []
        """Whose files are not what they were."""

    async def committed(self) -> None:
        """Until every change that was sent is in the table."""
        if self._open:
            await self._all_committed.wait()

    def _finished(self, _: Written) -> None:
        self._open -= 1
        if not self._open:
            self._all_committed.set()
            self._all_committed = anyio.Event()

    async def recognise(self, rows: list[Row], known: list[Row]) -> None:
        """OCR for one content, on all its rows; the words that one of the `known` rows of it has are taken."""
        context, content_id, ocr = self._context, rows[0].content_id, _ocr_id(self._context)
        done = next((row for row in known if row.ocr is not None and context.current.has_ocr(row.ocr)), None)
        if done is not None:
            context.metrics.looked_up("ocr", hits=1, misses=0)
            ocr = done.ocr or ocr
            words: Words | None = Words(content_id, ocr_text(done) or "")
        else:
            await context.hold.second()
            words = await context.workers.ocr(rows[0].path, content_id)
            if words is not None:
                context.metrics.ocr.inc()
                context.metrics.looked_up("ocr", hits=0, misses=1)
                context.metrics.stage.labels("ocr").observe(words.milliseconds / 1000)
        self.done = True
        if words is None:
            for row in rows:
                await self._read_again(row)
            self.changed += rows
            return
        if words.fault is not None:
            context.say_crash(words.fault, rows[0].path)
            context.journal.say(
                Event.OCR_FAILED,
                path=files.shown(rows[0].path),
                content_id=content_id,
                error=words.fault.what,
                ms=round(words.milliseconds, 1),
            )
            if not words.text:
                for row in rows:
                    await self._fail(row, words.fault, OCR_FAILED, lambda one: one.content_id == content_id)
                return
        if words.unread:
            ocr = context.current.ocr_partly or ocr
        for row in rows:
            await self._word(row, words, ocr if words.fault is None else None)

    async def _word(self, row: Row, words: Words, ocr: str | None) -> None:
        context, fallback = self._context, self._context.encoders.fallback_id
        worded = Worded(row.path, row.content_id, ocr, words.text or None)
        description = worded.describe(row)

        def finished(written: Written) -> None:
            if written.after is not None:
                context.journal.say(
                    Event.OCR_DONE,
                    path=files.shown(row.path),
                    content_id=row.content_id,
                    characters=len(words.text),
                    ms={"ocr": round(words.milliseconds, 1), **pending.milliseconds},
                )
            self._finished(written)

        def apply(current: Row | None, encodings: Mapping[str, Encoding]) -> Row | None:
            made = worded.apply(current, fallback=fallback, encodings=encodings)
            if made is None or current is None or words.fault is None:
                return made
            return _tried(replace(made, attempts=current.attempts), words.fault, OCR_FAILED, now)

        now = context.wall()
        pending = Pending(
            row.path,
            apply=apply,
            finished=finished,
            text_id=description.text_id,
            text=() if description.text_id == row.text_id else description.encoded,
            second=True,
        )
        await self._send(pending)

    async def _fail(self, row: Row, fault: Fault, what: str, same: Callable[[Row], bool]) -> None:
        now = self._context.wall()

        def apply(current: Row | None, _: object) -> Row | None:
            if current is None or not same(current):
                return None
            return _tried(current, fault, what, now)

        await self._send(Pending(row.path, apply=apply, finished=self._finished, second=True))

    async def _read_again(self, row: Row) -> None:
        """Have a file read whose bytes are not those of its row, even where nothing else tells so."""
        now = self._context.wall()

        def apply(current: Row | None, _: object) -> Row | None:
            if current is None or current.content_id != row.content_id:
                return None
            return replace(current, retry_at=now)

        await self._send(Pending(row.path, apply=apply, finished=self._finished, second=True))

    async def forgive(self, rows: Sequence[Row]) -> None:
        """Drop the errors of what is not asked for any more."""
        self.done = True
        for row in rows:
            error = row.error
            await self._send(
                Pending(
                    row.path,
                    apply=lambda current, _, error=error: (  # type: ignore[misc]  # bound at definition
                        replace(current, error=None, retry_at=None, attempts=0)
                        if current is not None and current.error == error
                        else None
                    ),
                    finished=self._finished,
                    second=True,
                )
            )

    async def encode(self, rows: Sequence[Row]) -> None:
        """The fallback's vector, for rows whose text changed without one or whose vector is of another revision."""
        fallback = self._context.encoders.fallback_id
        self.done = True
        for row in rows:
            text_id = row.text_id
            await self._send(
                Pending(
                    row.path,
                    apply=lambda current, encodings, text_id=text_id: (  # type: ignore[misc]  # bound at definition
                        reencoded(current, text_id=text_id, encoder=fallback, encoding=encodings[text_id])
                        if text_id in encodings
                        else current
                    ),
                    finished=self._finished,
                    text_id=text_id,
                    text=_text_of(row),
                    second=True,
                )
            )

    async def strengthen(self, rows: Sequence[Row]) -> None:
        """The chosen encoder's vectors; where it cannot now, the rows stay stale and wait for it.

        A text that it has encoded for any row is not encoded again.
        """
        context = self._context
        encoder, dimension = context.encoders.chosen_id, context.encoders.chosen_dimension
        texts = {row.text_id: _text_of(row) for row in rows}
        known = await context.insist(partial(context.table.by_text, list(texts)))
        made: dict[str, Encoding | EncoderError] = {
            text_id: row.encodings[encoder] for text_id, row in known.items() if encoder in row.encodings
        }
        wanted = [text_id for text_id in texts if text_id not in made]
        context.metrics.looked_up("encoding", hits=len(made), misses=len(wanted))
        if wanted:
            began = time.monotonic()
            try:
                encodings: Sequence[Encoding | EncoderError] = await context.encoders.strong(
                    [texts[text_id] for text_id in wanted]
                )
            except UnencodableError as error:
                encodings = one_by_one(error)
            except EncoderError:
                return  # the encoders say why, in log and status
            if encoder != context.encoders.chosen_id:
                return  # chosen anew while it encoded
            made |= dict(zip(wanted, encodings, strict=True))
            encoded = sum(isinstance(one, Encoding) for one in encodings)
            context.metrics.encoded.labels("chosen").inc(encoded)
            took = round((time.monotonic() - began) * 1000, 1)
            context.metrics.stage.labels("encode").observe(took / 1000)
            context.journal.say(Event.BATCH_ENCODED, encoder=encoder, texts=encoded, why="refresh", ms=took)
        self.done = True
        await context.insist(partial(context.writer.add_encoder, encoder, dimension))
        for row in rows:
            one, text_id = made[row.text_id], row.text_id
            if isinstance(one, EncoderError):
                fault = Fault(FaultKind.CRASHED, str(one))
                await self._fail(row, fault, ENCODING_FAILED, lambda now, text_id=text_id: now.text_id == text_id)  # type: ignore[misc]  # bound at definition
                continue
            self.strengthened += 1
            await self._send(
                Pending(
                    row.path,
                    apply=lambda current, _, one=one, text_id=text_id: strengthened(  # type: ignore[misc]  # bound at definition
                        current, text_id=text_id, encoder=encoder, encoding=one
                    ),
                    finished=self._finished,
                    second=True,
                )
            )

    async def _send(self, pending: Pending) -> None:
        self._open += 1
        await (self._encode if pending.text else self._commit).send(pending)


def _tried(row: Row, fault: Fault, what: str, now: float) -> Row:
    attempts = row.attempts + 1
    return replace(row, error=what + fault.what, attempts=attempts, retry_at=retry_at(fault.kind, attempts, now))


def _ocr_id(context: Context) -> str:
    """The id of the second pass; only called while it is asked for."""
    ocr = context.current.ocr
    assert ocr is not None
    return ocr


def _text_of(row: Row) -> Text:
    return describe(row.description, ()).encoded
