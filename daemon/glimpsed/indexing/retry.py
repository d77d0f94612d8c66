"""When a picture that could not be read is tried again. Pure: takes `now`."""

from glimpsed.records import FaultKind
from glimpsed.storing.sql import FARTHEST

_FIRST = 60.0  # seconds
_LONGEST = 86_400.0
_CRASHES = 3  # a picture that kills its worker three times will do so again


def retry_at(kind: FaultKind, attempts: int, now: float) -> float | None:
    """Seconds since the epoch, growing with `attempts` (1 after the first failure); None: only a change helps."""
    match kind:
        case FaultKind.UNREADABLE:
            return now + min(_LONGEST, _FIRST * 2.0 ** min(attempts - 1, 20))
        case FaultKind.CRASHED if attempts < _CRASHES:
            return now + _FIRST * 10.0 ** (attempts - 1)
        case _:
            return None


def is_due(when: float | None, now: float) -> bool:
    """Whether it is time for a retry; also where it is so far away that the clock must have been set back since."""
    return when is not None and (when <= now or when > now + FARTHEST)
