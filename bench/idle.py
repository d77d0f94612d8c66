"""What an idle daemon costs: memory by process, and how often each of its threads wakes up.

    python bench/idle.py [--rows 10000] [--minutes 10] [--unload-after 20] [--state DIR]

A table of made-up rows and some real pictures; each kind of work is done once (a picture read, its words, an encoder of
batches, searches), then the bench waits until the daemon is idle and has ended what is not needed. Wake-ups are
voluntary context switches (proc(5), /proc/PID/task/TID/status): each time that a thread went to sleep again. Run time
is the first number of /proc/PID/task/TID/schedstat. Goals: 400 MB for all processes together, no GPU memory.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import made_rows
from common import machine
from tests.daemons import Daemon, running
from tests.pictures import draw, save
from tests.waiting import wait_for

UNPLUGGED = Path("/nonexistent/unplugged/Pictures")
"""The folder of the made-up rows: it is offline, so that they stay and are found."""
GOAL = 400.0  # MB


def sizes(pid: int) -> dict[str, float]:
    """Of one process in MB: `Rss`, `Pss` (shared pages shared out), `Private_Dirty`; proc(5), smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    found = {name: int(rest.split()[0]) / 1024 for name, _, rest in (line.partition(":") for line in lines[1:])}
    return {name: found[name] for name in ("Rss", "Pss", "Private_Dirty")}


def threads(pid: int) -> dict[int, tuple[str, int, int]]:
    """Of each thread its name, how often it went to sleep, and its run time in ns."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            status = dict(line.partition(":")[::2] for line in (task / "status").read_text().splitlines())
            ran = int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue  # it ended
        found[int(task.name)] = (status["Name"].strip(), int(status["voluntary_ctxt_switches"]), ran)
    return found


def gpu_memory(pids: list[int]) -> str:
    """What nvidia-smi says of these processes."""
    if not shutil.which("nvidia-smi"):
        return "no GPU here"
    asked = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader"]
    lines = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
    mine = [line for line in lines if line.split(",")[0].strip() in map(str, pids)]
    return "; ".join(mine) or "none"


def work(daemon: Daemon, folder: Path) -> None:
    """Everything once, so that everything was loaded."""
    for number, word in enumerate(("Ramen Ichiban", "Total 12.50 EUR", "Boarding pass")):
        save(folder / f"{number}.png", draw([word, "Kyoto"]), caption=f"Picture {number}: {word}")
    wait_for(lambda: daemon.client.status()["pictures"]["fresh"] >= 3, deadline=300)
    daemon.idle(deadline=600)
    for question in ("ramen", "a red bicycle near the harbour", "two sleeping cats", '"boarding pass"', "type:png"):
        daemon.client.search(question, k=20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--unload-after", type=float, default=20.0)
    parser.add_argument("--state", help="keep the made-up table here for the next time")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    machine()
    with tempfile.TemporaryDirectory(prefix="idle-") as temporary:
        home, folder = Path(temporary, "home"), Path(temporary, "p")
        home.mkdir()
        folder.mkdir()
        kept = Path(given.state or Path(temporary, "made"))
        if not kept.exists():
            made_rows.make(str(kept), given.rows, str(UNPLUGGED))
        shutil.copytree(kept, home / "state")
        with running(
            home, UNPLUGGED, folder, ENCODE_UNLOAD_AFTER=f"{given.unload_after:g}", LOG_LEVEL="info"
        ) as daemon:
            work(daemon, folder)
            assert daemon.process is not None
            daemon.client.close()
            at_work = {pid: sizes(pid)["Pss"] for pid in (daemon.process.pid, *daemon.children())}
            print(f"at work: {sum(at_work.values()):.0f} MB PSS in {len(at_work)} processes")
            wait_for(lambda: not daemon.children(), deadline=given.unload_after + 300)
            time.sleep(given.unload_after)  # for what is done a while after the last work
            report(daemon.process.pid, given.minutes * 60, as_json=given.json)
            found = daemon.client.search("two sleeping cats", k=5)
            print(f"then a search: {found['took_ms']:.1f} ms, {len(found['hits'])} hits")


def report(pid: int, seconds: float, *, as_json: bool) -> None:
    before, began = threads(pid), time.monotonic()
    time.sleep(seconds)
    took, after = time.monotonic() - began, threads(pid)
    size = sizes(pid)
    print(f"idle for {took:.0f} s, {len(after)} threads")
    print("memory    " + ", ".join(f"{name} {value:.0f} MB" for name, value in size.items()))
    print(f"VRAM      {gpu_memory([pid])}")
    woken: dict[str, list[float]] = {}
    for task, (name, switches, ran) in after.items():
        _, switches_before, ran_before = before.get(task, (name, 0, 0))
        kind = name.rstrip("0123456789-_ ") if task != pid else "main thread"
        told = woken.setdefault(kind, [0, 0.0, 0.0])
        told[0] += 1
        told[1] += (switches - switches_before) / took
        told[2] += (ran - ran_before) / took / 1e6
    for kind, (count, often, milliseconds) in sorted(woken.items(), key=lambda one: -one[1][1]):
        if often:
            print(f"wake-ups  {kind:<18} {count:3.0f} threads  {often:7.3f}/s  {milliseconds:7.3f} ms a second")
    total = sum(often for _, often, _ in woken.values())
    print(f"wake-ups  {total:.2f} a second in all, {sum(one[2] for one in woken.values()):.2f} ms of CPU a second")
    fits = size["Rss"] < GOAL
    print(f"goal      RSS below {GOAL:.0f} MB: {'met' if fits else 'missed'}")
    if as_json:
        print(json.dumps({"rss": size["Rss"], "pss": size["Pss"], "wakeups": total, "seconds": took}))
    if not fits:
        sys.exit(1)


if __name__ == "__main__":
    main()
