"""The JSON that Google Takeout puts beside each picture of Google Photos.

There is no specification of it; what is known comes from exports. Other programs' JSON says nothing here.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from glimpsed.reading import names
from glimpsed.reading.exif import on_earth

_ALBUM_MARKS = frozenset({"access", "date", "enrichments"})
_MARKS = frozenset({"photoTakenTime", "creationTime", "geoData", "geoDataExif", "googlePhotosOrigin"})
"""Keys of which one is always there."""


@dataclass(frozen=True, slots=True)
class Takeout:
    """What one of these files says."""

    texts: tuple[tuple[str, str], ...] = ()
    """Label and text."""
    taken: int | None = None
    """Seconds since the epoch: of the moment, for the place it was at is not told."""
    position: tuple[float, float] | None = None


def read(data: bytes) -> Takeout | None:
    """Never raises: None for what is no JSON, or another program's."""
    root = _root(data)
    if root is None or _MARKS.isdisjoint(root):
        return None
    return Takeout(
        texts=tuple(_texts(root)),
        taken=_seconds(root.get("photoTakenTime")),
        # What somebody set in Google Photos goes before what the camera wrote.
        position=_position(root.get("geoData")) or _position(root.get("geoDataExif")),
    )


def album(data: bytes) -> tuple[tuple[str, str], ...]:
    """Label and text of what it tells of an album: title, description, and what was written between the pictures.

    Never raises: nothing for what is no JSON, or another program's.
    """
    root = _root(data) or {}
    inner = root.get("albumData")
    told = inner if isinstance(inner, dict) else root
    if not (isinstance(told.get("title"), str) and _ALBUM_MARKS.intersection(told)):
        return ()
    texts = [("title", told["title"]), ("caption", told.get("description"))]
    for one in _dicts(told.get("enrichments")):
        note = one.get("narrativeEnrichment")
        texts.append(("comment", note.get("text") if isinstance(note, dict) else None))
    return tuple((label, text) for label, text in texts if isinstance(text, str) and text)


def _root(data: bytes) -> dict[object, object] | None:
    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return root if isinstance(root, dict) else None


def _texts(root: dict[object, object]) -> Iterator[tuple[str, str]]:
    description, title = root.get("description"), root.get("title")
    if isinstance(description, str):
        yield "caption", description
    for person in _dicts(root.get("people")):
        if isinstance(name := person.get("name"), str):
            yield "people", name
    for comment in _dicts(root.get("sharedAlbumComments")):
        if isinstance(text := comment.get("text"), str):
            yield "comment", text
    if isinstance(title, str) and (words := names.given(title)):
        yield "title", words


def _dicts(value: object) -> Iterator[dict[object, object]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _seconds(value: object) -> int | None:
    """`{"timestamp": "1562926800"}`; None where it is 0, which stands for unknown."""
    told = value.get("timestamp") if isinstance(value, dict) else None
    if not isinstance(told, str | int):
        return None
    try:
        return int(told) or None
    except ValueError:
        return None


def _position(value: object) -> tuple[float, float] | None:
    """None where both are 0, which stands for unknown."""
    if not isinstance(value, dict):
        return None
    latitude, longitude = _number(value.get("latitude")), _number(value.get("longitude"))
    return on_earth(latitude, longitude) if latitude or longitude else None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan
