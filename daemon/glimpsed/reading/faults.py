"""A picture that cannot be read, on its way to becoming a result."""

from glimpsed.records import Fault, FaultKind


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
