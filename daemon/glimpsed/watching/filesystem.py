"""Which file systems tell nobody of changes made on another machine. Source: proc_pid_mountinfo(5)."""

import os
import re

MOUNTINFO = "/proc/self/mountinfo"

_REMOTE = frozenset(
    {"9p", "afs", "ceph", "cifs", "coda", "fuse", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"}
)
_ESCAPE = re.compile(rb"\\([0-7]{3})")


def network(path: str, *, mountinfo: bytes | None = None) -> str | None:
    """Why `path` has to be scanned on a timer, although it can be watched: the kind of its file system; else None.

    Network and shared file systems, and all of FUSE (sshfs, rclone, …), raise no events for what others change.
    `path` need not exist. `mountinfo` stands in for the kernel's own table. Never raises: a table that cannot be
    read tells nothing.
    """
    if mountinfo is None:
        try:
            with open(MOUNTINFO, "rb") as file:
                mountinfo = file.read()
        except OSError:
            return None
    kind = _kind(os.fsencode(os.path.realpath(path)), mountinfo)
    if kind in _REMOTE or kind.startswith("fuse."):
        return f"{kind} tells nothing of changes made elsewhere"
    return None


def _kind(path: bytes, mountinfo: bytes) -> str:
    """The type of the file system that `path`, free of symlinks, lies on; empty if unknown."""
    deepest, kind = -1, ""
    for line in mountinfo.splitlines():
        fields, separator, rest = line.partition(b" - ")
        columns = fields.split(b" ")
        if not separator or len(columns) < 5:
            continue
        point = _ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), columns[4]).rstrip(b"/")
        # Of several mounts on one point the last covers the others.
        if (path == point or path.startswith(point + b"/")) and len(point) >= deepest:
            deepest, kind = len(point), rest.split(b" ")[0].decode("ascii", "replace")
    return kind
