"""How much the second pass (OCR) slows another program down that uses all cores.

    python bench/slowdown.py [--pairs 12] [--seconds 6] [--without-giving-way]

The other program is one process of pure Python a core, of normal priority, in a session of its own. It does the same
work again and again: once while indexing is paused, once while the daemon has pictures whose words are to be read, by
turns and each first in every other pair. A slowdown is the time of the one by the time of the other. What the daemon
and its workers had of the CPU meanwhile is told beside it. Goal: at most 5 % in the median.

`--without-giving-way` measures nice alone ([work] give_way = false).
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import machine, percentile
from tests.daemons import Daemon, running
from tests.pictures import draw, save
from tests.waiting import wait_for

GOAL = 0.05
_TICK = os.sysconf("SC_CLK_TCK")

FOREIGN = """
import sys
sys.stdin.read(1)
total = 0
for number in range(int(sys.argv[1])):
    total += number * number % 7
"""


def foreign(rounds: int) -> float:
    """Seconds that one such process a core takes for so many rounds each."""
    command = [sys.executable, "-c", FOREIGN, str(rounds)]
    cores = len(os.sched_getaffinity(0))
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) for _ in range(cores)]
    time.sleep(0.3)  # until they wait for us
    began = time.perf_counter()
    for one in started:
        assert one.stdin is not None
        one.stdin.write(b"x")
        one.stdin.close()
    for one in started:  # all of them at once
        one.wait()
    return time.perf_counter() - began


def cpu(daemon: Daemon) -> float:
    """Seconds of CPU that the daemon and its children have had."""
    assert daemon.process is not None
    ticks = 0
    for pid in (daemon.process.pid, *daemon.children()):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICK


def pictures(folder: Path, count: int) -> None:
    """Pages of words, each like no other."""
    choose = random.Random(5)
    words = Path(__file__).with_suffix(".py").read_text("utf-8").split()
    for number in range(count):
        lines = [" ".join(choose.choices(words, k=7)) for _ in range(24)]
        save(folder / f"{number:04}.png", draw(lines, size=(1200, 1240)))


def working(daemon: Daemon) -> None:
    """Wait until the second pass is at work, or waits because the machine is busy already."""
    before = cpu(daemon)
    wait_for(lambda: cpu(daemon) > before + 1.0 or daemon.client.status().get("held"), deadline=300)


def resting(daemon: Daemon) -> None:
    """Wait until the picture that was begun is finished."""
    while True:
        before = cpu(daemon)
        time.sleep(1)
        if cpu(daemon) < before + 0.1:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--pictures", type=int, default=150)
    parser.add_argument("--without-giving-way", action="store_true")
    given = parser.parse_args()
    machine()
    rounds = 10_000_000
    rounds = round(rounds * given.seconds / min(foreign(rounds) for _ in range(5)))
    with tempfile.TemporaryDirectory(prefix="slow-") as temporary:
        home, folder = Path(temporary, "home"), Path(temporary, "p")
        folder.mkdir()
        pictures(folder, given.pictures)
        give_way = str(not given.without_giving_way).lower()
        with running(home, folder, WORK_GIVE_WAY=give_way, LOG_LEVEL="info") as daemon:
            wait_for(lambda: daemon.client.status()["pictures"]["stale"] > given.pictures // 2, deadline=1200)
            slowdowns, shares = [], []
            for pair in range(given.pairs):
                times = {}
                for busy in ((True, False), (False, True))[pair % 2]:
                    daemon.client.pause(paused=not busy)
                    if busy:
                        working(daemon)
                    else:
                        resting(daemon)
                    before = cpu(daemon)
                    times[busy] = foreign(rounds)
                    if busy:
                        shares.append((cpu(daemon) - before) / times[True] / (os.cpu_count() or 1))
                slowdowns.append(times[True] / times[False] - 1)
                left = daemon.client.status()["pictures"]["stale"]
                print(
                    f"pair {pair + 1:2}: {times[False]:6.2f} s alone, {times[True]:6.2f} s beside the second pass,"
                    f" {slowdowns[-1]:+6.1%}; it had {shares[-1]:5.1%} of the CPU; {left} pictures to do",
                    flush=True,
                )
                assert left, "more pictures are needed"
    middle = statistics.median(slowdowns)
    print(
        f"give_way = {give_way}: slowdown median {middle:+.1%}, quartiles {percentile(slowdowns, 0.25):+.1%} to"
        f" {percentile(slowdowns, 0.75):+.1%}, from {min(slowdowns):+.1%} to {max(slowdowns):+.1%}"
        f" (n={len(slowdowns)}); share of the CPU median {statistics.median(shares):.1%}"
    )
    print(f"goal      at most {GOAL:.0%}: {'met' if middle <= GOAL else 'missed'}")
    sys.exit(middle > GOAL)


if __name__ == "__main__":
    main()
