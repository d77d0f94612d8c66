"""From what a picture says to its row: encoding in batches, and the one writer."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import anyio
from anyio import to_thread
from anyio.abc import ObjectSendStream
from anyio.streams.memory import MemoryObjectReceiveStream

from glimpsed.allocation import give_back
from glimpsed.encoding.batch import Batch, Lane, Waiting
from glimpsed.encoding.encoder import UnencodableError
from glimpsed.errors import EncoderError, TableError, UnfitRowError
from glimpsed.events import Event
from glimpsed.files import shown
from glimpsed.indexing.backlog import GROUP
from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.moving import came_or_went
from glimpsed.indexing.retry import retry_at
from glimpsed.indexing.rows import ENCODING_FAILED
from glimpsed.indexing.sweeping import outdate
from glimpsed.records import Change, Encoding, FaultKind, Row, Written

Item = TypeVar("Item")
HELD = 2 * GROUP  # texts that wait here at most; the streams hold back the others
_CHARACTERS_A_TOKEN = 3  # roughly, over many languages: batches are balanced by it, nothing is cut by it


def waiting_items(inp: MemoryObjectReceiveStream[Item], most: int) -> list[Item]:
    """What already waits in a stream, at most `most`, without waiting for more."""
    items: list[Item] = []
    while len(items) < most:
        try:
            items.append(inp.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            break
    return items


async def encode(
    inp: MemoryObjectReceiveStream[Pending], out: ObjectSendStream[Pending], batch: Batch, context: Context
) -> None:
    """Encode texts in batches, first pass first; what needs no encoding passes through at once.

    A batch is taken as soon as the encoder is free, and what arrives meanwhile is the next one.
    """
    held: dict[str, list[Pending]] = {}
    async with inp, out:
        async for first in inp:
            arrived = [first]
            while arrived or batch.waiting:
                arrived += waiting_items(inp, min(GROUP, HELD - batch.waiting) - len(arrived))
                for pending in await _sort(arrived, held, batch, context):
                    await out.send(pending)
                arrived = []
                if (taken := batch.take(time.monotonic(), idle=True)) is not None:
                    for pending in await _encode(taken, held, context):
                        await out.send(pending)


async def _sort(
    arrived: list[Pending], held: dict[str, list[Pending]], batch: Batch, context: Context
) -> list[Pending]:
    """Put what has to be encoded into the batch; return what has not."""
    wanted = {pending.text_id for pending in arrived if pending.text}
    known = await context.insist(partial(context.table.by_text, wanted)) if wanted else {}
    ready, missed = [], 0
    for pending in arrived:
        row = known.get(pending.text_id)
        if not pending.text:
            ready.append(pending)
        elif row is not None and _usable(row, context.encoders.fallback_id):
            assert row.vector is not None
            pending.encodings = {pending.text_id: Encoding(row.vector, cut=row.base[1])}
            ready.append(pending)
        else:
            held.setdefault(pending.text_id, []).append(pending)
            missed += 1
            tokens = 2 + sum(map(len, pending.text)) // _CHARACTERS_A_TOKEN
            batch.add(
                pending.text_id,
                pending.text,
                tokens,
                time.monotonic(),
                Lane.SECOND if pending.second else Lane.FIRST,
            )
    asked = sum(bool(pending.text) for pending in arrived)
    context.metrics.looked_up("encoding", hits=asked - missed, misses=missed)
    return ready


def _usable(row: Row, fallback: str) -> bool:
    """Whether its vector is one of this fallback, not of an older revision."""
    return row.vector is not None and row.base[0] == fallback


async def _encode(taken: list[Waiting], held: dict[str, list[Pending]], context: Context) -> list[Pending]:
    """Encode one batch. A text that cannot be encoded is committed without, and its row says why."""
    started = time.monotonic()
    results = await encode_each(taken, context)
    took = round((time.monotonic() - started) * 1000, 1)
    done = []
    for waiting, result in zip(taken, results, strict=True):
        for pending in held.pop(waiting.key):
            if isinstance(result, Encoding):
                pending.encodings = {waiting.key: result}
            else:
                pending.error = f"{ENCODING_FAILED}{result}"
                pending.kind = FaultKind.CRASHED if isinstance(result, UnencodableError) else FaultKind.UNREADABLE
            pending.milliseconds["encode"] = took
            done.append(pending)
    encoded = sum(isinstance(result, Encoding) for result in results)
    context.metrics.encoded.labels("fallback").inc(encoded)
    context.metrics.stage.labels("encode").observe(took / 1000)
    context.journal.say(
        Event.BATCH_ENCODED, texts=encoded, encoder=context.encoders.fallback_id, why="first pass", ms=took
    )
    return done


async def encode_each(taken: list[Waiting], context: Context) -> list[Encoding | EncoderError]:
    """The encoding of each text, or why it has none: bad texts do not harm the others."""
    made = await _encode_once(taken, context)
    if not isinstance(made, EncoderError):
        return made
    half = len(taken) // 2
    parts = [part for part in (taken[:half], taken[half:]) if part and half]
    halves = [await _encode_once(part, context) for part in parts]
    if all(isinstance(one, EncoderError) for one in halves):
        return [made] * len(taken)  # it is not the texts
    results: list[Encoding | EncoderError] = []
    for part, one in zip(parts, halves, strict=True):
        results += await encode_each(part, context) if isinstance(one, EncoderError) else one
    return results


async def _encode_once(taken: list[Waiting], context: Context) -> list[Encoding | EncoderError] | EncoderError:
    try:
        return list(await context.encoders.passages([waiting.text for waiting in taken]))
    except UnencodableError as error:
        return one_by_one(error)
    except EncoderError as error:
        return error


def one_by_one(error: UnencodableError) -> list[Encoding | EncoderError]:
    """What became of each text of a call of which some could not be encoded."""
    made = error.encodings
    return [one or UnencodableError([None], {0: error.faults[place]}) for place, one in enumerate(made)]


async def commit(inp: MemoryObjectReceiveStream[Pending], context: Context) -> None:
    """Write groups of changes: a commit as soon as the writer is free, and what arrives meanwhile is the next."""
    async with inp:
        async for first in inp:
            await _write([first, *waiting_items(inp, GROUP - 1)], context)
            if not inp.statistics().current_buffer_used:
                await maintain(context)


async def _write(group: list[Pending], context: Context) -> None:
    started = time.monotonic()
    changes = [Change(one.path, _bound(one, context)) for one in group]
    try:
        written = await context.insist(partial(context.writer.commit, changes), rows=len(changes))
    except UnfitRowError as error:
        if len(group) > 1:
            for one in group:
                await _write([one], context)
            return
        # No reading of this file can be kept; the next change of it, or the next scan, tries again.
        context.journal.say(Event.COMMIT_FAILED, rows=1, path=shown(group[0].path), error=str(error))
        written = [Written(group[0].path, None, None)]
    outdate(context, written)
    came_or_went(context, written)
    context.metrics.commits.inc()
    context.metrics.stage.labels("commit").observe(time.monotonic() - started)
    context.metrics.committed.inc(sum(one.after is not None for one in written))
    took = round((time.monotonic() - started) * 1000, 1)
    for one, result in zip(group, written, strict=True):
        one.milliseconds["commit"] = took
        one.finished(result)
    context.committed.beat()


def _bound(one: Pending, context: Context) -> Callable[[Row | None], Row | None]:
    now = context.wall()

    def apply(current: Row | None) -> Row | None:
        row = one.apply(current, one.encodings)
        if row is None or one.error is None or row.encoder is not None:
            return row
        attempts = (current.attempts if current else 0) + 1
        when = retry_at(one.kind, attempts, now)
        return replace(row, error=row.error or one.error, attempts=attempts, retry_at=when)

    return apply


async def maintain(context: Context) -> None:
    """Keep the table quick, by need; where that fails it waits for the next time."""
    started = time.monotonic()
    try:
        done = await context.writer.maintain()
    except TableError as error:
        context.journal.say(Event.COMMIT_FAILED, rows=0, error=f"maintenance: {error}")
        return
    if done:
        await to_thread.run_sync(give_back)
        context.journal.say(Event.TABLE_MAINTAINED, why="fragments", ms=round((time.monotonic() - started) * 1000, 1))
