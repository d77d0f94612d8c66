"""What a question asks for: which rows it is about, and the same in parts, as programs ask it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Range(NamedTuple):
    """Whole numbers from `least` to `most`, both included; None where that side is open."""

    least: int | None = None
    most: int | None = None

    def __contains__(self, number: object) -> bool:
        return (
            isinstance(number, int)
            and (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
        )

    def both(self, other: "Range") -> "Range":
        """What lies in this one and in the other."""
        leasts = [one for one in (self.least, other.least) if one is not None]
        mosts = [one for one in (self.most, other.most) if one is not None]
        return Range(max(leasts, default=None), min(mosts, default=None))


ANY = Range()
"""Every number, and what has none."""


class Area(NamedTuple):
    """What lies within a distance of a point on the earth."""

    latitude: float
    """Degrees north, -90 to 90."""
    longitude: float
    """Degrees east, -180 to 180."""
    metres: float


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows a question is about. All that are set must hold."""

    after: str | None = None
    """ISO 8601 prefix: taken at or after its beginning (`2024-06` is 2024-06-01T00:00)."""
    before: str | None = None
    """ISO 8601 prefix: taken before its beginning."""
    places: tuple[str, ...] = ()
    """Absolute paths of directories or files; in any of them."""
    types: tuple[str, ...] = ()
    """Formats such as `png`; any of them."""
    missing: bool = False
    """Whether missing rows are wanted (they are never shown together with the others)."""
    cameras: tuple[str, ...] = ()
    """Parts of a camera's name, folded when compared; any of them."""
    towns: tuple[str, ...] = ()
    """Parts of the name of the place where it was taken, folded when compared; any of them."""
    near: tuple[Area, ...] = ()
    """Taken in any of these; a row without a position is in none."""
    size: Range = ANY
    """Of the file, bytes."""
    longer: Range = ANY
    """Of the longer side, pixels; a row whose sides are not known has none."""
    shorter: Range = ANY
    """Of the shorter side, pixels."""
    has_text: bool = False
    """Whether words were read from the pixels."""
    has_gps: bool = False
    """Whether it is known where it was taken."""
    without: tuple["Filters", ...] = ()
    """None of these hold; what `missing` says in them counts for nothing, and nor does their `without`."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A question in parts: nothing in the words has a special meaning."""

    words: str = ""
    phrases: tuple[str, ...] = ()
    """A hit holds each of them."""
    excluded: tuple[str, ...] = ()
    """Words and phrases: a hit holds none of them."""
    filters: tuple[tuple[str, str], ...] = ()
    """(name, value) as a question has them, such as (`after`, `2024-06`)."""
    without: tuple[tuple[str, str], ...] = ()
    """The same: none of these holds."""

    def __str__(self) -> str:
        """The question as people would write it; for the log."""
        said = [self.words, *(f'"{one}"' for one in self.phrases), *(f'-"{one}"' for one in self.excluded)]
        said += [f"{name}:{value}" for name, value in self.filters]
        return " ".join(filter(None, said + [f"-{name}:{value}" for name, value in self.without]))


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Each value once, in the order of the first."""
    return tuple(dict.fromkeys(values))
