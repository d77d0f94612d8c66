"""An observer of which everything that it tells is kept."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import until

from glimpsed.files import inside
from glimpsed.watching.ignore import Ignore
from glimpsed.watching.observer import Observer


class Ear:
    """Keeps hints and losses in the order in which they came."""

    def __init__(self) -> None:
        self.hints: list[str] = []
        self.losses: list[tuple[str, str]] = []
        self.open = threading.Event()
        self.open.set()
        self.observer: Observer

    def hint(self, path: str) -> None:
        self.open.wait()
        self.hints.append(path)

    def lost(self, folder: str, reason: str) -> None:
        self.losses.append((folder, reason))

    def told(self, path: object) -> Callable[[], bool]:
        """Whether `path` was hinted at, or a directory that it lies in."""
        return lambda: any(inside(str(path), hint) for hint in list(self.hints))

    async def hears(self, *paths: object) -> None:
        for path in paths:
            await until(self.told(path))

    async def after(self, folder: Path) -> list[str]:
        """All hints that stem from before this call. inotify keeps the order, so the last one proves the others."""
        probe = folder / "probe.jpg"
        probe.touch()
        await until(lambda: str(probe) in self.hints)
        told = [hint for hint in self.hints if hint != str(probe)]
        probe.unlink()
        count = self.hints.count
        await until(lambda: count(str(probe)) >= 3)  # created, closed or its times set, deleted
        self.hints.clear()
        return told


@contextmanager
def listening(*folders: Path, share: float = 0.5, patterns: tuple[str, ...] = ()) -> Iterator[Ear]:
    """An ear at these folders."""
    ear = Ear()
    with Observer(ear.hint, ear.lost, share=share) as ear.observer:
        for folder in folders:
            assert ear.observer.watch(str(folder), Ignore(str(folder), patterns, follow_symlinks=False)) is None
        yield ear
        ear.open.set()
