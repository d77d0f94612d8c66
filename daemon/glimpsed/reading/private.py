"""The folder of each picture worker: the one place where it, and what it starts, can write."""

import os
import shutil
from contextlib import suppress

from glimpsed.errors import StateError

MOST_FILES = 1_000
"""A page for tesseract is two or three."""
MOST_BYTES = 512 << 20
_BLOCK = 512  # bytes, of st_blocks


def make(place: str) -> str:
    """An empty folder at `place` that only its owner can look into, whatever stood there; its path.

    Raises StateError.
    """
    try:
        remove(place)
        os.makedirs(place, mode=0o700)
    except OSError as error:
        raise StateError(
            f"the workers' folder cannot be made: {error.strerror}", where=os.fsencode(place).decode("utf-8", "replace")
        ) from error
    return place


def overfull(place: str) -> str | None:
    """What there is too much of below `place`, in words; None while all is in bounds. Blocks, but not for long."""
    count = size = 0
    waiting = [place]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    if count > MOST_FILES:
                        return f"more than {MOST_FILES:,} files in its folder"
                    if size > MOST_BYTES:
                        return f"more than {MOST_BYTES >> 20} MiB in its folder"
        except OSError:
            continue  # gone while it was looked at
    return None


def remove(place: str) -> None:
    """Whatever stands there, with all that a worker may have left in it; nothing that a link in it leads to."""
    if os.path.islink(place):
        os.unlink(place)
    with suppress(FileNotFoundError):
        shutil.rmtree(place)
