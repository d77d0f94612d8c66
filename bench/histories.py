"""What must hold at full size: a tree moved and renamed above, kills at random moments, a burst of small files.

    python bench/histories.py move [--files 10000]
    python bench/histories.py kill [--kills 20]
    python bench/histories.py burst [--files 30000]
    python bench/histories.py unmount [--files 2000]

Each prints what it did and what it found, and exits with 1 where the index does not equal the disk.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lance
from common import machine
from PIL import Image
from tests.daemons import Daemon, running
from tests.test_moves import while_it_is_indexed
from tests.waiting import wait_for
from tests.watching.confined import confined

from glimpsed.files import path_of

HOUR = 3600.0
COUNTERS = ("glimpsed_encoded_texts_total", "glimpsed_ocr_total")


def small(place: Path, number: int) -> None:
    """A small picture that is like no other."""
    image = Image.new("RGB", (16, 16), (number % 256, number // 256 % 256, number // 65536))
    image.save(place, compress_level=1)


def rows(daemon: Daemon) -> list[str]:
    """The path of every row that is not missing, doubles included, read from the table itself beside the daemon."""
    table = lance.dataset(daemon.state / "table" / "pictures.lance")
    found = table.to_table(columns=["path"], filter="missing_since IS NULL")
    return [path_of(key) for key in found["path"].to_pylist()]


def equal(daemon: Daemon, folder: Path) -> bool:
    """Whether the rows are the files, each once."""
    there = sorted(str(path) for path in folder.rglob("*.png"))
    status = daemon.client.status()
    found = rows(daemon)
    print(f"  on disk {len(there)}, rows {len(found)}, different {len(set(found))}; {status['pictures']}")
    counts = status["pictures"]
    return sorted(found) == there and counts["fresh"] == len(there) and not counts["errors"]


def move(files: int) -> bool:
    """A tree of 200 directories moved, then its top directory renamed: no encode, no OCR."""
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name), Path(name, "Pictures")
        for number in range(files):
            directory = folder / "archive" / f"album {number % 200:03}"
            directory.mkdir(parents=True, exist_ok=True)
            small(directory / f"view {number}.png", number)
        with running(home / "home", folder) as daemon:
            daemon.idle(files, deadline=HOUR)
            before = {counter: daemon.counter(counter) for counter in COUNTERS}
            print(f"  indexed {files}; {before}")
            good = True
            (folder / "elsewhere").mkdir()
            for source, target in (("archive", "elsewhere/archive"), ("elsewhere", "attic")):
                started = time.perf_counter()
                (folder / source).rename(folder / target)
                new = str(next((folder / target).rglob("*.png")))
                wait_for(lambda new=new: daemon.client.explain(new)["state"] == "fresh", deadline=HOUR)  # type: ignore[misc]
                daemon.idle(files, deadline=HOUR)
                after = {counter: daemon.counter(counter) for counter in COUNTERS}
                took = time.perf_counter() - started
                print(f"  {source} → {target}: {took:.1f} s; {after}")
                good &= after == before and equal(daemon, folder)
            return good


def kill(kills: int) -> bool:
    """kill -9 at random moments of an index run: opens each time, and ends equal to the disk."""
    choose = random.Random(2)
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name), Path(name, "Pictures")
        folder.mkdir()
        files = kills * 100
        for number in range(files):
            small(folder / f"view {number}.png", number)
        with running(home / "home", folder) as daemon:
            for number in range(kills):
                time.sleep(choose.uniform(0.0, 4.0))
                daemon.stop(signal.SIGKILL)
                daemon.start()
                print(f"  kill {number + 1}: {daemon.client.status()['pictures']}")
            daemon.idle(files, deadline=HOUR)
            return equal(daemon, folder)


def burst(files: int) -> bool:
    """Very many small files at once, one in ten no picture: each is a row or accounted for."""
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name), Path(name, "Pictures")
        folder.mkdir()
        with running(home / "home", folder, READ_OCR="false") as daemon:
            started = time.perf_counter()
            for number in range(files):
                if number % 10:
                    small(folder / f"{number}.png", number)
                else:
                    (folder / f"{number}.dat").write_bytes(os.urandom(64))
            written = time.perf_counter() - started
            expected = files - (files + 9) // 10
            daemon.idle(expected, deadline=HOUR)
            took = time.perf_counter() - started
            lost = daemon.counter("glimpsed_events_lost_total")
            print(
                f"  {files} files written in {written:.1f} s, indexed after {took:.1f} s; events lost {lost:.0f} times"
            )
            return equal(daemon, folder)


def unmount(files: int) -> bool:
    """A disk that is unmounted while it is indexed, and mounted again: nothing missing, nothing encoded twice.

    In namespaces of its own, where mounts are ours: what is asserted there ends this with its message.
    """
    with tempfile.TemporaryDirectory() as name:
        script = f"import sys\nfrom pathlib import Path\nfrom {while_it_is_indexed.__module__} import *\n"
        print(confined(script + f"while_it_is_indexed(Path(sys.argv[1]), {files})", name, timeout=HOUR).rstrip())
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("history", choices=["move", "kill", "burst", "unmount"])
    parser.add_argument("--files", type=int)
    parser.add_argument("--kills", type=int, default=20)
    asked = parser.parse_args()
    machine()
    histories: dict[str, Callable[[], bool]] = {
        "move": lambda: move(asked.files or 10_000),
        "kill": lambda: kill(asked.kills),
        "burst": lambda: burst(asked.files or 30_000),
        "unmount": lambda: unmount(asked.files or 2_000),
    }
    good = histories[asked.history]()
    print("the index equals the disk" if good else "THE INDEX DOES NOT EQUAL THE DISK")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
