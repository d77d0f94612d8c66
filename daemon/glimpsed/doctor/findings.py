"""What a check says."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "fault"]

LEVELS: tuple[Level, ...] = ("ok", "warning", "fault")
"""From the best to the worst; their places are the exit statuses of `glimpse doctor`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what `glimpse doctor` tells."""

    level: Level
    """`fault`: something does not work; `warning`: it works less well than it could, or soon will not."""
    area: str
    what: str
    mend: str | None = None
    """The command that mends it, or what to do where no command does; with `ok`, what would bring more."""


def ok(area: str, what: str, mend: str | None = None) -> Finding:
    """All is well."""
    return Finding("ok", area, what, mend)


def warning(area: str, what: str, mend: str | None = None) -> Finding:
    """It works, but."""
    return Finding("warning", area, what, mend)


def fault(area: str, what: str, mend: str | None = None) -> Finding:
    """It does not work."""
    return Finding("fault", area, what, mend)


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level of them; ok where there is none."""
    return max((one.level for one in findings), key=LEVELS.index, default="ok")


def told_by(area: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a check finds; where it fails itself, that is a fault too: the others go on."""
    try:
        yield from check()
    except Exception as error:
        yield fault(area, f"could not be checked: {type(error).__name__}: {error}")
