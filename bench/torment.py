"""Random histories against a real daemon: after each one the table has to be what is on the disk.

    python bench/torment.py [--minutes 60] [--from NUMBER] [--encoders] [--totals FILE]
    python bench/torment.py --replay NUMBER
    python bench/torment.py --replay failed-NUMBER.json

A history is a few dozen steps (tests/histories/disk.py and world.py have them all): files and trees made, written in
pieces, changed, moved, linked and deleted; the daemon killed, held, flooded with events, made deaf, its disk filled,
a tree taken away, folders and encoder configured anew. Ten of them share one state directory. Where the kernel allows
a mount namespace, the state lies on a small disk that is filled, and in some lives the second tree is a disk that is
unmounted. The totals of all runs are kept by revision in `--totals`, and a run begins where the one before it ended.
One that fails is printed with its steps, made shorter where that is quick, and written to a file for `--replay`.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import machine
from tests.histories import history
from tests.histories.history import ERRORS, Step
from tests.histories.world import World, world

_A_LIFE = 10  # histories
_INSIDE = "TORMENT_MOUNTS"
_SHORTENING = 120.0  # seconds
_TOTALS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "glimpsed", "torture.json")


def main() -> int:
    """Whether all went well, as an exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--from", type=int, dest="first", help="the number of the first history")
    parser.add_argument("--encoders", action="store_true", help="switch to a small checkpoint and back, too")
    parser.add_argument("--totals", type=Path, default=_TOTALS)
    parser.add_argument("--replay", help="the number of a history, or a file that a failed one was written to")
    given = parser.parse_args()
    _own_mounts()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine()
    with tempfile.TemporaryDirectory(prefix="w-", ignore_cleanup_errors=True) as home:
        if given.replay:
            return _replay(Path(home), given.replay, encoders=given.encoders)
        return _run(Path(home), given.minutes, given.first, given.totals, encoders=given.encoders)


def _own_mounts() -> None:
    """Go on in a mount namespace of our own, where the kernel allows that."""
    if _INSIDE in os.environ:
        return
    enter = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        allowed = subprocess.run([*enter, "mount", "-t", "tmpfs", "tmpfs", "/tmp"], capture_output=True, check=False)
    except FileNotFoundError:
        allowed = subprocess.CompletedProcess([], 1)
    if allowed.returncode != 0:
        os.environ[_INSIDE] = ""
        return
    os.environ[_INSIDE] = "1"
    os.execvp(enter[0], [*enter, sys.executable, *sys.argv])


def _settings(number: int) -> dict[str, str]:
    """Of the life that the history belongs to: OCR in every fifth."""
    return {"READ_OCR": "true" if number // _A_LIFE % 5 == 4 else "false", "READ_TIMEOUT": "10 min"}


def _world(home: Path, number: int, *, encoders: bool) -> World:
    model = None
    if encoders:
        from tests.encoding.checkpoint import checkpoint

        model = checkpoint()
    mounts = bool(os.environ.get(_INSIDE))
    stick = mounts and number // _A_LIFE % 2 == 1
    return World(home, mounts=mounts, stick=stick, model=model, **_settings(number))


def _drawn(number: int, *, encoders: bool) -> list[Step]:
    return history.drawn(number, disk=bool(os.environ.get(_INSIDE)), encoders=encoders)


def _run(home: Path, minutes: float, first: int | None, totals: Path, *, encoders: bool) -> int:
    end = time.monotonic() + 60 * minutes
    revision = _revision()
    sums = _read(totals)
    number = first if first is not None else max((int(one["next"]) for one in sums.values()), default=0)
    done: Counter[str] = Counter()
    failed: list[int] = []
    while time.monotonic() < end:
        place = home / f"{number}"
        with world(_world(place, number, encoders=encoders)) as life:
            while time.monotonic() < end:
                steps = _drawn(number, encoders=encoders)
                began = time.monotonic()
                fault = _played(life, steps, number)
                done += Counter(histories=1, steps=len(steps))
                did = ", ".join(f"{name} {count}" for name, count in life.taken().items() if count)
                took = f"{time.monotonic() - began:5.1f} s"
                print(f"history {number}: {len(steps)} steps, {took}; {did}; {fault or 'equal'}", flush=True)
                number += 1
                if fault:
                    failed.append(number - 1)
                    _keep(life, place, number - 1, steps, encoders=encoders)
                    break
                if number % _A_LIFE == 0:
                    break
            done += life.counted
        sums = _read(totals)
        before = sums.get(revision, {"failed": []})
        whole = Counter({key: int(value) for key, value in before.items() if key not in {"failed", "next"}}) + done
        sums[revision] = {**whole, "failed": [*before["failed"], *failed], "next": number}
        totals.parent.mkdir(parents=True, exist_ok=True)
        totals.write_text(json.dumps(sums, indent=1), encoding="utf-8")
        done, all_failed, failed = Counter(), bool(before["failed"] or failed), []
        print(f"so far, at {revision}: {json.dumps(sums[revision])}", flush=True)
    return 1 if all_failed else 0


def _played(life: World, steps: Sequence[Step], number: int) -> str:
    """What went wrong; empty where nothing did."""
    try:
        history.play(life, steps, number=number)
    except ERRORS as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"FAILED at {where.name}: {type(error).__name__}: {error}"
    return ""


def _keep(life: World, place: Path, number: int, steps: Sequence[Step], *, encoders: bool) -> None:
    """Print and write a failed history, the daemon's log beside it."""
    kept = Path(f"failed-{number}.json").absolute()
    kept.write_text(history.written(steps), encoding="utf-8")
    if life.daemon.log.exists():
        shutil.copyfile(life.daemon.log, kept.with_suffix(".log"))
    for step in steps:
        print(f"    {step.name} {step.a} {step.b}")
    print(f"  again: python bench/torment.py --replay {number}, or --replay {kept}", flush=True)
    end, tries = time.monotonic() + _SHORTENING, iter(range(1000))

    def fails(fewer: Sequence[Step]) -> bool:
        with world(_world(place.with_name(f"{number}-{next(tries)}"), number, encoders=encoders)) as other:
            return bool(_played(other, fewer, number))

    if fails(steps):  # by itself, too
        left = history.shorter(steps, fails, seconds=end - time.monotonic())
        print(f"  shortest found: {history.written(left)}", flush=True)


def _replay(home: Path, named: str, *, encoders: bool) -> int:
    number = int(named) if named.isdecimal() else 0
    steps = _drawn(number, encoders=encoders) if named.isdecimal() else history.read(Path(named).read_text("utf-8"))
    with world(_world(home / "again", number, encoders=encoders)) as life:
        fault = _played(life, steps, number)
        for step in steps:
            print(f"    {step.name} {step.a} {step.b}")
        print(fault or "equal")
        if fault:
            print(life.daemon.tail())
    return 1 if fault else 0


def _read(totals: Path) -> dict[str, dict[str, Any]]:
    try:
        sums: dict[str, dict[str, Any]] = json.loads(totals.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return sums


def _revision() -> str:
    """Of the code that runs."""
    here = Path(__file__).parent
    told = subprocess.run(["git", "-C", here, "describe", "--always", "--dirty"], capture_output=True, check=False)
    return told.stdout.decode().strip() or "unknown"


if __name__ == "__main__":
    raise SystemExit(main())
