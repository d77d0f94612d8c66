"""Seccomp: system calls that a process which only reads pictures has no use for, refused by the kernel, for good.

Source: seccomp(2), linux/filter.h and asm/unistd_64.h. A filter of a few lines of classic BPF; libseccomp would be a
library of the system's that is not on every machine.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence
from typing import NamedTuple

from glimpsed.reading.landlock import no_new_privileges

_PR_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _MACHINE = 0, 4  # offsets in struct seccomp_data
_INSTRUCTION = struct.Struct("=HBBI")


class _Machine(NamedTuple):
    audit: int
    """AUDIT_ARCH_…"""
    calls: tuple[int, ...]
    other: int | None = None
    """From this number on calls are those of another ABI (x32), which would pass by the others' numbers."""


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        (
            41, 42, 49, 50,  # socket connect bind listen
            101, 310, 311, 438,  # ptrace process_vm_readv process_vm_writev pidfd_getfd
            90, 91, 268, 452, 92, 93, 94, 260,  # chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
            132, 235, 261, 280,  # utime utimes futimesat utimensat
            188, 189, 190, 463, 197, 198, 199, 466, 469,  # setxattr l… f… …at removexattr l… f… …at file_setattr
            272, 308, 165, 321, 298, 323, 425,  # unshare setns mount bpf perf_event_open userfaultfd io_uring_setup
            248, 249, 250,  # add_key request_key keyctl
        ),
        0x40000000,
    ),
    "aarch64": _Machine(
        0xC00000B7,
        (
            198, 203, 200, 201,
            117, 270, 271, 438,
            52, 53, 452, 55, 54,  # no chmod, chown, lchown, utime, utimes and futimesat there
            88,
            5, 6, 7, 463, 14, 15, 16, 466, 469,
            97, 268, 40, 280, 241, 282, 425,
            217, 218, 219,
        ),
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def program(machine: str) -> bytes | None:
    """The filter for `machine`, as platform.machine() names it; None for one whose numbers are not known here.

    A call of another architecture kills the process; those above fail with EACCES; io_uring would be a way around.
    """
    known = _MACHINES.get(machine)
    if known is None:
        return None
    calls = known.calls
    lines: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, known.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    tests = [(_EQUAL, number) for number in calls] + ([(_AT_LEAST, known.other)] if known.other else [])
    # Each test jumps over those that follow and the line that allows.
    lines += [(code, len(tests) - place, 0, number) for place, (code, number) in enumerate(tests)]
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE | errno.EACCES)]
    return _packed(lines)


def restrict() -> None:
    """From now on this thread, and all that it starts, has no sockets, leaves the rights, times, owners and extended
    attributes of files alone, and cannot look into other processes.

    Raises OSError where the kernel or this machine does not have it; then nothing is restricted.
    """
    code = program(platform.machine())
    if code is None:
        raise OSError(errno.ENOSYS, f"not known for {platform.machine()}")
    no_new_privileges()
    libc = ctypes.CDLL(None, use_errno=True)
    given = _Program(len(code) // _INSTRUCTION.size, code)
    if libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(given), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _packed(lines: Sequence[tuple[int, int, int, int]]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*line) for line in lines)
