"""inotify: how many watches and instances this user may have, has, and needs."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from glimpsed.doctor.findings import Finding, ok, warning
from glimpsed.files import shown
from glimpsed.watching.directories import SHARE, count, watch_limit
from glimpsed.watching.filesystem import network
from glimpsed.watching.ignore import Ignore

INSTANCES = ("/proc/sys/fs/inotify/max_user_instances", "/proc/sys/user/max_inotify_instances")

NAME = "glimpsed"

_ROOM = 524_288  # what desktops use for machines with many files
_FEW_LEFT = 4  # instances


@dataclass(frozen=True, slots=True)
class Asked:
    """Which directories would be watched."""

    folders: tuple[str, ...]
    ignore: tuple[str, ...]
    follow_symlinks: bool
    share: float = SHARE
    """Of the watches that the user may have, the part that is taken at most."""

    def encoded(self) -> str:
        """For a command line; names that are not UTF-8 included."""
        return json.dumps(asdict(self))

    @classmethod
    def parsed(cls, text: str) -> "Asked":
        """The opposite."""
        told = json.loads(text)
        return cls(tuple(told["folders"]), tuple(told["ignore"]), told["follow_symlinks"], told["share"])


def needed(asked: Asked) -> Iterator[Finding]:
    """Whether the watches will do; walks through all directories of the folders."""
    limit = watch_limit()
    most = int(limit * asked.share)
    total = 0
    for folder in asked.folders:
        if not os.path.isdir(folder):
            continue
        if (reason := network(folder)) is not None:
            yield ok("inotify", f"{shown(folder)} is scanned on a timer: {reason}")
            continue
        ignore = Ignore(folder, asked.ignore, follow_symlinks=asked.follow_symlinks, nested=asked.folders)
        total += count(folder, ignore, most=max(_ROOM, limit))
    others = used(os.geteuid(), besides=NAME)[0]  # a daemon that runs does not need its watches twice
    said = f"{total:,} watches are needed; this user may have {limit:,}, of which glimpsed takes at most {most:,}"
    said += f"; {others:,} are in use by other programs" if others else ""
    if total > most or total + others > limit:
        yield warning(
            "inotify", f"{said}: a folder would be scanned on a timer", _raise("watches", _enough(total, asked.share))
        )
    else:
        yield ok("inotify", said)


def instances(places: Sequence[str] = INSTANCES) -> Iterator[Finding]:
    """Whether there is an inotify instance left."""
    limit = min(_numbers(places), default=128)
    taken = used(os.geteuid())[1]
    said = f"{taken:,} of {limit:,} instances are in use"
    if limit - taken < _FEW_LEFT:
        yield warning("inotify", f"{said}: the daemon may get none", _raise("instances", max(1024, 2 * limit)))
    else:
        yield ok("inotify", said)


def used(user: int, *, besides: str | None = None, proc: str = "/proc") -> tuple[int, int]:
    """Watches and instances of a user's processes, as far as they may be seen; not of a program called `besides`."""
    watches, instances = 0, 0
    for place in Path(proc).iterdir():
        if not place.name.isdecimal():
            continue
        try:
            if place.stat().st_uid != user or (besides is not None and besides in _called(place)):
                continue
            for descriptor in os.listdir(place / "fd"):
                if os.readlink(place / "fd" / descriptor) == "anon_inode:inotify":
                    instances += 1
                    watches += (place / "fdinfo" / descriptor).read_text("ascii").count("inotify wd:")
        except OSError:  # ended meanwhile, or not ours to see
            continue
    return watches, instances


def _called(process: Path) -> set[str]:
    """What a process may be known as: the last parts of the words that it was started with."""
    words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    return {word.rpartition("/")[2] for word in words[:4]}


def _enough(needed: int, share: float = SHARE) -> int:
    """A round number with room for others."""
    return max(_ROOM, 1 << (int(needed / share) - 1).bit_length())


def _raise(what: str, to: int) -> str:
    line = f"fs.inotify.max_user_{what}={to}"
    return f"echo {line} | sudo tee /etc/sysctl.d/60-glimpsed-{what}.conf && sudo sysctl -w {line}"


def _numbers(places: Sequence[str]) -> list[int]:
    found = []
    for place in places:
        try:
            found.append(int(Path(place).read_text("ascii")))
        except (OSError, ValueError):
            continue
    return found
