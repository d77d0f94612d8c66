"""What keeps the daemon and its workers from the network and from writing to pictures now, as this process finds out.

A unit of systemd takes these rights away (`PrivateNetwork=`, `ProtectHome=`); started by hand nobody does. Nothing is
taken on trust from a configuration: it is tried, or asked of the kernel.
"""

import errno
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

_DEVICES: Final = Path("/proc/self/net/dev")
_LOOPBACK: Final = "lo"


class Guard(NamedTuple):
    """One promise, and whether it is enforced."""

    name: str
    """`network`, `pictures` or `parsers`."""
    holds: bool
    how: str
    """By what; or what of it is not."""


def look(folders: Sequence[str], parsers: Sequence[tuple[str, bool, str]] = ()) -> tuple[Guard, ...]:
    """What is enforced now. `parsers` is what the workers say of themselves: name, whether it holds, how. Blocks."""
    return (_network(), _pictures(folders), _parsers({name: (holds, how) for name, holds, how in parsers}))


def _network(devices: Path = _DEVICES, make: Callable[[int], socket.socket] = socket.socket) -> Guard:
    """A socket that cannot be made, or a network of its own with nothing in it."""
    try:
        for family in (socket.AF_INET, socket.AF_INET6):
            make(family).close()
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES):
            return Guard("network", True, "none: sockets of the internet are refused")
    try:
        names = {line.partition(":")[0].strip() for line in devices.read_text("ascii").splitlines()[2:]}
    except (OSError, ValueError):
        return Guard("network", False, "not enforced: the kernel does not tell its devices")
    if names <= {_LOOPBACK}:
        return Guard("network", True, "none: a namespace with no device but the loopback")
    return Guard("network", False, "not enforced: nothing but the program itself keeps it from the network")


def _pictures(folders: Sequence[str]) -> Guard:
    """Mounted read-only for this process, or owned and closed so that it cannot write."""
    there = [folder for folder in folders if os.path.isdir(folder)]
    writable = [folder for folder in there if not _read_only(folder)]
    if not there:
        return Guard("pictures", False, "no folder is there")
    if not writable:
        return Guard("pictures", True, "read-only")
    where = os.fsencode(writable[0]).decode("utf-8", "replace")
    more = f" and {len(writable) - 1} more" if len(writable) > 1 else ""
    return Guard("pictures", False, f"not enforced: the daemon may write to {where}{more}, though it never does")


def _read_only(folder: str) -> bool:
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY) or not os.access(folder, os.W_OK)
    except OSError:
        return True


def _parsers(told: dict[str, tuple[bool, str]]) -> Guard:
    if not told:
        return Guard("parsers", False, "no process that reads pictures was started yet")
    loose = sorted(name for name, (holds, _) in told.items() if not holds)
    how = told.get("writing", (False, ""))[1]
    if loose:
        return Guard("parsers", False, f"not held: {', '.join(loose)}")
    return Guard("parsers", True, how)
