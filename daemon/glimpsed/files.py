"""Rules about names and places of files that several rooms share. Nothing here reads a file's content."""

import os
import re
import stat as stat_module
from collections.abc import Collection
from pathlib import PurePath

from glimpsed import groups, sidecar_names, xattrs
from glimpsed.records import Stamp

SUFFIXES: frozenset[str] = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".dib", ".ico",
    ".avif", ".jp2", ".j2k", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".hif", ".jxl", ".psd", ".psb",
    ".svg", ".svgz", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".dng", ".raf", ".orf", ".rw2", ".rwl", ".pef",
    ".srw",
))  # fmt: skip
"""Of pictures, in lower case: every file with one of these has a row, readable or not."""

_FARTHEST = 2**63 - 1

_ATTRIBUTES = "/xattr:"
"""Before the state of the attributes; no file's name holds a slash."""

_UNDECODABLE = re.compile("//([89a-f][0-9a-f])")


def is_picture(name: str) -> bool:
    """Whether a file of this name (or path) gets a row."""
    return os.path.splitext(name)[1].lower() in SUFFIXES and not sidecar_names.is_apple(name)


def is_sidecar(name: str) -> bool:
    """Whether a file of this name can belong to a picture."""
    return sidecar_names.is_sidecar(name)


def sidecars(path: str) -> tuple[str, ...]:
    """Where a picture's sidecars can stand, most telling first: see `sidecar_names.of`."""
    directory, name = os.path.split(path)
    return tuple(os.path.join(directory, one) for one in sidecar_names.of(name))


def owners(sidecar: str) -> tuple[str, ...]:
    """The pictures, by path, that a sidecar would belong to; they need not exist.

    Those of its own name, and, where these are in a group, the others of that. Lists the directory where Google
    Takeout has cut the name, and for what it tells of an album.
    """
    directory, name = os.path.split(sidecar)
    names = sidecar_names.owners(name, SUFFIXES | groups.RAW)
    if names is None:
        names = tuple(one for one in _names(directory, name) if name in sidecar_names.of(one))
    own = [os.path.join(directory, one) for one in names]
    # An album's are all that are there.
    every = own if sidecar_names.is_album(name) else dict.fromkeys(one for path in own for one in (path, *_group(path)))
    return tuple(one for one in every if is_picture(one))


def _names(directory: str, sidecar: str) -> list[str]:
    """The pictures in a directory that a sidecar with a cut name may belong to."""
    start = sidecar_names.beginning(sidecar)
    try:
        return sorted(one for one in os.listdir(directory) if one.startswith(start))
    except OSError:
        return []


def _group(path: str) -> tuple[str, ...]:
    # Only what is there has a group: a sidecar of a name without a suffix stands for every suffix there is.
    return groups.siblings(path) if os.path.lexists(path) else ()


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


def siblings(path: str) -> tuple[str, ...]:
    """The other files of a picture's group that are there."""
    return tuple(one for one in groups.siblings(path) if os.path.lexists(one))


def neighbours(path: str, listed: Collection[str] | None = None) -> dict[str, Stamp]:
    """All files that speak of a picture and are there, most telling first, with their stamps.

    Its sidecars come first, then the other files of its group, each after its own sidecars. `listed` are the names in
    its directory, in lower case, for whoever knows them: what is not among them is not looked for.
    """
    directory, name = os.path.split(path)
    found: dict[str, Stamp] = {}
    for member in (name, *groups.siblings(name)):
        if member != name and not (_listed(member, listed) and os.path.lexists(os.path.join(directory, member))):
            continue
        for one in (*sidecar_names.of(member), *([member] if member != name else ())):
            if not _listed(one, listed):
                continue
            place = os.path.join(directory, one)
            try:
                stamp = look(place) if place not in found else None
            except OSError:
                stamp = None
            if stamp is None or _of_another(place, os.path.join(directory, member)):
                continue
            base, kind = os.path.splitext(place)
            if found.get(base + kind.lower()) != stamp:  # a disk for which capitals make no other name
                found[place] = stamp
    return found


def _listed(name: str, listed: Collection[str] | None) -> bool:
    return listed is None or name.lower() in listed


def _of_another(sidecar: str, path: str) -> bool:
    """Whether what can be a further version's sidecar belongs to a picture of that very name."""
    base, kind = os.path.splitext(sidecar)
    return kind == ".xmp" and base != path and is_picture(base) and os.path.lexists(base)


def beside(path: str) -> str:
    """What tells one state of all that speaks of a picture besides its bytes from another; empty where nothing does.

    That is the files around it, see `neighbours`, and, at the end, its extended attributes.
    """
    attributes = xattrs.state(path)
    return beside_files(path) + (_ATTRIBUTES + attributes if attributes else "")


def beside_files(path: str, listed: Collection[str] | None = None) -> str:
    """The same without the attributes, whose change the file's own ctime tells; `listed` as for `neighbours`."""
    return "|".join(
        f"{shown(os.path.basename(place))}:{stamp.mtime_ns}:{stamp.size}:{stamp.inode}"
        for place, stamp in neighbours(path, listed).items()
    )


def files_of(state: str) -> str:
    """What `beside_files` had been when `beside` was this."""
    return state.partition(_ATTRIBUTES)[0]


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
