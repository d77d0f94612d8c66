"""The systemd unit: installed, of this installation, enabled; and what of the network it allows."""

import getpass
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from glimpsed.doctor.findings import Finding, ok, warning
from glimpsed.files import shown

INSTALL = "glimpse service install --enable"
_LINGER = Path("/var/lib/systemd/linger")


def unit(file: Path, program: str | None) -> Iterator[Finding]:
    """Whether the user's unit is there and starts the `glimpsed` that belongs to this installation."""
    if shutil.which("systemctl") is None:
        yield ok("service", "systemd is not installed; start glimpsed by other means")
        return
    if not file.exists():
        yield ok("service", "not installed as a service", INSTALL)
        return
    started = _started(file)
    if started is None or not os.access(started, os.X_OK):
        yield warning("service", f"{shown(str(file))} starts {shown(str(started))}, which is not there", INSTALL)
    elif program is not None and os.path.realpath(started) != os.path.realpath(program):
        what = f"{shown(str(file))} starts {shown(started)}, another installation than {shown(program)}"
        yield warning("service", what, INSTALL)
    else:
        yield ok("service", shown(str(file)))


def enabled(name: str) -> Iterator[Finding]:
    """Whether the service starts by itself, and goes on without a login."""
    told = _asked("systemctl", "--user", "is-enabled", name)
    if told == "":
        yield ok("service", "no user manager answers here, so what is enabled is not known")
        return
    if told not in ("enabled", "enabled-runtime", "linked", "static"):
        socket = f"{name.removesuffix('.service')}.socket"
        if _asked("systemctl", "--user", "is-enabled", socket) == "enabled":
            what = f"{name} is {told}, {socket} is enabled: the first request starts it, and not the login"
            yield ok("service", what, f"systemctl --user enable --now {name}")
        else:
            what = f"{name} is {told}: it does not start at login"
            yield warning("service", what, f"systemctl --user enable --now {socket} {name}")
    elif (state := _asked("systemctl", "--user", "is-active", name)) == "failed":
        yield warning("service", f"{name} has failed", f"journalctl --user -u {name} -n 20")
    else:
        yield ok("service", f"{name} is {told}, {state}")
    if lingers(getpass.getuser()):
        yield ok("service", "it runs while you are not logged in, too")
    else:
        yield ok("service", "it runs while you are logged in", "loginctl enable-linger")


def lingers(user: str, place: Path = _LINGER) -> bool:
    """Whether a user's services run without a login."""
    return (place / user).exists()


def network(file: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What sees to it that nothing is fetched or sent."""
    allowed = _allowed(file)
    if allowed is None:
        yield ok("network", "glimpsed never uses it; started by hand nothing enforces that, as the unit does", INSTALL)
    elif allowed:
        yield warning("network", f"{shown(str(file))} lets the daemon use the network", INSTALL)
    else:
        yield ok("network", "glimpsed never uses it, and the unit gives it none")
    if hub := environment.get("HF_ENDPOINT"):
        yield ok("network", f"glimpse model pull would ask {shown(hub)}")
    if environment.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        yield ok("network", "HF_HUB_OFFLINE is set: glimpse model pull would refuse", "unset HF_HUB_OFFLINE")


def _allowed(file: Path) -> bool | None:
    """Whether a unit leaves the network open; None where there is no unit."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    held = {line.partition("=")[0].strip(): line.partition("=")[2].strip() for line in lines if "=" in line}
    families = held.get("RestrictAddressFamilies", "")
    closed = held.get("PrivateNetwork", "").lower() in {"yes", "true", "on", "1"}
    return not closed and families.split() != ["AF_UNIX"]


def _started(file: Path) -> str | None:
    found = re.search(r"^ExecStart=[-@:+!]*(.+)$", file.read_text("utf-8", "replace"), re.MULTILINE)
    if found is None:
        return None
    try:
        program = shlex.split(found[1])[0]
    except (ValueError, IndexError):
        return None
    return program.replace("%h", os.path.expanduser("~")).replace("%%", "%")


def _asked(*command: str) -> str:
    """The first word of what a command says; empty where it cannot say."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return (ended.stdout.split() or [""])[0]
