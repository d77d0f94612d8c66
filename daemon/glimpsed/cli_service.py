"""`glimpse service`: glimpsed as a systemd service, of one's session or of a server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glimpsed.errors import GlimpsedError, StateError, UsageError

if TYPE_CHECKING:
    from glimpsed.config import Config

SYSTEM_PLACE = "/etc/systemd/system"
GPU = "gpu.conf"

_PLAIN = re.compile(r"[\w./+@:=-]+")  # what needs no quotes in a unit

_CARRIED = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_PICTURES_DIR", "HF_HOME", "HF_HUB_CACHE")
"""Variables that say where things are, beside GLIMPSED_*: a service does not see what a shell was told."""

_SYSTEM = click.option("--system", is_flag=True, help="The system's template for servers, glimpsed@USER. Needs root.")


@click.group()
def service() -> None:
    """Run glimpsed as a service of your session, or of a server."""


@service.command()
@click.option("--enable", is_flag=True, help="Also start it, now and at every login.")
@click.option("--gpu", is_flag=True, help="Let it use an NVIDIA GPU; without this it sees no devices.")
@_SYSTEM
def install(*, enable: bool, gpu: bool, system: bool) -> None:
    """Write the units to ~/.config/systemd/user, for this very installation."""
    from glimpsed.cli_own import write  # noqa: PLC0415  not for --help
    from glimpsed.config import load, shipped  # noqa: PLC0415

    units = _Units(system=system)
    if system and enable:
        hint = "leave --enable out; then: systemctl enable --now glimpsed@USER.socket glimpsed@USER.service"
        raise UsageError("a template is enabled for a user", hint=hint)
    config = None if system else load()
    if config is not None:
        # ReadWritePaths= needs them to be there.
        for directory in _written_directories(config):
            try:
                os.makedirs(directory, mode=0o700, exist_ok=True)
            except OSError as error:
                raise StateError(f"cannot be made: {error.strerror}", where=directory) from error
    told = {} if system else carried(os.environ)
    files = {
        units.file(name): unit_text(shipped(name).read_text("utf-8"), _program(), config, told) for name in units.names
    }
    if gpu:
        files[units.drop_in] = shipped(GPU).read_text("utf-8")
    for file, text in files.items():
        try:
            write(file, text, mode=0o644)
        except OSError as error:
            raise _refused("written", file, error) from error
        print(f"{file} is written")
    if told:
        print(f"the service is given {', '.join(told)} as set here")
        _warn_of_unread(str(units.place))
    _warn_of_hidden(config.watch.folders if config is not None else ())
    if not gpu:
        _withdraw(units.drop_in)
        if os.path.exists("/dev/nvidia0"):
            print("an NVIDIA GPU is here; to let the service use it: glimpse service install --gpu")
    if enable:
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", *units.names)
    else:
        print(f"next:\n{units.enabling}")


@service.command()
@_SYSTEM
def uninstall(*, system: bool) -> None:
    """Stop the service and remove its units. The index and the configuration stay."""
    units = _Units(system=system)
    files = [file for name in units.names if (file := units.file(name)).exists()]
    if not files:
        raise UsageError("is not installed", where=str(units.file(units.names[0])))
    manager = ["systemctl"] if system else ["systemctl", "--user"]
    if shutil.which("systemctl"):
        stopping = ["stop", *(f"{name.replace('@', '@*')}" for name in units.names)] if system else None
        for arguments in [stopping, ["disable", *([] if system else ["--now"]), *units.names]]:
            if arguments is not None:
                subprocess.run([*manager, *arguments], check=False)
    for file in (*files, units.drop_in):
        if _withdraw(file):
            print(f"{file} is removed")
    if shutil.which("systemctl"):
        subprocess.run([*manager, "daemon-reload"], check=False)


@service.command()
def status() -> int:
    """Tell how the service is; exits as `systemctl status` does."""
    units = _Units(system=False)
    for name in units.names:
        file = units.file(name)
        print(f"{file}" + ("" if file.exists() else " is not installed"), flush=True)
    if units.drop_in.exists():
        print(units.drop_in, flush=True)
    return _run("--no-pager", "status", *units.names)


class _Units:
    """Which units there are, and where they belong."""

    def __init__(self, *, system: bool) -> None:
        from glimpsed.config_places import Places  # noqa: PLC0415  not for --help

        own = os.path.join(Places(os.environ).directory("XDG_CONFIG_HOME"), "systemd", "user")
        self.place = Path(SYSTEM_PLACE if system else own)
        kind = "glimpsed@" if system else "glimpsed"
        self.names = (f"{kind}.service", f"{kind}.socket")
        self.drop_in = self.place / f"{kind}.service.d" / GPU
        self.enabling = _ENABLING_SYSTEM if system else _ENABLING

    def file(self, name: str) -> Path:
        """Where the unit is, whether it exists or not."""
        return self.place / name


_ENABLING = """\
  systemctl --user daemon-reload
  systemctl --user enable --now glimpsed.socket glimpsed.service
  journalctl --user -u glimpsed -f
to have it run while you are not logged in, too:
  loginctl enable-linger"""

_ENABLING_SYSTEM = """\
  systemctl daemon-reload
  systemctl enable --now glimpsed@USER.socket glimpsed@USER.service
  glimpse --socket /run/glimpsed/USER/glimpsed.sock status"""


def unit_file() -> Path:
    """Where the user's service is, whether it exists or not."""
    units = _Units(system=False)
    return units.file(units.names[0])


def carried(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that the configuration was read with, and that the service has to be given."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if value and (name in _CARRIED or name.startswith("GLIMPSED_"))
    }


def unit_text(text: str, program: str, config: "Config | None", carried: Mapping[str, str] | None = None) -> str:
    """A shipped unit with this installation's program and, where they are given, what the configuration says.

    That is its directories, and the variables that were `carried` into it.
    """
    told = {}
    if config is not None:
        told = {
            "ReadWritePaths": " ".join(_quoted(one) for one in _written_directories(config)),
            # A batch in flight cannot be interrupted: see [serve] grace.
            "TimeoutStopSec": f"{round(config.serve.grace) + 20}",
        }
        if config.serve.socket != _usual_socket(config):
            told["ListenStream"] = _escaped(config.serve.socket)
    lines = []
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name == "ExecStart":
            arguments = value.partition(" ")[2]
            lines.append(f"ExecStart={_quoted(program)}" + (f" {arguments}" if arguments else ""))
            for variable, held in (carried or {}).items():
                assignment = _quoted(f"{variable}={held}").replace("\n", "\\n")
                lines += ["# As it was set where this was installed.", f"Environment={assignment}"]
        else:
            lines.append(f"{name}={told[name]}" if name in told else line)
    return "\n".join(lines) + "\n"


def _usual_socket(config: "Config") -> str:
    """What `socket = "auto"` is here. The service may see another $XDG_RUNTIME_DIR; the unit knows its own."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    place = os.path.join(os.path.normpath(runtime), "glimpsed") if os.path.isabs(runtime) else config.store.path
    return os.path.join(place, "glimpsed.sock")


def _warn_of_hidden(folders: Iterable[str]) -> None:
    from glimpsed.cli_show import warn  # noqa: PLC0415  not for --help

    for folder in folders:
        if os.path.realpath(folder).startswith(("/tmp/", "/var/tmp/")):  # noqa: S108  nothing is made there
            warn(f"{folder}: the service does not see it, it has a /tmp and a /var/tmp of its own (PrivateTmp=)")


def _warn_of_unread(place: str) -> None:
    """Units are where this shell's $XDG_CONFIG_HOME says; the session's manager may know another one, or none."""
    from glimpsed.cli_show import warn  # noqa: PLC0415  not for --help

    asked = ["systemctl", "--user", "show", "--property=UnitPath", "--value"]
    with suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=10).stdout.split()
        if place not in found:
            warn(f"{place}: systemd does not look there; set XDG_CONFIG_HOME for the session, not in a shell alone")


def _written_directories(config: "Config") -> list[str]:
    """Where the daemon writes. Not that of the socket, which is systemd's."""
    written = [config.store.path]
    if config.log.file is not None:
        written.append(os.path.dirname(config.log.file))
    return list(dict.fromkeys(written))


def program() -> str | None:
    """The `glimpsed` that belongs to the interpreter that runs this; None where it is not installed."""
    beside = os.path.join(os.path.dirname(sys.executable), "glimpsed")
    found = beside if os.access(beside, os.X_OK) else shutil.which("glimpsed")
    return None if found is None else os.path.abspath(found)


def _program() -> str:
    if (found := program()) is None:
        raise UsageError("the program glimpsed is not installed", hint="install the package, not only its source")
    return found


def _quoted(text: str) -> str:
    """A word as systemd.syntax(7) has it. A dollar sign stands for itself: only arguments have variables."""
    escaped = _escaped(text.replace("\\", "\\\\").replace('"', '\\"'))
    return escaped if _PLAIN.fullmatch(text) else f'"{escaped}"'


def _escaped(text: str) -> str:
    """The value of a setting that is taken as it stands, but for specifiers."""
    return text.replace("%", "%%")


def _withdraw(file: Path) -> bool:
    """Remove a unit or a drop-in, and the drop-ins' directory where nothing else is in it; whether it was there."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refused("removed", file, error) from error
    if file.parent.name.endswith(".d") and not any(file.parent.iterdir()):
        file.parent.rmdir()
    return True


def _refused(what: str, file: Path, error: OSError) -> GlimpsedError:
    hint = "it needs root: sudo" if file.is_relative_to(SYSTEM_PLACE) and os.geteuid() else None
    return GlimpsedError(f"cannot be {what}: {error.strerror}", where=str(file), hint=hint)


def _systemctl(*arguments: str) -> None:
    if code := _run(*arguments):
        raise GlimpsedError(f"systemctl --user {' '.join(arguments)} ended with status {code}")


def _run(*arguments: str) -> int:
    try:
        return subprocess.run(["systemctl", "--user", *arguments], check=False).returncode
    except FileNotFoundError:
        raise UsageError(
            "systemd is not installed", hint="start glimpsed by other means, such as cron's @reboot"
        ) from None
