"""The socket, and what the daemon behind it says of itself."""

import os
import shlex
import socket as sockets
import stat
from collections.abc import Iterator
from typing import Any

from glimpsed import __version__
from glimpsed.client import Client, Status
from glimpsed.config import LONGEST_SOCKET
from glimpsed.doctor.findings import Finding, fault, ok, warning
from glimpsed.errors import GlimpsedError
from glimpsed.files import shown

START = "systemctl --user start glimpsed, or in the foreground: glimpsed"
RESTART = "systemctl --user restart glimpsed"

_PATIENCE = 10.0  # seconds for an answer


def socket(path: str) -> Iterator[Finding]:
    """Whether the socket is there, ours alone, and listened on."""
    directory = os.path.dirname(path)
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        yield fault("socket", f"{shown(path)} is longer than {LONGEST_SOCKET} bytes", "set a shorter [serve] socket")
        return
    if os.path.isdir(directory) and _open_to_others(os.stat(directory)):
        yield warning("socket", f"others may look into {shown(directory)}", f"chmod 700 {shlex.quote(directory)}")
    try:
        found = os.lstat(path)
    except OSError:
        yield warning("socket", f"{shown(path)} is not there: no daemon runs", START)
        return
    quoted = shlex.quote(path)
    if not stat.S_ISSOCK(found.st_mode):
        yield fault("socket", f"{shown(path)} is no socket", f"mv {quoted} {quoted}.aside")
    elif found.st_uid != os.geteuid():
        yield fault("socket", f"{shown(path)} belongs to somebody else", "set another [serve] socket")
    elif found.st_mode & 0o177:
        yield warning("socket", f"others may use {shown(path)}", f"chmod 600 {quoted}")
    else:
        yield from _heard(path)


def _open_to_others(directory: os.stat_result) -> bool:
    """Whether others may do in it what is nobody else's business; in root's, as on servers, they may pass through."""
    lent = directory.st_uid == 0 != os.geteuid()
    return bool(directory.st_mode & (0o066 if lent else 0o077))


def _heard(path: str) -> Iterator[Finding]:
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        probe.settimeout(_PATIENCE)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            what = f"{shown(path)} was left by a daemon that was killed; the next one replaces it"
            yield warning("socket", what, START)
        except OSError as error:
            yield fault("socket", f"{shown(path)}: {error.strerror or 'nobody takes the call'}", RESTART)
        else:
            yield ok("socket", shown(path))


def status(path: str) -> tuple[Status | None, list[Finding]]:
    """What the daemon says, None where none does; `socket` says why."""
    try:
        with Client(path, timeout=_PATIENCE) as client:
            told = client.status()
    except GlimpsedError as error:
        refused = not os.path.exists(path) or "no daemon" in error.what
        return None, [] if refused else [fault("daemon", error.what, RESTART)]
    return told, list(daemon(told))


def daemon(told: Status) -> Iterator[Finding]:
    """What in its status is not as it should be."""
    version, state = shown(told["version"]), shown(told["state"])
    if version != __version__:
        yield warning("daemon", f"version {version} runs, {__version__} is installed", RESTART)
    elif state == "paused":
        yield warning("daemon", f"{version} runs, and is paused", "glimpse status says why")
    else:
        yield ok("daemon", f"{version} runs: {state}")
    yield from _watching(told)
    yield from _pictures(told)
    encoder = told["encoder"]
    said = f"in use: {shown(encoder['name'])} on {shown(encoder['device'])}: {shown(encoder['reason'])}"
    yield warning("encoders", said, "glimpse model list") if encoder["phase"] == "failed" else ok("encoders", said)
    for lost in encoder.get("lost", ()):
        yield warning("devices", f"{shown(lost['device'])} was lost: {shown(lost['reason'])}", RESTART)
    if slack := [one for one in told.get("confinement", ()) if not one["holds"]]:
        named = "; ".join(f"{shown(one['name'])}: {shown(one['how'])}" for one in slack)
        yield warning("confinement", f"processes that read pictures are not bounded in {named}", _KERNEL)
    for line in told["warnings"]:
        if not any(line.startswith(folder["path"]) for folder in told["folders"]):
            yield warning("daemon", shown(line), _install(line))


_KERNEL = "a kernel with landlock and seccomp, or systemd's unit: glimpse service install"


def _watching(told: Status) -> Iterator[Finding]:
    for folder in told["folders"]:
        path, state = shown(folder["path"]), shown(folder["state"])
        if state.startswith("offline"):
            yield warning("folders", f"{path}: {state}", "mount the disk, or connect to the share")
        elif "max_user_" in state:  # the checks of inotify tell the command
            yield warning("folders", f"{path}: {state}")


def _pictures(told: Status) -> Iterator[Finding]:
    if errors := told["pictures"]["errors"]:
        yield warning(
            "pictures", f"{_many(errors)} cannot be read", "glimpse errors names them; glimpse retry tries again"
        )
    formats: dict[str, list[Any]] = told.get("formats") or {}
    for one in formats.get("unreadable", ()):
        if one["pictures"]:
            yield warning("formats", f"{_many(one['pictures'])}: {shown(one['reason'])}", one["reason"])


def _many(pictures: int) -> str:
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"


def _install(line: str) -> str | None:
    """The command in a line that tells what to install, as `reading.available.advice` words it."""
    _, found, packages = line.rpartition(": install ")
    return "sudo apt install " + packages.replace(" and ", " ") if found and "package of" not in packages else None
