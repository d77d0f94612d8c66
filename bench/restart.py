"""No request is lost over restarts: a service under a real `systemd --user`, clients that never pause.

Prints how many requests were answered, how many were not, and how long they waited.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import common
import pytest
from tests import pictures
from tests.managers import HOME, ROOT, Manager, session

from glimpsed.client import Client
from glimpsed.errors import GlimpsedError

DROP_IN = f"""
[Service]
Environment=PYTHONPATH={ROOT}/daemon GLIMPSED_READ_OCR=false
StandardError=append:{HOME}/journal
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request."""

    milliseconds: float
    lost: str | None
    """What the client was told in place of an answer."""


def ask(manager: Manager) -> Answer:
    """One search, on a connection of its own, as `glimpse search` makes it."""
    began = time.monotonic()
    lost = None
    try:
        with Client(str(manager.socket), timeout=300) as client:
            if not client.search("heron")["hits"]:
                lost = "nothing was found"
    except GlimpsedError as error:
        lost = str(error)
    return Answer((time.monotonic() - began) * 1000, lost)


def measure(manager: Manager, requests: int, clients: int, restarts: int) -> None:
    """Restart the service while the clients ask, evenly over the requests."""
    with ThreadPoolExecutor(clients) as pool:
        asked = [pool.submit(ask, manager) for _ in range(requests)]
        for number in range(1, restarts + 1):
            while sum(one.done() for one in asked) < requests * number // (restarts + 1):
                time.sleep(0.01)
            before = manager.show("MainPID")
            began = time.monotonic()
            manager.systemctl("restart", "glimpsed.service")
            took = time.monotonic() - began
            assert manager.show("MainPID") != before
            print(f"restart {number}: {took:.1f} s, {sum(one.done() for one in asked)} answered by then", flush=True)
        answers = [one.result() for one in asked]
    lost = [one.lost for one in answers if one.lost is not None]
    print(f"{requests} requests of {clients} clients over {restarts} restarts: {len(lost)} lost")
    common.figures("an answer", [one.milliseconds for one in answers])
    for reason in sorted(set(lost)):
        print(f"  {lost.count(reason)} times: {reason}")


def main() -> None:
    """Install, start, ask, restart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--restarts", type=int, default=3)
    arguments = parser.parse_args()
    try:
        with session() as manager:
            drop_in = manager.home / ".config/systemd/user/glimpsed.service.d/bench.conf"
            drop_in.parent.mkdir(parents=True)
            drop_in.write_text(DROP_IN, encoding="utf-8")
            pictures.save(manager.home / "Pictures/heron.jpg", pictures.noisy(), caption="A heron on a pier")
            manager.glimpse("service", "install", "--enable")
            manager.glimpse("search", "--sync", "heron")
            measure(manager, arguments.requests, arguments.clients, arguments.restarts)
    except pytest.skip.Exception as reason:
        print(f"not here: {reason}")


if __name__ == "__main__":
    main()
