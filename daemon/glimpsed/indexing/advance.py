"""How fast the work goes as a whole, by how far it was from time to time. Pure."""

from collections import deque

from glimpsed.indexing.progress import WINDOW, Pace

LEAST = 2.0
"""Seconds between two looks, to tell anything."""


class Advance:
    """Is told now and then how many pictures are through, on any clock in seconds."""

    def __init__(self, least: float = LEAST) -> None:
        self._least = least
        self._seen: deque[tuple[float, int]] = deque()

    def told(self, now: float, done: int, left: int) -> None:
        """So many are through, and so many are to be done."""
        if not left or (self._seen and done < self._seen[-1][1]):  # at rest, or more is to do than was thought
            self._seen.clear()
        if left:
            self._seen.append((now, done))
            while now - self._seen[0][0] > WINDOW:
                self._seen.popleft()

    def pace(self, left: int) -> Pace:
        """Pictures a second lately, and the time that `left` of them will take; None where nothing tells."""
        if not self._seen:
            return Pace(None, None)
        (began, before), (now, done) = self._seen[0], self._seen[-1]
        if now - began < self._least or done == before:
            return Pace(None, None)
        rate = (done - before) / (now - began)
        return Pace(rate, left / rate)
