"""Why a file is in the index as it is, or not: what the table has of it and, if asked, what it says when read again."""

import base64
import os
from collections.abc import Sequence
from typing import Any

from anyio import to_thread

from glimpsed import files
from glimpsed.errors import UsageError
from glimpsed.explaining import moment, owners, row_fields, row_hint, row_state
from glimpsed.indexing.dating import MTIME, told_by
from glimpsed.indexing.look import see
from glimpsed.pipeline import Pipeline
from glimpsed.reading import names
from glimpsed.reading.description import describe
from glimpsed.reading.messages import Explained as Read
from glimpsed.reading.sources import FIELDS, Source, Told, of_fields, of_parts, sidecar_names
from glimpsed.records import ENCODED_LABELS, Content, Part, Row, Unread
from glimpsed.serving.explained import (
    Anew,
    Explained,
    LineExplained,
    Member,
    PartExplained,
    ReadAnew,
    Value,
    Vector,
)

_SAME = (
    "format", "width", "height", "taken_at", "camera", "latitude", "longitude", "place", "encoder", "cut", "reader",
    "ocr", "error", "attempts",
)  # fmt: skip

_FOUND = ("fresh", "stale", "error", "waiting", "not indexed")
"""States of paths that are indexed or would be: only these are read again, nothing else on this machine."""

_GONE = "there is no such file"
_SPECIAL = "it is no file that could be read: a pipe, a socket or a device"


class Explainer:
    """Answers `/v1/explain`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._context = pipeline.context

    async def explain(self, path: str, read: ReadAnew) -> Explained:
        """All that is known of `path`. Raises UsageError where it is no absolute path."""
        if not os.path.isabs(path):
            raise UsageError(f"{path!r} is no absolute path")
        path = os.path.normpath(path)  # noqa: ASYNC240  it only looks at the text
        row = (await self._context.table.rows([path])).get(path)
        state, why = await self._place(path, row)
        shown = Explained(path=files.shown(path), indexed=row is not None, state=state, why=why)
        folder = files.folder_of(path, self._pipeline.folders.names)
        online = folder is not None and not self._pipeline.folders.offline(folder, path)
        if folder is not None and not online:
            shown.hint = f"its folder is {self._pipeline.folders.state_of(folder, path)}"
        found: Read | Unread | None = None
        readable = state in _FOUND and why not in (_GONE, _SPECIAL) and files.is_picture(path)
        if read != "none" and readable and online:
            found = await self._context.workers.explain(
                path, pixels=read in ("words", "picture"), drawn=read == "picture"
            )
        if isinstance(found, Unread) and found.fault is not None:
            self._context.say_crash(found.fault, path)
        if row is not None:
            self._tell_row(shown, row)
        if found is not None:
            shown.read = _anew(found, row)
        if row is not None or isinstance(found, Read):
            self._tell_words(shown, path, folder or os.path.dirname(path), row, found)
        if state != "outside":
            online = online and state != "ignored"  # behind a link that is not followed lies another's place
            beside = row.beside if row is not None else found.beside if isinstance(found, Read) else ""
            shown.group = await self._group(path, row.content_id if row is not None else "", beside, look=online)
        return shown

    def _tell_row(self, shown: Explained, row: Row) -> None:
        current, forget_after = self._context.current, self._context.config.watch.forget_after
        for name in _SAME:
            setattr(shown, name, getattr(row, name))
        shown.id = row.content_id or None
        shown.taken_from = told_by(row)
        shown.modified_at = moment(row.mtime_ns / 1e9)
        shown.retry_at = moment(row.retry_at)
        shown.missing_since = moment(row.missing_since)
        shown.forgotten_at = None if row.missing_since is None else moment(row.missing_since + forget_after)
        shown.indexed_at = moment(row.indexed_at)
        shown.hint = shown.hint or row_hint(row, shown.state, forgotten_at=shown.forgotten_at)
        base, cut = row.base
        made = {base: cut} if base is not None and row.vector is not None else {}
        made |= {encoder: one.cut for encoder, one in row.encodings.items()}
        wanted = {current.encoder, current.fallback or current.encoder}
        shown.vectors = [Vector(encoder=one, cut=cut, current=one in wanted) for one, cut in made.items()]

    def _tell_words(
        self, shown: Explained, path: str, folder: str, row: Row | None, found: Read | Unread | None
    ) -> None:
        sources = found.sources if isinstance(found, Read) else ()
        own = Source("its name", Content("", parts=names.words(path, folder)))
        values: dict[str, object] = {}
        parts: Sequence[Part] = ()
        if row is not None:
            values, parts = row_fields(row), row.description
        elif isinstance(found, Read):
            values = {name: getattr(found.content, name) for name in FIELDS}
            beside = [part for source in sources for part in source.content.parts if part.label == "sidecar"]
            parts = describe(found.content.parts, [*beside, *own.content.parts]).parts
        drawn = values.get("format") == "svg"  # the text of a drawing stands in its file
        seen = Source("the pixels", Content("", parts=tuple(p for p in parts if p.label == "ocr" and not drawn)))
        beside_it = Source(_sidecars(row), Content("", parts=tuple(part for part in parts if part.label == "sidecar")))
        told = of_parts(parts, [*(sources or [beside_it]), own, seen])
        shown.description = [
            PartExplained(
                label=one.name, text=str(one.value), sources=list(one.sources), encoded=one.name in ENCODED_LABELS
            )
            for one in told
            if one.used
        ]
        by_label = {one.name: one.sources for one in told if one.used}
        # A field that is named like a label is that label's words.
        of_values = [
            one._replace(sources=one.sources or by_label.get(one.name, ())) for one in of_fields(values, sources)
        ]
        shown.fields = [_value(one) for one in of_values if one.used]
        if shown.taken_from == MTIME and shown.modified_at is not None:
            shown.fields.append(Value(name="taken_at", value=shown.modified_at, sources=[MTIME]))
        shown.passed_over = [_value(one) for one in (*of_values, *told) if not one.used]

    async def _group(self, path: str, content_id: str, beside: str, *, look: bool) -> list[Member]:
        """The other files of the picture; the disk is asked only where it can `look`."""
        directory, members = os.path.dirname(path), dict[str, str]()
        if content_id:
            twins = (await self._context.table.by_content([content_id])).get(content_id, [])
            there = [twin.path for twin in twins if twin.missing_since is None and twin.path != path]
            members |= dict.fromkeys(sorted(there), "same content")
        members |= {
            os.path.join(directory, name): "sidecar" if files.is_sidecar(name) else "same shot"
            for name in sidecar_names(beside)
        }
        if look:
            for of_file, what in ((files.siblings, "same shot"), (owners, "its picture")):
                for one in await to_thread.run_sync(of_file, path, abandon_on_cancel=True):
                    members.setdefault(one, what)
        return [_member(one, what) for one, what in members.items()]

    async def _place(self, path: str, row: Row | None) -> tuple[str, str]:
        """The state of a path, and why."""
        context, folders = self._context, self._pipeline.folders
        if files.folder_of(path, folders.names) is None:
            return "outside", "it lies in no watched folder"
        left_out = await to_thread.run_sync(folders.left_out, path, abandon_on_cancel=True)
        if left_out is not None:
            _, directory = await to_thread.run_sync(see, path, abandon_on_cancel=True)
            inside = directory and folders.directory_folder(path) is not None
            return ("not indexed", "it is a directory") if inside else ("ignored", left_out)
        if not files.is_picture(path):
            return "not indexed", "it is a sidecar: what it says is read with its picture"
        if path in context.backlog.pending():
            paused = f"; indexing is paused: {context.paused}" if context.paused is not None else ""
            return "waiting", f"it is about to be read{paused}"
        if row is not None:
            return row_state(row, context.current, context.wall())
        seen, directory = await to_thread.run_sync(see, path, abandon_on_cancel=True)
        if directory:
            return "not indexed", "it is a directory"
        if seen.refused is not None:
            return "not indexed", f"it cannot be seen: {seen.refused.what}"
        if seen.stamp is None:
            special = await to_thread.run_sync(os.path.exists, path, abandon_on_cancel=True)
            return "not indexed", _SPECIAL if special else _GONE
        return "not indexed", "it was not found by a scan yet"


def _sidecars(row: Row | None) -> str:
    """What the words beside a picture come from, as far as its row tells."""
    return ", ".join(sidecar_names(row.beside) if row is not None else ()) or "sidecar"


def _value(told: Told) -> Value:
    return Value(name=told.name, value=_plain(told.value), sources=list(told.sources))


def _plain(value: object) -> Any:
    """A value as JSON can have it."""
    return value if isinstance(value, str | int | float | bool | list | tuple) else str(value)


def _member(path: str, what: str) -> Member:
    exact, shown = os.fsencode(path), files.shown(path)
    coded = None if os.fsencode(shown) == exact else base64.b64encode(exact).decode("ascii")
    return Member(path=shown, path_bytes=coded, what=what)


def _anew(found: Read | Unread, row: Row | None) -> Anew:
    if isinstance(found, Unread):
        gone = "it is gone, or was changed while it was read"
        return Anew(error=found.fault.what if found.fault is not None else gone)
    fault = found.content.fault or found.fault
    return Anew(
        changed=row is not None and row.content_id not in ("", found.content.content_id),
        error=fault.what if fault is not None else None,
        lines=None
        if found.lines is None
        else [
            LineExplained(
                text=line.text,
                box=(line.left, line.top, line.right, line.bottom),
                score=line.score,
                by=line.by,
                told=line.told,
                page=line.page,
            )
            for line in found.lines
        ],
        picture=None if found.drawn is None else base64.b64encode(found.drawn).decode("ascii"),
        milliseconds=found.milliseconds,
    )
