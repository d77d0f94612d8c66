"""What a picture worker takes from itself before it opens its first file; told by `glimpse status`.

A picture may take the worker over that reads it. Then it has a bounded part of the machine, for a bounded time, no
way to the network or to other processes, and a folder of its own as the one place where it can write.
"""

import errno
import os
import resource
import socket
from collections.abc import Callable

from glimpsed.reading import landlock, seccomp
from glimpsed.reading.confinement import Confinement

LARGEST_WRITE = 64 << 20
"""Bytes of one file that a worker writes: what the programs that it starts hand to each other."""

OPEN_FILES = 128
"""A worker with OCR has some ten."""

MAPPED = 4 << 30
"""Bytes of addresses beyond what may be allocated: libraries, models, the stacks of threads."""


def confine(private: str | None, memory: int) -> tuple[Confinement, ...]:
    """Bound this process for good, as far as the kernel lets it; what holds and what does not.

    `private` is the one folder that stays writable, None for none; `memory` are the bytes that may be allocated. Only
    the calling thread and what it starts are bound by the kernel's filters: where there are others, they do not hold.
    """
    alone = len(os.listdir("/proc/self/task")) == 1
    filters = (*_files(private), *_calls())
    return (
        _limits("memory", ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_AS, memory + MAPPED)), _gigabytes(memory)),
        _limits("file size", ((resource.RLIMIT_FSIZE, LARGEST_WRITE),), f"{LARGEST_WRITE >> 20} MiB a file"),
        _limits("open files", ((resource.RLIMIT_NOFILE, OPEN_FILES),), str(OPEN_FILES)),
        *(one if alone else one._replace(holds=False, how="other threads ran before") for one in filters),
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _limits(name: str, bounds: tuple[tuple[int, int], ...], how: str) -> Confinement:
    try:
        for kind, most in bounds:
            _, hard = resource.getrlimit(kind)
            # Hard, so that the process cannot take it back; never above what it was given itself.
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (least, least))
    except (OSError, ValueError) as error:
        return Confinement(name, False, str(error))
    return Confinement(name, True, how)


def _files(private: str | None) -> tuple[Confinement, Confinement]:
    """Writing, and reaching other processes."""
    writable = {os.devnull: landlock.FILE} | ({private: landlock.FOLDER} if private is not None else {})
    try:
        version = landlock.restrict(writable)
    except OSError as error:
        why = _missing("Landlock", error)
        return Confinement("writing", False, why), Confinement("signals", False, why)
    how = f"Landlock, ABI {version}"
    writing = Confinement("writing", True, f"{how}: a private folder" if private is not None else f"{how}: nowhere")
    if landlock.signals_held(version):
        return writing, Confinement("signals", True, how)
    return writing, Confinement("signals", False, f"{how}; 6 is needed")


def _calls() -> tuple[Confinement, Confinement]:
    """The network, and what Landlock lets pass: attributes of files."""
    try:
        seccomp.restrict()
    except OSError as error:
        why = _missing("seccomp", error)
        return Confinement("network", False, why), Confinement("attributes", False, why)
    # The filter is a table of numbers: whether it bites is seen by trying.
    sockets = all(
        _refused(lambda family=family: socket.socket(family).close())  # type: ignore[misc]  # bound at definition
        for family in (socket.AF_INET, socket.AF_UNIX)
    )
    attributes = _refused(lambda: os.utime(os.devnull, (0, 0)))
    return (
        Confinement("network", sockets, "seccomp: no sockets" if sockets else "seccomp does not keep sockets away"),
        Confinement("attributes", attributes, "seccomp" if attributes else "seccomp does not keep them"),
    )


def _refused(use: Callable[[], None]) -> bool:
    """Whether the filter refuses it: rights that are missing otherwise are told by other numbers."""
    try:
        use()
    except OSError as error:
        return error.errno == errno.EACCES
    return False


def _missing(what: str, error: OSError) -> str:
    """`Landlock: Function not implemented` is a kernel without it, `Operation not supported` one that has it off."""
    return f"{what}: {error.strerror or error}"
