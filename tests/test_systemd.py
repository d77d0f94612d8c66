"""Telling systemd, and the unit that it is given."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from glimpsed import cli_service, systemd, vigil
from glimpsed.config import Config, load, shipped


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


UNITS = ("glimpsed.service", "glimpsed.socket", "glimpsed@.service", "glimpsed@.socket")
HIGHEST = {"glimpsed.service": 1.1, "glimpsed@.service": 0.4}
"""Exposure as systemd 252 counts it; ten is the worst."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyze(runtime: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    runtime.mkdir(exist_ok=True)
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env=os.environ | {"XDG_RUNTIME_DIR": str(runtime), "HOME": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )


def verify(*units: Path, user: bool = True) -> str:
    done = analyze(units[0].parent / "run", "verify", "--man=no", *(["--user"] if user else []), *map(str, units))
    return done.stdout + done.stderr


def exposure(unit: Path, runtime: Path, *, user: bool) -> float:
    done = analyze(runtime, *(["--user"] if user else []), "security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def written(place: Path, name: str, config: Config | None, instance: str = "") -> Path:
    """A unit as `glimpse service install` writes it, for a program that is here."""
    unit = place / name.replace("@", f"@{instance}")
    text = shipped(name).read_text("utf-8")
    unit.write_text(cli_service.unit_text(text, shutil.which("true") or "/bin/true", config))
    return unit


@needs_systemd
def test_systemd_has_nothing_to_say_about_the_users_units(tmp_path: Path) -> None:
    # It exits with 0 on settings that it does not know: every line counts.
    config = load(
        environment={"HOME": str(tmp_path)},
        flags={"store.path": str(tmp_path / 'st $HOME "%h'), "log.file": "/l/f", "serve.socket": "/my %s/socket"},
    )
    service, socket = (written(tmp_path, name, config) for name in UNITS[:2])
    assert verify(service, socket) == ""
    drop_in = tmp_path / "glimpsed.service.d" / "gpu.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(shipped("gpu.conf").read_text("utf-8"))
    assert verify(service, socket) == ""
    drop_in.write_text("[Service]\nNonsense=1\n")
    assert "Nonsense" in verify(service, socket)


@needs_systemd
def test_systemd_has_nothing_to_say_about_the_servers_units(tmp_path: Path) -> None:
    service, socket = (written(tmp_path, name, None, "root") for name in UNITS[2:])
    assert verify(service, socket, user=False) == ""


@needs_systemd
@pytest.mark.parametrize("name", HIGHEST)
def test_the_units_expose_little(name: str, tmp_path: Path) -> None:
    user = "@" not in name
    unit = written(tmp_path, name, None)
    assert exposure(unit, tmp_path / "run", user=user) <= HIGHEST[name]
    unit.write_text(unit.read_text().replace("PrivateNetwork=yes", "PrivateNetwork=no"))
    assert exposure(unit, tmp_path / "run", user=user) > HIGHEST[name]


def test_every_setting_is_explained() -> None:
    """In a comment right above it, or above others of its paragraph that it goes with."""
    for name in (*UNITS, "gpu.conf"):
        for paragraph in shipped(name).read_text("utf-8").split("\n\n"):
            lines = [line for line in paragraph.splitlines() if not line.startswith("[")]
            plain = {"Description", "Documentation", "WantedBy", "ExecStart", "ListenStream", "User", "Also"}
            for number, line in enumerate(lines):
                if not line.startswith("#") and line.partition("=")[0] not in plain:
                    above = [one for one in lines[:number] if one.startswith("#")]
                    assert above, f"{name}: {line}"


def test_the_unit_is_that_of_this_installation(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/7"}
    flags = {"store.path": "/my state/100%", "log.file": "/logs/g.log", "serve.socket": "/s/x.sock", "serve.grace": 60}
    shipped_text = shipped("glimpsed.service").read_text("utf-8")
    text = cli_service.unit_text(shipped_text, "/o p/$x/glimpsed", load(environment=environment, flags=flags))
    lines = text.splitlines()
    assert 'ExecStart="/o p/$x/glimpsed"' in lines
    assert 'ReadWritePaths="/my state/100%%" /logs' in lines
    assert "TimeoutStopSec=80" in lines
    assert len(lines) == len(shipped_text.splitlines())


@pytest.mark.parametrize("name", ["glimpsed.service", "glimpsed@.service"])
def test_what_the_units_must_hold(name: str) -> None:
    lines = shipped(name).read_text("utf-8").splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert settings["Type"] == "notify"
    assert settings["ExecReload"] == "kill -HUP $MAINPID"
    assert float(settings["WatchdogSec"]) >= 2 * vigil.EVERY
    assert "SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self" in lines
    assert int(settings["CPUWeight"]) < 100
    assert int(settings["IOWeight"]) < 100
    assert float(settings["TimeoutStopSec"]) > load(environment={"HOME": "/h"}).serve.grace
    # Encoders make code at run time; systemd 252 puts a user's state directory below ~/.config.
    assert "MemoryDenyWriteExecute" not in settings
    assert "@" in name or "StateDirectory" not in settings
    # systemd removes a RuntimeDirectory= when the service ends, and the socket that it holds with it.
    assert "RuntimeDirectory" not in settings


@pytest.mark.parametrize("name", ["glimpsed.socket", "glimpsed@.socket"])
def test_what_the_sockets_must_hold(name: str) -> None:
    lines = shipped(name).read_text("utf-8").splitlines()
    assert {"SocketMode=0600", "RemoveOnStop=yes", "FileDescriptorName=glimpsed"} <= set(lines)
    directories = [line for line in lines if line.startswith(("DirectoryMode=", "ExecStartPre="))]
    if "@" in name:  # root gives the socket away there, so that nobody else may put a link in its place
        assert [line.split()[2:6] for line in directories] == [
            ["-m", "0755", "-o", "root"],
            ["-m", "0711", "-o", "root"],
        ]
    else:
        assert directories == ["DirectoryMode=0700"]
