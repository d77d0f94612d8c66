"""Compares a folder on disk with what the table knows of it and tells the differences as hints, nothing else."""

import os
import stat as stat_module
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from glimpsed import files, groups
from glimpsed.records import Known, Stamp
from glimpsed.watching import disks as disks_module
from glimpsed.watching.ignore import Ignore

_PATIENCE = 512  # entries between two looks at `stop`


class Difference(NamedTuple):
    """A path that the table does not know as it is."""

    path: str
    mtime: float | None
    """Seconds since the epoch; None where the file is gone, or is ignored now."""


@dataclass(slots=True)
class Scan:
    """What one scan found. Every entry of a directory that was entered is counted in one of the four numbers."""

    hints: list[Difference] = field(default_factory=list)
    """Newest first; what vanished comes last."""
    pictures: int = 0
    directories: int = 0
    """Entered, the first one included."""
    passed_over: int = 0
    """Files that are not pictures."""
    ignored: int = 0
    """Pictures and directories that rules exclude, and links that are not followed."""
    unreadable: list[str] = field(default_factory=list)
    """Directories that could not be listed, and pictures that could not be looked at: nothing there vanished."""
    offline: str | None = None
    """Why the whole folder cannot be had now; then there are no hints."""
    device: int | None = None
    """Of the folder, as last seen online; give it to the next scan."""
    disks: Mapping[str, int] = field(default_factory=dict)
    """Directories in it that are disks of their own, with their device ids; give it to the next scan."""
    away: Mapping[str, int] = field(default_factory=dict)
    """Directories whose disks are not there now, and how many known pictures lie below each: none of them vanished."""
    stopped: bool = False
    """Whether `stop` ended it early: then nothing is told as vanished."""
    whole: bool = True
    """Whether it was of the whole folder."""


def scan(
    folder: str,
    ignore: Ignore,
    known: Mapping[str, Known],
    *,
    under: str | None = None,
    device: int | None = None,
    disks: Mapping[str, int] | None = None,
    stop: Callable[[], bool],
) -> Scan:
    """How `folder`, or only what lies `under` a path in it, differs from `known`. Blocks; run it in a thread.

    Changes nothing and raises nothing for what it finds on disk. `under` may be a directory or a file, there or not.
    `device` is the folder's device id when it was last seen with pictures; None, if that is not known, differs from
    every other. `known` needs to hold at least what is known below `under`; whether anything is tells an emptied
    folder from a mount point without its disk. `disks` are those that earlier scans found in the folder.
    """
    if under is not None and not files.inside(under, folder):
        raise ValueError(f"{under!r} is not in {folder!r}")
    offline, found_device = _state(folder, device, known)
    if offline is not None:
        return Scan(offline=offline, device=device)
    before = disks_module.look(folder, disks or {})
    walk = _Walk(folder, ignore, known, stop)
    walk.run(folder if under is None else under)
    found = walk.found
    found.device, found.whole = found_device, under is None
    # Unmounted meanwhile: what was not seen has not vanished.
    offline, device_after = _state(folder, found_device, known)
    if offline is not None or device_after != found_device:
        return Scan(offline=offline or "its disk changed during the scan", device=device)
    after = disks_module.look(folder, {**(disks or {}), **before.there})
    found.disks, found.away = after.there, walk.kept(after.away)
    found.hints.sort(key=lambda difference: difference.mtime or 0.0, reverse=True)
    if not found.stopped:
        found.hints += walk.vanished(folder if under is None else under, disks_module.unseen(before, after))
    return found


def _state(folder: str, device: int | None, known: Mapping[str, Known]) -> tuple[str | None, int | None]:
    """Why the folder is offline, if it is, and its device id."""
    try:
        status = os.stat(folder)
        if not stat_module.S_ISDIR(status.st_mode):
            return "not a directory", None
        with os.scandir(folder) as entries:
            empty = next(entries, None) is None
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist", None
    except OSError as error:
        return f"cannot be listed: {error.strerror}", None
    if empty and status.st_dev != device and any(not row.missing for row in known.values()):
        return "empty, and not the disk it was", None
    return None, status.st_dev


class _Walk:
    """One pass over directories. Real directories come before linked ones, so that each picture has one path."""

    def __init__(self, folder: str, ignore: Ignore, known: Mapping[str, Known], stop: Callable[[], bool]) -> None:
        self.found = Scan()
        self._folder = folder
        self._ignore = ignore
        self._known = known
        self._stop = stop
        self._seen: set[str] = set()
        self._entered: set[tuple[int, int]] = set()  # device and inode, kept only where symlinks are followed
        self._links: list[str] = []

    def run(self, start: str) -> None:
        if start == self._folder:
            self._tree(start)
        elif self._reachable(start):
            try:
                mode = os.stat(start).st_mode
            except (FileNotFoundError, NotADirectoryError):
                mode = 0
            except OSError:
                self.found.unreadable.append(start)
                mode = 0
            if stat_module.S_ISDIR(mode):
                self._tree(start)
            elif mode or files.is_sidecar(start):
                self._one(start)
        while self._links and not self.found.stopped:
            self._links.sort(reverse=True)
            self._tree(self._links.pop())

    def vanished(self, start: str, unseen: frozenset[str]) -> list[Difference]:
        """What is known there, not as missing, and was not seen, but for what lies in the `unseen` directories."""
        blind = unseen.union(self.found.unreadable)
        return [
            Difference(path, None)
            for path, known in self._known.items()
            if not known.missing
            and path not in self._seen
            and files.inside(path, start)
            and not (blind and _below(path, blind, self._folder))
        ]

    def kept(self, away: Collection[str]) -> dict[str, int]:
        """How many pictures are known, not as missing, below each of these directories; those without are left out."""
        if not away:
            return {}
        paths = [path for path, known in self._known.items() if not known.missing]
        counts = {point: sum(files.inside(path, point) for path in paths) for point in away}
        return {point: count for point, count in counts.items() if count}

    def _reachable(self, start: str) -> bool:
        """Whether a scan of the whole folder would come by `start`: no directory above it is ignored or a link."""
        above = os.path.dirname(start)
        while True:
            if os.path.islink(above) and above != self._folder and not self._ignore.follows(above):
                return False
            if self._ignore.follow_symlinks:
                with suppress(OSError):
                    self._enter(above)
            if above == self._folder:
                break
            above = os.path.dirname(above)
        return self._ignore.directory(os.path.dirname(start))

    def _one(self, path: str) -> None:
        """A single file: a picture, or the pictures whose sidecar it is."""
        paths = files.owners(path) if files.is_sidecar(path) else (path,)
        for picture in paths:
            if not files.is_picture(picture):
                self.found.passed_over += 1
            elif os.path.lexists(picture):
                self._picture(picture, link=os.path.islink(picture), around=None, status=partial(os.stat, picture))

    def _tree(self, start: str) -> None:
        if start != self._folder and not self._may_enter(start, link=os.path.islink(start)):
            self.found.ignored += 1
            return
        waiting = [start]
        while waiting:
            if self._stop():
                self.found.stopped = True
                return
            self._directory(waiting.pop(), waiting)

    def _directory(self, path: str, waiting: list[str]) -> None:
        try:
            if self._ignore.follow_symlinks and not self._enter(path):
                return
            with os.scandir(path) as listing:
                entries = list(listing)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError:
            self.found.unreadable.append(path)
            return
        self.found.directories += 1
        self._ignore.refresh(path)
        # Most pictures need no further looks: nothing beside them can be theirs.
        around = _around(entries)
        for number, entry in enumerate(entries):
            if number % _PATIENCE == _PATIENCE - 1 and self._stop():
                self.found.stopped = True
                break
            link = entry.is_symlink()
            if _is_directory(entry):
                if not self._may_enter(entry.path, link=link):
                    self.found.ignored += 1
                elif link:
                    self._links.append(entry.path)
                else:
                    waiting.append(entry.path)
            elif not files.is_picture(entry.name):
                self.found.passed_over += 1
            else:
                self._picture(entry.path, link=link, around=around, status=entry.stat)

    def _may_enter(self, path: str, *, link: bool) -> bool:
        return self._ignore.follows(path) if link else self._ignore.directory(path)

    def _enter(self, path: str) -> bool:
        """Whether this directory was not entered before, by whatever path. Raises OSError."""
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return False
        identity = (status.st_dev, status.st_ino)
        if identity in self._entered:
            return False
        self._entered.add(identity)
        return True

    def _picture(
        self, path: str, *, link: bool, around: frozenset[str] | None, status: Callable[[], os.stat_result]
    ) -> None:
        """One picture; `around` is what may speak of it, None where that is not known."""
        if (link and not self._ignore.follow_symlinks) or not self._ignore.named(path):
            self.found.ignored += 1
            return
        known = self._known.get(path)
        try:
            found = status()
        except FileNotFoundError:
            self.found.passed_over += 1  # a link to nothing, or gone since it was listed
            return
        except OSError:
            # It has a row all the same, with an error, but there is nothing to compare it by.
            self.found.unreadable.append(path)
            if known is None or known.missing:
                self.found.hints.append(Difference(path, 0.0))
            return
        if not stat_module.S_ISREG(found.st_mode):
            self.found.passed_over += 1
            return
        self.found.pictures += 1
        self._seen.add(path)
        stamp: Stamp = files.stamp_of(found)
        beside = "" if around == frozenset() else files.beside_files(path, around)
        if known is None or known.missing or known.stamp != stamp or files.files_of(known.beside) != beside:
            self.found.hints.append(Difference(path, found.st_mtime_ns / 1e9))


def _around(entries: Iterable["os.DirEntry[str]"]) -> frozenset[str]:
    """What of a directory's listing may speak of a picture in it, in lower case: case does not always count."""
    names = [entry.name.lower() for entry in entries]
    pictures = any(map(groups.is_raw, names))
    return frozenset(name for name in names if files.is_sidecar(name) or (pictures and groups.key(name) is not None))


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle, or to where we may not look
        return False


def _below(path: str, places: frozenset[str], folder: str) -> bool:
    while path not in places:
        if path == folder:
            return False
        path = os.path.dirname(path)
    return True
