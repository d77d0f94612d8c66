"""What the table costs an index run: look-ups and commits as the pipeline makes them, without reading and encoding.

    python bench/lookups.py [--rows 1000 20000 100000] [--pictures 640] [--group 8]

Prints the processor time and the time a picture takes, for new pictures in groups over tables of several sizes: it
should hardly grow with them. Processor time hardly depends on what else the machine does.
"""

import argparse
import itertools
import tempfile
import time
from dataclasses import replace

import anyio
import made_rows
import numpy as np
from common import machine

from glimpsed.encoding.fallback import DIMENSION
from glimpsed.reading.description import READER
from glimpsed.records import Change, Row
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

ELSEWHERE = "/nonexistent/new"


async def index(table: Table, writer: Writer, rows: list[Row]) -> None:
    """One settled group: a look for all, then each one's content, then the texts, then the commit."""
    await table.rows([row.path for row in rows])
    await table.by_identity([row.stamp for row in rows])
    await table.by_size({row.size for row in rows}, reader=READER)
    for row in rows:
        await table.by_content([row.content_id])
    await table.by_text({row.text_id for row in rows})
    await writer.commit([Change(row.path, lambda _, row=row: row) for row in rows])  # type: ignore[misc]
    await writer.maintain()


async def run(count: int, pictures: int, group: int) -> None:
    around = np.random.default_rng(1).standard_normal((50, DIMENSION)).astype(np.float32)
    with tempfile.TemporaryDirectory() as state:
        await made_rows.fill(state, count, "/nonexistent/unplugged/Pictures", around)
        made = [
            replace(row, content_id="f" + row.content_id[1:], size=row.size + 1, inode=row.inode + 10**9)
            for row in itertools.islice(made_rows.rows(count + pictures, ELSEWHERE, around), count, None)
        ]
        async with open_table(state) as table:
            writer = Writer(table)
            used, began = time.process_time(), time.perf_counter()
            for start in range(0, pictures, group):
                await index(table, writer, made[start : start + group])
            used, took = time.process_time() - used, time.perf_counter() - began
            print(
                f"over {count:7} rows: {1000 * used / pictures:6.2f} ms of a processor and "
                f"{1000 * took / pictures:6.2f} ms in all a picture, maintenance included"
            )
            used, began = time.process_time(), time.perf_counter()
            await writer.maintain(force=True)
            print(f"  one maintenance: {time.process_time() - used:.2f} s, {time.perf_counter() - began:.2f} s in all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 20_000, 100_000])
    parser.add_argument("--pictures", type=int, default=640)
    parser.add_argument("--group", type=int, default=8)
    asked = parser.parse_args()
    machine()
    for count in asked.rows:
        anyio.run(run, count, asked.pictures, asked.group)


if __name__ == "__main__":
    main()
