"""A real daemon in a process of its own, for tests and benches."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

from glimpsed.client import Client
from glimpsed.errors import UnreachableError

PATIENCE = 120.0


class Daemon:
    """One state directory and what runs on it; may be started and killed many times."""

    own_group = False
    """Whether it leads a process group, which can be killed as a whole."""

    def __init__(self, home: Path, *folders: Path, settings: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.folders = folders
        self.state = home / "state"
        self.socket = home / "socket"
        self.log = home / "log"
        self.settings = dict(settings or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.client = Client(str(self.socket))

    @property
    def command(self) -> list[str]:
        folders = [argument for folder in self.folders for argument in ("--folder", str(folder))]
        command = [sys.executable, "-m", "glimpsed", *folders]
        return [*command, "--state", str(self.state), "--socket", str(self.socket)]

    @property
    def environment(self) -> dict[str, str]:
        given = {
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "GLIMPSED_LOG_FILE": str(self.log),
            "GLIMPSED_WATCH_SETTLE": "0.1",
            "GLIMPSED_LOG_LEVEL": "debug",
            "GLIMPSED_ENCODE_ENCODER": "fallback",
            "GLIMPSED_WORK_GIVE_WAY": "false",  # the tests themselves may keep the machine busy
            "GLIMPSED_WORK_ON_BATTERY": "true",
        }
        return {**os.environ, **given, **self.settings}

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, env=self.environment, stderr=subprocess.PIPE, start_new_session=self.own_group
        )
        wait_for(self._answers, deadline=PATIENCE)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            assert self.process.stderr is not None
            raise AssertionError(f"ended with {self.process.returncode}: {self.process.stderr.read().decode()}")
        try:
            self.client.status()
        except UnreachableError:
            return False
        return True

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        assert self.process is not None
        self.client.close()
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE)
        status = self.process.returncode
        self.process = None
        if number != signal.SIGKILL:
            assert b"Traceback" not in errors, errors.decode()
        return status

    def kill_all(self) -> None:
        """SIGKILL for the daemon and all of its processes at once."""
        assert self.process is not None
        assert self.own_group
        os.killpg(self.process.pid, signal.SIGKILL)
        self.stop(signal.SIGKILL)

    def hold(self) -> None:
        """Have it stand still, until `go_on`: what happens meanwhile the kernel keeps for it, as far as it can."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)  # until then its threads go on, one longer than another

    def go_on(self) -> None:
        """Let one that is held go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def children(self) -> list[int]:
        """Process ids of its workers and encoder processes."""
        assert self.process is not None
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(number) for number in found.split()]

    def idle(self, pictures: int | None = None, *, deadline: float = PATIENCE) -> dict[str, Any]:
        """The status once all work is done, and `pictures` (fresh or not readable) are there."""

        def state() -> dict[str, Any] | None:
            status: dict[str, Any] = dict(self.client.status())
            counts = status["pictures"]
            there = counts["fresh"] + counts["errors"]
            return status if status["state"] == "idle" and pictures in (None, there) else None

        try:
            return wait_for(state, deadline=deadline) or {}
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.client.status()}\n{self.tail()}") from None

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8")[-3000:] if self.log.exists() else ""

    def first(self, question: str, **more: Any) -> str:
        """The name of the first hit; empty where nothing is found."""
        hits = self.client.search(question, **more)["hits"]
        return Path(hits[0]["path"]).name if hits else ""

    def names(self, question: str, **more: Any) -> list[str]:
        """The names of all hits."""
        return [Path(hit["path"]).name for hit in self.client.search(question, **more)["hits"]]

    def counter(self, name: str) -> float:
        """The sum of a counter of /metrics over its labels; 0 where it was never counted."""
        lines = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", self.client.metrics(), re.MULTILINE)
        return sum(map(float, lines))


@contextmanager
def running(home: Path, *folders: Path, **settings: str) -> Iterator[Daemon]:
    """A started daemon, ended at the end; `settings` are GLIMPSED_… variables without that prefix."""
    home.mkdir(parents=True, exist_ok=True)
    daemon = Daemon(home, *folders, settings={f"GLIMPSED_{key}": value for key, value in settings.items()})
    try:
        daemon.start()
        yield daemon
    finally:
        if daemon.process is not None:
            daemon.process.kill()
            daemon.process.communicate()
        daemon.client.close()
