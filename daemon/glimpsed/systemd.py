"""Telling systemd how the daemon is: sd_notify(3) without a library."""

import os
import socket


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
