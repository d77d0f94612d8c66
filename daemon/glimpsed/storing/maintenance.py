"""Keeping the table quick: few files, indexes that cover all rows, no old versions.

LanceDB's own `optimize` rewrites the whole table and keeps old versions for a week; the finer steps are in pylance.
"""

import os
from datetime import timedelta
from typing import Final

from anyio import to_thread

from glimpsed.storing import durable
from glimpsed.storing.columns import Columns
from glimpsed.storing.engine import NAME, Engine
from glimpsed.storing.faults import translated
from glimpsed.storing.lookup import EXACT_UP_TO

_ROWS: Final = 10_000  # in a fragment: more of them, and a few changed rows cost a rewrite of many
_READABLE: Final = timedelta(seconds=60)  # a search that began before must still find its version
_CACHE: Final = 32 << 20  # bytes

KEYS_FROM: Final = 2_000
"""Rows: below, a look through all of them takes less time than an index."""


async def maintain(engine: Engine, view: Columns | None = None) -> None:
    """Compact, index, clean up; then open anew. Only under the writer's lock: no write may run meanwhile.

    Of the stronger encoders only the columns of `view`, which searches ask, are worth an index.
    """
    with engine.noting():
        await to_thread.run_sync(_tidy, engine.directory)
    await engine.open()
    if await engine.count() > KEYS_FROM:
        await engine.index_keys()
    # The markers tell of a vector without loading it.
    markers = {"vector": "encoder"} | ({} if view is None else {view.strong: view.cut})
    for column, marker in markers.items():
        if column not in engine.vector_indices and await engine.count(f"{marker} IS NOT NULL") > EXACT_UP_TO:
            filled = await engine.count(f"{column} IS NOT NULL")
            if filled > EXACT_UP_TO:
                await engine.index_vectors(column)


def _tidy(directory: str) -> None:
    import lance  # noqa: PLC0415  a second native library, loaded when it is first needed

    with translated("maintaining the table", directory):
        session = lance.Session(index_cache_size_bytes=_CACHE, metadata_cache_size_bytes=_CACHE)
        data = lance.dataset(os.path.join(directory, f"{NAME}.lance"), session=session)
        data.optimize.compact_files(target_rows_per_fragment=_ROWS, num_threads=1)
        data.optimize.optimize_indices(num_indices_to_merge=1)
        # What takes the place of old files is on the disk first: a power cut must not keep only their deletion.
        durable.sync(directory)
        # Never `delete_unverified`: together with a writer it has corrupted the table.
        data.cleanup_old_versions(older_than=_READABLE)
