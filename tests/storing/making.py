"""Rows for the tests of the table."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpsed.records import Change, Current, Part, Row, Sparse
from glimpsed.storing.columns import Columns
from glimpsed.storing.schema import DIMENSION

FOLDER = "/pictures"
LARGE = Columns("large", 8)
"""Of a stronger encoder."""
CURRENT = Current(reader="reader-1", ocr="ocr-1", encoder="small")


def unit(seed: int, length: int = DIMENSION) -> NDArray[np.float32]:
    """A unit vector, another one for each seed."""
    vector = np.random.default_rng(seed).standard_normal(length).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def row(number: int = 0, **fields: Any) -> Row:
    """A fresh row, unless the fields say otherwise."""
    given: dict[str, Any] = {
        "path": f"{FOLDER}/{number}.jpg",
        "folder": FOLDER,
        "content_id": f"{number:064x}",
        "mtime_ns": 1_700_000_000_000_000_000 + number,
        "ctime_ns": 1_700_000_000_000_000_000 + number,
        "size": 1_000 + number,
        "inode": 10 + number,
        "beside": "",
        "format": "jpeg",
        "width": 640,
        "height": 480,
        "description": (Part("name", f"picture {number}"),),
        "text": f"picture {number}",
        "text_id": f"{number:032x}",
        "reader": CURRENT.reader,
        "ocr": CURRENT.ocr,
        "encoder": CURRENT.encoder,
        "vector": unit(number),
        "indexed_at": 1.0,
    }
    return Row(**given | fields)


def sparse(*pairs: tuple[int, float]) -> Sparse:
    """Token weights."""
    tokens, weights = zip(*pairs, strict=True) if pairs else ((), ())
    return Sparse(np.array(tokens, np.int32), np.array(weights, np.float32))


def strong(number: int = 0, *, by: str = LARGE.encoder, length: int = LARGE.dimension, **fields: Any) -> Row:
    """A row that a stronger encoder has encoded too."""
    made = {"strong": unit(number, length), "encoder": by, "base_encoder": CURRENT.encoder}
    return row(number, **made | fields)


def put(new: Row) -> Change:
    """The change that makes a path's row this one, whatever it was."""
    return Change(new.path, lambda _: new)


def puts(rows: Iterable[Row]) -> list[Change]:
    """The same for many."""
    return [put(one) for one in rows]
