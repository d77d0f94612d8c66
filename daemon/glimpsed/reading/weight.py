"""How much of a busy machine this process gets beside others: autogroups, sched(7)."""

import os
from contextlib import suppress


class Weight:
    """The niceness of this process's session as a whole; it has to be the session's leader.

    On a kernel without autogroups, or below a control group that has a weight of its own, it says nothing.
    """

    def __init__(self, place: str = "/proc/self/autogroup") -> None:
        """To be made before the process gives up writing."""
        self._now: int | None = None
        self._file = -1
        with suppress(OSError):
            self._file = os.open(place, os.O_WRONLY | os.O_CLOEXEC)

    def weigh(self, nice: int) -> None:
        """Have this niceness from now on; never raises."""
        if self._file < 0 or nice == self._now:
            return
        # Without privileges the kernel takes one change in a tenth of a second; the next request brings it then.
        with suppress(OSError):
            os.write(self._file, str(nice).encode("ascii"))
            self._now = nice
