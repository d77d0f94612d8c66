"""What LanceDB leaves to its user: the lock, syncing to the disk, and looking at what lies there before opening it.

LanceDB never calls fsync. A power cut can leave a newest manifest that is cut off, which makes opening fail, or one
full of zeros, which opens in silence as an empty table. So both are looked for before anything is opened.
"""

import ctypes
import errno
import fcntl
import os
import re
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from glimpsed.errors import AlreadyRunningError, NoRoomError, StateError, TableError
from glimpsed.files import shown

_LOCK = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
"""A file that is open for writing would keep a disk from being mounted read-only."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_KEPT = 2
"""How many files set aside are kept, such as manifests: they help to find out what happened."""

_KEPT_TABLES = 1
"""How many tables: they must not fill the disk."""

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def locked(state: str) -> Iterator[None]:
    """Hold the state directory, made if need be (0700), until the end of the block.

    AlreadyRunningError where another process holds it, StateError where it cannot be used. The lock goes with
    the process, however that ends.
    """
    try:
        _make_private(state)
        descriptor = os.open(os.path.join(state, "lock"), _LOCK, 0o600)
    except OSError as error:
        raise unusable(state, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(
                "another glimpsed is using this state directory",
                where=shown(state),
                hint="stop it first, or give this one its own with --state",
            ) from error
        except OSError as error:
            raise unusable(state, error) from error
        yield
    finally:
        os.close(descriptor)


def _make_private(state: str) -> None:
    """Make the state directory where it is not there, and keep others out of one of ours. Raises OSError.

    One that belongs to another user is refused: who owns it may put anything in the place of what lies in it.
    """
    os.makedirs(state, mode=0o700, exist_ok=True)
    status = os.stat(state)
    if status.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to another user")
    # What is no state directory yet, such as a home given by mistake, is left as it is.
    ours = os.path.lexists(os.path.join(state, "lock")) or not os.listdir(state)
    if ours and status.st_mode & 0o077:
        os.chmod(state, 0o700)


def unusable(state: str, error: Exception) -> StateError:
    """The error that says why the state directory cannot be used."""
    what = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return StateError(
        f"the state directory cannot be used: {what}",
        where=shown(state),
        hint="give a directory of your own that can be written, with --state or [store] path",
    )


def make_directory(path: str, state: str) -> None:
    """Make a directory of ours in the state directory, for nobody else to read. StateError where that fails."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chmod(path, 0o700)
        allowed = os.access(path, os.R_OK | os.W_OK | os.X_OK)
    except OSError as error:
        raise unusable(state, error) from error
    if not allowed:
        raise unusable(state, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def sync(directory: str) -> None:
    """All that was written to the file system of `directory` is on the disk when this returns.

    NoRoomError where only now there turns out to be no room, TableError where the disk failed.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if _libc.syncfs(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)
    except OSError as error:
        kind = NoRoomError if error.errno in _NO_ROOM else TableError
        raise kind(f"what was written did not reach the disk: {error.strerror}", where=shown(directory)) from error


def sweep(table: Path) -> int:
    """Remove what a killed writer left behind, some of which LanceDB never would. Only under the lock. How many."""
    left = [*table.rglob(".tmp*"), *(table / "_versions").glob("*.manifest#*")]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(left)


def manifests(table: Path) -> list[Path]:
    """The manifests of the table's versions, newest first."""
    found = [path for path in (table / "_versions").glob("*.manifest") if path.stem.isdecimal()]
    return sorted(found, key=_version, reverse=True)


def _version(manifest: Path) -> int:
    # Names of the second form count down from 2^64, so that a listing has the newest first.
    number = int(manifest.stem)
    return (1 << 64) - 1 - number if len(manifest.stem) == 20 else number


_TAIL = struct.Struct("<qHH4s")  # position of the message, major and minor format, magic
_LENGTH = struct.Struct("<I")


def sound(manifest: Path) -> bool:
    """Whether a manifest has its whole frame: the magic at its end, and a message as long as it says."""
    with manifest.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= _TAIL.size:
            return False
        file.seek(-_TAIL.size, os.SEEK_END)
        position, _, _, magic = _TAIL.unpack(file.read(_TAIL.size))
        if magic != b"LANC" or not 0 <= position <= size - _TAIL.size - _LENGTH.size:
            return False
        file.seek(position)
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        return bool(0 < length == size - position - _LENGTH.size - _TAIL.size)


def drop_newest_manifests(table: Path, state: str, *, even_sound: bool = False) -> list[str]:
    """Set the newest manifests aside until a sound one is the newest; with `even_sound` that one first, too.

    Returns the names of those set aside. None may be left.
    """
    dropped: list[str] = []
    for manifest in manifests(table):
        if sound(manifest) and not even_sound:
            break
        even_sound = even_sound and not sound(manifest)
        set_aside(manifest, state)
        dropped.append(manifest.name)
    if dropped:
        (table / "_versions" / "latest_version_hint.json").unlink(missing_ok=True)
    return dropped


def set_aside(path: Path, state: str, *, prefix: str = "damaged") -> Path:
    """Move a file or a table out of the way, as `<state>/damaged-…`; the newest few files and one table are kept."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    target = Path(state) / f"{prefix}-{stamp}-{path.name}"
    os.rename(path, target)
    pattern = re.compile(rf"{prefix}-\d{{8}}T")
    # The one of just now is the newest, whatever a clock that has been set back since called another.
    found = (old for old in Path(state).iterdir() if pattern.match(old.name))
    every = sorted(found, key=lambda old: (old == target, old.name))
    tables, others = [one for one in every if one.is_dir()], [one for one in every if not one.is_dir()]
    for old in tables[:-_KEPT_TABLES]:
        shutil.rmtree(old, ignore_errors=True)
    for old in others[:-_KEPT]:
        old.unlink(missing_ok=True)
    return target
