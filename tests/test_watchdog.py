"""The watchdog hears that all is well for as long as it is: each part hangs, dies, and comes back."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests import pictures
from tests.daemons import Daemon
from tests.told import Told, told
from tests.waiting import wait_for

from glimpsed.client import Client

FAULTY = str(Path(__file__).with_name("faulty.py"))
WATCHDOG = 0.9  # seconds


class Faulty(Daemon):
    """A daemon with faults to switch on."""

    told: Told

    @property
    def faults(self) -> Path:
        return self.home / "faults"

    @property
    def command(self) -> list[str]:
        return [sys.executable, FAULTY, str(self.faults), *super().command[3:]]

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        (self.faults / name).touch()
        try:
            yield
        finally:
            (self.faults / name).unlink()

    def drop(self) -> None:
        """A new picture."""
        number = len(list(self.folders[0].iterdir()))
        pictures.save(
            self.folders[0] / f"new{number}.png", pictures.noisy((40, 30), seed=number), caption=f"No {number}"
        )

    def encoder(self) -> list[int]:
        """Process ids of encoders."""
        return [
            pid for pid in self.children() if "glimpsed.encoding" in Path(f"/proc/{pid}/cmdline").read_text("utf-8")
        ]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    home = tmp_path_factory.mktemp("watchdog")
    folder = home / "Pictures"
    for directory in (folder, home / "faults"):
        directory.mkdir()
    with told(home) as (address, messages):
        settings = {
            "NOTIFY_SOCKET": address,
            "WATCHDOG_USEC": str(round(WATCHDOG * 1e6)),
            "GLIMPSED_READ_OCR": "false",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
        }
        daemon = Faulty(home, folder, settings=settings)
        daemon.told = messages
        try:
            daemon.start()
            daemon.drop()
            daemon.idle(1)
            yield daemon
            messages.forget()
            assert daemon.stop() == 0
            messages.until("STOPPING", "1")
            assert float(messages.until("EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"]) > 0
        finally:
            if daemon.process is not None:
                for pid in daemon.encoder():
                    os.kill(pid, signal.SIGCONT)
                daemon.process.kill()
                daemon.process.communicate()


def stuck(daemon: Faulty, part: str) -> None:
    """Wait until the part is told to be stuck; then no look tells the watchdog that all is well."""
    daemon.told.forget()
    daemon.told.until("STATUS", f"stuck: {part} has not answered")
    for _ in range(3):
        while "STATUS" not in (message := daemon.told.next()):
            assert "WATCHDOG" not in message


def well(daemon: Faulty) -> None:
    """Wait until the watchdog is told that all is well, twice: it was no left-over."""
    daemon.told.forget()
    for _ in range(2):
        daemon.told.until("WATCHDOG", "1")


def test_it_is_told_while_all_is_well(daemon: Faulty) -> None:
    well(daemon)
    [beginning] = [message for message in daemon.told.messages if "READY" in message] or [{"READY": "1"}]
    assert beginning["READY"] == "1"


def test_a_reader_of_events_that_hangs(daemon: Faulty) -> None:
    with daemon.fault("emitter hangs"):
        daemon.drop()
        stuck(daemon, "the reader of file events")
    well(daemon)


def test_a_reader_of_events_that_is_dead(daemon: Faulty) -> None:
    with daemon.fault("emitter dies"):
        daemon.drop()
        stuck(daemon, "the reader of file events")
    well(daemon)  # its folders are watched anew


def test_a_writer_that_hangs(daemon: Faulty) -> None:
    with daemon.fault("writer hangs"):
        daemon.drop()
        stuck(daemon, "the writer")
    well(daemon)


def test_an_encoder_that_hangs(daemon: Faulty) -> None:
    [pid] = daemon.encoder()
    os.kill(pid, signal.SIGSTOP)
    try:
        daemon.drop()
        stuck(daemon, "the fallback")
    finally:
        os.kill(pid, signal.SIGCONT)
    well(daemon)


def test_an_encoder_that_is_dead(daemon: Faulty) -> None:
    [pid] = daemon.encoder()
    with daemon.fault("encoder dies"):
        os.kill(pid, signal.SIGKILL)
        daemon.told.forget()
        # Each new picture is another try, soon after the one before: a message comes at every look.
        while "stuck: the fallback has" not in daemon.told.next().get("STATUS", ""):
            daemon.drop()
    daemon.drop()
    well(daemon)


def test_a_fallback_that_hangs_over_a_question(daemon: Faulty) -> None:
    def ask(_: int) -> None:
        with Client(str(daemon.socket)) as client:
            client.search("something that nobody has asked before")

    with ThreadPoolExecutor(1) as one:
        with daemon.fault("question hangs"):
            asked = one.map(ask, [0])
            stuck(daemon, "the fallback for questions")
        list(asked)
    well(daemon)


def test_all_of_it_is_in_the_log(daemon: Faulty) -> None:
    said = daemon.log.read_text(encoding="utf-8")
    for part in ("the reader of file events", "the writer", "the fallback", "the fallback for questions"):
        for event in ("part_stuck", "part_answers"):
            assert f'"event": "{event}", "part": "{part}"' in said


def test_nothing_was_lost_meanwhile(daemon: Faulty) -> None:
    daemon.client.retry()
    wait_for(lambda: daemon.client.status()["pictures"]["fresh"] == len(list(daemon.folders[0].iterdir())))
    shutil.rmtree(daemon.faults)
    daemon.faults.mkdir()
