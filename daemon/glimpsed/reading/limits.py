"""What one picture may cost, and how many are read at a time."""

import os
from pathlib import Path

WORKER_MEMORY = 770_000_000
"""Bytes that a worker with OCR and the names of places takes at its peak on common pictures."""

MOST_WORKERS = 16
"""More of them wait for the disk and the encoder."""

_ENGINE = 1536 << 20  # bytes that a worker may allocate whatever the picture: OCR, libraries, the file itself
_PER_PIXEL = 12  # bytes: Pillow's four, twice while it turns a picture, and the array for OCR


def worker_memory(max_pixels: int) -> int:
    """Bytes that a worker may allocate (RLIMIT_DATA): what the largest allowed picture needs."""
    return _ENGINE + _PER_PIXEL * max_pixels


def default_count() -> int:
    """How many workers this machine has cores and memory for, at least one."""
    return count_for(len(os.sched_getaffinity(0)), available_memory())


def count_for(cores: int, memory: int) -> int:
    """A worker a core, as far as `memory` bytes go; at least one."""
    return max(1, min(cores, memory // WORKER_MEMORY, MOST_WORKERS))


def available_memory(
    meminfo: Path = Path("/proc/meminfo"),
    membership: Path = Path("/proc/self/cgroup"),
    groups: Path = Path("/sys/fs/cgroup"),
) -> int:
    """Bytes that are free for this process: the machine's, and no more than its control group allows."""
    free = _machine_memory(meminfo)
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return free
    for line in lines:
        number, _, group = line.split(":", 2)
        if number == "0":  # the unified hierarchy; any of the groups above may be the tightest
            place = groups / group.lstrip("/")
            free = min([free, *(_room(one) for one in (place, *place.parents) if one.is_relative_to(groups))])
    return free


def _machine_memory(meminfo: Path) -> int:
    try:
        for line in meminfo.read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) * 1024
    except OSError:
        pass
    return WORKER_MEMORY


def _room(group: Path) -> int:
    """What a control group leaves; unlimited where it does not say."""
    try:
        return max(0, int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # `max`, or no such file
        return 1 << 62
