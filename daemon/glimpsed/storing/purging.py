"""Forgetting for good: what was deleted is in no file of the table any more.

Deleting a row only marks it. Its words stay in the data file, in the full-text index, in the indexes of keys, and the
condition that it was deleted by stands in the journal of transactions, all of it until the last version that needs them
is dropped. What the disk itself keeps of blocks that are free again is beyond a program's reach.
"""

import os
import re
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import anyio
from anyio import to_thread

from glimpsed.storing.engine import NAME, Engine
from glimpsed.storing.faults import translated

_ROWS: Final = 10_000  # in a fragment, as after maintenance
_CACHE: Final = 32 << 20  # bytes
_PATIENCE: Final = 60.0  # seconds for searches that have begun: what takes longer has to be asked again
_SET_ASIDE: Final = re.compile(r"(?:damaged|replaced)-\d{8}T")


async def purge(engine: Engine) -> None:
    """Write anew whatever may hold what was deleted, and remove all older files. Only under the writer's lock.

    Searches go on meanwhile. Raises TableError, NoRoomError; made again, it does what was left undone.
    """
    await to_thread.run_sync(_compact, engine.directory)
    await engine.open()
    await engine.index_anew()
    await engine.open()  # from here on nobody begins to read an older version
    with anyio.move_on_after(_PATIENCE):
        await engine.readings.ended()
    await to_thread.run_sync(_clean, engine.directory)


def drop_set_aside(state: str) -> int:
    """Remove the tables and parts of tables that were set aside in the state directory; how many. Blocks."""
    found = [old for old in Path(state).iterdir() if _SET_ASIDE.match(old.name)]
    for old in found:
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            with suppress(FileNotFoundError):
                old.unlink()
    return len(found)


def _compact(directory: str) -> None:
    with translated("forgetting for good", directory):
        _dataset(directory).optimize.compact_files(
            target_rows_per_fragment=_ROWS, materialize_deletions_threshold=0.0, num_threads=1
        )


def _clean(directory: str) -> None:
    with translated("forgetting for good", directory):
        # Unverified files are those that no version has: a write that was killed left them. Together with a writer this
        # has corrupted the table, so only here, where none can run.
        _dataset(directory).cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)


def _dataset(directory: str) -> Any:
    import lance  # noqa: PLC0415  a second native library, loaded when it is needed

    session = lance.Session(index_cache_size_bytes=_CACHE, metadata_cache_size_bytes=_CACHE)
    return lance.dataset(os.path.join(directory, f"{NAME}.lance"), session=session)
