"""The columns of the stronger encoders: three for each, named after it, so that nobody's vectors are mixed up.

The marker column is thin: it tells, without loading a vector, which rows an encoder has encoded. Whoever changes a
row's text leaves all of them empty. While another encoder takes over, its columns stand beside the former one's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

SPARSE: Final = pa.list_(pa.struct([pa.field("token", pa.int32()), pa.field("weight", pa.float32())]))

ENCODER_KEY: Final = b"glimpsed.encoder"
"""Metadata of a marker: the id in full."""

_CUT: Final = "cut_"


@dataclass(frozen=True, slots=True)
class Columns:
    """One encoder's columns. Where `cut` is null, the row has no encoding of it, whatever stands in the other two."""

    encoder: str
    """Its id."""
    dimension: int
    """Of its vectors."""

    @property
    def tag(self) -> str:
        """What its columns' names end in: ids may have any length and any sign."""
        return hashlib.blake2b(self.encoder.encode("utf-8", "replace"), digest_size=6).hexdigest()

    @property
    def cut(self) -> str:
        """The marker: how many parts did not fit, null where the row has no encoding of it."""
        return _CUT + self.tag

    @property
    def strong(self) -> str:
        """Its vectors."""
        return f"strong_{self.tag}"

    @property
    def sparse(self) -> str:
        """Its token weights, if it has any."""
        return f"sparse_{self.tag}"

    @property
    def names(self) -> tuple[str, str, str]:
        """All three."""
        return self.cut, self.strong, self.sparse

    @property
    def fields(self) -> list[pa.Field]:
        """As the schema has them; half precision moves scores by less than 0.001."""
        return [
            pa.field(self.cut, pa.int32(), metadata={ENCODER_KEY: self.encoder.encode("utf-8", "replace")}),
            pa.field(self.strong, pa.list_(pa.float16(), self.dimension)),
            pa.field(self.sparse, SPARSE),
        ]


def columns_in(schema: pa.Schema) -> tuple[Columns, ...]:
    """The stronger encoders that a table has columns for, the one added last at the end."""
    found = []
    for field in schema:
        encoder = (field.metadata or {}).get(ENCODER_KEY)
        if encoder is None or not field.name.startswith(_CUT):
            continue
        place = schema.get_field_index("strong_" + field.name.removeprefix(_CUT))
        if place >= 0:
            found.append(Columns(encoder.decode("utf-8", "replace"), int(schema.field(place).type.list_size)))
    return tuple(found)


def of(columns: Sequence[Columns], encoder: str | None) -> Columns | None:
    """An encoder's columns; None where it has none."""
    return next((one for one in columns if one.encoder == encoder), None)
