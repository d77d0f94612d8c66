"""What a question asks of rows as SQL. Pure: records in, strings out."""

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

from glimpsed.errors import QueryError
from glimpsed.filters import ANY, Area, Filters, Range
from glimpsed.folding import fold_name
from glimpsed.storing import sql

Name = Literal["camera", "place"]
NAMED: Final[dict[Name, str]] = {"camera": "cameras", "place": "towns"}
"""Columns of names, and the filters that look into them."""

_EARTH = 6_371_008.8  # metres: the mean radius, IUGG
_PARTS = 16  # of a description: more are looked through after selecting
_LARGEST = 2**63 - 1


Names = Mapping[Name, Mapping[str, Collection[str]]]
"""Of each column the values that it holds, and what else each of these is called, folded (`folding.fold`)."""


def filtered(filters: Filters, names: Names | None = None) -> str:
    """The rows that a question is about. QueryError where a date is none.

    `names` has the columns of NAMED that the filters look into. A row whose description
    has more parts than any real one may be among the rows although `has_text` says otherwise.
    """
    names = names or {}
    conditions = [sql.MISSING if filters.missing else sql.PRESENT, *_conditions(filters, names)]
    if filters.has_text:
        conditions.append(f"({_with_text()} OR array_length(description) > {_PARTS})")
    for other in filters.without:
        # What is not known of a row, such as where it was taken, is no reason to leave it out.
        unwanted = [*_conditions(other, names), *([_with_text()] if other.has_text else [])]
        conditions += [f"({' AND '.join(unwanted)}) IS NOT TRUE"] if unwanted else []
    return " AND ".join(conditions)


def looked_into(filters: Filters) -> list[Name]:
    """The columns whose names `filtered` has to know."""
    every = (filters, *filters.without)
    return [column for column, name in NAMED.items() if any(getattr(one, name) for one in every)]


def _conditions(filters: Filters, names: Names) -> list[str]:
    conditions = []
    if filters.after is not None:
        conditions.append(_since(filters.after))
    if filters.before is not None:
        # A row has either a taken_at or none, and mtime_ns is never null: so the complement is exact.
        conditions.append(f"NOT {_since(filters.before)}")
    if filters.places:
        conditions.append(_any(sql.inside(place) for place in filters.places))
    if filters.types:
        conditions.append(_any(sql.one_of("format", [kind.lower() for kind in filters.types])))
    for column, name in NAMED.items():
        if parts := getattr(filters, name):
            conditions.append(_any(sql.one_of(column, _holding(names.get(column, {}), parts))))
    if filters.near:
        conditions.append(_any(map(_within, filters.near)))
    conditions += _ranged("size", filters.size)
    conditions += _ranged("greatest(width, height)", filters.longer) + _ranged("least(width, height)", filters.shorter)
    if filters.has_gps:
        conditions.append("latitude IS NOT NULL AND longitude IS NOT NULL")
    return conditions


def _any(conditions: Iterable[str]) -> str:
    return "(" + (" OR ".join(conditions) or "FALSE") + ")"


def _holding(names: Mapping[str, Collection[str]], parts: Collection[str]) -> list[str]:
    """The names that hold any of the parts, or are called so elsewhere, case and accents aside."""
    folded = [fold_name(part) for part in parts]
    # Of up to a hundred names in all languages, some hold nearly every short word.
    return [
        name
        for name, elsewhere in names.items()
        if any(part in fold_name(name) or part in elsewhere for part in folded)
    ]


def _ranged(value: str, asked: Range) -> list[str]:
    if asked == ANY:
        return []
    bounds = ((">=", asked.least), ("<=", asked.most))
    known = ["width IS NOT NULL", "height IS NOT NULL"] if "width" in value else []
    return known + [f"{value} {sign} {min(bound, _LARGEST)}" for sign, bound in bounds if bound is not None]


def _within(area: Area) -> str:
    """The haversine formula: exact enough for short ways, and right over the poles and the date line."""
    latitude, longitude = map(math.radians, (area.latitude, area.longitude))
    square = (
        f"pow(sin((radians(latitude) - {_number(latitude)}) / 2), 2) + {_number(math.cos(latitude))}"
        f" * cos(radians(latitude)) * pow(sin((radians(longitude) - {_number(longitude)}) / 2), 2)"
    )
    # asin(sqrt(square)) <= half the angle; beyond a right angle every point is within.
    half = min(area.metres / _EARTH / 2, math.pi / 2)
    bound = math.sin(half) ** 2 if half < math.pi / 2 else 2.0
    return f"(latitude IS NOT NULL AND longitude IS NOT NULL AND ({square}) <= {_number(bound)})"


def _number(value: float) -> str:
    """As the dialect reads it whole: without an exponent, and a negative one in brackets."""
    return f"({value:.20f})" if value < 0 else f"{value:.20f}"


def _with_text() -> str:
    return _any(f"description[{place}].label = 'ocr'" for place in range(1, _PARTS + 1))


def _since(prefix: str) -> str:
    """Taken at or after the beginning of an ISO 8601 prefix; without a date, by the file's time, locally."""
    moment = beginning(prefix)
    return (
        f"((taken_at IS NOT NULL AND taken_at >= {sql.text(shortest(moment))})"
        f" OR (taken_at IS NULL AND mtime_ns >= {_nanoseconds(moment)}))"
    )


def _nanoseconds(moment: datetime) -> int:
    """Since the epoch, as far as 64 bits reach."""
    try:
        seconds = int(moment.timestamp())
    except (OverflowError, ValueError, OSError):  # a local time before the year 1
        seconds = -_FAR
    return max(-_FAR, min(_FAR, seconds)) * 1_000_000_000


_FAR = 9_000_000_000  # seconds: the years 1684 to 2255

_FORMS = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def beginning(prefix: str) -> datetime:
    """The local moment at which the year, month, day, … that `prefix` names begins. QueryError where it is none."""
    for form in _FORMS:
        try:
            return datetime.strptime(prefix.strip().replace(" ", "T", 1), form)
        except ValueError:
            continue
    raise QueryError(f"{prefix!r} is no date", hint="dates look like 2024, 2024-06 or 2024-06-30")


def shortest(moment: datetime) -> str:
    """The least text that sorts at or after nothing taken before `moment` and before all taken from then on.

    A picture may know no more than its year: `2024` sorts before `2024-01-01`, yet begins with it.
    """
    full = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    for least in (":00", ":00", "T00", "-01", "-01"):
        if not full.endswith(least):
            break
        full = full.removesuffix(least)
    return full
