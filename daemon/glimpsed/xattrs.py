"""The extended attributes in which desktops keep a file's comment and tags. Reads them, and understands none.

`user.xdg.comment` and `user.xdg.tags`: freedesktop.org, CommonExtendedAttributes (KDE, GNOME). macOS keeps the
Finder's as property lists; files carry them to Linux with `user.` before the name.
"""

import errno
import hashlib
import os

_APPLE = ("kMDItemFinderComment", "_kMDItemUserTags", "kMDItemDescription", "kMDItemKeywords")
COMMENT = "user.xdg.comment"
TAGS = "user.xdg.tags"
PLISTS: tuple[str, ...] = tuple(f"{space}.com.apple.metadata:{name}" for name in _APPLE for space in ("user", "osx"))
"""Property lists; `osx` is where Linux shows the attributes of a macOS disk."""
_KNOWN = frozenset((COMMENT, TAGS, *PLISTS))


def names(path: str) -> list[str]:
    """Those of the known attributes that a file has; none where the file or its file system has none to tell of."""
    try:
        return sorted(_KNOWN.intersection(os.listxattr(path)))
    except (OSError, ValueError):
        return []


def read(path: str) -> dict[str, bytes]:
    """The known attributes of a file by name; what cannot be read is left out. Never raises."""
    found = {}
    for name in names(path):
        try:
            found[name] = os.getxattr(path, name)
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.EACCES, errno.ENOENT, errno.ENOTSUP):
                break  # the disk cannot answer: what it would have said is read when it can
    return found


def state(path: str) -> str:
    """What tells one state of them from another; empty where there are none."""
    found = read(path)
    if not found:
        return ""
    said = b"".join(b"%s\0%d\0%s" % (name.encode(), len(value), value) for name, value in sorted(found.items()))
    return hashlib.blake2b(said, digest_size=8).hexdigest()
