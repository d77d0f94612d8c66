"""What systemd and the daemon tell each other, without a library.

See sd_notify(3), sd_listen_fds(3) and sd_watchdog_enabled(3). All do nothing where the daemon was
not started by systemd.
"""

import os
import socket
import stat
import time

from glimpsed.errors import SocketError

_FIRST = 3
"""The number of the first descriptor that is passed: SD_LISTEN_FDS_START."""

_NAME = "glimpsed"
"""FileDescriptorName= of our socket unit."""


def notify(*assignments: str) -> bool:
    """Tell the service manager; whether it was told. Does nothing, and never raises, where there is none.

    Each assignment is such as `READY=1`; see sd_notify(3) for the names.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):  # vsock and others are for machines, not for services
        return False
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    message = "\n".join(one.replace("\n", " ") for one in assignments)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)  # a full queue must not hold the daemon up
            sender.connect(address)
            sender.sendall(message.encode("utf-8", "replace"))
    except OSError:
        return False
    return True


def ready(status: str) -> bool:
    """Tell that the daemon does its work, and what that is just now."""
    return notify("READY=1", f"STATUS={status}")


def status(text: str) -> bool:
    """Tell what the daemon does; a line that `systemctl status` shows."""
    return notify(f"STATUS={text}")


def stopping(status: str) -> bool:
    """Tell that the daemon is about to end."""
    return notify("STOPPING=1", f"STATUS={status}")


def reloading() -> bool:
    """Tell that the configuration is read again; `ready` has to follow, whatever comes of it."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    return notify("RELOADING=1", f"MONOTONIC_USEC={now}")


def extend(seconds: float) -> bool:
    """Ask for so many seconds more, from now on, to become ready or to end."""
    return notify(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")


def watchdog_seconds() -> float | None:
    """How often at least the manager wants to hear that the daemon lives; None where it does not watch it."""
    owner, given = os.environ.get("WATCHDOG_PID"), os.environ.get("WATCHDOG_USEC", "")
    if (owner is not None and owner != str(os.getpid())) or not given.isdecimal() or not int(given):
        return None
    return int(given) / 1e6


def listener(path: str) -> socket.socket | None:
    """The listening socket at `path` that the manager passed to this process; None where it passed none.

    The variables that tell of it are taken out of the environment. Raises SocketError where what was passed is not a
    listening Unix stream socket at just this path, or others may connect to it.
    """
    owner, count, names = (os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if owner != str(os.getpid()) or not count.isdecimal() or not int(count):
        return None
    passed = range(_FIRST, _FIRST + int(count))
    for number in passed:
        os.set_inheritable(number, False)
    named = [number for number, name in zip(passed, names.split(":"), strict=False) if name == _NAME]
    chosen = named or list(passed)
    if len(chosen) != 1:
        raise SocketError(
            f"systemd passed {len(chosen)} sockets where one is expected",
            where=path,
            hint=f"one ListenStream=, with FileDescriptorName={_NAME}",
        )
    if fault := _fault(chosen[0], path):
        raise SocketError(
            f"the socket that systemd passed {fault}",
            where=path,
            hint="the socket unit and [serve] socket have to agree: glimpse service install",
        )
    return socket.socket(fileno=chosen[0])


def _fault(number: int, path: str) -> str | None:
    """What keeps a passed descriptor from being our socket, worded to follow "it"; None where nothing does."""
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        return "is no socket"
    with socket.socket(fileno=os.dup(number)) as passed:
        if passed.family != socket.AF_UNIX or passed.type != socket.SOCK_STREAM:
            return "is not a Unix stream socket"
        if not passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return "does not listen"
        at = passed.getsockname()
    if not isinstance(at, str) or os.path.realpath(at) != os.path.realpath(path):
        return f"is at {at!r}"
    try:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    return f"has the mode {mode:04o}, so that others could connect" if mode & 0o022 else None
