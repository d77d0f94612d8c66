"""A change of encoder that nobody is to notice: fallback → BGE-M3 while pictures are indexed and searches run.

    python bench/switching.py [--pictures 5000] [--known 400] [--rate 8] [--model FOLDER]

One daemon, two phases in one run. In the first, `--pictures` are indexed with the fallback while searches come at a
steady rate. Then the same daemon is started with BGE-M3 in reach (the small real checkpoint of the tests unless
`--model` names another), as many more pictures are indexed, and searches run on until every row has its vector. Each
search asks for the word that only one picture of a fixed sample has, which was indexed before both phases: it has to
be the first hit. What matters is how the two phases compare; both are on the same machine at about the same time.
"""

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import machine
from tests import pictures
from tests.daemons import Daemon, running
from tests.encoding.checkpoint import checkpoint
from tests.waiting import wait_for

from glimpsed.client import Client
from glimpsed.errors import GlimpsedError

LONG = 1800.0
"""Seconds that a phase may take."""

SCENES = (
    "a steam locomotive in the snow", "two sailing boats at sunset", "a market in Marrakesh", "a dog on the beach",
    "a birthday cake with candles", "a bicycle against a red wall", "children under an umbrella", "a bridge at night",
)  # fmt: skip
SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "pa", "ri", "su", "te")


def word(number: int) -> str:
    """One that no other picture has."""
    return "z" + "".join(SYLLABLES[int(digit)] for digit in f"{number:06}")


def draw(folder: Path, first: int, count: int) -> None:
    """Small pictures with a caption each, moved into the folder one after the other."""
    outside = folder.parent / "drawing"
    outside.mkdir(exist_ok=True)
    for number in range(first, first + count):
        drawn = outside / f"{number:06}.png"
        caption = f"{word(number)} {SCENES[number % len(SCENES)]}, {word(number + 700_000)}"
        pictures.save(drawn, pictures.noisy((24, 16), seed=number), caption=caption)
        into = folder / f"directory {number // 500:03}"
        into.mkdir(parents=True, exist_ok=True)
        drawn.rename(into / drawn.name)


@dataclass
class Asked:
    """What the searches of one phase came to."""

    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unfound: list[str] = field(default_factory=list)
    strong: list[bool] = field(default_factory=list)
    """Of each answer, whether another encoder than the fallback took part."""

    def part(self, start: int, end: int | None = None) -> "Asked":
        """Those answers alone, without what went wrong."""
        return Asked(self.milliseconds[start:end], strong=self.strong[start:end])

    def quantile(self, share: float) -> float:
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def told(self, name: str) -> None:
        """One line."""
        print(
            f"{name:<34} p50 {statistics.median(self.milliseconds):7.1f}  p99 {self.quantile(0.99):7.1f}"
            f"  max {max(self.milliseconds):7.1f} ms  (n={len(self.milliseconds)}, {sum(self.strong)} with BGE-M3)"
        )


@contextmanager
def asking(daemon: Daemon, sample: list[int], rate: float) -> Iterator[Asked]:
    """Searches at that rate a second, however long each takes, as long as the block lasts."""
    asked, over = Asked(), threading.Event()

    def ask() -> None:
        client = Client(str(daemon.socket))
        due = time.monotonic()
        for number in itertools.cycle(sample):
            if over.wait(max(0.0, due - time.monotonic())):
                break
            due += 1 / rate
            begun = time.perf_counter()
            try:
                answer = client.search(f"{word(number)} {SCENES[number % len(SCENES)]}", k=5)
            except GlimpsedError as error:
                asked.failures.append(str(error))
                continue
            asked.milliseconds.append((time.perf_counter() - begun) * 1000)
            asked.strong.append(len(answer["encoders"]) > 1)
            names = [Path(hit["path"]).name for hit in answer["hits"]]
            if not names or names[0] != f"{number:06}.png":
                asked.unfound.append(f"{number}: {names}")
        client.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield asked
    finally:
        over.set()
        thread.join()


def indexed(daemon: Daemon, count: int) -> None:
    """Until so many rows are there."""

    def there() -> bool:
        counts = daemon.client.status()["pictures"]
        return counts["waiting"] == 0 and counts["fresh"] + counts["stale"] >= count

    wait_for(there, deadline=LONG)


def follow(daemon: Daemon, over: threading.Event, lines: list[dict[str, Any]]) -> None:
    """Note what is said of the refresh."""
    for line in Client(str(daemon.socket)).events():
        if str(line["event"]).startswith(("refresh_", "vectors_", "encoder_")):
            lines.append(dict(line))
        if over.is_set():
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000, help="indexed in each phase")
    parser.add_argument("--known", type=int, default=400, help="indexed before; every eighth is asked for")
    parser.add_argument("--rate", type=float, default=8.0, help="searches a second")
    parser.add_argument("--model", help="folder of a model in BGE-M3's layout")
    given = parser.parse_args()
    model = given.model or str(checkpoint())
    machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "Pictures"
        folder.mkdir()
        draw(folder, 0, given.known)
        sample = list(range(0, given.known, 8))
        settings = {
            "READ_OCR": "false",
            "LOG_LEVEL": "info",
            "ENCODE_MODEL": model,
            "ENCODE_DEVICE": "cpu",
            "ENCODE_MIN_TEXTS_PER_SECOND": "0.1",
        }
        with running(Path(name) / "home", folder, **settings) as daemon:
            daemon.idle(given.known, deadline=LONG)
            total = given.known + given.pictures
            begun = time.monotonic()
            with asking(daemon, sample, given.rate) as without:
                draw(folder, given.known, given.pictures)
                indexed(daemon, total)
            print(f"indexed with the fallback: {given.pictures / (time.monotonic() - begun):.1f} pictures/s")
            assert daemon.stop() == 0

            daemon.settings["GLIMPSED_ENCODE_ENCODER"] = "bge-m3"
            daemon.start()
            lines: list[dict[str, Any]] = []
            over = threading.Event()
            threading.Thread(target=follow, args=(daemon, over, lines), daemon=True).start()
            begun = time.monotonic()
            with asking(daemon, sample, given.rate) as during:
                draw(folder, total, given.pictures)
                indexed(daemon, total + given.pictures)
                first = time.monotonic() - begun
                indexing = len(during.milliseconds)
                status = daemon.idle(total + given.pictures, deadline=LONG)
                both = time.monotonic() - begun
            over.set()
            print(f"indexed while the encoder changes: {given.pictures / first:.1f} pictures/s")
            print(f"all {total + given.pictures} rows have the new vectors after {both:.0f} s")
            assert status["encoder"]["name"] == "BGE-M3", status["encoder"]
            assert status["refresh"] is None, status["refresh"]
            for line in lines:
                print("  ", {key: line[key] for key in line if key not in ("level", "encoder", "reason")})
        without.told("indexing, no change of encoder")
        during.part(0, indexing).told("indexing, while it changes")
        if during.milliseconds[indexing:]:
            during.part(indexing).told("the refresh after it")
        during.told("both")
        print(f"p99 with the change / without: {during.quantile(0.99) / without.quantile(0.99):.2f} (goal: at most 2)")
        print(
            f"failures {len(without.failures) + len(during.failures)},"
            f" unfindable {len(without.unfound) + len(during.unfound)} (goal: 0)"
        )
        for fault in [*without.failures, *without.unfound, *during.failures, *during.unfound][:10]:
            print("  ", fault)


if __name__ == "__main__":
    main()
