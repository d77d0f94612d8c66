"""Dates as cameras and programs write them, as ISO 8601."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DATE = re.compile(
    r"(\d{4})(?:[:./-](\d{1,2})(?:[:./-](\d{1,2}))?)?"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d*))?)?)?\s*(Z|[+-]\d{1,2}(?::?\d{2})?)?"
)
_COMPACT = re.compile(
    r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2}):?(\d{2})?(?:[.,](\d*))?)?\s*(Z|[+-]\d{1,2}(?::?\d{2})?)?"
)
_OFFSET = re.compile(r"(Z)|([+-])(\d{1,2})(?::?(\d{2}))?")
FIRST_YEAR = 1826
"""Of the oldest photograph that is left; anything before is a clock that was never set."""


def parse(text: str, offset: str | None = None, fraction: str | None = None) -> str | None:
    """`2024:03:05 10:11:12`, any ISO 8601 form or a mail date, as `2024-03-05T10:11:12`; None where it is no date.

    An offset in the text, or else `offset`, stands behind it as `+09:00`; parts of a second in the text, or else the
    digits of `fraction`, as `12.345`, at most six. What is missing at the end of a date is its beginning: `2024-03` is
    the first of March.
    """
    text = text.strip(" \0\t\r\n")
    found = _DATE.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None:
        return _mail_date(text)
    year, month, day, hour, minute, second, part, zone = found.groups()
    digits = (part or (fraction or "").strip(" \0")) if second else ""
    micro = int(digits[:6].ljust(6, "0")) if digits.isascii() and digits.isdigit() else 0
    try:
        # Cameras write the 60th second of a minute.
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            min(59, int(second or 0)),
            micro,
        )
    except ValueError:
        return None
    return _written(moment.replace(tzinfo=_zone(zone) or (_zone(offset) if hour else None)))


def of_epoch(seconds: int, zone: str | None = None) -> str | None:
    """A moment as the local time of a time zone (such as `Europe/Lisbon`), UTC where that is not known here."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
        return _written(moment.astimezone(ZoneInfo(zone)) if zone else moment)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return None if zone is None else of_epoch(seconds)


def _zone(text: str | None) -> timezone | None:
    found = _OFFSET.fullmatch((text or "").strip(" \0"))
    if found is None:
        return None
    if found[1]:
        return UTC
    minutes = int(found[3]) * 60 + int(found[4] or 0)
    if minutes > 14 * 60:
        return None
    return timezone(timedelta(minutes=-minutes if found[2] == "-" else minutes))


def _mail_date(text: str) -> str | None:
    try:
        return _written(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _written(moment: datetime) -> str | None:
    if moment.year < FIRST_YEAR:
        return None
    whole = moment.isoformat(timespec="seconds")
    part = f".{moment.microsecond:06}".rstrip("0.")
    return whole[:19] + part + whole[19:]


def words(taken_at: str) -> str:
    """A date as people type it into a search box: `2024-03-05 5 March 2024 Tuesday`."""
    day = datetime.fromisoformat(taken_at)
    return f"{day:%Y-%m-%d} {day.day} {_MONTHS[day.month - 1]} {day.year} {_DAYS[day.weekday()]}"


def month_words(year: int, month: int) -> str:
    """The same of a month: `2024-03 March 2024`."""
    return f"{year:04}-{month:02} {_MONTHS[month - 1]} {year}"


# Not strftime's: its names follow the locale, and equal pictures shall have equal texts.
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
