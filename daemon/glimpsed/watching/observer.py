"""Hints from inotify, through watchdog's reader of the kernel's queue. The only module that knows watchdog.

watchdog 7.1's own emitter watches ignored directories, keeps watching what was moved away, says nothing of watches
that it could not add, and holds back moves for half a second. So a tree of our own takes its place: a
`WatchCallback` of `InotifyFD`, which reads the queue, knows who asked for which watch, and tells of an overflow.
Meaning of the events: inotify(7).
"""

import errno
import os
import threading
from collections.abc import Callable
from types import TracebackType

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

from glimpsed import files
from glimpsed.watching.directories import SHARE, Watches, count, watch_limit
from glimpsed.watching.ignore import FILE, Ignore

_GONE = InotifyConstants.IN_DELETE | InotifyConstants.IN_MOVED_FROM
_CAME = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_SELF = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF

# Nothing of what reading a file raises (IN_OPEN, IN_ACCESS, IN_CLOSE_NOWRITE). IN_MODIFY tells that a file still
# grows; IN_CLOSE_WRITE alone comes after a write through a memory map; IN_ATTRIB when permissions or mtime change.
_MASK = Mask(
    _GONE
    | _CAME
    | _SELF
    | InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_EXCL_UNLINK
)
_MASK_OF_NO_LINK = Mask(_MASK | InotifyConstants.IN_DONT_FOLLOW)

_REFUSED = -1
"""What watchdog 7.1 returns, and keeps as if it were a watch, where the kernel says EACCES."""

_HOOKS = ("on_event", "on_watch_deleted", "on_queue_overflow")


class Observer:
    """Calls `hint(path)` for every path below the watched folders that something happened to.

    What a path stands for is for the caller to look up: a picture (hinted for its sidecars too), or a directory that
    came, went, or has new rules, and has to be scanned. Reading files raises no hints. `lost(folder, reason)` says
    that events of a folder may be lost, or come no more: scan it. Both are called by the one thread that reads the
    kernel's queue and should come back soon; an error that they raise ends that thread (see `dead`). All methods
    block and may be called by any other thread; `stop` waits for a hint under way. Other programs need watches too: at
    most `share` of the user's are taken.
    """

    def __init__(self, hint: Callable[[str], None], lost: Callable[[str, str], None], *, share: float = SHARE) -> None:
        if missing := set(_HOOKS).difference(dir(WatchCallback)):
            raise ImportError(f"this version of watchdog lacks {', '.join(sorted(missing))}")
        self._hint = hint
        self._lost = lost
        self._share, self._limit = share, 0
        self._lock = threading.RLock()  # of `_trees` and `_queue`; never taken by the reading thread
        self._queue: InotifyFD | None = None
        self._trees: dict[str, _Tree] = {}

    def __enter__(self) -> "Observer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def watch(self, folder: str, ignore: Ignore) -> str | None:
        """Watch all directories of `folder` that `ignore` lets through; None when they are.

        Else the reason why the folder has to be scanned on a timer; then nothing of it is watched. Calling it again
        with the same `ignore` brings the watches up to what is on disk, without a gap. Scan the folder after this.
        """
        with self._lock:
            self._limit = int(self._share * watch_limit())  # it may be another by now
            tree = self._trees.get(folder)
            if tree is not None and (tree.ignore is not ignore or folder in self.dead()):
                self.unwatch(folder)
                tree = None
            most = self._limit - self.watches + (len(tree.watches) if tree is not None else 0)
            if count(folder, ignore, most=most + 1) > most:
                reason: str | None = (
                    f"it has more directories than the {max(0, most):,} that may be watched; "
                    "raise the sysctl fs.inotify.max_user_watches"
                )
            else:
                try:
                    if tree is None:
                        tree = _Tree(self._open(), folder, ignore, self._hint, self._lost, room=self._room)
                        self._trees[folder] = tree
                    reason = tree.renew()
                except OSError as error:
                    reason = _reason(error)
            if reason is not None:
                self.unwatch(folder)
            return reason

    def unwatch(self, folder: str) -> None:
        """Watch `folder` no longer; nothing if it was not watched."""
        with self._lock:
            if (tree := self._trees.pop(folder, None)) is not None:
                tree.close()

    @property
    def watches(self) -> int:
        """How many directories are watched."""
        return sum(len(tree.watches) for tree in list(self._trees.values()))

    def short(self) -> dict[str, str]:
        """The watched folders of which new directories could not be watched, and why: scan them on a timer too."""
        return {folder: tree.short for folder, tree in list(self._trees.items()) if tree.short is not None}

    def dead(self) -> list[str]:
        """The watched folders from which no events can come: gone, another mounted there, or nobody reads the queue.

        Asks the disk once a folder.
        """
        return [folder for folder, tree in list(self._trees.items()) if not tree.alive]

    def stop(self) -> None:
        """End all watching and wait for the reading thread. Never call it on the event loop's thread."""
        with self._lock:
            for folder in list(self._trees):
                self.unwatch(folder)
            queue, self._queue = self._queue, None
        if queue is not None:
            queue.stop()
            queue.join()

    def _open(self) -> InotifyFD:
        if self._queue is not None and not self._queue.is_alive():
            for tree in self._trees.values():
                tree.close()
            self._queue.stop()
            self._queue = None
        if self._queue is None:
            self._queue = InotifyFD()
            self._queue.start()
        return self._queue

    def _room(self) -> bool:
        return self.watches < self._limit


class _Tree(WatchCallback):
    """What becomes of the events of one folder. Its methods are called by the reading thread, after `renew`."""

    def __init__(
        self,
        queue: InotifyFD,
        folder: str,
        ignore: Ignore,
        hint: Callable[[str], None],
        lost: Callable[[str, str], None],
        *,
        room: Callable[[], bool],
    ) -> None:
        self.ignore = ignore
        self.short: str | None = None
        self.watches = Watches(folder, ignore, self._add, self._remove, room)
        self._ended = False
        self._identity: tuple[int, int] | None = None
        self._queue = queue
        self._folder = folder
        self._hint = hint
        self._lost = lost

    @property
    def alive(self) -> bool:
        """Whether events can come: its path leads to the directory that is watched, and somebody reads them.

        No event tells of a disk that is mounted over the folder, or of a directory above it that is moved.
        """
        return not self._ended and self._queue.is_alive() and self._identity == _identity(self._folder)

    def renew(self) -> str | None:
        """Watch what is there and nothing else; the reason why that is not possible, if so."""
        self._identity = _identity(self._folder)
        try:
            self.watches.cover(self._folder)
            self.short = None if self._folder in self.watches else _reason(OSError(errno.EACCES, ""))
        except OSError as error:
            self.short = _reason(error)
        return self.short

    def close(self) -> None:
        self._ended = True
        self.watches.close()

    def on_event(self, event: InotifyEvent) -> None:
        """What watchdog calls for each event."""
        directory = None if self._ended else self.watches.path(event.wd)
        if directory is None:
            return
        try:
            hints = self._hints(directory, event)
        except OSError as error:  # of watching what is new
            if self.short is None:
                self.short = _reason(error)
                self._lost(self._folder, self.short)
            hints = [directory]
        for path in hints:
            self._hint(path)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """What watchdog calls when the kernel has ended a watch: its directory is deleted or unmounted."""
        if self.watches.ended(wd) == self._folder:
            self._die()

    def on_queue_overflow(self) -> None:
        """What watchdog calls when the kernel has dropped events, of whatever folder."""
        if not self._ended:
            reason = self.renew()
            self._ended = not os.path.isdir(self._folder)  # the event that told so may be among the dropped
            self._lost(self._folder, "the queue of events overflowed" + (f"; {reason}" if reason else ""))

    def _hints(self, directory: str, event: InotifyEvent) -> list[str]:
        """What to tell of one event, after bringing the watches up to it. Raises OSError where that fails."""
        mask = event.mask
        if mask & _SELF and directory == self._folder:
            self._die()
        if mask & InotifyConstants.IN_UNMOUNT and directory != self._folder:
            self.watches.cover(directory)  # what the mount had covered
            return [directory]
        if not event.name:
            return []
        path = os.path.join(directory, os.fsdecode(event.name))
        if mask & InotifyConstants.IN_ISDIR or path in self.watches or (mask & _CAME and self._followed(path)):
            return self._directory(path, mask)
        if os.path.basename(path) == FILE:
            self.ignore.refresh(directory)
            self.watches.cover(directory)
            return [directory]
        if files.is_sidecar(path):
            return [owner for owner in files.owners(path) if os.path.lexists(owner) and self.ignore.file(owner)]
        return [path] if self.ignore.file(path) else []

    def _directory(self, path: str, mask: int) -> list[str]:
        if mask & _GONE:
            # What was moved within the folder is watched anew where it came to.
            # Only a directory with nothing below can be deleted: no need to look for more.
            alone = bool(mask & InotifyConstants.IN_DELETE and mask & InotifyConstants.IN_ISDIR)
            return [path] if self.watches.drop(path, alone=alone) or self.ignore.directory(path) else []
        if not self.ignore.directory(path) or (path in self.watches and not mask & _CAME):
            return []
        self.watches.cover(path)
        return [path]

    def _followed(self, path: str) -> bool:
        return os.path.islink(path) and os.path.isdir(path) and self.ignore.follows(path)

    def _die(self) -> None:
        if not self._ended:
            self._ended = True
            self._lost(self._folder, "it was deleted, moved away or unmounted")

    def _add(self, path: bytes, follow: bool, number: int) -> int | None:
        mask = _MASK if follow else _MASK_OF_NO_LINK
        watch = self._queue.add_callback(path, mask, self, CallbackId(number))
        if watch == _REFUSED:
            self._remove(watch, number)
            return None
        return watch

    def _remove(self, watch: int, number: int) -> None:
        self._queue.remove_callbacks([(WatchDescriptor(watch), CallbackId(number))])


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC:
            return "inotify watches ran out; raise the sysctl fs.inotify.max_user_watches"
        case errno.EMFILE:
            return "inotify instances ran out; raise the sysctl fs.inotify.max_user_instances"
        case errno.EACCES:
            return "it may not be read"
        case _:
            return error.strerror or str(error)
