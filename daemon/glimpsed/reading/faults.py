"""A picture that cannot be read, on its way to becoming a result."""

import errno
from typing import Final

from glimpsed.records import Fault, FaultKind

_LASTING: Final = frozenset({
    errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.EOVERFLOW, errno.EFBIG, errno.ENOTSUP, errno.ENOSYS,
    errno.EILSEQ, errno.ENXIO, errno.ENODEV,
})  # fmt: skip
"""Refusals that are about the file itself. All others may pass: a disk that fails, a right, room, a lock, a server."""


class BadPicture(Exception):  # noqa: N818 - a result that travels as an exception, no error of ours
    """This picture cannot be read; `fault` says why, the rest is what its header told before that."""

    def __init__(
        self, fault: Fault, *, format: str | None = None, width: int | None = None, height: int | None = None
    ) -> None:
        super().__init__(fault.what)
        self.fault = fault
        self.format = format
        self.width = width
        """Pixels, after orientation."""
        self.height = height


def refused(error: OSError) -> Fault:
    """The file system would not give it."""
    kind = FaultKind.BROKEN if error.errno in _LASTING else FaultKind.UNREADABLE
    return Fault(kind, error.strerror or type(error).__name__)


def broken(what: str) -> Fault:
    """Only a change of the file helps."""
    return Fault(FaultKind.BROKEN, what)


def truncated(what: str) -> Fault:
    """Its end is missing."""
    return Fault(FaultKind.TRUNCATED, f"truncated: {what}")


def too_large(what: str) -> Fault:
    """More than the limits allow."""
    return Fault(FaultKind.TOO_LARGE, what)


def unsupported(what: str) -> Fault:
    """Only another installation of this program helps."""
    return Fault(FaultKind.UNSUPPORTED, what)
