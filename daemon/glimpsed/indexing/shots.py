"""A raw file and the picture made of it are one shot: the words in it are read once, from the picture."""

from collections.abc import Sequence
from functools import partial

from anyio import to_thread

from glimpsed import files, groups
from glimpsed.indexing.context import Context
from glimpsed.records import Row


async def once_a_shot(rows: Sequence[Row], context: Context) -> tuple[list[Row], dict[str, list[Row]]]:
    """The rows whose words are to be read now, and by content id of a raw file the rows whose words it takes.

    Where the picture of a raw file is still to be read, it stands in for that: the raw file's turn comes after it.
    """
    raw = [row.path for row in rows if groups.is_raw(row.path)]
    if not raw:
        return list(rows), {}
    beside = await to_thread.run_sync(_pictures, raw, abandon_on_cancel=True)
    known = await context.insist(partial(context.table.rows, [path for paths in beside.values() for path in paths]))
    now: dict[str, Row] = {}
    given: dict[str, list[Row]] = {}
    for row in rows:
        of_shot = [known[path] for path in beside.get(row.path, ()) if path in known and _readable(known[path])]
        done = [one for one in of_shot if one.ocr is not None and context.current.has_ocr(one.ocr)]
        if done:
            given.setdefault(row.content_id, []).extend(done)
        first = row if done or not of_shot else of_shot[0]
        now[first.path] = first
    return list(now.values()), given


def _pictures(paths: Sequence[str]) -> dict[str, list[str]]:
    """The pictures that are there of each raw file."""
    return {path: [one for one in files.siblings(path) if not groups.is_raw(one)] for path in paths}


def _readable(row: Row) -> bool:
    return row.missing_since is None and row.error is None and bool(row.content_id)
