"""The heap of a process with many threads."""

import os
import subprocess
import sys

THREADS = """
import ctypes, sys, threading
from glimpsed import allocation
if sys.argv[1] == "few":
    allocation.few_arenas()

def work():
    ctypes.CDLL(None).free(ctypes.c_void_p(malloc(100)))
    here.wait()

malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
here = threading.Barrier(9)
threads = [threading.Thread(target=work) for _ in range(8)]
for one in threads:
    one.start()
here.wait()
allocation.give_back()
maps = [line.split() for line in open("/proc/self/maps")]
# Each further heap is reserved in a piece of 64 MiB.
ends = [one[0].split("-") for one in maps if len(one) == 5]
print(sum(int(low, 16) % (64 << 20) == 0 for low, high in ends))
"""


def heaps(how: str, **environment: str) -> int:
    usual = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    command = [sys.executable, "-c", THREADS, how]
    return int(subprocess.run(command, env=usual | environment, capture_output=True, check=True, timeout=60).stdout)


def test_threads_share_two_heaps() -> None:
    assert heaps("few") <= 2 < heaps("usual")


def test_what_the_environment_says_wins() -> None:
    assert heaps("few", MALLOC_ARENA_MAX="6") > 2
