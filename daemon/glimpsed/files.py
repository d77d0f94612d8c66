"""Rules about names and places of files that several rooms share. Nothing here reads a file's content."""

import os
import re
import stat as stat_module
from pathlib import PurePath

from glimpsed.records import Stamp

SUFFIXES: frozenset[str] = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".dib", ".ico",
    ".avif", ".jp2", ".j2k", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".hif", ".jxl", ".psd", ".psb",
    ".svg", ".svgz", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".dng", ".raf", ".orf", ".rw2", ".rwl", ".pef",
    ".srw",
))  # fmt: skip
"""Of pictures, in lower case: every file with one of these has a row, readable or not."""

_FARTHEST = 2**63 - 1

_UNDECODABLE = re.compile("//([89a-f][0-9a-f])")

SIDECAR_SUFFIXES: tuple[str, ...] = (".xmp", ".txt")


def is_picture(name: str) -> bool:
    """Whether a file of this name (or path) gets a row."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def is_sidecar(name: str) -> bool:
    """Whether a file of this name can belong to a picture."""
    return os.path.splitext(name)[1].lower() in SIDECAR_SUFFIXES


def sidecars(path: str) -> tuple[str, ...]:
    """Where a picture's sidecars can stand, most telling first: `a.jpg.xmp`, `a.xmp`, `a.jpg.txt`, `a.txt`."""
    stem = os.path.splitext(path)[0]
    return tuple(base + suffix for suffix in SIDECAR_SUFFIXES for base in (path, stem))


def owners(sidecar: str) -> tuple[str, ...]:
    """The pictures, by path, that a sidecar would belong to; they need not exist."""
    base = os.path.splitext(sidecar)[0]
    if is_picture(base):
        return (base,)
    # One round of upper case serves cameras (IMG_1.JPG beside IMG_1.xmp).
    return tuple(base + form for suffix in sorted(SUFFIXES) for form in (suffix, suffix.upper()))


def stamp_of(status: os.stat_result) -> Stamp:
    """What tells one state of a file from another."""
    # Some file systems hold times beyond the year 2262, which do not fit the table's 64 bits.
    mtime_ns, ctime_ns = (max(-_FARTHEST, min(_FARTHEST, time)) for time in (status.st_mtime_ns, status.st_ctime_ns))
    return Stamp(mtime_ns, ctime_ns, status.st_size, status.st_ino)


def look(path: str) -> Stamp | None:
    """The stamp of the regular file at `path`, symlinks followed; None where there is none.

    OSError other than "not there" is raised: a disk that cannot answer is not an empty one.
    """
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stamp_of(status) if stat_module.S_ISREG(status.st_mode) else None


def beside(path: str) -> str:
    """What tells one state of a picture's sidecars from another; empty where it has none."""
    found = []
    for place in sidecars(path):
        try:
            stamp = look(place)
        except OSError:
            stamp = None
        if stamp is not None:
            name = shown(os.path.basename(place))
            found.append(f"{name}:{stamp.mtime_ns}:{stamp.size}:{stamp.inode}")
    return "|".join(found)


def shown(path: str) -> str:
    """A path as text for people: what is not UTF-8 becomes U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def key_of(path: str) -> str:
    """A path as valid UTF-8, reversibly: each undecodable byte becomes `//` and two hex digits.

    A normalised absolute path never holds `//`, so nothing else can look like that.
    """
    return "".join(f"//{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in path)


def path_of(key: str) -> str:
    """The path whose `key_of` this is."""
    # Not by splitting: a name may begin with such a byte, and then three slashes stand in a row.
    return _UNDECODABLE.sub(lambda found: chr(0xDC00 + int(found[1], 16)), key) if "//" in key else key


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it; both normalised and absolute."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def folder_of(path: str, folders: tuple[str, ...]) -> str | None:
    """The deepest of `folders` that `path` lies in."""
    return max((f for f in folders if inside(path, f)), key=len, default=None)


def relative_directories(path: str, folder: str) -> tuple[str, ...]:
    """The names of the directories between `folder` and the file, outermost first; the folder's own is not one."""
    return PurePath(os.path.relpath(os.path.dirname(path), folder)).parts
