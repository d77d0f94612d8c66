"""`glimpse service`: glimpsed as a systemd user service."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glimpsed.errors import GlimpsedError, UsageError

if TYPE_CHECKING:
    from glimpsed.config import Config

UNIT = "glimpsed.service"

NEXT = f"""\
next:
  systemctl --user enable --now {UNIT}
  journalctl --user -u {UNIT} -f
to have it run while you are not logged in, too:
  loginctl enable-linger"""


@click.group()
def service() -> None:
    """Run glimpsed as a service of your session."""


@service.command()
@click.option("--enable", is_flag=True, help="Also start it, now and at every login.")
def install(*, enable: bool) -> None:
    """Write the unit to ~/.config/systemd/user, for this very installation."""
    from glimpsed.cli_own import write  # noqa: PLC0415  not for --help
    from glimpsed.config import load, shipped  # noqa: PLC0415

    config = load()
    text = unit_text(shipped(UNIT).read_text("utf-8"), _program(), config)
    # ReadWritePaths= needs them to be there.
    for directory in _written_directories(config):
        os.makedirs(directory, mode=0o700, exist_ok=True)
    file = unit_file()
    try:
        write(file, text, mode=0o644)
    except OSError as error:
        raise GlimpsedError(f"cannot be written: {error.strerror}", where=str(file)) from error
    print(f"{file} is written")
    if enable:
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", UNIT)
    else:
        print(NEXT)


@service.command()
def uninstall() -> None:
    """Stop the service and remove its unit. The index and the configuration stay."""
    file = unit_file()
    if not file.exists():
        raise UsageError("is not installed", where=str(file))
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "--user", "disable", "--now", UNIT], check=False)
    file.unlink()
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "--user", "daemon-reload"], check=False)
    print(f"{file} is removed")


@service.command()
def status() -> int:
    """Tell how the service is; exits as `systemctl status` does."""
    file = unit_file()
    print(f"{file}" + ("" if file.exists() else " is not installed"), flush=True)
    return _run("--no-pager", "status", UNIT)


def unit_file() -> Path:
    """Where the user's unit is, whether it exists or not."""
    from glimpsed.config_places import Places  # noqa: PLC0415  not for --help

    return Path(Places(os.environ).directory("XDG_CONFIG_HOME"), "systemd", "user", UNIT)


def unit_text(text: str, program: str, config: "Config") -> str:
    """The shipped unit with this installation's program, directories and grace time."""
    paths = " ".join(_quoted(one) for one in _written_directories(config))
    told = {
        "ExecStart": _quoted(program),
        "ReadWritePaths": paths,
        # A batch in flight cannot be interrupted: see [serve] grace.
        "TimeoutStopSec": f"{round(config.serve.grace) + 20}",
    }
    lines = []
    for line in text.splitlines():
        name = line.partition("=")[0]
        lines.append(f"{name}={told[name]}" if name in told else line)
    return "\n".join(lines) + "\n"


def _written_directories(config: "Config") -> list[str]:
    """Where the daemon writes, but for the runtime directory, which systemd makes."""
    written = [config.store.path, os.path.dirname(config.serve.socket)]
    if config.log.file is not None:
        written.append(os.path.dirname(config.log.file))
    runtime = os.environ.get("XDG_RUNTIME_DIR") or "/nowhere"
    return list(dict.fromkeys(one for one in written if one != os.path.join(runtime, "glimpsed")))


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
    """A word as systemd.syntax(7) has it, with nothing in it that it would expand."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != text or " " in text else text


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
