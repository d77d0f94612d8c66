"""SIGHUP: folders, ignore rules and the log's level are taken up without a restart."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from tests import pictures
from tests.daemons import PATIENCE, Daemon
from tests.told import Told, told
from tests.waiting import wait_for

from glimpsed.config import KEYS, Config, load
from glimpsed.reloading import TAKEN_UP, compare


class Configured(Daemon):
    """A daemon that reads a configuration file."""

    told: Told

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in super().environment.items() if name != "GLIMPSED_LOG_LEVEL"}

    def configure(self, text: str) -> None:
        file = self.home / "config/glimpsed/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def reload(self) -> None:
        """As `systemctl reload` does, until it is ready again."""
        assert self.process is not None
        self.told.forget()
        self.process.send_signal(signal.SIGHUP)
        assert int(self.told.until("RELOADING", "1")["MONOTONIC_USEC"]) > 0
        self.told.until("READY", "1")

    def picture(self, directory: str, caption: str) -> Path:
        path = self.home / directory / f"{caption}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures.save(path, pictures.noisy((40, 30), seed=len(caption)), caption=caption)
        return path

    def found(self) -> list[str]:
        return sorted(self.names("type:png"))


def watching(*folders: Path, more: str = "") -> str:
    return f"[watch]\nfolders = {[str(one) for one in folders]}\n{more}"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Configured]:
    with told(tmp_path) as (address, messages):
        daemon = Configured(tmp_path, settings={"NOTIFY_SOCKET": address, "GLIMPSED_READ_OCR": "false"})
        daemon.told = messages
        daemon.picture("one", "heron")
        daemon.configure(watching(tmp_path / "one"))
        try:
            daemon.start()
            yield daemon
            assert daemon.stop() == 0
        finally:
            if daemon.process is not None:
                daemon.process.kill()
                daemon.process.communicate()


def test_folders_rules_and_the_level_are_taken_up(daemon: Configured) -> None:
    one, two = daemon.home / "one", daemon.home / "two"
    assert "; fallback on cpu" in daemon.told.until("READY", "1")["STATUS"]
    daemon.idle(1)

    hidden = daemon.picture("two", "stork in private")
    daemon.picture("two", "crane")
    daemon.configure(watching(one, two, more='ignore = ["*private*"]\n[log]\nlevel = "debug"\n'))
    daemon.reload()
    daemon.idle(2)
    assert daemon.found() == ["crane.png", "heron.png"]
    assert daemon.client.explain(str(hidden))["state"] == "ignored"
    daemon.picture("two", "gull")  # it is watched, not only scanned
    wait_for(lambda: daemon.first("gull") == "gull.png", deadline=PATIENCE)
    assert "searched" in daemon.log.read_text(encoding="utf-8")

    daemon.configure("[watch]\nfolders = 3\n[nonsense]\n")
    daemon.reload()
    [warning] = [one for one in daemon.client.status()["warnings"] if "has faults" in one]
    assert "watch.folders" in warning
    assert "nonsense" in warning
    assert daemon.found() == ["crane.png", "gull.png", "heron.png"]

    daemon.configure(watching(two, more="[read]\nworkers = 1\n"))
    daemon.reload()
    wait_for(lambda: daemon.found() == ["crane.png", "gull.png", "stork in private.png"], deadline=PATIENCE)
    status = daemon.client.status()
    assert [folder["path"] for folder in status["folders"]] == [str(two)]
    assert not [one for one in status["warnings"] if "has faults" in one]
    assert '"changed": ["watch.folders", "watch.ignore", "log.level"], "later": ["read.workers"]' in daemon.tail()
    daemon.picture("one", "owl")
    daemon.client.search("x", sync=True, timeout=PATIENCE)
    assert daemon.first("owl") != "owl.png"


def test_a_hangup_while_it_starts_ends_nothing(tmp_path: Path) -> None:
    """It is read again once the daemon is ready."""
    (tmp_path / "one").mkdir()
    with told(tmp_path) as (address, messages):
        daemon = Configured(tmp_path, settings={"NOTIFY_SOCKET": address})
        daemon.configure(watching(tmp_path / "one"))
        daemon.process = subprocess.Popen(daemon.command, env=daemon.environment, stderr=subprocess.PIPE)
        try:
            messages.until("EXTEND_TIMEOUT_USEC")
            daemon.process.send_signal(signal.SIGHUP)
            messages.until("READY")
            messages.until("RELOADING")
            messages.until("READY")
            assert daemon.stop() == 0
        finally:
            if daemon.process is not None:
                daemon.process.kill()
                daemon.process.communicate()


def test_a_terminal_that_is_closed_ends_what_runs_in_it(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    daemon = Configured(tmp_path)
    daemon.configure(watching(tmp_path / "one"))
    ours, its = pty.openpty()
    # A session of its own, whose terminal is the one that is closed.
    inside = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    daemon.process = subprocess.Popen(
        [sys.executable, "-c", inside, *daemon.command],
        env=daemon.environment,
        stdin=its,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(its)
    try:
        wait_for(lambda: "daemon_ready" in daemon.tail(), deadline=PATIENCE)
        os.close(ours)
        assert daemon.process.wait(PATIENCE) == 0
        assert '"daemon_stopping", "why": "SIGHUP"' in daemon.tail()
    finally:
        daemon.process.kill()
        daemon.process.wait()


def test_what_can_be_taken_up_and_what_waits_for_a_start() -> None:
    environment = {"HOME": "/h"}
    old = load(environment=environment)
    flags = {
        "watch.folders": ["/a"],
        "watch.ignore": ["b"],
        "watch.follow_symlinks": True,
        "log.level": "debug",
        "read.ocr": False,
        "serve.grace": 5,
    }
    difference = compare(old, load(environment=environment, flags=flags))
    assert set(difference.changed) == TAKEN_UP
    assert difference.later == ("read.ocr", "serve.grace")
    assert difference.config.watch.folders == ("/a",)
    assert difference.config.log.level == "debug"
    assert difference.config.read == old.read
    assert difference.config.serve == old.serve
    assert compare(old, old) == replace(difference, config=old, changed=(), later=())


def test_every_key_is_compared() -> None:
    assert {f"{section.name}.{key.name}" for section in fields(Config) for key in fields(section.type)} == set(KEYS)  # type: ignore[arg-type]  # classes
    assert set(KEYS) > TAKEN_UP
