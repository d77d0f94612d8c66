"""Arrow arrays as Python values, and back: what each kind of column holds."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glimpsed.files import path_of
from glimpsed.records import Part, Sparse

_WIDE_INODE = 1 << 64


def inode_of(inode: int) -> int:
    """An inode as the table keeps it: 64 bits with a sign, for file systems use all of them."""
    return inode if inode < 1 << 63 else inode - _WIDE_INODE


def clean(text: str | None) -> str | None:
    """Text that can be kept: a lone surrogate, as hostile metadata may hold, becomes U+FFFD."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def vector_column(given: Sequence[NDArray[Any] | None], field: pa.Field) -> pa.Array:
    """Vectors as a column of that field. ValueError where one has another length."""
    dimension = field.type.list_size
    kind = field.type.value_type.to_pandas_dtype()
    flat = np.zeros((len(given), dimension), dtype=kind)
    absent = np.ones(len(given), dtype=bool)
    for place, vector in enumerate(given):
        if vector is None:
            continue
        if vector.shape != (dimension,):
            raise ValueError(f"column {field.name} takes {dimension} numbers, not an array of shape {vector.shape}")
        flat[place] = vector
        absent[place] = False
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), type=field.type, mask=pa.array(absent))


def sparse_column(sparse: Sequence[Sparse | None], field: pa.Field) -> pa.Array:
    """Token weights as a column of that field."""
    offsets = np.zeros(len(sparse) + 1, dtype=np.int32)
    np.cumsum([0 if one is None else len(one.tokens) for one in sparse], out=offsets[1:])
    there = [one for one in sparse if one is not None]
    tokens = np.concatenate([np.empty(0, np.int32), *(one.tokens.astype(np.int32) for one in there)])
    weights = np.concatenate([np.empty(0, np.float32), *(one.weights.astype(np.float32) for one in there)])
    pairs = pa.StructArray.from_arrays([pa.array(tokens), pa.array(weights)], fields=list(field.type.value_type))
    absent = pa.array([one is None for one in sparse], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), pairs, type=field.type, mask=absent)


def values(table: pa.Table, name: str) -> list[Any]:
    """One column of a query's answer as Python values: paths as Python has them, vectors as float32."""
    kind = name.partition("_")[0]  # `strong_…` and `sparse_…` are named after their encoders
    convert = _VALUES.get(name) or _VALUES.get(kind, _plain)
    return list(convert(_array(table, name)))


def _array(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)  # one by one its values take ten times as long
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _plain(array: pa.Array) -> Iterable[Any]:
    listed: list[Any] = array.to_pylist()
    return listed


def _paths(array: pa.Array) -> Iterable[str]:
    return map(path_of, array.to_pylist())


def _inodes(array: pa.Array) -> Iterable[int]:
    return (inode if inode >= 0 else inode + _WIDE_INODE for inode in array.to_pylist())


def _parts_of(array: pa.Array) -> Iterable[tuple[Part, ...]]:
    flat = array.flatten()
    parts = list(map(Part, flat.field(0).to_pylist(), flat.field(1).to_pylist()))
    start = 0
    for length in array.value_lengths().fill_null(0).to_pylist():
        yield tuple(parts[start : start + length])
        start += length


def matrix(table: pa.Table, name: str) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """A column of vectors: which rows have one, and these in their order, (rows that have one, dimension) float32."""
    return _matrix(_array(table, name))


def _matrix(array: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    flat = array.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return array.is_valid().to_numpy(zero_copy_only=False), flat.reshape(-1, array.type.list_size)


def _vectors(array: pa.Array) -> Iterable[NDArray[np.float32] | None]:
    there, vectors = _matrix(array)
    filled = iter(vectors)
    return (next(filled) if one else None for one in there.tolist())


def _sparse_of(array: pa.Array) -> Iterable[Sparse | None]:
    flat = array.flatten()
    tokens, weights = (flat.field(place).to_numpy(zero_copy_only=False) for place in (0, 1))
    start = 0
    for length in array.value_lengths().to_pylist():
        if length is None:
            yield None
            continue
        yield Sparse(tokens[start : start + length], weights[start : start + length])
        start += length


_VALUES: Final[dict[str, Callable[[pa.Array], Iterable[Any]]]] = {
    "path": _paths,
    "folder": _paths,
    "inode": _inodes,
    "description": _parts_of,
    "vector": _vectors,
    "strong": _vectors,
    "sparse": _sparse_of,
}
