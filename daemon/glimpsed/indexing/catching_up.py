"""How far each folder is with what scans of it have found. Pure: told what is found, begun and done."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Folder:
    found: int = 0
    """Paths since it was last up to date."""
    left: int = 0
    """Those of them that are not rows yet."""
    begun: bool = False
    """Whether it was told that there is so much to do that it is worth a line."""


class CatchingUp:
    """Counts; the paths themselves are held only while they wait in the backlog, which is bounded.

    `begins(folder, found)` and `ends(folder, found)` are called when a folder has at least `worth` paths to do, and
    when all of them are done.
    """

    def __init__(self, begins: Callable[[str, int], None], ends: Callable[[str, int], None], *, worth: int) -> None:
        self._begins, self._ends, self._worth = begins, ends, worth
        self._folders: dict[str, _Folder] = {}
        self._open: dict[str, str] = {}

    def of(self, folder: str) -> tuple[int, int] | None:
        """How many of how many paths are done; None while none is to do."""
        known = self._folders.get(folder)
        return None if known is None else (known.found - known.left, known.found)

    def found(self, folder: str, count: int) -> None:
        """A scan of `folder` has found so many paths, and hints at them from now on."""
        if not count:
            return
        known = self._folders.setdefault(folder, _Folder())
        known.found += count
        known.left += count
        if known.left >= self._worth and not known.begun:
            known.begun = True
            self._begins(folder, known.found)

    def begun(self, folder: str, path: str) -> None:
        """One of them waits in the backlog now."""
        if path in self._open:
            self._done(self._open[path])  # found by two scans: it is done once
        self._open[path] = folder

    def done(self, path: str) -> None:
        """A path, of whatever origin, is done."""
        folder = self._open.pop(path, None)
        if folder is not None:
            self._done(folder)

    def _done(self, folder: str) -> None:
        known = self._folders[folder]
        known.left -= 1
        if not known.left:
            del self._folders[folder]
            if known.begun:
                self._ends(folder, known.found)
