"""Landlock: what this process may change on the disk and whom it may signal, narrowed by the kernel, for good.

Source: Documentation/userspace-api/landlock.rst of the kernel. The package `landlock` knows files only, neither TCP nor
signals, and takes an old errno for a failure.
"""

import ctypes
import os
from collections.abc import Mapping

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every machine
_VERSION = 1
_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

WRITE_FILE = 1 << 1
TRUNCATE = 1 << 14
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = (1 << bit for bit in range(6, 13))
_REFER = 1 << 13
_IOCTL_DEV = 1 << 15

FOLDER = WRITE_FILE | TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER
"""What one may do in a folder of one's own: all but making devices, sockets and pipes."""
FILE = WRITE_FILE | TRUNCATE
"""What one may do with a file that one may write to."""

_EVERYTHING = FOLDER | _MAKE_CHAR | _MAKE_SOCK | _MAKE_FIFO | _MAKE_BLOCK
_SINCE = {_REFER: 2, TRUNCATE: 3, _IOCTL_DEV: 5}  # the ABI that brought them
_TCP, _TCP_SINCE = 0b11, 4
_SCOPES, _SCOPES_SINCE = 0b11, 6  # abstract Unix sockets; signals


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def restrict(writable: Mapping[str, int]) -> int:
    """From now on this thread, and all that it starts, can change nothing on the disk but at or below `writable`.

    Its keys are paths, its values FOLDER or FILE. Nor can it use TCP (ABI 4), or signal or reach by abstract sockets
    whom it has not started (ABI 6). What is open already stays so, and reading is not touched. Returns the ABI.
    Raises OSError where the kernel has no Landlock or a path is not there; then nothing is restricted.
    """
    version = _call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    known = _known(version)
    rules = _Ruleset(known, _TCP if version >= _TCP_SINCE else 0, _SCOPES if version >= _SCOPES_SINCE else 0)
    # An older kernel takes the part of the structure that it knows.
    length = 8 if version < _TCP_SINCE else 16 if version < _SCOPES_SINCE else 24
    ruleset = _call(_CREATE, ctypes.byref(rules), ctypes.c_size_t(length), ctypes.c_uint32(0))
    try:
        for path, access in writable.items():
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = _Beneath(access & known, place)
                _call(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
            finally:
                os.close(place)
        no_new_privileges()
        _call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return version


def signals_held(version: int) -> bool:
    """Whether that ABI keeps a process from signalling others."""
    return version >= _SCOPES_SINCE


def no_new_privileges() -> None:
    """No program that this process starts gains rights: what the kernel asks of whoever restricts itself."""
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise _error()


def _known(version: int) -> int:
    """The rights that a kernel of this ABI can withhold."""
    every = _EVERYTHING | _IOCTL_DEV
    return every & ~sum(right for right, since in _SINCE.items() if version < since)


def _call(number: int, *arguments: object) -> int:
    result: int = _LIBC.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise _error()
    return result


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
