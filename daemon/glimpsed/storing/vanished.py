"""Missing rows: which are not needed any more, since when they are missing, and which may be forgotten."""

import os
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from glimpsed.files import key_of
from glimpsed.storing import sql
from glimpsed.storing.arrays import values
from glimpsed.storing.reads import Reads, converted

_FILE = ("path", "folder", "content_id", "size", "mtime_ns", "inode", "ocr", "error", "missing_since")


class _File(NamedTuple):
    path: str
    folder: str
    content_id: str
    size: int
    mtime_ns: int
    inode: int
    ocr: str | None
    error: str | None
    missing_since: float | None


class Vanished(Reads):
    """Questions about rows whose files are gone."""

    async def moved(self, ids: Collection[str] | None, seen: Callable[[str, str], bool]) -> list[str]:
        """The paths of missing rows of these content ids (None: of all) whose file is known at another path by now.

        It is there with the same bytes, size and time of change, and the same inode or name, and its row tells all that
        the missing one does. `seen(folder, path)` tells whether a file that has a row can be seen now.
        """
        if ids is None:
            table = await self._engine.select(["content_id"], f"{sql.MISSING} AND content_id <> ''")
            ids = set(await converted(lambda found: values(found, "content_id"), table))
        found: list[str] = []
        for chunk in sql.one_of("content_id", self.presence.known("content_id", {one for one in ids if one})):
            table = await self._engine.select(_FILE, chunk)
            found += await converted(lambda table: _moved(table, seen), table)
        return found

    async def times(self, folder: str) -> tuple[list[float], list[float]]:
        """Since when each missing row of a folder is missing, and since when each other one is as it is."""
        [where] = sql.one_of("folder", [key_of(folder)])
        table = await self._engine.select(["missing_since", "indexed_at"], where)
        return await converted(_times, table)

    async def forgettable(
        self,
        before: float,
        folders: Collection[str],
        limit: int,
        *,
        away: Collection[str] = (),
        kept: Collection[tuple[str, float, float]] = (),
    ) -> list[str]:
        """At most `limit` paths of rows of `folders` that have been missing since a time before `before`, oldest first.

        It goes by the folder of the row, not by path: a folder inside another may be offline while that is not. Left
        out is what lies in the directories `away`, and what is `kept`: a folder's that is missing since a time from the
        one to the other.
        """
        held = [f"NOT {sql.inside(place)}" for place in away]
        for folder, since, until in kept:
            [of_folder] = sql.one_of("folder", [key_of(folder)])
            held.append(f"NOT ({of_folder} AND missing_since >= {since!r} AND missing_since <= {until!r})")
        found: list[tuple[float, str]] = []
        for chunk in sql.one_of("folder", [key_of(folder) for folder in folders]):
            where = " AND ".join([sql.MISSING, f"missing_since < {before!r}", chunk, *held])
            found += [(since, path) for path, since in await self._pairs(("path", "missing_since"), where)]
        return [path for _, path in sorted(found)[:limit]]


def _moved(table: Any, seen: Callable[[str, str], bool]) -> list[str]:
    of_content: dict[str, list[_File]] = defaultdict(list)
    for row in zip(*(values(table, name) for name in _FILE), strict=True):
        of_content[row[2]].append(_File(*row))
    found: list[str] = []
    for files in of_content.values():
        there = [one for one in files if one.missing_since is None and one.error is None and seen(one.folder, one.path)]
        found += [
            one.path for one in files if one.missing_since is not None and any(_is(one, other) for other in there)
        ]
    return found


def _is(gone: _File, there: _File) -> bool:
    """Whether the one is the other at its new place."""
    same = (gone.size, gone.mtime_ns) == (there.size, there.mtime_ns) and (gone.ocr is None or there.ocr is not None)
    return same and (gone.inode == there.inode or os.path.basename(gone.path) == os.path.basename(there.path))


def _times(table: Any) -> tuple[list[float], list[float]]:
    pairs = list(zip(values(table, "missing_since"), values(table, "indexed_at"), strict=True))
    return [since for since, _ in pairs if since is not None], [at for since, at in pairs if since is None]
