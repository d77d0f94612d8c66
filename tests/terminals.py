"""A real terminal for a program, and what came to it."""

import os
import pty
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Seen:
    """What a program that has ended left."""

    status: int
    output: str
    """What came to the terminal, with its control codes."""
    piped: str
    """What it wrote to standard output, where that is no terminal."""


def seen(
    command: Sequence[str | bytes],
    environment: Mapping[str, str],
    *,
    columns: int = 80,
    only_errors: bool = False,
    term: str = "xterm",
) -> Seen:
    """Run a program on a terminal so wide; with `only_errors` its standard output goes elsewhere."""
    master, slave = pty.openpty()
    try:
        settings = termios.tcgetattr(slave)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        termios.tcsetwinsize(slave, (24, columns))
        with subprocess.Popen(
            command,
            env={**environment, "TERM": term},
            stdin=slave,
            stdout=subprocess.PIPE if only_errors else slave,
            stderr=slave,
        ) as process:
            os.close(slave)
            slave = -1
            output = _all_of(master)
            piped = process.stdout.read().decode() if process.stdout is not None else ""
            return Seen(process.wait(60), output, piped)
    finally:
        os.close(master)
        if slave >= 0:
            os.close(slave)


def at_home(home: Path) -> dict[str, str]:
    """The environment of a user whose directories are all there, and whose terminal and settings tell nothing."""
    mute = ("XDG_", "GLIMPSED_", "COLUMNS", "LINES")
    own = {name: value for name, value in os.environ.items() if not name.startswith(mute)}
    return {**own, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}


def _all_of(master: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # EIO: nobody has it open any more
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)
