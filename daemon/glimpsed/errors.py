"""What can go wrong, in one tree: each error says what happened, where, and what to do.

Only `cli` turns an error into an exit status; the numbers follow sysexits(3) where it has one.
A picture that cannot be read is no error but a result: see `records.Fault`.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class GlimpsedError(Exception):
    """Anything that glimpsed itself raises; str() is the whole message for people."""

    exit_status = 70  # EX_SOFTWARE

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} ({self.hint})" if self.hint else head


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing wrong with the configuration."""

    source: str
    """A file's path, or the name of an environment variable or flag."""
    key: str
    what: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place}: {self.key}: {self.what}" if self.key else f"{place}: {self.what}"


class ConfigError(GlimpsedError):
    """The configuration cannot be used; `faults` names every one of its faults at once."""

    exit_status = 78  # EX_CONFIG

    def __init__(self, faults: Sequence[ConfigFault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class StateError(GlimpsedError):
    """The state directory cannot be used: not writable, not ours, or its table cannot be opened."""

    exit_status = 73  # EX_CANTCREAT


class SchemaError(StateError):
    """The table was written by another version of glimpsed."""

    exit_status = 65  # EX_DATAERR


class AlreadyRunningError(GlimpsedError):
    """Another daemon holds this state directory or this socket."""

    exit_status = 75  # EX_TEMPFAIL


class SocketError(GlimpsedError):
    """The socket cannot be bound: its path is too long, taken or not writable."""

    exit_status = 73  # EX_CANTCREAT


class TableError(GlimpsedError):
    """The table could not be read or written this time."""

    exit_status = 74  # EX_IOERR


class NoRoomError(TableError):
    """The disk, the quota or the inodes are used up; writing may work again later."""


class UnfitRowError(TableError):
    """A row cannot be kept by the table, today or later: trying again does not help."""


class EncoderError(GlimpsedError):
    """An encoder cannot be used; `step` names what is missing."""

    exit_status = 69  # EX_UNAVAILABLE
    step = "encoder"


class ExtraMissingError(EncoderError):
    """The packages of an optional extra are not installed."""

    step = "extra"


class WeightsMissingError(EncoderError):
    """The model's weights are not on this machine."""

    step = "weights"


class HeadsMissingError(EncoderError):
    """The model's folder lacks the head files; random ones would be used in silence."""

    step = "head files"


class OwnCodeError(EncoderError):
    """The model brings code of its own, which is not run unless the configuration trusts it."""

    step = "trust"


class DeviceError(EncoderError):
    """No device can hold the model, or the one that did is lost."""

    step = "device"


class ChildError(GlimpsedError):
    """A child process died, hung or answered nonsense."""


class ChildTimeoutError(ChildError):
    """A child process did not answer in time and was ended."""


class QueryError(GlimpsedError):
    """A question cannot be understood; `column` is where, from 1, or `field` names the field that it came in."""

    exit_status = 64  # EX_USAGE

    def __init__(
        self,
        what: str,
        *,
        column: int = 1,
        hint: str | None = None,
        suggestion: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(what, where=f"column {column}" if field is None else field, hint=hint)
        self.column = column
        self.suggestion = suggestion
        """What to write instead of what stands at the column; None where nothing is near."""
        self.field = field


class UsageError(GlimpsedError):
    """A command or a request makes no sense as it was given."""

    exit_status = 64  # EX_USAGE


class DownloadError(GlimpsedError):
    """A model's files could not be fetched."""

    exit_status = 69  # EX_UNAVAILABLE


class UnreachableError(GlimpsedError):
    """No daemon answers on the socket."""

    exit_status = 69  # EX_UNAVAILABLE
