"""One daemon under a steady load for long: drops, renames, deletes and searches, and whether it stays as it is.

    python bench/longrun.py [--minutes 60] [--rate 2] [--pictures 1000] [--out DIR]

`--rate` changes a second are made to a folder that is kept at `--pictures`, and two questions a second are asked; once
a second the processes, the table and the answers are looked at. Written to `--out`: samples.json, and longrun.png with
a panel for each. Memory is what the processes hold for themselves, without the files that they map. What grows shows
as a slope: a line is laid through the second half of the samples, and over an hour it may rise by no more than LIMITS
of the median. Exits with 1 where something does, or the table is not the disk.
"""

import argparse
import itertools
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from common import machine, memory, percentile
from PIL import Image, ImageDraw, ImageFont
from tests.daemons import Daemon, running
from tests.histories.disk import drawn, word

LIMITS: Final = {
    "daemon, MB": 0.10,
    "all processes, MB": 0.10,
    "open files": 0.10,
    "threads": 0.10,
    "table files": 0.25,
    "table versions": 0.25,
    "state, MB": 0.25,
}
"""By what is sampled, the share of its median that it may grow by in an hour. Files and versions come and go with
maintenance, the state grows by the missing rows that are kept for a move."""
_WINDOW = 300.0  # seconds of a percentile
_PATIENCE = 1800.0
_PANEL, _WIDTH, _MARGIN = 150, 1100, 60


def main() -> int:
    """Whether it stayed flat, as an exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=2.0, help="changes a second")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("longrun"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    machine()
    with tempfile.TemporaryDirectory(prefix="w-") as home:
        folder = Path(home, "pictures")
        load = Load(folder, given.pictures)
        settings = {"READ_OCR": "false", "LOG_LEVEL": "info", "WATCH_FORGET_AFTER": "10 min"}
        with running(Path(home, "d"), folder, **settings) as daemon:
            daemon.idle(given.pictures, deadline=_PATIENCE)
            samples, asked = _run(daemon, load, 60 * given.minutes, given.rate, given.out)
            daemon.client.search("anything", sync=True, timeout=_PATIENCE)
            counts = daemon.idle(len(load.files), deadline=_PATIENCE)["pictures"]
    print(f"{load.done:,} changes, {len(asked):,} questions; in the end {len(load.files)} on the disk, {counts}")
    good = _verdict(samples)
    for since, times in _windows(asked):
        print(f"  questions from minute {since / 60:3.0f}: p50 {percentile(times, 0.5):6.1f} ms, ", end="")
        print(f"p99 {percentile(times, 0.99):6.1f} ms (n={len(times)})")
    chart(samples, asked, given.out / "longrun.png")
    print("flat" if good else "NOT FLAT")
    return 0 if good else 1


class Load:
    """A folder that is changed all the time, and stays as large as it was."""

    def __init__(self, folder: Path, pictures: int) -> None:
        self._choose = random.Random(5)
        self._numbers = itertools.count()
        self._folder = folder
        self._most = pictures
        self.done = 0
        self.files: list[Path] = []
        for place in range(20):
            (folder / f"album {place}").mkdir(parents=True)
        for _ in range(pictures):
            self._drop()

    def change(self) -> None:
        """A drop, a rename or a delete."""
        self.done += 1
        if len(self.files) > self._most:
            self._taken().unlink()
        elif self._choose.random() < 0.3:
            path = self._taken()
            self.files.append(path.rename(self._place(path.suffix)))
        else:
            self._drop()

    def question(self) -> str:
        """The name of a picture that is there."""
        return f"caption {self._choose.choice(self.files).stem}"

    def _drop(self) -> None:
        number = next(self._numbers)
        suffix = (".jpg", ".png", ".webp")[number % 3]
        path = self._place(suffix)
        path.write_bytes(drawn(number, suffix, f"caption {word(number % 99_999)}"))
        self.files.append(path)

    def _place(self, suffix: str) -> Path:
        return self._folder / f"album {self._choose.randrange(20)}" / (word(next(self._numbers) % 99_999) + suffix)

    def _taken(self) -> Path:
        return self.files.pop(self._choose.randrange(len(self.files)))


Samples = dict[str, list[float]]


def _run(
    daemon: Daemon, load: Load, seconds: float, rate: float, out: Path
) -> tuple[Samples, list[tuple[float, float]]]:
    """What was seen each second, by name, and when each question was asked and how many milliseconds it took."""
    samples: Samples = {name: [] for name in ("time", *LIMITS, "waiting")}
    asked: list[tuple[float, float]] = []
    began = time.monotonic()
    next_change, next_question, next_sample = began, began, began
    while (now := time.monotonic()) < began + seconds:
        if now >= next_change:
            load.change()
            next_change += 1 / rate
        if now >= next_question:
            daemon.client.search(load.question())
            asked.append((now - began, (time.monotonic() - now) * 1000))
            next_question = max(next_question + 0.5, now)
        if now >= next_sample:
            _sample(daemon, now - began, samples)
            next_sample = max(next_sample + 1, now)
            if len(samples["time"]) % 60 == 0:
                (out / "samples.json").write_text(json.dumps({"samples": samples, "asked": asked}), encoding="utf-8")
                last = ", ".join(f"{name} {values[-1]:.0f}" for name, values in samples.items())
                print(last, flush=True)
        time.sleep(max(0.0, min(next_change, next_question, next_sample) - time.monotonic()))
    (out / "samples.json").write_text(json.dumps({"samples": samples, "asked": asked}), encoding="utf-8")
    return samples, asked


def _sample(daemon: Daemon, now: float, samples: Samples) -> None:
    assert daemon.process is not None
    pid = daemon.process.pid
    sizes = memory([pid, *daemon.children()], "Pss_Anon")
    files = list(_files(daemon.state))
    seen = {
        "time": now,
        "daemon, MB": sizes[pid],
        "all processes, MB": sum(sizes.values()),
        "open files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
        "table files": sum("/table/" in path for path, _ in files),
        "table versions": sum("/_versions/" in path for path, _ in files),
        "state, MB": sum(size for _, size in files) / 2**20,
        "waiting": daemon.client.status()["pictures"]["waiting"],
    }
    for name, value in seen.items():
        samples[name].append(value)


def _files(state: Path) -> Iterator[tuple[str, int]]:
    """Every file below, and its size; they come and go."""
    for path in state.rglob("*"):
        try:
            if path.is_file():
                yield str(path), path.stat().st_size
        except OSError:
            continue


def growth(times: Sequence[float], values: Sequence[float]) -> float:
    """By how much the second half would grow in an hour, as a share of its median; by the line of least squares."""
    half = len(times) // 2
    slope = statistics.linear_regression(times[half:], values[half:]).slope
    return slope * 3600 / max(1.0, statistics.median(values[half:]))


def _verdict(samples: Samples) -> bool:
    good = True
    for name, limit in LIMITS.items():
        values = samples[name]
        grows = growth(samples["time"], values)
        good &= grows <= limit
        print(
            f"  {name:<18} first {values[0]:8.1f}  median {statistics.median(values):8.1f}  last {values[-1]:8.1f}"
            f"  {grows:+6.1%} an hour (at most {limit:+.0%})"
        )
    return good


def _windows(asked: Sequence[tuple[float, float]]) -> Iterator[tuple[float, list[float]]]:
    for number, group in itertools.groupby(asked, key=lambda one: int(one[0] // _WINDOW)):
        yield number * _WINDOW, [took for _, took in group]


def chart(samples: Samples, asked: Sequence[tuple[float, float]], file: Path) -> None:
    """Write a PNG: a panel for each thing that was sampled, and one for the answers by window."""
    windows = list(_windows(asked))
    panels = [(name, list(zip(samples["time"], values, strict=True))) for name, values in samples.items()][1:]
    for share in (0.5, 0.99):
        points = [(since + _WINDOW / 2, percentile(times, share)) for since, times in windows]
        panels.append((f"questions, p{share * 100:.0f} of five minutes, ms", points))
    image = Image.new("RGB", (_WIDTH, _MARGIN + len(panels) * (_PANEL + 40)), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    end = max(samples["time"])
    for number, (name, points) in enumerate(panels):
        top = 20 + number * (_PANEL + 40)
        most = max(value for _, value in points) or 1.0
        pen.text((_MARGIN, top), f"{name}: at most {most:.1f}, last {points[-1][1]:.1f}", fill="black", font=font)
        low = top + 24 + _PANEL
        pen.line((_MARGIN, low - _PANEL, _MARGIN, low, _WIDTH - 20, low), fill="#9a9a9a")
        line = [
            (_MARGIN + (_WIDTH - 20 - _MARGIN) * when / end, low - (_PANEL - 6) * value / most)
            for when, value in points
        ]
        pen.line(line, fill="#1b4965", width=2)
    pen.text((_MARGIN, image.height - 24), f"0 … {end / 60:.0f} minutes", fill="black", font=font)
    image.quantize(64, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
