"""What of the table can be proved by reading it: that rows are whole, single, counted, and found by every index.

All of it is read beside the writer, and no search waits for it. What was committed meanwhile is not told as a fault.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from anyio import to_thread

from glimpsed.records import Stamp
from glimpsed.storing import sql
from glimpsed.storing.arrays import matrix, values
from glimpsed.storing.reads import converted
from glimpsed.storing.table import Table

T = TypeVar("T")

_COLUMNS: Final = (
    "path", "folder", "content_id", "mtime_ns", "ctime_ns", "size", "inode", "format", "missing_since", "error",
    "retry_at", "encoder",
)  # fmt: skip
_GROUP: Final = 64  # rows that are looked for by one question
_SAMPLE: Final = 16  # groups, unless every row is wanted
_TRIES: Final = 5  # to read the table without a commit in between
_UNIT: Final = 0.02  # by how much a vector's length may differ from 1
_ROWS: Final = 1_024  # vectors that are read together
_WORD: Final = re.compile(r"[a-z0-9]{3,20}")
"""Words that every tokenizer leaves whole."""


class Held(NamedTuple):
    """What the table has of one path, without its words and vectors."""

    path: str
    folder: str
    content_id: str
    stamp: Stamp
    format: str | None
    missing: bool
    failed: bool
    """Whether there is an error, or it is to be read again."""
    encoder: str | None


class Gap(NamedTuple):
    """An index, or what is held in memory, that is not what the table has."""

    of: str
    """`index` or `count`."""
    what: str


async def held(table: Table) -> list[Held]:
    """All rows. Raises TableError."""
    return await converted(_held, await table.engine.select(_COLUMNS))


def _held(found: Any) -> list[Held]:
    paths, folders, ids, *stamps, formats, missing, errors, retries, encoders = (
        values(found, name) for name in _COLUMNS
    )
    rest = zip(paths, folders, ids, zip(*stamps, strict=True), formats, missing, errors, retries, encoders, strict=True)
    return [
        Held(path, folder, one, Stamp(*stamp), form, since is not None, bool(error) or retry is not None, encoder)
        for path, folder, one, stamp, form, since, error, retry, encoder in rest
    ]


async def gaps(table: Table) -> list[Gap]:
    """Indexes that do not cover all rows, and counts that are wrong. Raises TableError."""
    found = await _steady(table, lambda: _gaps(table))
    return found or []


async def _steady(table: Table, look: Callable[[], Awaitable[T]]) -> T | None:
    """What `look` finds while nothing is committed; None where there was always something."""
    for _ in range(_TRIES):
        before = await table.engine.version()
        found = await look()
        if await table.engine.version() == before and table.version == before:
            return found
    return None


async def _gaps(table: Table) -> list[Gap]:
    engine = table.engine
    rows = await engine.count()
    covered = await engine.index_cover()
    found = [
        Gap("index", f"the index of {column} covers {count} of {rows} rows")
        for column, count in covered.items()
        if count != rows
    ]
    if "text" not in covered:
        found.append(Gap("index", "the full-text index is not there"))
    if +table.tally != +await table.counted():
        found.append(Gap("count", f"{sum(table.tally.values())} rows were counted by folder, the table has {rows}"))
    if await table.vectors.differ(table.version):
        found.append(Gap("count", "the vectors held in memory are not those of the table"))
    return found


async def unfound(table: Table, *, every: bool) -> tuple[list[str], int]:
    """Paths of rows that are not found by a word of their text, and how many were looked for.

    Of `every` row that has a word of plain letters, else of some. Raises TableError.
    """
    found = await table.engine.select(["path", "text"], f"{sql.PRESENT} AND text <> ''")
    words = await to_thread.run_sync(_words, found, every)
    missed: list[str] = []
    for group in _groups(words):
        missed += await _unfound(table, group)
    return missed, len(words)


async def _unfound(table: Table, group: Sequence[tuple[str, str]]) -> list[str]:
    asked = " ".join(sorted({word for _, word in group}))
    [where] = sql.paths_in([path for path, _ in group])
    answer = await table.engine.match(asked, where, len(group), columns=["path"])
    seen = set(values(answer, "path"))
    missed = [(path, word) for path, word in group if path not in seen]
    if not missed:
        return []
    # Perhaps their rows are others by now.
    [where] = sql.paths_in([path for path, _ in missed])
    now = await table.engine.select(["path", "text"], where)
    texts = dict(zip(values(now, "path"), values(now, "text"), strict=True))
    return [path for path, word in missed if word in _WORD.findall(texts.get(path, "").lower())]


def _words(found: Any, every: bool) -> list[tuple[str, str]]:
    paths, texts = values(found, "path"), values(found, "text")
    step = 1 if every else max(1, len(paths) // (_GROUP * _SAMPLE))
    pairs = ((path, _word(text)) for path, text in zip(paths[::step], texts[::step], strict=True))
    return [(path, word) for path, word in pairs if word]


def _word(text: str) -> str:
    """A whole word of plain letters or digits; empty where there is none."""
    for token in re.split(r"\s+", text.lower()):
        if _WORD.fullmatch(token):
            return token
    return ""


def _groups(words: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    return (words[start : start + _GROUP] for start in range(0, len(words), _GROUP))


async def bad_vectors(table: Table) -> tuple[list[str], int]:
    """Paths of rows that are said to be encoded and have no vector of length 1, and how many were looked at.

    Reads all vectors, some rows at a time. Raises TableError.
    """
    bad: list[str] = []
    looked = 0

    async def take(batch: Any) -> None:
        nonlocal looked
        looked += batch.num_rows
        bad.extend(await to_thread.run_sync(_bad, batch))

    await table.engine.stream(["path", "vector"], "encoder IS NOT NULL", take, rows=_ROWS)
    return bad, looked


def _bad(batch: Any) -> list[str]:
    found = _table(batch)
    filled, vectors = matrix(found, "vector")
    lengths = np.zeros(len(filled), np.float32)
    with np.errstate(all="ignore"):
        lengths[filled] = np.linalg.norm(vectors, axis=1)
        wrong = ~(np.abs(lengths - 1.0) <= _UNIT)
    return [path for path, one in zip(values(found, "path"), wrong.tolist(), strict=True) if one]


def _table(batch: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  only to wrap what was read

    return pa.Table.from_batches([batch])
