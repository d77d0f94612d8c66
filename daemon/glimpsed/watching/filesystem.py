"""What is mounted where, and which file systems tell nobody of changes made elsewhere: proc_pid_mountinfo(5)."""

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from glimpsed.files import inside

MOUNTINFO = "/proc/self/mountinfo"

_REMOTE = frozenset(
    {"9p", "afs", "ceph", "cifs", "coda", "fuse", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"}
)
_ESCAPE = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of the kernel's table."""

    point: str
    """The directory, free of symlinks."""
    number: int
    """Of this mount, as long as it lasts; what is mounted there later has another one."""
    kind: str
    """The type of the file system."""


def network(path: str, *, mountinfo: bytes | None = None) -> str | None:
    """Why `path` has to be scanned on a timer, although it can be watched: the kind of its file system; else None.

    Network and shared file systems, and all of FUSE (sshfs, rclone, …), raise no events for what others change.
    `path` need not exist. `mountinfo` stands in for the kernel's own table. Never raises: a table that cannot be
    read tells nothing.
    """
    real = os.path.realpath(path)
    # Of several mounts on one point the last covers the others.
    around = [mount for mount in _mounts(mountinfo) if inside(real, mount.point)]
    deepest = max(reversed(around), key=lambda mount: len(mount.point), default=None)
    return None if deepest is None else silent(deepest)


def silent(mount: Mount) -> str | None:
    """Why a mount tells nothing of what others change in it; None where it does."""
    if mount.kind in _REMOTE or mount.kind.startswith("fuse."):
        return f"{mount.kind} tells nothing of changes made elsewhere"
    return None


def mounted_below(folder: str, *, mountinfo: bytes | None = None) -> dict[str, Mount]:
    """What is mounted on directories below `folder`, by their paths as they stand in it. Never raises."""
    real = os.path.realpath(folder)
    return {
        folder.rstrip("/") + "/" + mount.point[len(real) :].lstrip("/"): mount
        for mount in _mounts(mountinfo)
        if mount.point != real and inside(mount.point, real)
    }


def _mounts(mountinfo: bytes | None) -> Iterator[Mount]:
    """The lines of the table, in the order in which they were mounted."""
    if mountinfo is None:
        try:
            with open(MOUNTINFO, "rb") as file:
                mountinfo = file.read()
        except OSError:
            return
    for line in mountinfo.splitlines():
        fields, separator, rest = line.partition(b" - ")
        columns = fields.split(b" ")
        if not separator or len(columns) < 5 or not columns[0].isdigit():
            continue
        point = _ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), columns[4])
        kind = rest.split(b" ")[0].decode("ascii", "replace")
        yield Mount(os.fsdecode(point), int(columns[0]), kind)
