"""What people write for a day, a month, a year: `2024-06`, `yesterday`, `3 days ago`. Plain functions of `today`."""

import calendar
import re
from datetime import date, timedelta
from typing import Final, NamedTuple

WORDS: Final = (
    "today", "yesterday", "this-week", "last-week", "this-month", "last-month", "this-year", "last-year",
)  # fmt: skip
"""Relative dates; a blank may stand for the hyphen. Weeks begin on Monday."""

HELP: Final = 'such as 2024, 2024-06, 2024-06-12, yesterday, last-week, 7d or "3 days ago"'

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_AGO = re.compile(r"(\d{1,5})[ -]?(?:(d|w|m|y)|(day|week|month|year)s?[ -]ago)", re.ASCII)


class Period(NamedTuple):
    """A stretch of time, as ISO 8601 prefixes."""

    begin: str
    end: str | None
    """The first that lies after it; None at the end of all dates."""


def period(said: str, today: date) -> Period:
    """What `said` names: one stretch, or with `..` all from the first to the last, both included.

    ValueError, with the reason where it looks like a date, where it names nothing.
    """
    first, dots, last = said.partition("..")
    if not dots:
        return _period(said, today)
    begin, end = _period(first, today), _period(last, today)
    if end.end is not None and begin.begin >= end.end:
        raise ValueError("the earlier date comes first")
    return Period(begin.begin, end.end)


def last_before(end: str) -> str:
    """The day, month or year just before the one that `end` names."""
    match [int(part) for part in end.split("-")]:
        case [year]:
            return f"{year - 1:04}"
        case [year, month]:
            return _back(date(year, month, 1), 1, "m").isoformat()[:7]
    return (date.fromisoformat(end) - timedelta(days=1)).isoformat()


def _period(said: str, today: date) -> Period:
    said = "-".join(said.lower().split())
    if parts := _DATE.fullmatch(said):
        return _named(*(int(part) if part else None for part in parts.groups()), said=said)
    try:
        if ago := _AGO.fullmatch(said):
            return _day(_back(today, int(ago[1]), (ago[2] or ago[3])[0]))
        return _relative(said, today)
    except OverflowError:
        raise ValueError(f"there is no such date as {said}") from None


def _named(year: int | None, month: int | None, day: int | None, *, said: str) -> Period:
    try:
        begin = date(year or 0, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        raise ValueError(f"there is no such date as {said}") from None
    if day is not None:
        return _day(begin)
    return _month(begin) if month is not None else _year(begin.year)


def _relative(said: str, today: date) -> Period:
    monday = today - timedelta(days=today.weekday()) if today.toordinal() > today.weekday() else today
    match said:
        case "today":
            return _day(today)
        case "yesterday":
            return _day(today - timedelta(days=1))
        case "this-week":
            return Period(monday.isoformat(), _after(monday, 7))
        case "last-week":
            return Period((monday - timedelta(days=7)).isoformat(), monday.isoformat())
        case "this-month":
            return _month(today)
        case "last-month":
            return _month(_back(today, 1, "m"))
        case "this-year":
            return _year(today.year)
        case "last-year":
            return _year(_back(today, 1, "y").year)
    raise ValueError


def _back(today: date, count: int, unit: str) -> date:
    """The day so many days, weeks, months or years before; the last of its month where that has no such day."""
    if unit in "dw":
        return today - timedelta(days=count * (7 if unit == "w" else 1))
    months = today.year * 12 + today.month - 1 - count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    if year < 1:
        raise OverflowError
    return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))


def _day(day: date) -> Period:
    return Period(day.isoformat(), _after(day, 1))


def _after(day: date, days: int) -> str | None:
    try:
        return (day + timedelta(days=days)).isoformat()
    except OverflowError:
        return None


def _month(day: date) -> Period:
    year, month = divmod(day.year * 12 + day.month, 12)
    return Period(day.isoformat()[:7], f"{year:04}-{month + 1:02}" if year <= date.max.year else None)


def _year(year: int) -> Period:
    return Period(f"{year:04}", f"{year + 1:04}" if year < date.max.year else None)
