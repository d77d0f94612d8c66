"""A folder of real pictures, indexed to the end: pictures a second against bare calls in the same run, and memory.

    python bench/throughput.py [--pictures 1000] [--no-ocr] [DIRECTORY …]

Pictures come from the given directories, then from this machine's icon themes, wallpapers and packages.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import anyio
import blake3
from common import machine, memory, real_pictures
from tests.daemons import Daemon, running

from glimpsed.encoding.fallback import FALLBACK_ID, Fallback
from glimpsed.reading import content, image, names, ocr
from glimpsed.reading.description import READER, describe
from glimpsed.records import Change, Row
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer


def whole(folder: Path, home: Path, count: int, *, with_ocr: bool) -> tuple[float, float, float, float]:
    """Seconds to the end of each pass, and peak megabytes of the daemon and of all its processes."""
    start = time.perf_counter()
    daemon_peak = all_peak = first = 0.0
    with running(home, folder, READ_OCR=str(with_ocr).lower()) as daemon:
        assert daemon.process is not None
        pid = daemon.process.pid
        while True:
            sizes = memory([pid, *daemon.children()])
            daemon_peak = max(daemon_peak, sizes.get(pid, 0.0))
            all_peak = max(all_peak, sum(sizes.values()))
            status = daemon.client.status()
            rows = sum(status["pictures"][name] for name in ("fresh", "stale", "errors"))
            if not first and rows == count and not status["pictures"]["waiting"]:
                first = time.perf_counter() - start
            if first and status["state"] == "idle":
                break
            time.sleep(0.25)
        told(daemon)
    return first, time.perf_counter() - start, daemon_peak, all_peak


def told(daemon: Daemon) -> None:
    """What became of the pictures."""
    counts = daemon.client.status()["pictures"]
    encoded, recognised = (daemon.counter(f"glimpsed_{name}_total") for name in ("encoded_texts", "ocr"))
    commits = daemon.counter("glimpsed_commits_total")
    print(f"  rows: {counts}; texts encoded: {encoded:.0f}, OCR: {recognised:.0f}, commits: {commits:.0f}")


async def bare(folder: Path, state: str, *, with_ocr: bool) -> tuple[float, float]:
    """Seconds that the same calls take one after the other in one process: first pass, second pass."""
    encoder, recogniser = Fallback(), ocr.Ocr() if with_ocr else None
    paths = sorted(path for path in folder.rglob("*") if path.is_file())  # noqa: ASYNC240  nothing else runs here
    rows: list[Row] = []
    start = time.perf_counter()
    async with open_table(state) as table:
        writer = Writer(table)
        for path in paths:
            data = path.read_bytes()
            found, _ = content.read_content(data, blake3.blake3(data).hexdigest(), max_pixels=10**9)
            text = describe(found.parts, names.words(str(path), str(folder)), ocr=None)
            [encoding] = encoder.encode([text.encoded], query=False)
            row = Row(str(path), str(folder), content_id=found.content_id, description=text.parts, text=text.text)
            rows.append(replace(row, text_id=text.text_id, vector=encoding.dense, encoder=FALLBACK_ID, reader=READER))
            if len(rows) == 64 or path == paths[-1]:
                await writer.commit([Change(row.path, lambda _, row=row: row) for row in rows])  # type: ignore[misc]
                rows.clear()
        first = time.perf_counter() - start
        if recogniser is not None:
            for path in paths:
                recognise(recogniser, encoder, path)
    return first, time.perf_counter() - start


def recognise(recogniser: ocr.Ocr, encoder: Fallback, path: Path) -> None:
    """The second pass of one picture, without its commit."""
    data = path.read_bytes()
    try:
        pixels = image.pixels(data, max_pixels=10**9)
    except Exception:
        return
    if text := recogniser.text(pixels):
        encoder.encode([(text,)], query=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--no-ocr", action="store_true")
    parser.add_argument("directories", nargs="*")
    asked = parser.parse_args()
    machine()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        folder = home / "Pictures"
        count = real_pictures(asked.pictures, folder, asked.directories)
        print(f"{count} pictures")
        with_ocr = not asked.no_ocr
        first, both, daemon_peak, all_peak = whole(folder, home / "home", count, with_ocr=with_ocr)
        bare_first, bare_both = anyio.run(lambda: bare(folder, str(home / "bare"), with_ocr=with_ocr))
        for what, mine, other in (("first pass", first, bare_first), ("to the end", both, bare_both)):
            print(f"{what}: {count / mine:6.1f} pictures/s, bare {count / other:6.1f}, ratio {other / mine:.2f}")
        print(f"peak memory (PSS): daemon {daemon_peak:.0f} MB, all processes {all_peak:.0f} MB")


if __name__ == "__main__":
    main()
