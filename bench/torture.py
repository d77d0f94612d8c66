"""Thousands of broken and hostile pictures: what becomes of each, of the workers that read them, and of the daemon.

    python bench/torture.py --count 5000 --seed 1

Mutated from valid pictures of every format (tests/reading/mutating.py; the same for the same seed), and, where they are
beside the checkout, the files of ../shared/data/hostile. First every file is read by the picture workers alone, and
one in `--ocr` of the readable ones for words; then a daemon watches a folder with all of them. A file that kills a
worker or hangs it is kept in `--crashes`: tests/reading/test_fuzz.py reads what lies in tests/reading/crashes again.
Exits with 1 where a file has no end, or the daemon died.
"""

import argparse
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
from common import machine, memory
from tests.daemons import running
from tests.reading import mutating

from glimpsed.files import is_picture
from glimpsed.reading.workers import Workers
from glimpsed.records import FaultKind, Reading, Unread, Words

_TIMEOUT = 120.0
_PIXELS = 50_000_000
_PATIENCE = 1800.0
_LOOK, _QUIET = 0.5, 60.0
"""Seconds between two looks at the daemon; and how long it may be idle with pictures that have no row."""


def main() -> int:
    """Whether all went well, as an exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000, help="mutated files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ocr", type=int, default=20, help="one in so many readable files is read for words, too")
    parser.add_argument("--crashes", type=Path, default=mutating.CRASHES)
    parser.add_argument("--without-daemon", action="store_true")
    given = parser.parse_args()
    machine()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "pictures")
        paths = list(_written(folder, given.count, given.seed))
        print(f"{len(paths):,} files, seed {given.seed}")
        ended = anyio.run(_workers, paths, given.ocr, given.crashes)
        lived = given.without_daemon or _daemon(Path(home), folder)
    return 0 if ended and lived else 1


def _written(folder: Path, count: int, seed: int) -> Iterator[Path]:
    """The files, a few hundred in each directory."""
    hostile = [path for path in sorted(mutating.HOSTILE.rglob("*")) if path.is_file()]
    named = [
        (f"{number}-{path.parent.name}.{path.parent.name}", path.read_bytes()) for number, path in enumerate(hostile)
    ]
    for number, (name, data) in enumerate([*mutating.files(count, seed), *named]):
        path = folder / f"{number // 400}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        yield path


async def _workers(paths: Sequence[Path], ocr: int, crashes: Path) -> bool:
    ends: Counter[str] = Counter()
    longest, largest = ("", 0.0), 0.0
    left = list(enumerate(paths))[::-1]
    began = time.perf_counter()

    async def work(workers: Workers) -> None:
        nonlocal longest, largest
        while left:
            number, path = left.pop()
            start = time.perf_counter()
            said = await workers.read(str(path), str(path.parent), frozenset())
            ends[_end(said)] += 1
            words: Words | None = None
            if isinstance(said, Reading) and said.content and said.content.fault is None and number % ocr == 0:
                words = await workers.ocr(str(path), said.content_id)
                ends["read for words"] += words is not None and words.fault is None
            fault = said.fault if isinstance(said, Unread) else words.fault if words is not None else None
            if fault is not None and fault.kind is FaultKind.CRASHED:
                _keep(path, crashes, fault.what)
            longest = max(longest, (path.name, time.perf_counter() - start), key=lambda one: one[1])
            if number % 50 == 0:
                largest = max(largest, *memory(workers.pids()).values(), 0.0)

    private = str(paths[0].parents[2] / "private")
    async with Workers(2, timeout=_TIMEOUT, max_pixels=_PIXELS, private=private) as workers:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(work, workers)
        print(", ".join(f"{one.name}" for one in workers.confinement if one.holds), "held")
        deaths, recycled = workers.deaths, workers.recycled
    took = time.perf_counter() - began
    print(f"workers: {took:.0f} s, {len(paths) / took:.0f} files/s, {deaths} died, {recycled} recycled")
    print("         " + ", ".join(f"{count:,} {end}" for end, count in ends.most_common()))
    print(f"         longest {longest[1]:.1f} s ({longest[0]}), largest worker {largest:.0f} MB")
    return sum(count for end, count in ends.items() if end != "read for words") == len(paths)


def _keep(path: Path, crashes: Path, what: str) -> None:
    crashes.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, crashes / path.name)
    print(f"  {path.name}: {what}")


def _end(said: Reading | Unread) -> str:
    """How the reading of one file ended; every error has a reason."""
    fault = said.fault if isinstance(said, Unread) else said.content.fault if said.content is not None else None
    assert fault is None or fault.what
    return "read" if fault is None else fault.kind.value


def _daemon(home: Path, folder: Path) -> bool:
    """Whether it outlived all of them, and each has a row."""
    pictures = [path for path in sorted(folder.rglob("*.*")) if is_picture(path.name)]
    for number, path in enumerate(pictures):
        path.rename(path.with_name(f"IMG_{number:05}{path.suffix}"))  # a name whose words are not encoded
    settings = {
        "READ_MAX_PIXELS": str(_PIXELS),
        "READ_TIMEOUT": str(_TIMEOUT),
        "READ_OCR": "false",  # read for words above
        "WATCH_SETTLE_AT_MOST": "1",  # what ends too soon is read again while it could be growing
        "LOG_LEVEL": "warning",
    }
    with running(home / "daemon", folder, **settings) as daemon:
        assert daemon.process is not None
        began, pid, largest, quiet = time.perf_counter(), daemon.process.pid, 0.0, 0.0
        while True:
            status = daemon.client.status()
            largest = max(largest, *memory([pid]).values())
            counts = status["pictures"]
            if status["state"] == "idle" and counts["fresh"] + counts["errors"] >= len(pictures):
                break
            quiet = 0.0 if status["state"] != "idle" else quiet + _LOOK
            if daemon.process.poll() is not None or quiet > _QUIET or time.perf_counter() - began > _PATIENCE:
                print(f"daemon:  no end after {time.perf_counter() - began:.0f} s: {counts}")
                return False
            time.sleep(_LOOK)
        took = time.perf_counter() - began
        print(f"daemon:  {took:.0f} s, {counts['fresh']:,} fresh, {counts['errors']:,} errors")
        print(f"         at most {largest:.0f} MB")
        replaced = daemon.log.read_text("utf-8").count("worker_replaced") if daemon.log.exists() else 0
        print(f"         {replaced} workers died or hung, each cost one picture")
        return daemon.stop() == 0


if __name__ == "__main__":
    raise SystemExit(main())
