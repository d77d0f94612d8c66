"""When a picture worker is replaced before anything is wrong with it. Pure; `resident_memory` asks the kernel."""

import os
from dataclasses import dataclass
from pathlib import Path

_AT_LEAST = 16  # pictures: one that needs more memory than the bound from its start on is not replaced all the time


@dataclass(frozen=True, slots=True)
class Recycling:
    """Libraries that parse pictures leak, and their heaps fall to pieces."""

    pictures: int = 2_000
    """That one process reads at most."""
    memory: int = 1_200_000_000
    """Bytes that it may keep resident between two pictures."""

    def due(self, done: int, resident: int) -> bool:
        """Whether a worker that has answered `done` requests and holds `resident` bytes makes room for a new one."""
        return done >= self.pictures or (resident > self.memory and done >= _AT_LEAST)


USUAL = Recycling()


def resident_memory(pid: int) -> int:
    """Bytes of a process that lie in memory and are its own; 0 where it is gone.

    What it shares with others of its kind, such as the pages of libraries and models, does not count.
    """
    try:
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 0
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
