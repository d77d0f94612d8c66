"""What a daemon tells its service manager: the other end of NOTIFY_SOCKET."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import DEADLINE


class Told:
    """Messages as they came, each a dictionary of its assignments."""

    def __init__(self, receiver: socket.socket) -> None:
        self._receiver = receiver
        self.messages: list[dict[str, str]] = []

    def next(self) -> dict[str, str]:
        """The next message; a failure where none comes."""
        lines = self._receiver.recv(1 << 16).decode().splitlines()
        message = dict(line.split("=", 1) for line in lines)
        self.messages.append(message)
        return message

    def until(self, name: str, part: str = "") -> dict[str, str]:
        """The next message that assigns `name` a value with `part` in it."""
        while True:
            message = self.next()
            if name in message and part in message[name]:
                return message

    def forget(self) -> None:
        """Drop what has come and was not read."""
        self._receiver.setblocking(False)
        try:
            while True:
                self._receiver.recv(1 << 16)
        except BlockingIOError:
            pass
        self._receiver.settimeout(DEADLINE)


@contextmanager
def told(place: Path) -> Iterator[tuple[str, Told]]:
    """The address for NOTIFY_SOCKET, and what comes there."""
    address = str(place / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address)
        receiver.settimeout(DEADLINE)
        yield address, Told(receiver)
    os.unlink(address)
