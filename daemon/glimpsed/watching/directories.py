"""Which directories of a folder are watched: bookkeeping that knows neither watchdog nor events."""

import errno
import itertools
import os
import threading
from collections.abc import Callable

from glimpsed.watching.ignore import Ignore

LIMITS = ("/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches")
"""Where the kernel tells how many watches a user may have: on the machine, and in this user namespace."""

SHARE = 0.5
"""Of these watches, the part that is taken at most: other programs need theirs."""

_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ESTALE, errno.EIO})
"""Errors that concern one directory: it is gone, or a scan will tell that it cannot be read."""


def below(directory: str, ignore: Ignore) -> tuple[list[str], list[str]]:
    """The directories to enter in `directory`: real ones, and followed symlinks. Empty where it cannot be listed."""
    real: list[str] = []
    links: list[str] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if ignore.directory(entry.path):
                        real.append(entry.path)
                elif entry.is_symlink() and os.path.isdir(entry.path) and ignore.follows(entry.path):
                    links.append(entry.path)
    except OSError:
        pass  # gone again, or not ours to see; a scan tells of it
    return real, links


def count(folder: str, ignore: Ignore, *, most: int) -> int:
    """How many directories of `folder` would be watched, itself included; stops counting at `most`."""
    waiting, found = [folder], 0
    entered: set[tuple[int, int]] = set()
    while waiting and found < most:
        path = waiting.pop()
        if ignore.follow_symlinks:
            try:
                status = os.stat(path)
            except OSError:
                continue
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
        found += 1
        real, links = below(path, ignore)
        waiting += real + links
    return found


def watch_limit() -> int:
    """How many inotify watches this user may have; the kernel's smallest default where it does not tell."""
    limits = []
    for path in LIMITS:
        try:
            with open(path, encoding="ascii") as file:
                limits.append(int(file.read()))
        except (OSError, ValueError):
            continue
    return min(limits, default=8192)


class Watches:
    """The watches of one folder: each watched directory has one path, and each path one watch. For all threads.

    `add(path, follow, number)` makes or takes over the kernel's watch of the directory and returns its descriptor,
    None where it may not be read; `remove(watch, number)` gives it back. `number` tells who holds a watch apart.
    `room()` is False when no more may be added.
    """

    def __init__(
        self,
        folder: str,
        ignore: Ignore,
        add: Callable[[bytes, bool, int], int | None],
        remove: Callable[[int, int], None],
        room: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._ignore = ignore
        self._kernel_add = add
        self._kernel_remove = remove
        self._room = room
        self._lock = threading.RLock()
        self._closed = False
        self._watches: dict[str, int] = {}
        self._paths: dict[int, tuple[str, int]] = {}
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._watches)

    def __contains__(self, path: object) -> bool:
        return path in self._watches

    def path(self, watch: int) -> str | None:
        """The directory that `watch` is of."""
        with self._lock:
            return self._paths[watch][0] if watch in self._paths else None

    def cover(self, start: str) -> None:
        """Watch `start` and all directories below that are not ignored, and none that is not there any more.

        A directory is watched before it is listed, so nothing comes unseen in between. Raises OSError where watches
        run out, or where the folder itself cannot be watched.
        """
        covered: set[str] = set()
        before = start in self._watches
        waiting, links = [start], list[str]()
        while waiting or links:
            if not waiting:  # links last: a directory that is really here is watched by its real path
                links.sort(reverse=True)
                waiting.append(links.pop())
            path = waiting.pop()
            if self._add(path):
                covered.add(path)
                real, linked = below(path, self._ignore)
                waiting += real
                links += linked
        if before:
            with self._lock:
                for path in self._inside(start):
                    if path not in covered:
                        self._give_back(self._watches.pop(path))

    def drop(self, start: str, *, alone: bool = False) -> bool:
        """Watch nothing at and below `start` any more, or only not itself; whether `start` itself was watched."""
        with self._lock:
            watched = start in self._watches
            for path in self._inside(start) if not alone else [start] if watched else []:
                self._give_back(self._watches.pop(path))
            return watched

    def ended(self, watch: int) -> str | None:
        """The kernel has ended `watch`; the path that it was of."""
        with self._lock:
            path, _ = self._paths.pop(watch, (None, None))
            if path is not None:
                del self._watches[path]
            return path

    def close(self) -> None:
        """Give all back, for good."""
        with self._lock:
            self._closed = True
            self.drop(self._folder)

    def _add(self, path: str) -> bool:
        """Watch one directory; False where it is not there, may not be read, or is watched by another path."""
        with self._lock:
            if self._closed:
                return False
            if path not in self._watches and not self._room():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            number = next(self._numbers)
            # A walk comes only to links that are to be followed, and the folder itself may be one.
            follow = path == self._folder or self._ignore.follow_symlinks
            try:
                watch = self._kernel_add(os.fsencode(path), follow, number)
            except OSError as error:
                if error.errno in _VANISHED and path != self._folder:
                    return False
                raise
            if watch is None:
                return False
            if watch in self._paths:
                before, number_before = self._paths[watch]
                self._kernel_remove(watch, number_before)
                if before != path and _same(before, path):
                    self._paths[watch] = (before, number)
                    return False
                del self._watches[before]  # moved: the event that tells so is still to come
            if path in self._watches:  # of another directory that stood here before
                self._give_back(self._watches[path])
            self._paths[watch] = (path, number)
            self._watches[path] = watch
            return True

    def _inside(self, start: str) -> list[str]:
        below_it = start.rstrip("/") + "/"
        return [path for path in self._watches if path == start or path.startswith(below_it)]

    def _give_back(self, watch: int) -> None:
        _, number = self._paths.pop(watch)
        self._kernel_remove(watch, number)


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
