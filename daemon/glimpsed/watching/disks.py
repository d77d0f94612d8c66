"""Directories of a folder that are disks of their own: which are there, and which were unmounted."""

import os
import stat as stat_module
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from glimpsed.watching.filesystem import mounted_below


@dataclass(frozen=True, slots=True)
class Disks:
    """How it is with the disks in a folder at one moment."""

    there: Mapping[str, int]
    """Where something with files in it is mounted, and the device id of that."""
    away: frozenset[str]
    """Where a disk was that is not there now: the place is gone, or empty and not the disk it was."""


def look(folder: str, remembered: Mapping[str, int]) -> Disks:
    """Ask the kernel and the disk. Blocks; never raises.

    `remembered` are the directories on which disks with files were seen, and their device ids.
    A directory that has files although its disk is not mounted is a directory like any other from now on.
    """
    mounted = mounted_below(folder)
    there: dict[str, int] = {}
    away: set[str] = set()
    for point in {*mounted, *remembered}:
        device = _device(point)
        if device is not None and not empty(point):
            if point in mounted:
                there[point] = device
        elif point in remembered and not (point in mounted and device == remembered[point]):
            away.add(point)  # an emptied disk is one that is still the same
    return Disks(there, frozenset(away))


def unseen(before: Disks, after: Disks) -> frozenset[str]:
    """Where nothing that was not seen between these two looks can be said to have vanished."""
    changed = {point for point, _ in before.there.items() ^ after.there.items()}
    return before.away | after.away | changed


def stands(folder: str, point: str, device: int) -> bool:
    """Whether the disk that was seen at `point` in `folder` is there still; blocks."""
    return _device(point) == device and (not empty(point) or point in mounted_below(folder))


def empty(directory: str) -> bool:
    """Whether there is nothing in a directory, or it cannot be listed."""
    try:
        with os.scandir(directory) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def unlisted(directory: str) -> str | None:
    """Why a directory cannot be listed; None where it can."""
    try:
        with os.scandir(directory):
            return None
    except OSError as error:
        return error.strerror or str(error)


def holders(path: str, points: Iterable[str]) -> list[str]:
    """Those of `points` that `path` lies at or below."""
    return [point for point in points if path == point or path.startswith(point + "/")]


def _device(point: str) -> int | None:
    try:
        status = os.stat(point)
    except OSError:
        return None
    return status.st_dev if stat_module.S_ISDIR(status.st_mode) else None
