"""The line that `systemctl status` shows: what one wants to know at a glance. Pure."""

from glimpsed.indexing.advance import Advance

_LEAST = 5.0  # seconds that it has to be taken over to mean anything


class StatusLine:
    """Follows how far the work is, on any clock in seconds."""

    def __init__(self) -> None:
        self._advance = Advance(least=_LEAST)

    def line(self, now: float, *, state: str, done: int, left: int, encoder: str, reason: str | None = None) -> str:
        """`312 of 9,881, 37/s, about 4 min; BGE-M3 on cuda:0`, and the state before it where that tells more.

        `done` pictures are through, `left` are still to do; `reason` says why it is paused.
        """
        self._advance.told(now, done, left)
        if not left:
            work = f"{done:,} {'picture' if done == 1 else 'pictures'}"
        else:
            work = f"{done:,} of {done + left:,}"
            pace = self._advance.pace(left)
            if pace.rate is not None and pace.seconds_left is not None:
                work += f", {_per_second(pace.rate)}, about {_long(pace.seconds_left)}"
        if state == "paused" and reason:
            state = f"paused ({reason})"
        said = work if state in {"indexing", "idle"} else f"{state}: {work}"
        return f"{said}; {encoder}"


def _per_second(rate: float) -> str:
    return f"{rate:.0f}/s" if rate >= 9.5 else f"{rate:.1f}/s" if rate >= 0.95 else f"{rate * 60:.0f}/min"


def _long(seconds: float) -> str:
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size or (unit == "min" and seconds >= 55.0):
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"
