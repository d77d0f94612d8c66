"""Which request goes to which picture worker next: pure."""

from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Turns(Generic[_T]):
    """Who gets which worker next: reads before OCR, and OCR never on the last of several workers.

    So a read waits for no OCR where there are two workers or more. OCR keeps to the workers of low number and reads
    to those of high number, as far as they are free: few workers load the OCR models.
    """

    def __init__(self, count: int) -> None:
        self._free = set(range(count))
        self._for_ocr = range(max(1, count - 1))
        self._reads: deque[_T] = deque()
        self._ocr: deque[_T] = deque()
        self._asked: deque[_T] = deque()

    def wait(self, who: _T, *, ocr: bool, asked: bool = False) -> None:
        """`who` wants a worker. As many wait as there are callers: each waits for its own.

        `asked`: somebody waits for this OCR, which goes before all else, but on no other workers than OCR does.
        """
        (self._asked if ocr and asked else self._ocr if ocr else self._reads).append(who)

    def give_up(self, who: _T) -> None:
        """`who` waits no longer."""
        for waiting in (self._reads, self._ocr, self._asked):
            with suppress(ValueError):
                waiting.remove(who)

    def free(self, worker: int) -> None:
        """A worker that `next` gave out is done."""
        self._free.add(worker)

    def next(self) -> tuple[_T, int] | None:
        """Who goes now, and with which worker; None where nobody can."""
        able = self._free.intersection(self._for_ocr)
        if self._asked and able:
            who, worker = self._asked.popleft(), min(able)
        elif self._reads and self._free:
            who, worker = self._reads.popleft(), max(self._free)
        elif self._ocr and able:
            who, worker = self._ocr.popleft(), min(able)
        else:
            return None
        self._free.remove(worker)
        return who, worker
