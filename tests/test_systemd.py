"""Telling systemd, and the unit that it is given."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from glimpsed import cli_service, systemd
from glimpsed.config import load, shipped


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@glimpsed-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name.replace("@", "\0"))
        receiver.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield receiver


def test_the_manager_is_told(manager: socket.socket) -> None:
    assert systemd.ready("idle")
    assert systemd.status("indexing\nREADY=1 é")
    assert systemd.stopping("draining")
    assert [manager.recv(1000).decode() for _ in range(3)] == [
        "READY=1\nSTATUS=idle",
        "STATUS=indexing READY=1 é",
        "STOPPING=1\nSTATUS=draining",
    ]


def test_a_manager_that_does_not_read_holds_nobody_up(manager: socket.socket) -> None:
    told = [systemd.status("x" * 4000) for _ in range(5000)]
    assert told[0]
    assert not told[-1]


@pytest.mark.parametrize("address", [None, "", "vsock:2:1", "/nowhere/at/all"])
def test_without_a_manager_nothing_happens(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not systemd.ready("idle")


def verify(unit: Path, runtime: Path) -> str:
    runtime.mkdir(exist_ok=True)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(unit)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(runtime), "HOME": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@needs_systemd
def test_systemd_has_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    # It exits with 0 on settings that it does not know: every line counts.
    config = load(
        environment={"HOME": str(tmp_path)}, flags={"store.path": str(tmp_path / 'st $HOME "%h'), "log.file": "/l/f"}
    )
    text = shipped("glimpsed.service").read_text("utf-8")
    unit = tmp_path / "glimpsed.service"
    unit.write_text(cli_service.unit_text(text, shutil.which("true") or "/bin/true", config))
    assert verify(unit, tmp_path / "run") == ""
    unit.write_text(unit.read_text().replace("[Service]", "[Service]\nNonsense=1"))
    assert "Nonsense" in verify(unit, tmp_path / "run")


def test_the_unit_is_that_of_this_installation(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/7"}
    flags = {"store.path": "/my state/100%", "log.file": "/logs/g.log", "serve.socket": "/s/x.sock", "serve.grace": 60}
    shipped_text = shipped("glimpsed.service").read_text("utf-8")
    text = cli_service.unit_text(shipped_text, "/o p/$x/glimpsed", load(environment=environment, flags=flags))
    lines = text.splitlines()
    assert 'ExecStart="/o p/$$x/glimpsed"' in lines
    assert 'ReadWritePaths="/my state/100%%" /s /logs' in lines
    assert "TimeoutStopSec=80" in lines
    assert len(lines) == len(shipped_text.splitlines())


def test_what_the_unit_must_hold() -> None:
    lines = shipped("glimpsed.service").read_text("utf-8").splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert settings["Type"] == "notify"
    assert "SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self" in lines
    assert settings["Slice"] == "background.slice"
    assert int(settings["CPUWeight"]) < 100
    assert int(settings["IOWeight"]) < 100
    assert float(settings["TimeoutStopSec"]) > load(environment={"HOME": "/h"}).serve.grace
    # Encoders make code at run time; systemd 252 puts the state directory below ~/.config.
    assert not {"MemoryDenyWriteExecute", "StateDirectory"} & set(settings)
