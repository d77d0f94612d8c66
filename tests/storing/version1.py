"""Tables as glimpsed of schema version 1 left them: one column for whichever stronger encoder was chosen."""

import os
from collections.abc import Sequence

import pyarrow as pa

from glimpsed.records import Row
from glimpsed.storing.arrays import sparse_column, vector_column
from glimpsed.storing.columns import SPARSE
from glimpsed.storing.engine import Engine
from glimpsed.storing.schema import VERSION_KEY, to_batch


def batch(rows: Sequence[Row], dimension: int | None) -> pa.RecordBatch:
    """The rows as version 1 had them; the order of the columns is its own too."""
    now = to_batch(rows, ())
    columns = dict(zip(now.schema.names, now.columns, strict=True))
    columns["encoder"] = pa.array([row.encoder for row in rows], pa.utf8())
    columns["cut"] = pa.array([row.cut for row in rows], pa.int32())
    vector = columns.pop("vector")
    del columns["taken_from"]
    columns["sparse"] = sparse_column([row.sparse for row in rows], pa.field("sparse", SPARSE))
    columns["vector"] = vector
    if dimension is not None:
        field = pa.field("strong", pa.list_(pa.float16(), dimension))
        columns["strong"] = vector_column([row.strong for row in rows], field)
    fields = [pa.field(name, array.type, nullable=name != "path") for name, array in columns.items()]
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields, metadata={VERSION_KEY: b"1"}))


async def leave(state: str, rows: Sequence[Row], dimension: int | None, *, index: bool = False) -> None:
    """Make such a table in the state directory; `index`: with the approximate index of the stronger vectors."""
    await create(state, batch(rows, dimension), "strong" if index else None)


async def create(state: str, made: pa.RecordBatch, index: str | None = None) -> None:
    """Make a table of these rows; `index`: with the approximate index of that column."""
    os.makedirs(os.path.join(state, "table"))
    engine = Engine(os.path.join(state, "table"))
    try:
        await engine.create(made.schema)
        await engine.make_ready()
        await engine.merge(made)
        if index:
            await engine.index_vectors(index)
    finally:
        engine.close()
