"""The moment in a file's name, as cameras, phones, chats and desktops put it there."""

import os
import re
from datetime import UTC, datetime

from glimpsed.reading.dates import parse
from glimpsed.reading.texts import name_text

SOURCE = "file name"
"""Where the date came from, as rows tell it."""

_DAY = re.compile(
    r"""(?x)
    (?<!\d)
    (?: (?P<y>(?:18|19|20)\d\d) (?P<s>[-_.: ]?) (?P<m>0[1-9]|1[0-2]) (?P=s) (?P<d>0[1-9]|[12]\d|3[01])
      | (?P<y2>(?:19|20)\d\d)年(?P<m2>\d{1,2})月(?P<d2>\d{1,2})日
      | (?P<d3>0[1-9]|[12]\d|3[01]) (?P<s3>[-.]) (?P<m3>0[1-9]|1[0-2]) (?P=s3) (?P<y3>(?:19|20)\d\d)
    )
    (?: (?! \d)
      | (?= (?:[01]\d|2[0-3])[0-5]\d[0-5]\d (?:\d{3})? (?!\d))
    )"""
)
"""A day: the year first; in Japanese and Chinese; or the day first, with dashes or dots. The time may follow it."""
_CLOCK = re.compile(
    r"""(?x)
    [\s_T,.~-]* (?: (?:at|um|à|alle|om|a\s+las|às|kl\.?|klo|o|в|от|vom)(?![^\W\d_]) [\s.]* )?
    (?P<noon>上午|下午|午前|午後|오전|오후)? \s*
    (?P<h>[01]?\d|2[0-3]) (?: (?P<s>[-_.:h ]|\uf022|\ua789|：) (?P<mi>[0-5]\d) (?: (?:(?P=s)|m) (?P<se>[0-5]\d) )?
      | (?P<mi2>[0-5]\d)(?P<se2>[0-5]\d) )
    (?: [.,_-]? (?P<ms>\d{3}) )? (?!\d)
    (?: [\s\u202f]* (?P<half>[AaPp])\.?[Mm]\b )?"""
)
"""The time behind it; macOS writes a narrow blank before AM and PM."""
_AFTERNOON = frozenset({"下午", "午後", "오후", "p"})
_MORNING = frozenset({"上午", "午前", "오전", "a"})
_EPOCH = re.compile(
    r"(?i)^(?:fb_img|mmexport|wx_camera|img|image|photo|screenshot|received|snapchat)?[-_]?(1\d{12})(?!\d)"
)
"""Milliseconds since 1970, as chats name their pictures."""


def taken(path: str) -> str | None:
    """The moment that the name of the file at `path` tells, as ISO 8601; None where it tells none.

    A day alone is its beginning. Numbers that could be anything, such as `20240131` among other digits, are no date.
    """
    stem = name_text(os.path.splitext(os.path.basename(path))[0])
    for found in _DAY.finditer(stem):
        year, month, day = (found[f"{part}"] or found[f"{part}2"] or found[f"{part}3"] for part in "ymd")
        when = parse(f"{int(year):04}-{int(month):02}-{int(day):02}")
        if when is None:
            continue
        if stem[found.end() :].startswith("-WA"):
            return when  # WhatsApp counts the pictures of a day
        clock = _CLOCK.match(stem, found.end())
        moment = _with_clock(when[:10], clock) if clock else None
        # A Pixel names its pictures by the time in Greenwich.
        return f"{moment}+00:00" if moment and stem.startswith("PXL_") else moment or when
    milliseconds = _EPOCH.match(stem)
    return _of_epoch(int(milliseconds[1])) if milliseconds else None


def _with_clock(day: str, clock: re.Match[str]) -> str | None:
    hour = int(clock["h"])
    half = (clock["noon"] or clock["half"] or "").lower()
    if half in _AFTERNOON and hour < 12:
        hour += 12
    elif half in _MORNING and hour == 12:
        hour = 0
    minute, second = clock["mi"] or clock["mi2"], clock["se"] or clock["se2"] or "00"
    return parse(f"{day}T{hour:02}:{minute}:{second}", None, clock["ms"])


def _of_epoch(milliseconds: int) -> str | None:
    """As the local time here: the best guess at what the phone's clock showed."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).astimezone().isoformat()
