"""A daemon whose state and pictures are on one disk that fills up. Runs in a mount namespace of its own.

Pictures come by rename, which needs no room, so that each stage may be the first one to find none: reading (which makes
the thumbnail), the data file, the manifest, the index, the log.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import pictures
from tests.daemons import Daemon
from tests.waiting import wait_for

REFUSED = 77
"""Exit status where this machine lets us mount nothing."""

LEFT = {"bytes": [0, 24 << 10, 120 << 10], "inodes": [0, 3, 9]}
"""How much is left when pictures come: less than the first stage needs, and than later ones do."""


def mount(*arguments: str) -> None:
    if subprocess.run(["mount", *arguments], check=False).returncode != 0:
        sys.exit(REFUSED)


def main(disk: Path, what: str) -> None:
    mount("-t", "tmpfs", "-o", "size=24m,nr_inodes=2000", "tmpfs", str(disk))
    coming, folder, home = disk / "coming", disk / "pictures", disk / "home"
    if what == "read only":
        coming, folder = (disk.parent / f"{disk.name}-{name}" for name in ("coming", "pictures"))
    for place in (coming, folder, home, disk / "ballast"):
        place.mkdir()
    for number in range(12):
        pictures.save(coming / f"{number}.jpg", pictures.noisy((64, 48), seed=number), caption=f"ramen {number}")
    daemon = Daemon(home, folder, settings={"GLIMPSED_READ_OCR": "false"})
    if what == "read only":
        daemon.log = disk.parent / f"{disk.name}.log"  # open for writing, it would keep the disk as it is
    try:
        bring(coming, folder, range(3))
        daemon.start()
        daemon.idle(3)
        (read_only if what == "read only" else full)(daemon, disk, coming, what)
        told = daemon.client.verify(full=True)
        assert told["state"] == "equal", told
        assert daemon.stop() == 0
    except BaseException:
        print(daemon.tail(), file=sys.stderr)
        raise
    finally:
        if daemon.process is not None:
            os.kill(daemon.process.pid, signal.SIGKILL)


def bring(coming: Path, folder: Path, numbers: range) -> None:
    for number in numbers:
        (coming / f"{number}.jpg").rename(folder / f"{number}.jpg")


def full(daemon: Daemon, disk: Path, coming: Path, what: str) -> None:
    folder, count = daemon.folders[0], 3
    for left in LEFT[what]:
        fill(disk, what, left)
        bring(coming, folder, range(count, count + 3))
        count += 3
        wait_for(lambda count=count: paused(daemon) or daemon.client.status()["pictures"]["fresh"] == count)  # type: ignore[misc]
        # What was found before is found still.
        assert len(daemon.client.search("ramen", k=100)["hits"]) >= 3
        for ballast in (disk / "ballast").iterdir():
            ballast.unlink()
        daemon.idle(count)
        assert len(daemon.client.search("ramen", k=100)["hits"]) == count
    said = daemon.log.read_text(encoding="utf-8")
    assert "indexing_resumed" in said, said


def paused(daemon: Daemon) -> bool:
    status: Any = daemon.client.status()
    return status["state"] == "paused" and any("indexing is paused" in one for one in status["warnings"])


def fill(disk: Path, what: str, left: int) -> None:
    """Use all but so many bytes, or files, of the disk."""
    if what == "inodes":
        free = os.statvfs(disk).f_ffree
        for number in range(max(0, free - left)):
            (disk / "ballast" / str(number)).touch()
        return
    status = os.statvfs(disk)
    size = max(0, status.f_bavail * status.f_bsize - left)
    with open(disk / "ballast" / "bytes", "wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, size) if size else None


def read_only(daemon: Daemon, disk: Path, coming: Path, what: str) -> None:
    """As the kernel does with a disk that fails; the pictures are on another one."""
    del what
    mount("-o", "remount,ro", str(disk))
    bring(coming, daemon.folders[0], range(3, 6))
    wait_for(lambda: paused(daemon))
    assert len(daemon.client.search("ramen")["hits"]) == 3
    mount("-o", "remount,rw", str(disk))
    daemon.idle(6)
    assert "Read-only file system" in daemon.log.read_text(encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
