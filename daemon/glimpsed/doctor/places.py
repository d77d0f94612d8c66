"""The configuration, the folders, the state directory and the disk that it is on."""

import os
import shlex
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from glimpsed.config import Config, load, user_file
from glimpsed.doctor.findings import Finding, fault, ok, warning
from glimpsed.encoding.hub_files import size
from glimpsed.errors import ConfigError
from glimpsed.files import shown
from glimpsed.watching.filesystem import network

SCARCE = 1 << 30
"""Bytes free below which work will soon stop: maintenance needs room for a copy of what it tidies up."""
FULL = 64 << 20
"""Bytes free below which nothing can be indexed."""
FEW_FILES = 1000
"""Inodes free below which nothing can be indexed."""


def configuration() -> tuple[Config | None, list[Finding]]:
    """The configuration, None where it cannot be used, and what is to say of it."""
    file = user_file()
    try:
        config = load()
    except ConfigError as error:
        mend = f"${{EDITOR:-editor}} {shlex.quote(str(file))}"
        return None, [fault("config", shown(str(one)), mend) for one in error.faults]
    if not file.exists():
        return config, [ok("config", f"the shipped defaults; there is no {shown(str(file))}")]
    if file.stat().st_mode & 0o022:
        return config, [warning("config", f"others may write {file}", f"chmod go-w {shlex.quote(str(file))}")]
    return config, [ok("config", shown(str(file)))]


def folders(names: Iterable[str]) -> Iterator[Finding]:
    """Whether the folders can be seen and read."""
    for name in names:
        quoted = shlex.quote(name)
        if not os.path.lexists(name):
            yield warning("folders", f"{shown(name)} is not there; it is watched when it appears", f"mkdir -p {quoted}")
        elif not os.path.isdir(name):
            yield fault("folders", f"{shown(name)} is no directory", f"glimpse folder remove {quoted}")
        elif not _readable(name):
            yield fault("folders", f"{shown(name)} may not be read", f"chmod u+rx {quoted}")
        elif below := _closed(name):
            named = ", ".join(shown(one) for one in below[:3])
            what = f"{shown(name)}: directories in it may not be read: {named}"
            yield warning("folders", what, f"chmod u+rx {shlex.join(below[:3])}")
        else:
            yield ok("folders", shown(name))


def state(path: str) -> Iterator[Finding]:
    """Whether the state directory is ours alone, and can be written."""
    quoted = shlex.quote(path)
    if not os.path.lexists(path):
        above = _existing(path)
        if not os.access(above, os.W_OK | os.X_OK):
            mend = f"sudo install -d -o {os.geteuid()} -m 700 {quoted}"
            yield fault("state", f"{shown(path)} cannot be made: {shown(above)} may not be written", mend)
        else:
            yield ok("state", f"{shown(path)} is made at the first start")
        return
    found = os.stat(path)
    if not stat.S_ISDIR(found.st_mode):
        yield fault("state", f"{shown(path)} is no directory", f"mv {quoted} {quoted}.aside")
    elif found.st_uid != os.geteuid():
        yield fault("state", f"{shown(path)} belongs to somebody else", f"sudo chown -R {os.geteuid()} {quoted}")
    elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield fault("state", f"{shown(path)} may not be written", f"chmod u+rwx {quoted}")
    elif found.st_mode & 0o077:
        yield warning("state", f"others may look into {shown(path)}", f"chmod 700 {quoted}")
    elif (reason := network(path)) is not None:
        yield warning("state", f"{shown(path)}: {reason}; the table belongs on a local disk", "see [store] path")
    else:
        yield ok("state", shown(path))
    for aside in sorted(Path(path).glob("damaged-*")) + sorted(Path(path).glob("replaced-*")):
        what = f"{shown(str(aside))} was set aside, {size(_size(aside))}"
        yield warning("state", what, f"rm -r {shlex.quote(str(aside))}")


def log(file: str | None) -> Iterator[Finding]:
    """Whether the log file can be written, and by its owner alone be read."""
    if file is None:
        return
    quoted, there = shlex.quote(file), os.path.exists(file)
    if not os.access(file if there else _existing(file), os.W_OK):
        yield fault("log", f"{shown(file)} may not be written", f"chmod u+w {quoted}" if there else "see [log] file")
    elif there and stat.S_ISREG(os.stat(file).st_mode) and os.stat(file).st_mode & 0o077:
        yield warning("log", f"others may read {shown(file)}", f"chmod 600 {quoted}")
    else:
        yield ok("log", shown(file))


def disk(path: str) -> Iterator[Finding]:
    """Whether there is room for the table."""
    place = _existing(path)
    free, files = shutil.disk_usage(place).free, os.statvfs(place)
    said = f"{size(free)} free where {shown(path)} is"
    room = "make room on that disk, or move [store] path to another"
    if free < FULL:
        yield fault("disk", f"{said}: nothing can be indexed", room)
    elif files.f_files and files.f_favail < FEW_FILES:
        yield fault("disk", f"{said}, but only {files.f_favail} files more: nothing can be indexed", room)
    elif free < SCARCE:
        yield warning("disk", said, room)
    else:
        yield ok("disk", said)


def _readable(directory: str) -> bool:
    try:
        with os.scandir(directory) as entries:
            next(entries, None)
    except OSError:
        return False
    return os.access(directory, os.X_OK)


def _closed(folder: str) -> list[str]:
    """Directories right in a folder that may not be read; those deeper are the scan's to tell of."""
    with os.scandir(folder) as entries:
        inside = [one.path for one in entries if one.is_dir(follow_symlinks=False) and not one.name.startswith(".")]
    return [path for path in sorted(inside) if not os.access(path, os.R_OK | os.X_OK)]


def _existing(path: str) -> str:
    """The nearest directory above that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _size(folder: Path) -> int:
    return sum(os.lstat(os.path.join(place, name)).st_size for place, _, names in os.walk(folder) for name in names)
