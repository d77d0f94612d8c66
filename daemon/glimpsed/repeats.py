"""Which warnings are said, where they repeat themselves. Pure."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

_Event = TypeVar("_Event")


@dataclass(slots=True)
class _Seen(Generic[_Event]):
    since: float
    count: int
    line: tuple[_Event, dict[str, object]]


class Repeats(Generic[_Event]):
    """Decides which warnings are said: an identical one at most once in `window` seconds, the others are counted."""

    def __init__(self, window: float = 60.0, limit: int = 1024) -> None:
        self._window = window
        self._limit = limit
        self._seen: OrderedDict[str, _Seen[_Event]] = OrderedDict()

    def admit(self, event: _Event, fields: dict[str, object], now: float) -> bool:
        """Whether to say it; where not, it is counted."""
        key = repr((event, sorted((name, repr(one)) for name, one in fields.items() if name not in {"ms", "retry_at"})))
        if key in self._seen:
            self._seen[key].count += 1
            return False
        self._seen[key] = _Seen(now, 0, (event, fields))
        return True

    def over(self, now: float) -> list[tuple[_Event, dict[str, object]]]:
        """The warnings whose window is over and that came again in it, with their count as `repeated`."""
        told = []
        while self._seen:
            seen = next(iter(self._seen.values()))
            if now - seen.since < self._window and len(self._seen) <= self._limit:
                break
            self._seen.popitem(last=False)
            if seen.count:
                event, fields = seen.line
                told.append((event, {**fields, "repeated": seen.count}))
        return told
