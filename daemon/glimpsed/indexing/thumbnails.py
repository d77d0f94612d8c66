"""Thumbnails by content id, in a folder of their own: a cache that may be deleted at any time."""

import errno
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glimpsed.errors import NoRoomError, TableError
from glimpsed.files import shown

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept, with the time that each file was written, in seconds since the epoch."""

    ids: dict[str, float]
    """By content id."""
    strays: dict[str, float]
    """By path: files that are no thumbnails, such as what a killed daemon had begun."""


class Thumbnails:
    """Keeps one WebP a content id. Losing one is no loss of data, so nothing here is synced."""

    def __init__(self, state: str) -> None:
        self._root = Path(state, "thumbnails")

    def path(self, content_id: str) -> Path | None:
        """Where the thumbnail is; None for what is no content id or has none."""
        if not _ID.fullmatch(content_id):
            return None
        place = self.place(content_id)
        return place if place.is_file() else None

    def put(self, content_id: str, image: bytes) -> None:
        """Keep it, unless one as large is there. NoRoomError or TableError where it can be kept later.

        Whatever else goes wrong, it is left out: a thumbnail is not worth an error.
        """
        place = self.place(content_id)
        with suppress(OSError):
            if place.stat().st_size == len(image):
                return
        partial = place.with_suffix(f".{os.getpid()}.part")
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.write_bytes(image)
            partial.replace(place)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            kind = NoRoomError if error.errno in _NO_ROOM else TableError if error.errno == errno.EROFS else None
            if kind is not None:
                what = f"a thumbnail cannot be kept: {error.strerror}"
                raise kind(what, where=shown(str(self._root)), hint="make room on that disk") from error

    def drop(self, content_id: str) -> None:
        """Forget it."""
        if _ID.fullmatch(content_id):
            with suppress(OSError):
                self.place(content_id).unlink(missing_ok=True)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files from among them; what cannot be removed stays. Blocks."""
        for path in paths:
            if Path(path).is_relative_to(self._root):
                with suppress(OSError):
                    os.unlink(path)

    def stored(self) -> Stored:
        """All that is kept; blocks."""
        stored = Stored({}, {})
        for directory in _entries(self._root):
            if not directory.is_dir(follow_symlinks=False):
                stored.strays[directory.path] = _changed(directory)
                continue
            for entry in _entries(directory.path):
                content_id, kind = os.path.splitext(entry.name)
                if kind == ".webp" and _ID.fullmatch(content_id) and content_id[:2] == directory.name:
                    stored.ids[content_id] = _changed(entry)
                else:
                    stored.strays[entry.path] = _changed(entry)
        return stored

    def keep_only(self, content_ids: Collection[str]) -> None:
        """Forget all others, with what a killed process left half written. Blocks. Raises OSError."""
        for place in self._root.glob("*/*"):
            if place.suffix != ".webp" or place.stem not in content_ids:
                place.unlink(missing_ok=True)

    def place(self, content_id: str) -> Path:
        """Where the thumbnail of that content would be."""
        return self._root / content_id[:2] / f"{content_id}.webp"


def _entries(directory: str | Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            yield from entries
    except OSError:
        return


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0
