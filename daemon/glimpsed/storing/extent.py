"""How large the table is on the disk."""

import os
from typing import NamedTuple

from anyio import to_thread

from glimpsed.storing.engine import NAME, Engine

_MANIFEST = ".manifest"


class Extent(NamedTuple):
    """What the table is made of."""

    fragments: int
    """Pieces that rows lie in; maintenance joins them."""
    versions: int
    """Those that are kept for searches that began before."""
    files: int
    bytes: int


async def extent(engine: Engine) -> Extent:
    """Count fragments, versions, files and bytes; a look at some hundred files. May raise TableError."""
    fragments = await engine.fragments()
    return Extent(fragments, *await to_thread.run_sync(_on_disk, os.path.join(engine.directory, f"{NAME}.lance")))


def _on_disk(directory: str) -> tuple[int, int, int]:
    versions, files, size = 0, 0, 0
    for place, _, names in os.walk(directory):
        for name in names:
            try:
                size += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # tidied up meanwhile
                continue
            files += 1
            versions += name.endswith(_MANIFEST)
    return versions, files, size
