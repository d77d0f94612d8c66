"""From what a worker found to the change of a row."""

import os
from dataclasses import replace

from glimpsed import files
from glimpsed.events import Event
from glimpsed.indexing import dating
from glimpsed.indexing.context import Context, Pending
from glimpsed.indexing.decide import identity
from glimpsed.indexing.look import Job
from glimpsed.indexing.retry import retry_at
from glimpsed.indexing.rows import (
    Draft,
    content_parts,
    ocr_text,
    of_content,
    placed,
    same_pixels,
    sidecar_parts,
    told_by_sidecar,
    with_sidecar,
)
from glimpsed.reading import formats, names
from glimpsed.reading.description import READER, UNDEVELOPED
from glimpsed.reading.ocr import tiny
from glimpsed.records import Fault, FaultKind, Part, Reading, Row, Stamp, Written


def from_reading(job: Job, reading: Reading, same: Row | None, context: Context) -> Draft:
    """The draft of a picture that was read; `same` is a row of the same content where that was known before."""
    sources = tuple(row for row in (same, job.row) if row is not None)
    if reading.content is not None:
        reader = UNDEVELOPED if reading.content.undeveloped else READER
        row, content, fault = of_content(reading.content, reader=reader), reading.content.parts, reading.content.fault
        before = next((source for source in sources if source.ocr and same_pixels(source, row)), None)
        # The second pass belongs to the bytes too: a picture that is read again is not given to OCR again.
        row, ocr = (replace(row, ocr=before.ocr), ocr_text(before)) if before else (row, None)
        if row.ocr is None and fault is None and tiny(row.width or 0, row.height or 0):
            row = replace(row, ocr=context.current.ocr)  # an icon: the second pass would find nothing
    else:
        assert same is not None
        row, content, ocr, fault = _bytes_of(dating.of_bytes(same)), content_parts(same), ocr_text(same), None
    content = (*content, *told_by_sidecar(row, reading.sidecar_content))
    beside = reading.sidecar_content.fault if reading.sidecar_content is not None else None
    row = with_sidecar(row, reading.sidecar_content)
    draft = _draft(job, row, content, ocr, reading.stamp, reading.beside, reading.sidecar_parts, context)
    draft = replace(draft, sources=sources)
    if fault is None and beside is not None and beside.kind is FaultKind.UNREADABLE:
        return _incomplete(draft, job, beside, context)
    fault = fault or beside
    return failed(draft, job, fault, context) if fault is not None else draft


def from_twin(job: Job, twin: Row, context: Context) -> Draft:
    """The draft of a file without sidecars whose content a row tells already: only its place is new."""
    assert job.seen.stamp is not None
    draft = _draft(
        job, _bytes_of(dating.of_bytes(twin)), content_parts(twin), ocr_text(twin), job.seen.stamp, "", (), context
    )
    return replace(draft, sources=(twin,))


def from_fault(job: Job, fault: Fault, context: Context) -> Draft:
    """The draft of a file whose bytes could not be had: found by its name, and tried again.

    What is known of the very same file stays: it is not lost because a disk or a right fails for a while.
    """
    stamp = job.seen.stamp or (job.row.stamp if job.row else Stamp(0, 0, 0, 0))
    if job.row is not None and job.row.content_id and identity(job.row.stamp) == identity(stamp):
        row, content, ocr = _bytes_of(job.row), content_parts(job.row), ocr_text(job.row)
        # What stands beside it now is read when the bytes are, so that it is no reason to read them sooner.
        beside = job.row.beside if job.seen.stamp is None else job.seen.beside
        draft = _draft(job, row, content, ocr, stamp, beside, sidecar_parts(job.row), context)
        draft = replace(draft, sources=(job.row,))
    else:
        draft = _draft(job, Row(path="", folder="", reader=READER), (), None, stamp, job.seen.beside, (), context)
    return failed(draft, job, fault, context)


def failed(draft: Draft, job: Job, fault: Fault, context: Context) -> Draft:
    """The draft as one of a picture that could not be read."""
    draft = _tried(draft, job, fault, context)
    return replace(draft, row=replace(draft.row, error=fault.what))


def _incomplete(draft: Draft, job: Job, fault: Fault, context: Context) -> Draft:
    """The draft as one of a picture that is read, but not what stands beside it: no error, and tried again."""
    draft = _tried(draft, job, fault, context)
    context.journal.say(
        Event.SIDECAR_UNREADABLE,
        path=files.shown(draft.row.path),
        reason=fault.what,
        attempts=draft.row.attempts,
        retry_at=draft.row.retry_at,
    )
    return draft


def _tried(draft: Draft, job: Job, fault: Fault, context: Context) -> Draft:
    same_file = job.row is not None and job.row.stamp == draft.row.stamp
    attempts = (job.row.attempts if same_file and job.row else 0) + 1
    when = retry_at(fault.kind, attempts, context.wall())
    return replace(draft, row=replace(draft.row, attempts=attempts, retry_at=when))


def pending(draft: Draft, context: Context) -> Pending:
    """The draft as a change for encode and commit."""
    description, fallback = draft.describe(), context.encoders.fallback_id
    known = any(source.text_id == description.text_id and source.vector is not None for source in draft.sources)
    return Pending(
        draft.row.path,
        apply=lambda current, encodings: draft.apply(current, fallback=fallback, encodings=encodings),
        finished=lambda written: _tell(draft, written, context),
        text_id=description.text_id,
        text=() if known else description.encoded,
        milliseconds=draft.milliseconds,
    )


def _draft(
    job: Job,
    row: Row,
    content: tuple[Part, ...],
    ocr: str | None,
    stamp: Stamp,
    beside: str,
    sidecars: tuple[Part, ...],
    context: Context,
) -> Draft:
    path = job.seen.path
    row = placed(row, path=path, folder=job.folder, stamp=stamp, beside=beside, now=context.wall())
    row = dating.by_name(row, path)
    place = (*sidecars, *names.words(path, job.folder), *dating.name_words(row))
    why = getattr(job.work, "why", type(job.work).__name__.lower())
    return Draft(row, content, place, ocr, why)


def _bytes_of(row: Row) -> Row:
    """What of a row belongs to its content, OCR included."""
    return Row(
        path="",
        folder="",
        content_id=row.content_id,
        format=row.format,
        width=row.width,
        height=row.height,
        taken_at=row.taken_at,
        taken_from=row.taken_from,
        camera=row.camera,
        latitude=row.latitude,
        longitude=row.longitude,
        place=row.place,
        reader=row.reader,
        ocr=row.ocr,
    )


def _tell(draft: Draft, written: Written, context: Context) -> None:
    context.backlog.done(draft.row.path)
    row = written.after
    if row is None:
        return
    said = {"path": files.shown(row.path), "content_id": row.content_id, "why": draft.why}
    milliseconds = {**draft.milliseconds}
    if formats.named(row.error) is not None:
        _tell_unreadable(row, context)
    elif row.error is not None:
        context.journal.say(
            Event.PICTURE_FAILED,
            **said,
            error=row.error,
            attempts=row.attempts,
            retry_at=row.retry_at,
            ms=milliseconds,
        )
    elif draft.why == "moved":
        before = files.shown(draft.sources[0].path) if draft.sources else None
        context.journal.say(Event.PICTURE_MOVED, **said, before=before, ms=milliseconds)
    else:
        event = Event.PICTURE_INDEXED if written.before is None else Event.PICTURE_READ_AGAIN
        context.journal.say(event, **said, encoder=row.encoder, ms=milliseconds)


def _tell_unreadable(row: Row, context: Context) -> None:
    """A line a suffix: a thousand files that miss the same package are one piece of news."""
    suffix = os.path.splitext(row.path)[1].lower()
    if suffix not in context.unreadable:
        context.unreadable.add(suffix)
        context.journal.say(
            Event.FORMAT_UNREADABLE, suffix=files.shown(suffix), path=files.shown(row.path), reason=row.error
        )
