"""What must hold at full size: a tree moved and renamed above, kills at random moments, a burst of small files.

    python bench/histories.py move [--files 10000]
    python bench/histories.py kill [--kills 200] [--files 5000]
    python bench/histories.py burst [--files 30000]
    python bench/histories.py unmount [--files 2000]

Each prints what it did and what it found, and exits with 1 where the index does not equal the disk.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lance
from common import machine
from PIL import Image
from tests.daemons import Daemon, running
from tests.histories.disk import word
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


class Grouped(Daemon):
    """One whose processes can be killed together."""

    own_group = True


def kill(kills: int, files: int) -> bool:
    """kill -9 at random moments of an index run: opens each time, encodes nothing again, and ends equal to the disk."""
    choose = random.Random(2)
    portion = files // kills
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name), Path(name, "Pictures")
        folder.mkdir()
        (home / "home").mkdir()
        daemon = Grouped(home / "home", folder, settings={"GLIMPSED_READ_OCR": "false"})
        good, read, known, encoded, longest = True, 0, set[str](), 0, 3.0
        for number in range(kills):
            for one in range(number * portion, (number + 1) * portion):
                small(folder / f"{word(one)}.png", one)  # a name, so a text, of its own
            began = time.perf_counter()
            if choose.random() < 0.8:
                daemon.start()
                longest = max(3.0, 2 * (time.perf_counter() - began))  # a busy machine takes longer to get to work
            else:  # killed while it starts
                daemon.process = subprocess.Popen(
                    daemon.command, env=daemon.environment, stderr=subprocess.PIPE, start_new_session=True
                )
            time.sleep(choose.uniform(0.0, longest))
            if number % 2:
                daemon.kill_all()
            else:
                daemon.stop(signal.SIGKILL)
            lines, read = said(daemon, read)
            there = rows(daemon) if (daemon.state / "table" / "pictures.lance").exists() else []
            acknowledged = {line["path"] for line in lines if line["event"] == "picture_indexed"}
            again = acknowledged & known
            texts = sum(line["texts"] for line in lines if line["event"] == "batch_encoded")
            lost = (known | acknowledged) - set(there)
            most = (number + 1) * portion - len(known)
            well = not again and not lost and len(there) == len(set(there)) and texts <= most
            encoded += texts
            good &= well
            print(
                f"  kill {number + 1} of the {'group' if number % 2 else 'daemon'}: {len(there)} rows, "
                f"{len(acknowledged)} new, {texts} texts encoded (at most {most}); "
                f"{len(again)} again, {len(lost)} lost{'' if well else ': WRONG'}",
                flush=True,
            )
            known = set(there)
        daemon.start()
        daemon.idle(kills * portion, deadline=HOUR)
        good &= equal(daemon, folder)
        lines, _ = said(daemon, read)
        encoded += sum(line["texts"] for line in lines if line["event"] == "batch_encoded")
        asides = sorted(path.name for path in (daemon.state / "table").iterdir())
        print(f"  {encoded} texts encoded for {kills * portion} pictures; beside the table: {asides}")
        daemon.stop()
        return good


def said(daemon: Daemon, offset: int) -> tuple[list[dict[str, Any]], int]:
    """The whole lines of the log from this byte on, and where the next ones begin."""
    data = daemon.log.read_bytes() if daemon.log.exists() else b""
    end = data.rfind(b"\n") + 1
    lines = data[offset:end].splitlines()
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")], end


def burst(files: int) -> bool:
    """Very many small files while the daemon stands still, one in ten no picture: events are lost, no picture is."""
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name), Path(name, "Pictures")
        folder.mkdir()
        with running(home / "home", folder, READ_OCR="false") as daemon:
            wait_for(lambda: daemon.client.status()["folders"][0]["state"] == "watching")
            started = time.perf_counter()
            daemon.hold()
            for number in range(files):
                if number % 10:
                    small(folder / f"{number}.png", number)
                else:
                    (folder / f"{number}.dat").write_bytes(os.urandom(64))
            daemon.go_on()
            written = time.perf_counter() - started
            expected = files - (files + 9) // 10
            wait_for(lambda: daemon.counter("glimpsed_events_lost_total") > 0, deadline=HOUR)
            daemon.idle(expected, deadline=HOUR)
            took = time.perf_counter() - started
            lost = daemon.counter("glimpsed_events_lost_total")
            print(
                f"  {files} files written in {written:.1f} s, indexed after {took:.1f} s; events lost {lost:.0f} times"
            )
            return lost > 0 and equal(daemon, folder)


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
    parser.add_argument("--kills", type=int, default=200)
    asked = parser.parse_args()
    machine()
    histories: dict[str, Callable[[], bool]] = {
        "move": lambda: move(asked.files or 10_000),
        "kill": lambda: kill(asked.kills, asked.files or 5_000),
        "burst": lambda: burst(asked.files or 30_000),
        "unmount": lambda: unmount(asked.files or 2_000),
    }
    good = histories[asked.history]()
    print("the index equals the disk" if good else "THE INDEX DOES NOT EQUAL THE DISK")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
