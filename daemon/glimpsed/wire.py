"""How the client's requests go over the socket."""

import base64
import errno
import http.client
import os
import socket
import struct
from collections.abc import Mapping
from urllib.parse import urlencode


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("glimpsed", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """See http.client. Raises PermissionError where another user, not root, listens: unix(7), SO_PEERCRED."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fsencode(self._path))
        # Whoever may write to the socket's directory could have put one of their own there.
        _, uid, _ = struct.unpack("3i", self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in (os.geteuid(), 0):
            self.close()
            raise PermissionError(errno.EPERM, "somebody else's program listens on this socket")


def named(path: str) -> dict[str, str]:
    """A path as the API takes it: as text, or exactly where it is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return {"path_bytes": base64.b64encode(os.fsencode(path)).decode()}
    return {"path": path}


def target(path: str, asked: Mapping[str, object]) -> str:
    """A route and what it is asked."""
    # Bytes of a question that are not UTF-8 cannot mean anything.
    return f"{path}?{urlencode({key: str(value).encode('utf-8', 'replace') for key, value in asked.items()})}"
