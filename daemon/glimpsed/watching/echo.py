"""Whether the thread that reads the kernel's queue of events reads: it is called, and has to answer."""

import os
import threading
import time

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

from glimpsed.silence import Silence
from glimpsed.watching.observer import Observer

PATIENCE = 600.0
"""Seconds; the thread may have to watch a million directories that were just moved in, on a slow disk."""

# One event, then the kernel ends the watch by itself: nothing is left behind.
_ONCE = Mask(InotifyConstants.IN_OPEN | InotifyConstants.IN_ONESHOT | InotifyConstants.IN_ONLYDIR)


class Echo(WatchCallback):
    """Opens a directory that nothing else watches, and waits for the event of that. Writes nothing to the disk."""

    def __init__(self, directory: str, observer: Observer) -> None:
        self.silence = Silence()
        self._directory = os.fsencode(directory)
        self._observer = observer
        self._asked = 0
        self._calling = threading.Lock()

    def call(self) -> None:
        """Call the thread; it answers soon after. Where there is none, or no watch can be had, nobody is asked.

        Blocks, for as long as the thread is stuck in the library: never call it on the event loop's thread.
        """
        if not self._calling.acquire(blocking=False):
            return  # somebody hangs in here; that call still waits for its answer
        try:
            self._call()
        finally:
            self._calling.release()

    def _call(self) -> None:
        self.silence.asked(time.monotonic(), PATIENCE)
        with self._observer._lock:  # a thread that died is being replaced, else there would seem to be none
            queue = self._observer._queue
        if queue is None:
            self.silence.answered()  # no folder is watched by events now
            return
        self._asked += 1
        try:
            if queue.add_callback(self._directory, _ONCE, self, CallbackId(self._asked)) < 0:
                self.silence.given_up()
                return
            os.close(os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError:
            self.silence.given_up()

    def on_event(self, event: InotifyEvent) -> None:
        """What watchdog calls for the event."""
        self.silence.answered()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """What watchdog calls when the kernel has ended the watch."""

    def on_queue_overflow(self) -> None:
        """What watchdog calls when the kernel has dropped events, ours perhaps among them."""
        self.silence.answered()
