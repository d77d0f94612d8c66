"""A daemon whose clock is not the machine's: libfaketime tells its processes another time."""

from pathlib import Path

import pytest
from tests.daemons import Daemon

YEAR = 365 * 86_400


def library() -> str:
    """Where libfaketime is, the one for programs with threads; skips where it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is not installed (apt-get install faketime)")
    return str(found[-1])


def set_clock(daemon: Daemon, ahead: int) -> None:
    """From the next start on its clock goes so many seconds ahead of the machine's, whose own it is at 0.

    Only the wall clock: setting a clock leaves the monotonic one and the times that the kernel gives to files as they
    are.
    """
    for name in ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"):
        daemon.settings.pop(name, None)
    if ahead:
        daemon.settings |= {
            "LD_PRELOAD": library(),
            "FAKETIME": f"{ahead:+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
