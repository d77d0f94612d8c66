"""Files that keep changing are looked at ever less often. Pure: takes `now`."""

from collections import OrderedDict

_LONGEST_STREAK = 32


class Restless:
    """How long each path has to be quiet before it is looked at.

    That is `quiet` seconds, and twice as long after each look, up to `at_most`, until a path was not looked at for
    twice `at_most`. So a file that is written to for hours is soon looked at only once in `at_most` seconds, however
    its writer pauses. At most `limit` paths are remembered.
    """

    def __init__(self, quiet: float, at_most: float, limit: int = 10_000) -> None:
        self._quiet, self._at_most, self._limit = quiet, at_most, limit
        self._looks: OrderedDict[str, tuple[int, float]] = OrderedDict()  # looks in a row, and when the last one was

    def looked(self, path: str, now: float) -> None:
        """`path` is looked at now."""
        self._looks[path] = (self._streak(path, now) + 1, now)
        self._looks.move_to_end(path)
        while len(self._looks) > self._limit or next(iter(self._looks.values()))[1] < now - 2 * self._at_most:
            self._looks.popitem(last=False)

    def quiet(self, path: str, now: float) -> float:
        """How long `path`, which is hinted now, has to be quiet."""
        return min(self._at_most, self._quiet * 2.0 ** self._streak(path, now))

    def _streak(self, path: str, now: float) -> int:
        looks, last = self._looks.get(path, (0, now))
        # The wait before a look can take `at_most` by itself.
        return min(looks, _LONGEST_STREAK) if now - last <= 2 * self._at_most else 0
