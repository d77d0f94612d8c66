"""Making stale rows fresh, in the background: the table is the work queue.

One loop serves OCR, a change of encoder, new reader versions and retries. First-pass work goes before it: a round
begins only while no hint waits, newest pictures first.
"""

from collections.abc import Callable, Sequence
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
from glimpsed.indexing.plan import plan
from glimpsed.indexing.retry import retry_at
from glimpsed.indexing.rows import ENCODING_FAILED, OCR_FAILED, Worded, ocr_text, reencoded, strengthened
from glimpsed.reading.description import describe
from glimpsed.records import Encoding, Fault, FaultKind, Row, Words, Written

ROUND = 64


class Refresh:
    """Works through the stale rows, round by round, and sleeps while there are none."""

    def __init__(self, out: ObjectSendStream[Pending], commit: ObjectSendStream[Pending], context: Context) -> None:
        self._encode = out
        self._commit = commit
        self._context = context

    async def run(self) -> None:
        """Until cancelled; what is cut off is still stale, and found again at the next start."""
        context = self._context
        async with self._encode, self._commit:
            while True:
                await context.backlog.calm()
                beats, choice, now = context.committed.beats, context.encoders.version, context.wall()
                rows = await context.insist(partial(context.table.stale, context.current, now, ROUND))
                done = await self._round(rows) if rows else False
                if done:
                    context.committed.beat()
                else:
                    await self._rest(beats, choice, now)

    async def _rest(self, beats: int, choice: int, now: float) -> None:
        """Until something is committed, the choice of encoder changes, or a retry is due that was not at `now`."""
        context = self._context
        due = await context.insist(partial(context.table.next_retry, now))
        async with anyio.create_task_group() as group:
            group.start_soon(self._wake_on_commit, beats, group.cancel_scope)
            group.start_soon(self._wake_on_choice, choice, group.cancel_scope)
            if due is not None:
                await anyio.sleep(max(0.0, due - context.wall()))
                group.cancel_scope.cancel()

    async def _wake_on_commit(self, beats: int, scope: anyio.CancelScope) -> None:
        await self._context.committed.wait(beats)
        scope.cancel()

    async def _wake_on_choice(self, choice: int, scope: anyio.CancelScope) -> None:
        await self._context.encoders.wait_changed(choice)
        scope.cancel()

    async def _round(self, rows: Sequence[Row]) -> bool:
        """Whether anything could be done."""
        context = self._context
        todo = plan(
            rows,
            context.current,
            fallback=context.encoders.fallback_id,
            can_strengthen=context.encoders.ready,
            now=context.wall(),
        )
        if todo.read:
            await self._look_again(todo.read)
            return True
        round_ = _Round(self._encode, self._commit, context)
        async with anyio.create_task_group() as group:
            alike = _by_content(todo.ocr)
            known = await context.insist(partial(context.table.by_content, list(alike))) if alike else {}
            for content_id, same in alike.items():
                group.start_soon(round_.recognise, same, known.get(content_id, []))
            if todo.encode:
                group.start_soon(round_.encode, todo.encode)
            if todo.strengthen:
                group.start_soon(round_.strengthen, todo.strengthen)
            if todo.forgive:
                group.start_soon(round_.forgive, todo.forgive)
        await round_.committed()
        await self._look_again(round_.changed)
        return round_.done

    async def _look_again(self, rows: Sequence[Row]) -> None:
        """Have these paths looked at, and wait: until then they are as stale as before."""
        for row in rows:
            self._context.backlog.hint(row.path, mtime=row.mtime_ns / 1e9)
        if rows:
            await self._context.backlog.drained([row.path for row in rows])


def _by_content(rows: Sequence[Row]) -> dict[str, list[Row]]:
    alike: dict[str, list[Row]] = {}
    for row in rows:
        alike.setdefault(row.content_id, []).append(row)
    return alike


def _text_of(row: Row) -> Text:
    return describe(row.description, ()).encoded


class _Round:
    """The changes of one round, and when all of them are committed."""

    def __init__(self, out: ObjectSendStream[Pending], commit: ObjectSendStream[Pending], context: Context) -> None:
        self._encode = out
        self._commit = commit
        self._context = context
        self._open = 0
        self._all_committed = anyio.Event()
        self.done = False
        """Whether anything could be done."""
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
        context, content_id, ocr = self._context, rows[0].content_id, context_ocr(self._context)
        done = next((row for row in known if row.ocr == ocr), None)
        if done is not None:
            words: Words | None = Words(content_id, ocr_text(done) or "")
        else:
            words = await context.workers.ocr(rows[0].path, content_id)
            if words is not None:
                context.metrics.ocr.inc()
        self.done = True
        if words is None:
            self.changed += rows
            return
        if words.fault is not None:
            context.say_crash(words.fault, rows[0].path)
            context.journal.say(
                Event.OCR_FAILED, path=files.shown(rows[0].path), content_id=content_id, error=words.fault.what
            )
            for row in rows:
                await self._fail(row, words.fault, OCR_FAILED, lambda one: one.content_id == content_id)
            return
        for row in rows:
            await self._word(row, words, ocr)

    async def _word(self, row: Row, words: Words, ocr: str) -> None:
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

        pending = Pending(
            row.path,
            apply=lambda current, encodings: worded.apply(current, fallback=fallback, encodings=encodings),
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
            attempts = current.attempts + 1
            when = retry_at(fault.kind, attempts, now)
            return replace(current, error=what + fault.what, attempts=attempts, retry_at=when)

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
        """The chosen encoder's vectors; where it cannot now, the rows stay stale and wait for it."""
        context = self._context
        encoder, dimension = context.encoders.chosen_id, context.encoders.chosen_dimension
        texts = {row.text_id: _text_of(row) for row in rows}
        try:
            encodings: Sequence[Encoding | EncoderError] = await context.encoders.strong(list(texts.values()))
        except UnencodableError as error:
            encodings = one_by_one(error)
        except EncoderError:
            return  # the encoders say why, in log and status
        if encoder != context.encoders.chosen_id:
            return  # chosen anew while it encoded
        made = dict(zip(texts, encodings, strict=True))
        encoded = sum(isinstance(one, Encoding) for one in encodings)
        context.metrics.encoded.labels("chosen").inc(encoded)
        self.done = True
        if context.table.strong_dimension != dimension:
            await context.insist(
                partial(context.writer.set_strong_dimension, dimension, instead=context.encoders.fallback_id)
            )
        for row in rows:
            one, text_id = made[row.text_id], row.text_id
            if isinstance(one, EncoderError):
                fault = Fault(FaultKind.CRASHED, str(one))
                await self._fail(row, fault, ENCODING_FAILED, lambda now, text_id=text_id: now.text_id == text_id)  # type: ignore[misc]  # bound at definition
                continue
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


def context_ocr(context: Context) -> str:
    """The id of the second pass; only called while it is asked for."""
    ocr = context.current.ocr
    assert ocr is not None
    return ocr
