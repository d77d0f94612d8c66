"""Which files are one shot: a camera's raw file and the pictures made of it, told by their names."""

import os

RAW: frozenset[str] = frozenset((
    ".3fr", ".arw", ".cr2", ".cr3", ".dng", ".iiq", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2",
    ".srw",
))  # fmt: skip
"""Suffixes of camera raw files, in lower case."""

DEVELOPED: frozenset[str] = frozenset((
    ".avif", ".heic", ".heif", ".hif", ".jpe", ".jpeg", ".jpg", ".jxl", ".png", ".psd", ".tif", ".tiff", ".webp",
))  # fmt: skip
"""Of what cameras and programs make of them."""


def is_raw(path: str) -> bool:
    """Whether a file of this name (or path) is a camera's raw file."""
    return os.path.splitext(path)[1].lower() in RAW


def key(path: str) -> str | None:
    """What files of one group have in common: the path without its suffix. None for what belongs to no group.

    Files with one key are a group if one of them is raw: `a.png` beside `a.jpg` says nothing.
    """
    stem, suffix = os.path.splitext(path)
    return stem if suffix.lower() in RAW | DEVELOPED else None


def siblings(path: str) -> tuple[str, ...]:
    """The paths, there or not, of the files that belong to the group of this one; itself is not among them."""
    stem, suffix = os.path.splitext(path)
    kind = suffix.lower()
    if kind in RAW:
        others = sorted(DEVELOPED) + sorted(RAW)
    elif kind in DEVELOPED:
        others = sorted(RAW)
    else:
        return ()
    return tuple(one for other in others for one in (stem + other, stem + other.upper()) if one != path)
