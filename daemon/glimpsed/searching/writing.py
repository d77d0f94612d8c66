"""Filters as a question says them."""

from glimpsed.filters import Filters
from glimpsed.searching import amounts, dates
from glimpsed.searching.filtering import FORMATS
from glimpsed.searching.tokens import value


def written(filters: Filters) -> str:
    """The filters in words: `query.parse` gives back the same ones."""
    said = ["is:missing"] if filters.missing else []
    said += [f"after:{filters.after}"] if filters.after else []
    said += [f"before:{filters.before}"] if filters.before else []
    said += [f"type:{name}" for name in _types(filters.types)]
    said += _said(filters)
    return " ".join(said + [f"-{_negated(other)}" for other in filters.without])


def _negated(filters: Filters) -> str:
    """What one filter means, in one filter."""
    if filters.after and filters.before:
        return f"on:{filters.after}..{dates.last_before(filters.before)}"
    if filters.after or filters.before:
        return f"after:{filters.after}" if filters.after else f"before:{filters.before}"
    if filters.types:
        return f"type:{','.join(_types(filters.types))}"
    return _said(filters)[0]


def _said(filters: Filters) -> list[str]:
    said = [f"in:{value(place)}" for place in filters.places]
    said += [f"camera:{value(camera)}" for camera in filters.cameras]
    said += [f"place:{value(town)}" for town in filters.towns]
    said += [f"near:{amounts.area_written(area)}" for area in filters.near]
    said += [f"size:{one}" for one in amounts.written(amounts.Sizes(filters.size, filters.longer, filters.shorter))]
    said += ["has:text"] if filters.has_text else []
    return said + (["has:gps"] if filters.has_gps else [])


def _types(types: tuple[str, ...]) -> list[str]:
    """Words that mean these formats; one that an earlier word means as well is not said."""
    said: dict[str, tuple[str, ...]] = {}
    for name in types:
        if not any(name in formats for formats in said.values()):
            said[name] = FORMATS[name]
    return list(said)
