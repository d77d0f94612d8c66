"""Rows as Arrow, and back. The one place that knows the table's columns and their types."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glimpsed.files import key_of, path_of
from glimpsed.records import Part, Row, Sparse

VERSION: Final = "1"
"""Of the columns and what they mean; a table of any other version is refused."""

VERSION_KEY: Final = b"glimpsed.schema"

DIMENSION: Final = 384
"""Of the fallback's vector, which every row has a column for."""

_PARTS = pa.list_(pa.struct([pa.field("label", pa.utf8()), pa.field("text", pa.utf8())]))
_SPARSE = pa.list_(pa.struct([pa.field("token", pa.int32()), pa.field("weight", pa.float32())]))

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
"""All columns but the vectors and token weights."""

_WIDE_INODE = 1 << 64


def table_schema(strong_dimension: int | None) -> pa.Schema:
    """The table's schema; with a column for the chosen encoder's vector where that is not the fallback's."""
    fields = [pa.field(name, kind, nullable=name != "path") for name, kind in _PLAIN.items()]
    fields += [
        pa.field("description", _PARTS),
        pa.field("sparse", _SPARSE),
        pa.field("vector", pa.list_(pa.float32(), DIMENSION)),
    ]
    if strong_dimension is not None:
        fields.append(strong_field(strong_dimension))
    return pa.schema(fields, metadata={VERSION_KEY: VERSION.encode()})


def strong_field(dimension: int) -> pa.Field:
    """The column of the chosen encoder's vector: half precision moves its scores by less than 0.001."""
    return pa.field("strong", pa.list_(pa.float16(), dimension))


def strong_dimension(schema: pa.Schema) -> int | None:
    """Dimension of the chosen encoder's column; None where there is none."""
    place = schema.get_field_index("strong")
    return None if place < 0 else int(schema.field(place).type.list_size)


def differs(schema: pa.Schema) -> str | None:
    """What makes this schema another one than ours, as a phrase; None where it is ours."""
    version = (schema.metadata or {}).get(VERSION_KEY, b"none").decode("utf-8", "replace")
    if version != VERSION:
        return f"its schema has version {version}, this glimpsed has version {VERSION}"
    ours = table_schema(strong_dimension(schema))
    if {field.name: field.type for field in schema} != {field.name: field.type for field in ours}:
        return "its columns are others than those of this glimpsed"
    return None


def same(one: Row, other: Row) -> bool:
    """Whether the table would hold the same for both, vectors and token weights included."""
    return (
        one == other
        and _equal(one.vector, other.vector, np.float32)
        and _equal(one.strong, other.strong, np.float16)
        and _equal(_tokens(one), _tokens(other), np.int32)
        and _equal(_weights(one), _weights(other), np.float32)
    )


def to_batch(rows: Sequence[Row], strong_dimension: int | None) -> pa.RecordBatch:
    """The rows as the table takes them. ValueError where a vector does not fit its column."""
    schema = table_schema(strong_dimension)
    columns = [_column(rows, field) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def to_rows(table: pa.Table) -> list[Row]:
    """The rows of a query's answer; columns that it lacks keep their defaults."""
    table = table.combine_chunks()
    columns = {name: _VALUES.get(name, _plain)(_array(table, name)) for name in table.column_names}
    names = tuple(columns)
    return [Row(**dict(zip(names, values, strict=True))) for values in zip(*columns.values(), strict=True)]


def values(table: pa.Table, name: str) -> list[Any]:
    """One column of a query's answer as Python values, paths as Python has them."""
    return list(_VALUES.get(name, _plain)(_array(table.combine_chunks(), name)))


def inode_of(inode: int) -> int:
    """An inode as the table keeps it: 64 bits with a sign, for file systems use all of them."""
    return inode if inode < 1 << 63 else inode - _WIDE_INODE


def _column(rows: Sequence[Row], field: pa.Field) -> pa.Array:
    match field.name:
        case "path" | "folder":
            return pa.array([key_of(getattr(row, field.name)) for row in rows], field.type)
        case "inode":
            return pa.array([inode_of(row.inode) for row in rows], field.type)
        case "description":
            parts = [[{"label": part.label, "text": _clean(part.text)} for part in row.description] for row in rows]
            return pa.array(parts, field.type)
        case "sparse":
            return _sparse_column(rows)
        case "vector" | "strong":
            return _vector_column([getattr(row, field.name) for row in rows], field)
        case name:
            given = [getattr(row, name) for row in rows]
            if field.type == pa.utf8():
                given = [_clean(value) for value in given]
            return pa.array(given, field.type)


def _clean(text: str | None) -> str | None:
    """Text that can be kept: a lone surrogate, as hostile metadata may hold, becomes U+FFFD."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _vector_column(vectors: Sequence[NDArray[Any] | None], field: pa.Field) -> pa.Array:
    dimension = field.type.list_size
    kind = field.type.value_type.to_pandas_dtype()
    flat = np.zeros((len(vectors), dimension), dtype=kind)
    absent = np.ones(len(vectors), dtype=bool)
    for place, vector in enumerate(vectors):
        if vector is None:
            continue
        if vector.shape != (dimension,):
            raise ValueError(f"column {field.name} takes {dimension} numbers, not an array of shape {vector.shape}")
        flat[place] = vector
        absent[place] = False
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), type=field.type, mask=pa.array(absent))


def _sparse_column(rows: Sequence[Row]) -> pa.Array:
    sparse = [row.sparse for row in rows]
    offsets = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([0 if one is None else len(one.tokens) for one in sparse], out=offsets[1:])
    there = [one for one in sparse if one is not None]
    tokens = np.concatenate([np.empty(0, np.int32), *(one.tokens.astype(np.int32) for one in there)])
    weights = np.concatenate([np.empty(0, np.float32), *(one.weights.astype(np.float32) for one in there)])
    pairs = pa.StructArray.from_arrays([pa.array(tokens), pa.array(weights)], fields=list(_SPARSE.value_type))
    absent = pa.array([one is None for one in sparse], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), pairs, type=_SPARSE, mask=absent)


def _array(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays([*column.chunks, *_no_chunk(column)])


def _no_chunk(column: pa.ChunkedArray) -> list[pa.Array]:
    return [] if column.num_chunks else [pa.array([], column.type)]


def _plain(array: pa.Array) -> Iterable[Any]:
    listed: list[Any] = array.to_pylist()
    return listed


def _paths(array: pa.Array) -> Iterable[str]:
    return map(path_of, array.to_pylist())


def _inodes(array: pa.Array) -> Iterable[int]:
    return (inode if inode >= 0 else inode + _WIDE_INODE for inode in array.to_pylist())


def _parts(array: pa.Array) -> Iterable[tuple[Part, ...]]:
    flat = array.flatten()
    parts = list(map(Part, flat.field(0).to_pylist(), flat.field(1).to_pylist()))
    start = 0
    for length in array.value_lengths().fill_null(0).to_pylist():
        yield tuple(parts[start : start + length])
        start += length


def _vectors(array: pa.Array) -> Iterable[NDArray[np.float32] | None]:
    flat = array.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    filled = iter(flat.reshape(-1, array.type.list_size))
    return (next(filled) if there else None for there in array.is_valid().to_pylist())


def _sparse(array: pa.Array) -> Iterable[Sparse | None]:
    flat = array.flatten()
    tokens, weights = (flat.field(place).to_numpy(zero_copy_only=False) for place in (0, 1))
    start = 0
    for length in array.value_lengths().to_pylist():
        if length is None:
            yield None
            continue
        yield Sparse(tokens[start : start + length], weights[start : start + length])
        start += length


def _equal(one: NDArray[Any] | None, other: NDArray[Any] | None, kind: type) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(one.astype(kind), other.astype(kind)))


def _tokens(row: Row) -> NDArray[np.int32] | None:
    return None if row.sparse is None else row.sparse.tokens


def _weights(row: Row) -> NDArray[np.float32] | None:
    return None if row.sparse is None else row.sparse.weights


_VALUES: Final[dict[str, Callable[[pa.Array], Iterable[Any]]]] = {
    "path": _paths,
    "folder": _paths,
    "inode": _inodes,
    "description": _parts,
    "vector": _vectors,
    "strong": _vectors,
    "sparse": _sparse,
}
