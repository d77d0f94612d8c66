"""The folder of each picture worker: the one place where it, and what it starts, can write."""

import os
import shutil
from contextlib import suppress

from glimpsed.errors import StateError


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


def remove(place: str) -> None:
    """Whatever stands there, with all that a worker may have left in it; nothing that a link in it leads to."""
    if os.path.islink(place):
        os.unlink(place)
    with suppress(FileNotFoundError):
        shutil.rmtree(place)
