"""The memory of the daemon and of its workers while it indexes thousands of pictures: it should not grow with them.

    python bench/flat.py --count 10000

Small pictures of different content and few different captions, so that reading is what takes the time. The daemon's
memory is printed at every tenth of them: caches fill at first, later the rows themselves should be all that is added.
"""

import argparse
import tempfile
import time
from pathlib import Path

from common import machine, memory
from tests.daemons import Daemon, running
from tests.pictures import noisy, save

_CAPTIONS = 20
_GROWTH = 0.15  # of the memory after the first half, when libraries are loaded and LanceDB's caches (96 MB) are full


def main() -> int:
    """Whether the daemon's memory stayed flat, as an exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--recycle-after", type=int, default=2000, help="pictures that a worker reads")
    given = parser.parse_args()
    machine()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "pictures")
        folder.mkdir()
        for number in range(given.count):
            place = folder / f"IMG_{number:05}.jpg"  # a name whose words are not encoded
            save(place, noisy((96 + number % 64, 64), seed=number), caption=f"caption {number % _CAPTIONS}")
        settings = {"READ_OCR": "false", "LOG_LEVEL": "warning", "READ_RECYCLE_AFTER": str(given.recycle_after)}
        with running(Path(home, "daemon"), folder, **settings) as daemon:
            sizes = _watched(daemon, given.count)
    first = next(size for done, size in sizes if done >= given.count / 2)
    last = sizes[-1][1]
    print(f"daemon: {first:.0f} MB after half of them, {last:.0f} MB after all, {last / first - 1:+.0%}")
    return 0 if last <= first * (1 + _GROWTH) else 1


def _watched(daemon: Daemon, count: int) -> list[tuple[int, float]]:
    """How many pictures are indexed, and the daemon's memory in MB at that time; printed at every thousandth."""
    assert daemon.process is not None
    sizes: list[tuple[int, float]] = []
    began, told = time.perf_counter(), 0
    while True:
        status = daemon.client.status()
        done = status["pictures"]["fresh"] + status["pictures"]["errors"]
        sizes.append((done, memory([daemon.process.pid]).get(daemon.process.pid, 0.0)))
        if done >= told + max(1, count // 10) or done >= count:
            told = done
            workers = memory(daemon.children())
            print(
                f"{done:6,} pictures, {time.perf_counter() - began:5.0f} s: daemon {sizes[-1][1]:4.0f} MB,"
                f" children {', '.join(f'{size:.0f}' for size in workers.values())} MB",
                flush=True,
            )
        if done >= count and status["state"] == "idle":
            return sizes
        time.sleep(0.5)


if __name__ == "__main__":
    raise SystemExit(main())
