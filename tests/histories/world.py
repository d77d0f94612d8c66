"""A real daemon beside two trees, what goes wrong with it, and the judge that compares its table with the disk."""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import lance
from blake3 import blake3
from tests.daemons import PATIENCE, Daemon
from tests.histories.disk import Disk
from tests.waiting import wait_for

from glimpsed.errors import GlimpsedError
from glimpsed.files import path_of
from glimpsed.storing.columns import columns_in

QUEUE: Final = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text(encoding="ascii"))
EVENTS: Final = QUEUE + 1000
"""More than the kernel keeps for one reader (inotify(7))."""
_ROOM: Final = "48m"  # of the disk that is filled
_COLUMNS: Final = (
    *("path", "folder", "content_id", "mtime_ns", "size", "inode", "missing_since", "error", "attempts"),
    *("encoder", "vector"),
)
_LATEST: Final = 600.0  # seconds; what could not be read is tried again after one minute, then two

_DEAF = """
import os, sys
from glimpsed.indexing.inbox import Inbox
hint = Inbox.hint
Inbox.hint = lambda self, path: None if os.path.exists(os.environ["HARD_OF_HEARING"]) else hint(self, path)
from glimpsed.cli import glimpsed
sys.argv[0] = "glimpsed"
glimpsed()
"""


class Deaf(Daemon):
    """A daemon in a process group of its own, to whom no hint comes while its file `deaf` is there."""

    own_group = True

    @property
    def command(self) -> list[str]:
        python, _, _, *arguments = super().command
        return [python, "-c", _DEAF, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "HARD_OF_HEARING": str(self.home / "deaf")}


class World:
    """One life of a state directory, in which histories are played one after the other."""

    def __init__(
        self, home: Path, *, mounts: bool = False, stick: bool = False, model: Path | None = None, **settings: str
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.disk = Disk(home)
        self.mounts = mounts
        """Whether we are in a mount namespace of our own, and may mount: the state lies on a small disk."""
        self.stick = stick
        """Whether the second tree is a disk that is taken away by unmounting it; else by renaming it."""
        self.model = model
        """A checkpoint that can be switched to."""
        given = {f"GLIMPSED_{key}": value for key, value in settings.items()}
        self.daemon = Deaf(home / "d", self.disk.first, self.disk.second, settings=given)
        self.daemon.home.mkdir()
        self.counted: Counter[str] = Counter()
        """Kills, restarts, overflows, … so far."""
        self.waited = 0.0
        """Seconds that the judge waited at last for the table to be the disk."""
        self._last = ""
        self._told: Counter[str] = Counter()
        self._held = False
        self._crashed = False
        self._lost: float | None = None
        """How often events had been lost before the overflow that is not noticed yet."""
        if mounts:
            self.daemon.state.mkdir()
            _mount("-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", str(self.daemon.state))
        if stick:
            self.disk.away.mkdir()
            _mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", str(self.disk.away))
            _mount("--bind", str(self.disk.away), str(self.disk.second))

    @property
    def up(self) -> bool:
        return self.daemon.process is not None

    def do(self, name: str, a: int, b: int) -> None:
        """One step of a history."""
        if name in FAULTS:
            getattr(self, FAULTS[name])(a, b)
        else:
            self.disk.act(name, a, b)

    def start(self, a: int = 0, b: int = 0) -> None:
        del a, b
        if self.up:
            return
        try:
            self.daemon.start()
        except AssertionError:
            if not self._full():
                raise
            self._process_ended()  # a state directory without any room cannot be used
            self.free()
            self.daemon.start()

    def stop(self, a: int, b: int) -> None:
        del a, b
        if self.up:
            self.release()
            assert self.daemon.stop() == 0, "it did not end in order"
            self.counted["restarts"] += 1

    def kill(self, a: int, b: int) -> None:
        """SIGKILL for the daemon alone or, as often, for all of its processes."""
        del b
        if not self.up:
            return
        if a % 2:
            self.daemon.kill_all()
        else:
            self.daemon.stop(signal.SIGKILL)
        self._held, self._lost = False, None
        self.counted["kills"] += 1

    def kill_and_start(self, a: int, b: int) -> None:
        self.kill(a, b)
        self.start()

    def kill_child(self, a: int, b: int) -> None:
        """SIGKILL for a worker or an encoder process."""
        del b
        if self.up and (children := self.daemon.children()):
            os.kill(children[a % len(children)], signal.SIGKILL)
            self._crashed = True
            self.counted["children killed"] += 1

    def hold(self, a: int = 0, b: int = 0) -> None:
        """The daemon stands still: the kernel keeps what happens, as far as it can."""
        del a, b
        if self.up and not self._held:
            self.daemon.hold()
            self._held = True

    def release(self, a: int = 0, b: int = 0) -> None:
        del a, b
        if not (self.up and self._held):
            return
        self.daemon.go_on()
        self._held = False
        if self._lost is not None:
            lost, self._lost = self._lost, None
            wait_for(lambda: self._losses() > lost, deadline=PATIENCE)
            self.counted["overflows"] += 1

    def overflow(self, a: int, b: int) -> None:
        """More events than the kernel keeps for a daemon that stands still: what comes after them is lost."""
        del a, b
        if not self.up or self._held:
            return
        watched = [one["path"] for one in self.daemon.client.status()["folders"] if one["state"] == "watching"]
        if watched and Path(watched[0]).exists():
            self._lost = self._losses()
            self.hold()
            flood(Path(watched[0]))

    def _losses(self) -> float:
        return self.daemon.counter("glimpsed_events_lost_total")

    def deafen(self, a: int, b: int) -> None:
        """Hints are lost, and nobody notices."""
        del a, b
        (self.daemon.home / "deaf").touch()
        self.disk.unseen = True

    def hear(self, a: int = 0, b: int = 0) -> None:
        del a, b
        (self.daemon.home / "deaf").unlink(missing_ok=True)

    def fill(self, a: int, b: int) -> None:
        """Not a byte is left for the state; a little is, in some."""
        if self.mounts:
            with (self.daemon.state / "ballast").open("ab", buffering=0) as file:
                try:
                    while file.write(bytes(1 << 16)):
                        pass
                except OSError:
                    size = file.tell()
            self.counted["disks filled"] += 1
            os.truncate(self.daemon.state / "ballast", max(0, size - (a % 3) * (b % 50) * 4096))

    def free(self, a: int = 0, b: int = 0) -> None:
        del a, b
        (self.daemon.state / "ballast").unlink(missing_ok=True)

    def take(self, a: int, b: int) -> None:
        """The second tree is not there any more; it is changed where it is."""
        del a, b
        if self.disk.taken:
            return
        if self.stick:
            subprocess.run(["umount", "--lazy", str(self.disk.second)], check=True)
        else:
            self.disk.second.rename(self.disk.away)
        self.disk.taken = True
        self.counted["trees taken away"] += 1

    def bring(self, a: int = 0, b: int = 0) -> None:
        del a, b
        if not self.disk.taken:
            return
        if self.stick:
            _mount("--bind", str(self.disk.away), str(self.disk.second))
        else:
            self.disk.away.rename(self.disk.second)
        self.disk.taken = False

    def configure(self, a: int, b: int) -> None:
        """Other folders, one perhaps inside another, at the next start."""
        del b
        first, second = self.disk.first, self.disk.second
        choices = ((first, second), (first,), (first, second, first / "inner"), (second,), (first, first / "inner"))
        self._restarted(lambda: setattr(self.daemon, "folders", choices[a % len(choices)]))

    def settings(self, a: int, b: int) -> None:
        """OCR on or off, at the next start."""
        del b
        self._restarted(lambda: self.daemon.settings.update({"GLIMPSED_READ_OCR": "true" if a % 3 == 0 else "false"}))

    def switch(self, a: int, b: int) -> None:
        """The other encoder, at the next start."""
        del a, b
        now = self.daemon.settings.get("GLIMPSED_ENCODE_ENCODER", "fallback")
        change = {"GLIMPSED_ENCODE_ENCODER": "fallback" if now != "fallback" else "bge-m3"}
        if self.model is not None:
            change |= {"GLIMPSED_ENCODE_MODEL": str(self.model), "GLIMPSED_ENCODE_DEVICE": "cpu"}
            self._restarted(lambda: self.daemon.settings.update(change))
            self.counted["encoders switched"] += 1

    def ask(self, a: int, b: int) -> None:
        """A question, which is answered whatever goes on."""
        if not self.up or self._held:
            return
        files = self.disk.files()
        self.daemon.client.search(_word(files[a % len(files)]) if files else "nothing", k=1 + b % 5)

    def scan(self, a: int = 0, b: int = 0) -> None:
        del a, b
        if self.up and not self._held:
            self.daemon.client.scan()

    def pause(self, a: int, b: int) -> None:
        del b
        time.sleep(a % 8 * 0.1)

    def _restarted(self, change: Any) -> None:
        running = self.up
        self.stop(0, 0)
        change()
        if running:
            self.start()

    def _full(self) -> bool:
        return (self.daemon.state / "ballast").exists()

    def _process_ended(self) -> None:
        process, self.daemon.process = self.daemon.process, None
        assert process is not None
        process.communicate(timeout=PATIENCE)

    def order(self) -> None:
        """All that was taken away is back, and the daemon runs."""
        self.hear()
        self.free()
        self.bring()
        self.release()
        self.start()

    def taken(self) -> dict[str, int | str]:
        """What was counted since the last call, and what was waited for if that took long."""
        new, self._told = self.counted - self._told, self.counted.copy()
        waited = {"waited": f"{self.waited:.0f} s, last for {self._last}"} if self.waited > 20 else {}
        return {**new, **waited}

    def judge(self) -> None:
        """AssertionError where the table does not come to be what is on disk, or does not stay so."""
        self.order()
        if self.disk.unseen:
            self.disk.unseen = False
            self.daemon.client.scan()
        began = time.monotonic()
        self._equal("in the end")
        self.waited = time.monotonic() - began
        answer = self.daemon.client.search("anything", sync=True, timeout=PATIENCE)
        assert not answer["warnings"], answer["warnings"]
        self._equal("after a scan of all")
        self._crashed = False
        self._searched()

    def _equal(self, when: str) -> None:
        told: list[str] = []

        def same() -> bool:
            told[:] = self.differences()
            if told:
                self._last = told[0]
            if told and self._crashed and all(": error " in line for line in told):
                # Each picture that its worker or encoder died over waits a minute for its second chance.
                self.daemon.client.retry()
            return not told

        try:
            wait_for(same, deadline=_LATEST)
        except AssertionError:
            raise AssertionError(f"{when} the table is not the disk:\n  " + "\n  ".join(told)) from None

    def differences(self) -> list[str]:
        """What of the status and the table is not as the disk has it; empty where all is."""
        status: dict[str, Any] = dict(self.daemon.client.status())
        if status["state"] != "idle":
            return [f"{status['state']}: {status['pictures']} {status['warnings']}"]
        folders = [(Path(one["path"]), one["state"]) for one in status["folders"]]
        found = [f"folder {path}: {state}" for path, state in folders if state != "watching" and path.exists()]
        offline = {str(path) for path, _ in folders if not path.exists()}
        found += [
            f"warning: {one}" for one in status["warnings"] if not one.startswith(tuple(f"{at}: " for at in offline))
        ]
        there = {str(path): str(folder) for path, folder in self.disk.there(self.daemon.folders).items()}
        rows = self.rows()
        counts = Counter(row["path"] for row in rows)
        found += [f"{count} rows of {path}" for path, count in counts.items() if count > 1]
        present = {row["path"]: row for row in rows if row["missing_since"] is None and row["folder"] not in offline}
        found += [f"no row: {path}" for path in there if path not in present]
        found += [f"a row, and no file: {path}" for path in present if path not in there]
        encoder = status["encoder"]["id"]
        for path, row in present.items():
            if path in there:
                found += [f"{path}: {line}" for line in self._wrong(row, Path(path), there[path], encoder)]
        return found

    def _wrong(self, row: Mapping[str, Any], path: Path, folder: str, encoder: str) -> Iterator[str]:
        try:
            status, data = path.stat(), path.read_bytes()
        except FileNotFoundError:
            yield "it is gone now"
            return
        content_id = blake3(data).hexdigest()
        if row["content_id"] != content_id:
            yield f"content {row['content_id'][:8]} in the table, {content_id[:8]} on the disk"
        told, true = (row["mtime_ns"], row["size"], row["inode"]), (status.st_mtime_ns, status.st_size, status.st_ino)
        if told != true:
            yield f"mtime, size, inode {told} in the table, {true} on the disk"
        if row["folder"] != folder:
            yield f"is indexed for {row['folder']}, lies in {folder}"
        if content_id in self.disk.sound and row["error"] is not None:
            yield f"error {row['error']!r}, attempt {row['attempts']}"
        if row["error"] is None and row["vector"] is None:
            yield "no vector"
        if row["error"] is None and encoder not in row["encoders"]:
            yield f"encoded by {row['encoders']}, not by {encoder}"

    def rows(self) -> list[dict[str, Any]]:
        """All rows, read from the table itself beside the daemon; missing ones and doubles, too."""
        table = lance.dataset(self.daemon.state / "table" / "pictures.lance")
        strong = {one.cut: one.encoder for one in columns_in(table.schema)}
        rows: list[dict[str, Any]] = table.to_table(columns=[*_COLUMNS, *strong]).to_pylist()
        for row in rows:
            row["path"], row["folder"] = path_of(row["path"]), path_of(row["folder"])
            row["encoders"] = [row["encoder"], *(strong[name] for name in strong if row[name] is not None)]
        return rows

    def _searched(self) -> None:
        """Every picture is found by its name, under its own path or one of the same content."""
        for path in self.disk.there(self.daemon.folders):
            hits = self.daemon.client.search(_word(path), k=5)["hits"]
            content_id = blake3(path.read_bytes()).hexdigest()
            assert content_id in {hit["id"] for hit in hits}, f"{path} is not found by its name: {hits}"

    def close(self) -> None:
        if self.daemon.process is not None:
            self.daemon.kill_all()
        self.daemon.client.close()
        places = [
            *([self.disk.second, self.disk.away] if self.stick else ()),
            *([self.daemon.state] if self.mounts else ()),
        ]
        for place in places:
            subprocess.run(["umount", "--lazy", "--quiet", str(place)], check=False)


FAULTS: Final = {
    "start": "start",
    "stop": "stop",
    "kill": "kill",
    "kill and start": "kill_and_start",
    "kill child": "kill_child",
    "hold": "hold",
    "release": "release",
    "overflow": "overflow",
    "deafen": "deafen",
    "hear": "hear",
    "fill disk": "fill",
    "free disk": "free",
    "take away": "take",
    "bring back": "bring",
    "configure": "configure",
    "settings": "settings",
    "switch encoder": "switch",
    "ask": "ask",
    "scan": "scan",
    "pause": "pause",
}
"""By name, the methods of World."""


def flood(folder: Path) -> None:
    """Events of `folder` for more than the kernel's whole queue; no picture changes."""
    one, other = folder / "one.dat", folder / "other.dat"
    for place in (one, other):
        place.touch()
    for number in range(EVENTS):
        os.utime((one, other)[number % 2])  # equal events that follow each other would be one
    for place in (one, other):
        place.unlink()


@contextmanager
def world(made: World) -> Iterator[World]:
    """Started; ended and deleted at the end."""
    try:
        made.start()
        yield made
    finally:
        made.close()
        shutil.rmtree(made.home, ignore_errors=True)


def _word(path: Path) -> str:
    """Of its name, what no other has."""
    return path.stem.split()[-1]


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


ERRORS: Final = (AssertionError, GlimpsedError, OSError, subprocess.TimeoutExpired)
"""What a history that fails raises."""
