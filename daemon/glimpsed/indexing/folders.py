"""The configured folders: watched where possible, scanned on a timer where not, waited for where they are gone."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import anyio
from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskStatus

from glimpsed import files
from glimpsed.config import Config
from glimpsed.events import Event, Journal
from glimpsed.indexing.folder_state import STARTING, FolderState
from glimpsed.indexing.inbox import Inbox
from glimpsed.indexing.memory import Memory, devices
from glimpsed.indexing.mounts import REASON, Mounts, silent_below
from glimpsed.indexing.scans import Request, Scans
from glimpsed.records import Known
from glimpsed.watching import disks
from glimpsed.watching.filesystem import network
from glimpsed.watching.ignore import Ignore
from glimpsed.watching.observer import Observer
from glimpsed.watching.scan import Scan, scan

_LOOK_AFTER = 5.0  # seconds between two looks at what the kernel does not tell: dead watches, folders that come back
_TIMER = 300.0  # seconds between scans of a folder that cannot be watched
_SEARCHED = 60.0  # seconds between scans of one that is offline although its directory is there


@dataclass(slots=True)
class _Folder:
    ignore: Ignore
    state: FolderState
    device: int | None
    scanned: float = 0.0
    """When a scan was last asked for, on the monotonic clock."""
    watched: bool = False
    """Whether its watches are held."""
    absent: bool = False
    """Whether its directory was not there at the last look."""
    offline: FolderState | None = None
    """What to say of it while its files cannot be seen."""
    seen: int | None = None
    """The device that the last scan found it on; None before the first one, and while it is offline."""


class Folders:
    """Keeps each folder watched as well as it can be, and asks for a scan whenever events may have been missed."""

    def __init__(self, config: Config, inbox: Inbox, observer: Observer, journal: Journal) -> None:
        self._config = config.watch
        self._inbox = inbox
        self._observer = observer
        self._journal = journal
        self._memory = Memory(config.store.path, "folders.json")
        self.changed: Callable[[], None] = lambda: None
        """Called when files can be seen that could not before, or the other way round."""
        self.catching_up: Callable[[str], tuple[int, int] | None] = lambda folder: None
        """How many of how many paths that a scan of a folder found are done; None while none is to do."""
        # It only helps to tell an empty mount point from an emptied folder.
        remembered = devices(self._memory.read())
        names = config.watch.folders
        self._mounts = Mounts(config.store.path, names, journal)
        self._folders = {
            name: _Folder(
                Ignore(name, config.watch.ignore, follow_symlinks=config.watch.follow_symlinks, nested=names),
                FolderState(name, STARTING),
                remembered.get(files.key_of(name)),
            )
            for name in names
        }

    @property
    def states(self) -> list[FolderState]:
        """How each folder is watched now."""
        return [state for name in self._folders for state in self._states(name)]

    def _states(self, name: str) -> list[FolderState]:
        """How one folder is, and each directory in it whose disk is away."""
        folder = self._folders[name]
        if folder.offline is not None:
            return [folder.offline]
        state = folder.state
        if (caught_up := self.catching_up(name)) is not None:
            state = replace(state, state=f"catching up {caught_up[0]:,} of {caught_up[1]:,}")
        return [
            state,
            *(
                FolderState(point, f"offline since {away.since}: {REASON}", away.pictures, REASON)
                for point, away in sorted(self._mounts.away(name).items())
            ),
        ]

    @property
    def watches(self) -> int:
        """How many directories are watched."""
        return self._observer.watches

    @property
    def names(self) -> tuple[str, ...]:
        """Their paths."""
        return tuple(self._folders)

    def online(self) -> list[str]:
        """The folders whose files can be seen now."""
        return [name for name, folder in self._folders.items() if folder.offline is None]

    def unseen(self) -> tuple[str, ...]:
        """The folders that no scan has seen yet, or that are offline: of their files nothing is known now."""
        return tuple(name for name, folder in self._folders.items() if folder.seen is None)

    def disks(self, name: str) -> Mapping[str, int]:
        """The disks that were seen on directories of a folder, for its scan."""
        return self._mounts.disks(name)

    def away(self) -> tuple[str, ...]:
        """The directories in folders whose disks are not there."""
        return tuple(self._mounts.away())

    def offline(self, name: str, path: str) -> bool:
        """Whether a path that is indexed for that folder cannot be seen now, as far as is known."""
        folder = self._folders.get(name)
        return folder is None or folder.offline is not None or any(files.inside(path, one) for one in self.away())

    def state_of(self, name: str, path: str) -> str:
        """How the folder is, or the directory in it whose disk is away, that a path of it lies in."""
        return max(
            (one for one in self._states(name) if files.inside(path, one.path)), key=lambda one: len(one.path)
        ).state

    def there(self, name: str, path: str) -> bool:
        """Whether the folder, and what disk the path lies on in it, are there as the last scan found them; blocks."""
        try:
            return self._folders[name].seen == os.stat(name).st_dev and self._mounts.stand(name, path)
        except (OSError, KeyError):  # KeyError: the folders were configured anew meanwhile
            return False

    def folder_of(self, path: str) -> str | None:
        """The folder that a picture is indexed for; None where it lies in none or is ignored."""
        name = files.folder_of(path, tuple(self._folders))
        if name is None or not files.is_picture(path) or not self._folders[name].ignore.file(path):
            return None
        return name

    def left_out(self, path: str) -> str | None:
        """Why a path that lies in a folder has no row: a rule, or a symlink that is not followed; else None. Blocks."""
        name = files.folder_of(path, tuple(self._folders))
        if name is None:
            return None
        ignore = self._folders[name].ignore
        link = ignore.not_followed(path)
        return ignore.why(path) or (link and f"the directory {files.shown(link)} is a symlink that is not followed")

    def read_rules(self, path: str) -> None:
        """Take up changes of the rules of all directories above a path: their events may be on their way. Blocks."""
        name = files.folder_of(path, tuple(self._folders))
        while name is not None and path != name:
            path = os.path.dirname(path)
            self._folders[name].ignore.refresh(path)

    def directory_folder(self, path: str) -> str | None:
        """The folder that a directory (there or gone) would be scanned for."""
        name = files.folder_of(path, tuple(self._folders))
        if name is None or not (path == name or self._folders[name].ignore.directory(path)):
            return None
        return name

    def scan(self, request: Request, known: Mapping[str, Known], stop: Callable[[], bool]) -> Scan:
        """Make the scan; blocks."""
        folder = self._folders[request.folder]
        if any(name != request.folder and files.inside(name, request.folder) for name in self._folders):
            # It goes by path; what lies in a folder of its own is not looked at here, and has not vanished.
            known = {path: one for path, one in known.items() if self._name_of(path) == request.folder}
        seen = self.disks(request.folder)
        return scan(
            request.folder, folder.ignore, known, under=request.under, device=folder.device, disks=seen, stop=stop
        )

    def scanned(self, name: str, found: Scan) -> None:
        """Take note of what a scan found out about the folder itself."""
        folder = self._folders[name]
        if found.offline is not None:
            self._offline(name, found.offline)
            return
        if found.pictures and found.device != folder.device:
            folder.device = found.device
            self._remember()
        if folder.offline is not None:
            folder.offline = None
            self._journal.say(Event.FOLDER_BACK, folder=files.shown(name))
        others = self._mounts.scanned(name, found)
        if folder.seen != found.device or others:
            folder.seen = found.device
            self.changed()

    async def run(self, scans: Scans, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Until cancelled: subscribe, scan, look after it, scan on a timer. Started when all was looked at once."""
        try:
            await self._look_after_all(scans)
            task_status.started()
            while True:
                await anyio.sleep(min(_LOOK_AFTER, self._config.rescan))
                await self._look_after_all(scans)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._observer.stop)

    async def _look_after_all(self, scans: Scans) -> None:
        for name, folder in self._folders.items():
            await self._look_after(name, folder, scans)

    async def _look_after(self, name: str, folder: _Folder, scans: Scans) -> None:
        away = await to_thread.run_sync(disks.unlisted, name, abandon_on_cancel=True)
        if away is not None:
            if not folder.absent:
                folder.absent = True
                await self._unwatch(name, folder)
                self._offline(name, away)
            return
        came_back, folder.absent = folder.absent, False
        if folder.seen not in (None, folder.device) and not await to_thread.run_sync(disks.empty, name):
            folder.device = folder.seen
            self._remember()
        why = await self._to_watch_anew(name, folder)
        if came_back:
            why = "it came back"
        if folder.state.state == STARTING:
            why = "start"
        due = self._timer_due(folder)
        if why is not None or (due and not folder.watched):
            await self._watch(name, folder)
        if why is not None or due:
            self._ask(name, folder, scans, why or "timer")

    async def _to_watch_anew(self, name: str, folder: _Folder) -> str | None:
        """Why its watches have to be brought up to what is there, if they have to."""
        disks_changed = await to_thread.run_sync(self._mounts.changed, name, abandon_on_cancel=True)
        disks_changed |= folder.seen is not None and not await to_thread.run_sync(self.there, name, name)
        if folder.watched and name in await to_thread.run_sync(self._observer.dead):
            self._journal.say(Event.WATCH_FAILED, folder=files.shown(name), reason="its watch ended")
            await self._unwatch(name, folder)
            return "its watch was made anew"
        if folder.watched and name in self._observer.short():
            return "its watch was made anew"
        return "a disk was mounted or unmounted in it" if disks_changed else None

    def _timer_due(self, folder: _Folder) -> bool:
        every = self._config.rescan if folder.state.reason is None else min(_TIMER, self._config.rescan)
        if folder.offline is not None:
            every = min(_SEARCHED, every)
        return time.monotonic() - folder.scanned >= every

    def _ask(self, name: str, folder: _Folder, scans: Scans, why: str) -> None:
        folder.scanned = time.monotonic()
        scans.ask(name, why=why)

    async def _watch(self, name: str, folder: _Folder) -> None:
        """Subscribe, or know why not; the scan that makes up for what was missed comes after."""
        reason = await to_thread.run_sync(network, name, abandon_on_cancel=True)
        if reason is None:
            reason = await to_thread.run_sync(self._observer.watch, name, folder.ignore)
            folder.watched = reason is None
            if reason is None:
                # The rest of the folder is watched, and what others change in there is found by a scan.
                reason = await to_thread.run_sync(silent_below, name, abandon_on_cancel=True)
        changed = folder.state.reason != reason or folder.state.state == STARTING
        if reason is None:
            folder.state = replace(folder.state, state="watching", reason=None)
            if changed:
                self._journal.say(Event.FOLDER_WATCHING, folder=files.shown(name))
        else:
            folder.state = replace(folder.state, state=f"scanning on a timer: {reason}", reason=reason)
            if changed:
                self._journal.say(
                    Event.FOLDER_ON_TIMER,
                    folder=files.shown(name),
                    reason=reason,
                    every=min(_TIMER, self._config.rescan),
                )

    async def _unwatch(self, name: str, folder: _Folder) -> None:
        if folder.watched:
            folder.watched = False
            await to_thread.run_sync(self._observer.unwatch, name)

    def _offline(self, name: str, reason: str) -> None:
        folder = self._folders[name]
        folder.seen = None
        if folder.offline is None:
            since = time.strftime("%Y-%m-%dT%H:%M:%S%z")
            folder.offline = replace(folder.state, state=f"offline since {since}: {reason}", reason=reason)
            self._journal.say(Event.FOLDER_OFFLINE, folder=files.shown(name), reason=reason)

    def _name_of(self, path: str) -> str | None:
        return files.folder_of(path, tuple(self._folders))

    def _remember(self) -> None:
        self._memory.write({files.key_of(name): one.device for name, one in self._folders.items() if one.device})
