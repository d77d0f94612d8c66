"""The disks that are mounted on directories of folders: remembered, so that an unmounted one is offline, not gone."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from glimpsed.events import Event, Journal
from glimpsed.files import key_of, path_of, shown
from glimpsed.indexing.memory import Memory, devices
from glimpsed.watching import disks
from glimpsed.watching.filesystem import mounted_below, silent
from glimpsed.watching.scan import Scan

REASON = "its disk is not mounted"


@dataclass(frozen=True, slots=True)
class Away:
    """A directory whose disk is not there."""

    since: str
    """ISO 8601, as it is shown."""
    pictures: int
    """Rows that lie below it."""


@dataclass(slots=True)
class _Folder:
    disks: Mapping[str, int]
    """Directories on which a disk with files was seen, and its device id."""
    away: dict[str, Away] = field(default_factory=dict)
    mounts: Mapping[str, int] | None = None
    """What was mounted where at the last look; None before the first."""


class Mounts:
    """What is known of the disks in each folder. Where the memory is lost, an unmounted disk looks like one emptied."""

    def __init__(self, state: str, folders: Sequence[str], journal: Journal) -> None:
        self._memory = Memory(state, "disks.json")
        self._journal = journal
        told = self._memory.read()
        remembered = {name: devices(points) for name, points in told.items()} if isinstance(told, dict) else {}
        self._folders = {
            name: _Folder({path_of(key): device for key, device in remembered.get(key_of(name), {}).items()})
            for name in folders
        }

    def disks(self, folder: str) -> Mapping[str, int]:
        """The disks that were seen in a folder, for its scan."""
        return self._folders[folder].disks

    def away(self, folder: str | None = None) -> dict[str, Away]:
        """The directories, of one folder or of all, whose disks are not there."""
        folders = self._folders.values() if folder is None else [self._folders[folder]]
        return {point: one for known in folders for point, one in known.away.items()}

    def stand(self, folder: str, path: str) -> bool:
        """Whether the disks that `path` lies on are there as they were seen; blocks."""
        known = self._folders[folder].disks
        return all(disks.stands(folder, point, known[point]) for point in disks.holders(path, known))

    def changed(self, folder: str) -> bool:
        """Whether something was mounted or unmounted in a folder since the last call; blocks. Not at the first one."""
        known = self._folders[folder]
        before, known.mounts = known.mounts, {point: one.number for point, one in mounted_below(folder).items()}
        if not known.mounts.keys() <= known.disks.keys():
            # One that was empty when it was scanned may have got its first pictures since.
            filled = {**known.disks, **disks.look(folder, {}).there}
            if filled != known.disks:
                self._learn(known, filled)
        return before is not None and before != known.mounts

    def scanned(self, folder: str, found: Scan) -> bool:
        """Take note of what a scan of a folder, or of a part of it, found; whether disks went or came back."""
        known = self._folders[folder]
        if not found.whole:
            if not found.disks.items() <= known.disks.items():
                self._learn(known, {**known.disks, **found.disks})
            return False  # the whole tells what is away
        remembered = {point: device for point, device in known.disks.items() if point in found.away}
        if (seen := {**remembered, **found.disks}) != known.disks:
            self._learn(known, seen)
        gone = [point for point in found.away if point not in known.away]
        back = [point for point in known.away if point not in found.away]
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        known.away = {
            point: Away(known.away[point].since if point in known.away else now, pictures)
            for point, pictures in found.away.items()
        }
        for point in gone:
            self._journal.say(Event.FOLDER_OFFLINE, folder=shown(point), reason=REASON)
        for point in back:
            self._journal.say(Event.FOLDER_BACK, folder=shown(point))
        return bool(gone or back)

    def _learn(self, known: _Folder, seen: Mapping[str, int]) -> None:
        known.disks = seen
        self._memory.write(
            {
                key_of(name): {key_of(point): device for point, device in one.disks.items()}
                for name, one in self._folders.items()
                if one.disks
            }
        )


def silent_below(folder: str) -> str | None:
    """Why a directory in a folder has to be scanned on a timer: a network file system is mounted there. Blocks."""
    for point, mount in sorted(mounted_below(folder).items()):
        if (reason := silent(mount)) is not None:
            return f"{shown(point)}: {reason}"
    return None
