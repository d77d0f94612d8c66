"""Rows as Arrow, and back. The one place that knows the table's columns and their types."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glimpsed.files import key_of
from glimpsed.records import Encoding, Row, Sparse
from glimpsed.storing.arrays import clean, inode_of, sparse_column, values, vector_column
from glimpsed.storing.columns import Columns, columns_in

VERSION: Final = "3"
"""Of the columns and what they mean; `older` brings a table of a version before to it, any other is refused."""

VERSION_KEY: Final = b"glimpsed.schema"

DIMENSION: Final = 384
"""Of the fallback's vector, which every row has a column for."""

_PARTS = pa.list_(pa.struct([pa.field("label", pa.utf8()), pa.field("text", pa.utf8())]))

_PLAIN: Final[dict[str, Any]] = {
    "path": pa.utf8(),
    "folder": pa.utf8(),
    "content_id": pa.utf8(),
    "mtime_ns": pa.int64(),
    "ctime_ns": pa.int64(),
    "size": pa.int64(),
    "inode": pa.int64(),
    "beside": pa.utf8(),
    "format": pa.utf8(),
    "width": pa.int32(),
    "height": pa.int32(),
    "taken_at": pa.utf8(),
    "taken_from": pa.utf8(),
    "camera": pa.utf8(),
    "latitude": pa.float64(),
    "longitude": pa.float64(),
    "place": pa.utf8(),
    "text": pa.utf8(),
    "text_id": pa.utf8(),
    "cut": pa.int32(),
    "reader": pa.utf8(),
    "ocr": pa.utf8(),
    "encoder": pa.utf8(),
    "missing_since": pa.float64(),
    "attempts": pa.int32(),
    "retry_at": pa.float64(),
    "error": pa.utf8(),
    "indexed_at": pa.float64(),
}

THIN: Final[tuple[str, ...]] = (*_PLAIN, "description")
"""The columns that every table has, but for the vector."""

_FILLED: Final = frozenset({*THIN, "vector"})
_FIELDS: Final = {"encoder": "base_encoder", "cut": "base_cut"}
"""Columns whose field of a row has another name: for `encoder` and `cut` tell of the strongest encoder there."""


def table_schema(columns: Sequence[Columns] = ()) -> pa.Schema:
    """The table's schema; `columns` are those of the stronger encoders."""
    fields = [pa.field(name, kind, nullable=name != "path") for name, kind in _PLAIN.items()]
    fields += [pa.field("description", _PARTS), pa.field("vector", pa.list_(pa.float32(), DIMENSION))]
    fields += [field for one in columns for field in one.fields]
    return pa.schema(fields, metadata={VERSION_KEY: VERSION.encode()})


def version(schema: pa.Schema) -> str:
    """The version that a table's schema says it has."""
    told: bytes = (schema.metadata or {}).get(VERSION_KEY, b"none")
    return told.decode("utf-8", "replace")


def differs(schema: pa.Schema) -> str | None:
    """What makes this schema another one than ours, as a phrase; None where it is ours."""
    if version(schema) != VERSION:
        return f"its schema has version {version(schema)}, this glimpsed has version {VERSION}"
    ours = table_schema(columns_in(schema))
    if {field.name: field.type for field in schema} != {field.name: field.type for field in ours}:
        return "its columns are others than those of this glimpsed"
    return None


def same(one: Row, other: Row) -> bool:
    """Whether the table would hold the same for both, vectors and token weights included."""
    return (
        one == other
        and _equal(one.vector, other.vector, np.float32)
        and _equal(one.strong, other.strong, np.float16)
        and _same_sparse(one.sparse, other.sparse)
        and one.base == other.base
        and one.others.keys() == other.others.keys()
        and all(_same_encoding(made, other.others[encoder]) for encoder, made in one.others.items())
    )


def to_batch(rows: Sequence[Row], columns: Sequence[Columns]) -> pa.RecordBatch:
    """The rows as a table with these columns takes them; encodings of other encoders are left out.

    ValueError where a vector does not fit its column.
    """
    schema = table_schema(columns)
    arrays = {field.name: _column(rows, field) for field in table_schema()}
    for one in columns:
        made = [row.encodings.get(one.encoder) for row in rows]
        cut, strong, sparse = one.fields
        arrays[one.cut] = pa.array([None if each is None else each.cut for each in made], cut.type)
        arrays[one.strong] = vector_column([None if each is None else each.dense for each in made], strong)
        arrays[one.sparse] = sparse_column([None if each is None else each.sparse for each in made], sparse)
    return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)


def to_rows(table: pa.Table, columns: Sequence[Columns] = (), view: Columns | None = None) -> list[Row]:
    """The rows of a query's answer; columns that it lacks keep their defaults.

    `columns` are those of the table's stronger encoders; what the encoder of `view` made becomes the row's `encoder`,
    `cut`, `strong` and `sparse`, what the others made its `others`.
    """
    table = table.combine_chunks()
    given = {_FIELDS.get(name, name): values(table, name) for name in table.column_names if name in _FILLED}
    for field, base in (("encoder", "base_encoder"), ("cut", "base_cut")):
        if base in given:
            given[field] = given[base]
    if view is not None and view.cut in table.column_names:
        given |= _seen(given, table, view)
    others = [one for one in columns if one != view and set(one.names) <= set(table.column_names)]
    if others:
        made = [_encodings(table, one) for one in others]
        given["others"] = [
            {one.encoder: each for one, each in zip(others, some, strict=True) if each is not None}
            for some in zip(*made, strict=True)
        ]
    names = tuple(given)
    return [Row(**dict(zip(names, found, strict=True))) for found in zip(*given.values(), strict=True)]


def _seen(given: dict[str, list[Any]], table: pa.Table, view: Columns) -> dict[str, list[Any]]:
    """What the encoder of `view` made, as far as it was read; elsewhere what is given."""
    cuts = values(table, view.cut)
    nothing = [None] * len(cuts)
    made = {"encoder": [view.encoder] * len(cuts), "cut": cuts}
    for field, column in (("strong", view.strong), ("sparse", view.sparse)):
        if column in table.column_names:
            made[field] = values(table, column)
    return {
        field: [
            mine if cut is not None else base
            for mine, cut, base in zip(found, cuts, given.get(field, nothing), strict=True)
        ]
        for field, found in made.items()
        if field in given or field in ("strong", "sparse")
    }


def _encodings(table: pa.Table, columns: Columns) -> list[Encoding | None]:
    """What one encoder made of each row."""
    made = zip(*(values(table, name) for name in columns.names), strict=True)
    return [None if cut is None or dense is None else Encoding(dense, sparse, cut) for cut, dense, sparse in made]


def _column(rows: Sequence[Row], field: pa.Field) -> pa.Array:
    match field.name:
        case "path" | "folder":
            return pa.array([key_of(getattr(row, field.name)) for row in rows], field.type)
        case "inode":
            return pa.array([inode_of(row.inode) for row in rows], field.type)
        case "description":
            parts = [[{"label": part.label, "text": clean(part.text)} for part in row.description] for row in rows]
            return pa.array(parts, field.type)
        case "vector":
            return vector_column([row.vector for row in rows], field)
        case "encoder":
            return pa.array([clean(row.base[0]) for row in rows], field.type)
        case "cut":
            return pa.array([row.base[1] for row in rows], field.type)
        case name:
            given = [getattr(row, name) for row in rows]
            if field.type == pa.utf8():
                given = [clean(value) for value in given]
            return pa.array(given, field.type)


def _equal(one: NDArray[Any] | None, other: NDArray[Any] | None, kind: type) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(one.astype(kind), other.astype(kind)))


def _same_sparse(one: Sparse | None, other: Sparse | None) -> bool:
    if one is None or other is None:
        return one is other
    return _equal(one.tokens, other.tokens, np.int32) and _equal(one.weights, other.weights, np.float32)


def _same_encoding(one: Encoding, other: Encoding) -> bool:
    return one is other or (
        one.cut == other.cut and _equal(one.dense, other.dense, np.float16) and _same_sparse(one.sparse, other.sparse)
    )
