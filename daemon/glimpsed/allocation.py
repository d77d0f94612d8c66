"""The C library's heap, told that this process lives for long and has many threads; see mallopt(3), malloc_trim(3).

Usually threads get heaps of their own, eight for each core, and each keeps what it once needed: the daemon's memory grew
twice as fast with the number of commits. Does nothing with a C library that has no such thing.
"""

import ctypes
import os
from contextlib import suppress

_ARENA_MAX = -8
_ARENAS = 2


def few_arenas() -> None:
    """Let all threads share two heaps. To be called before there are threads; MALLOC_ARENA_MAX wins."""
    if "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(AttributeError):
            ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give the kernel back what is free within the heaps; takes some milliseconds."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
