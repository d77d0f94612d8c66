"""A table of an older version brought to this one, without encoding anything anew.

Version 1 had one column `strong` and one `sparse` for whichever encoder was chosen, and told in `encoder` who made
the strongest vector. Version 2 did not tell where a date came from; what it lacks is null until a picture is read
again. Each step is a version of the table of its own; what a kill interrupts goes on from where the
columns stand, and the version is raised last.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa

from glimpsed.errors import TableError
from glimpsed.storing.columns import ENCODER_KEY, Columns
from glimpsed.storing.engine import NAME
from glimpsed.storing.faults import BrokenTableError, translated
from glimpsed.storing.schema import VERSION, VERSION_KEY, table_schema, version

_OLD: Final = ("1", "2")
_BASE: Final = "base_encoder"  # the new column `encoder`, until the old one has gone


def is_older(schema: pa.Schema) -> bool:
    """Whether `bring_up` can read a table of that schema."""
    return version(schema) in _OLD


def bring_up(directory: str, fallback: str) -> None:
    """Bring the table to this version. Blocks; raises TableError.

    `fallback` is the id of the encoder that made `vector` where a row's `encoder` names a stronger one. Where the
    column `strong` holds vectors of several encoders, those of the one with most rows are kept.
    """
    import lance  # noqa: PLC0415  a second native library, loaded when it is needed

    with _unharmed(directory):
        data = lance.dataset(os.path.join(directory, f"{NAME}.lance"))
        names = set(data.schema.names)
        if version(data.schema) == "1" and _BASE not in names and "sparse" in names:
            _add(data, _makers(data), fallback)
            names = set(data.schema.names)
        if {_BASE, "encoder"} <= names:
            _drop(data, ["encoder"] if _kept(data) else ["encoder", *names & {"strong", "sparse"}])
        if _BASE in names:
            _rename(data)
        _complete(data)
        _raise(data)


@contextmanager
def _unharmed(directory: str) -> Iterator[None]:
    """Errors as ours, none of which says that the table is damaged: it would be set aside, and is sound as it is."""
    try:
        with translated("bringing the table to a new version", directory):
            yield
    except BrokenTableError as error:
        raise TableError(error.what, where=error.where) from error


def _makers(data: Any) -> list[str]:
    """The encoders whose vectors are in the column `strong`, the one with most of them first."""
    if "strong" not in data.schema.names:
        return []
    made = data.to_table(columns=["encoder"], filter="strong IS NOT NULL AND encoder IS NOT NULL")
    return [encoder for encoder, _ in Counter(made["encoder"].to_pylist()).most_common()]


def _add(data: Any, makers: Sequence[str], fallback: str) -> None:
    """Who made `vector`, and the marker of the encoder whose vectors are kept."""
    import lance  # noqa: PLC0415  as above

    fields = [pa.field(_BASE, pa.utf8())]
    if makers:
        fields.append(Columns(makers[0], data.schema.field("strong").type.list_size).fields[0])

    def told(batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = list(zip(batch["encoder"].to_pylist(), batch["cut"].to_pylist(), strict=True))
        columns = [[fallback if encoder in makers else encoder for encoder, _ in rows]]
        if makers:
            columns.append([cut or 0 if encoder == makers[0] else None for encoder, cut in rows])
        arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    data.add_columns(lance.batch_udf(output_schema=pa.schema(fields))(told), read_columns=["encoder", "cut"])


def _kept(data: Any) -> Columns | None:
    """The encoder whose marker is there."""
    for field in data.schema:
        encoder = (field.metadata or {}).get(ENCODER_KEY)
        if encoder is not None:
            return Columns(encoder.decode(), data.schema.field("strong").type.list_size)
    return None


def _drop(data: Any, names: Sequence[str]) -> None:
    for index in data.describe_indices():
        if not set(names).isdisjoint(index.field_names):
            data.drop_index(index.name)
    data.drop_columns(list(names))


def _rename(data: Any) -> None:
    kept = _kept(data)
    names = {_BASE: "encoder"} | ({} if kept is None else {"strong": kept.strong, "sparse": kept.sparse})
    data.alter_columns(*({"path": old, "name": new} for old, new in names.items()))


def _complete(data: Any) -> None:
    missing = [field for field in table_schema() if field.name not in data.schema.names]
    if missing:
        data.add_columns(missing)


def _raise(data: Any) -> None:
    data.update_schema_metadata({VERSION_KEY.decode(): VERSION})
