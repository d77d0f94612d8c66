"""What the benches share: pictures to work on, processes to weigh, and how figures are printed."""

import hashlib
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' daemon and drawings serve here too

_PLACES = (
    "/usr/share/icons",
    "/usr/share/backgrounds",
    "/usr/share/pixmaps",
    "/usr/share/doc",
    "/usr/share",
    "/usr/lib",
)
_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tiff"}


def real_pictures(count: int, folder: Path, extra: Iterable[str] = ()) -> int:
    """Copy up to `count` pictures of different content into directories of `folder`; how many there were.

    Those of the `extra` directories first, then an even sample of what this machine has, icons and large ones alike.
    """
    chosen: dict[bytes, Path] = {}
    for places in (tuple(extra), (*_PLACES, sys.prefix)):
        found: dict[bytes, Path] = {}
        for path in (path for place in places for path in sorted(Path(place).rglob("*"))):
            if path.suffix.lower() in _SUFFIXES and path.is_file() and not path.is_symlink() and path.stat().st_size:
                found.setdefault(hashlib.blake2b(path.read_bytes()).digest(), path)
        new = [item for item in found.items() if item[0] not in chosen]
        room = count - len(chosen)
        chosen |= dict(new[:: max(1, len(new) // room)][:room]) if room else {}
    for number, path in enumerate(chosen.values()):
        into = folder / f"directory {number % 20:02}"
        into.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, into / f"{number:05} {path.name}")
    return len(chosen)


def memory(pids: Iterable[int], kind: str = "Pss") -> dict[int, float]:
    """Proportional set size of processes in MB (shared pages are shared out): proc(5), smaps_rollup.

    With `Pss_Anon` without the files that are mapped: what others map as well comes and goes with them.
    """
    sizes = {}
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        sizes[pid] = next((int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")), 0) / 1024
    return sizes


def figures(name: str, milliseconds: Sequence[float]) -> None:
    """One line: median, 95th percentile and largest."""
    ordered = sorted(milliseconds)
    high = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    middle = statistics.median(ordered)
    print(f"{name:<46} p50 {middle:8.1f}  p95 {high:8.1f}  max {ordered[-1]:8.1f} ms  (n={len(ordered)})")


def milliseconds(call: Callable[[], object]) -> float:
    """What one call takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many are at or below."""
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def machine() -> None:
    """One line that says where this ran."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown",
    )
    print(f"{os.cpu_count()} cores, {model}, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")


def progress(name: str) -> Callable[[int, int, str], None]:
    """A function that shows how far something is, on standard error; not more often than people want to read."""
    terminal = sys.stderr.isatty()
    began = shown = time.monotonic()

    def step(done: int, whole: int, note: str) -> None:
        nonlocal shown
        now = time.monotonic()
        last = note == "done" or (done == whole and not note)
        if not last and now - shown < (0.2 if terminal else 10):
            return
        shown = now
        line = f"{name}: {done} of {whole}, {now - began:.0f} s {'' if last else note}".rstrip()
        print(f"\r\x1b[K{line}" if terminal else line, end="" if terminal and not last else "\n", file=sys.stderr)

    return step
