"""What stands beside a picture and speaks of it: sidecars, the other files of its group, extended attributes."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from glimpsed import files, sidecar_names
from glimpsed.reading import attributes, bounds, dates, markdown, metadata, places, takeout, xmp
from glimpsed.reading.faults import refused
from glimpsed.reading.fields import CHANGED
from glimpsed.reading.texts import clean, decode
from glimpsed.records import Content, Fault, FaultKind, Part

_BEGINNING = 1 << 20
"""Bytes of another file of the group that are read, where its metadata stand: the pixels are the same."""

_DARKTABLE = re.compile(rb"darktable\|[^<>\"]*")
"""Tags that darktable gives by itself, such as `darktable|format|cr2`; their levels stand alone in dc:subject."""

_NO_FIELDS = frozenset({"date", "camera", "ocr", "placenames"})
"""Labels of what is made of fields, not written by anybody."""

_TEXTS = frozenset({sidecar_names.APPLE, "album", ".json", ".txt", ".md"})

ATTRIBUTES = "extended attributes"
"""What they are called where files have their names."""


@dataclass(slots=True)
class _Said:
    """What one of them says."""

    texts: Iterable[str] = ()
    taken: str | None = None
    camera: str | None = None
    position: tuple[float, float] | None = None
    fault: Fault | None = None
    """Why it could not be read."""


def read(path: str) -> tuple[tuple[Part, ...], Content | None]:
    """All that is said of the picture at `path` besides its bytes: parts labelled `sidecar`, and fields.

    The content holds date, camera and position with an empty content id, and the date as a part; None where nobody
    tells one. Whoever comes first in the order of `files.neighbours` and tells a field wins, extended attributes come
    last. Never raises: what cannot be read says nothing, and where that may pass it is the content's fault.
    """
    texts: dict[str, None] = {}
    taken, camera, position, fault = None, None, None, None
    for name, said in _every(path):
        texts |= dict.fromkeys(said.texts)
        taken, camera = taken or said.taken, camera or said.camera
        position = position or said.position
        if said.fault is not None and said.fault.kind is FaultKind.UNREADABLE:
            fault = fault or replace(said.fault, what=f"{name}: {said.fault.what}")
    parts = tuple(Part("sidecar", text) for text in texts if text)
    if not (taken or camera or position or fault):
        return parts, None
    latitude, longitude = position or (None, None)
    words = metadata.field_parts(taken, camera)
    content = Content("", taken_at=taken, camera=camera, latitude=latitude, longitude=longitude, parts=words)
    return parts, replace(content, fault=fault)


def sources(path: str) -> Iterator[tuple[str, Content]]:
    """What each of them says for itself, by the name of its file; never raises."""
    for name, said in _every(path):
        latitude, longitude = said.position or (None, None)
        words = (
            *(Part("sidecar", text) for text in said.texts if text),
            *metadata.field_parts(said.taken, said.camera),
        )
        yield (
            name,
            Content("", taken_at=said.taken, camera=said.camera, latitude=latitude, longitude=longitude, parts=words),
        )


def _every(path: str) -> Iterator[tuple[str, _Said]]:
    """The name of each file around the picture that can be read, and what it says; the attributes at the end."""
    try:
        around = files.neighbours(path)
    except ValueError:  # a NUL in the path
        around = {}
    for place in around:
        name = files.shown(os.path.basename(place))
        try:
            data = _bytes(place, _most(kind := _kind(place)))
        except OSError as error:
            yield name, _Said(fault=refused(error))
            continue
        if data is None:
            continue
        match kind:
            case sidecar_names.APPLE:
                yield name, _Said([part.text for part in metadata.parts(tuple(attributes.of_appledouble(data)))])
            case "album":
                said = takeout.album(data) if _fits(data) else ()
                yield name, _Said([part.text for part in metadata.parts(said)])
            case ".xmp":
                yield name, _xmp(data)
            case ".json":
                yield name, _takeout(data)
            case ".txt":
                yield name, _Said([clean(decode(data))])
            case ".md":
                yield name, _Said([clean(markdown.plain(decode(data)))])
            case _:
                yield name, _sibling(data)
    yield ATTRIBUTES, _Said([part.text for part in metadata.parts(tuple(attributes.texts(path)))])


def _kind(place: str) -> str:
    """What it is by its name: a suffix, or what goes by the whole name."""
    if sidecar_names.is_apple(place):
        return sidecar_names.APPLE
    return "album" if sidecar_names.is_album(place) else os.path.splitext(place)[1].lower()


def _most(kind: str) -> int:
    """Bytes of a file of that kind that are read; one more than may be, which tells that there are more."""
    now = bounds.now()
    if kind == ".xmp":  # much of it may be what is of no use to anybody
        return now.block
    return now.bounds.packet + 1 if kind in _TEXTS else _BEGINNING


def _fits(data: bytes) -> bool:
    return bounds.now().packet(len(data), "JSON")


def _xmp(data: bytes) -> _Said:
    packet = xmp.read(data)
    own = {level.strip().casefold() for tag in _DARKTABLE.findall(data) for level in decode(tag).split("|")}
    written = [(label, text) for label, text in packet.texts if label != "keywords" or text.casefold() not in own]
    texts = [part.text for part in metadata.parts(written)]
    return _Said(texts, packet.taken, packet.camera, packet.position)


def _takeout(data: bytes) -> _Said:
    found = takeout.read(data) if _fits(data) else None
    if found is None:
        return _Said()
    texts = [part.text for part in metadata.parts(found.texts)]
    place = places.find(*found.position) if found.position else None
    taken = dates.of_epoch(found.taken, place.zone if place else None) if found.taken is not None else None
    return _Said(texts, taken, None, found.position)


def _sibling(data: bytes) -> _Said:
    content = metadata.fields(data)
    position = None
    if content.latitude is not None and content.longitude is not None:
        position = (content.latitude, content.longitude)
    texts = [part.text for part in content.parts if part.label not in _NO_FIELDS]
    # When it was last edited is no date of the shot.
    taken = content.taken_at if content.taken_from != CHANGED else None
    return _Said(texts, taken, content.camera, position)


def _bytes(path: str, most: int) -> bytes | None:
    """So many bytes of a regular file at most; a pipe of that name must not hang the reader. May raise OSError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, ValueError):  # it went
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        with open(handle, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(handle)
