"""The words in a path: what people wrote into the names of a file and its directories."""

import os
import re
from datetime import date

from glimpsed.files import relative_directories
from glimpsed.reading import dates
from glimpsed.reading.texts import clean, name_text
from glimpsed.records import Part

_CAMERA = re.compile(
    r"""(?ix) ^ (?:
      _?(?:img|dsc[nfi]?|vid|mvimg|mov|pict|pic|imag|cimg|sam|kif|hpim|gopr|g[xh]|dji|pano|snap|scan|image|photo|foto
        |picture|burst|fb_img|received|snapchat|wp|mts|rscn|pb|stitch|collage|capture|screen)
        [\W_]* (?:wa)? \d [\d\W_]* (?:wa\d+)? (?:\W?(?:hdr|edited|bearbeitet|portrait|cover|burst|top))* [\d\W_]*
    | p[a-c\d]\d{6} | [a-z]{3}_\d{4} | pxl_\d{8}_\d+ .* | \d{3}-\d{4}
    | img[-_]\d{8}[-_](?:wa)?\d+ .* | (?:whatsapp|signal|telegram|viber|line)[\W_]*(?:image|photo|album)?[\W_]*\d .*
    | photo[-_]\d.* | (?:screen[ _-]?shot|screenshots?|screen[ _]?capture|bildschirmfoto|bildschirmaufnahme|schermata
        |schermafbeelding|capture[ ]d.?[ée]cran|captura[ ]de[ ](?:pantalla|ecr[ãa])|skjermbilde|sk[äa]rmavbild
        |zrzut[ ]ekranu|снимок[ ]экрана|スクリーンショット|截屏|截图|屏幕截图|螢幕快照|螢幕擷取|스크린샷|ekran.{0,20})
        (?: [\W_]* (?:from|vom|from|van|del?|le|à|at|um|alle|oder|от|в|\d) .* )? [\W_]*
    | (?:download|unnamed|untitled|unbenannt|image|images|file|tmp|temp|clipboard|pasted[ ]image|index)[\W\d_]*
    | \{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?[\W\d_]*
    | (?=[a-z]*\d)[0-9a-f]{12,} (?:[_-][a-z\d]{1,2})? | [\W\d_]*
    ) $"""
)
"""Names that cameras, phones and programs make: they say when, which the fields say better."""

_CAMERA_DIRECTORY = re.compile(r"(?i)^(?:dcim|\d{3}[a-z_\d]{5}|camera|camera roll|screenshots|\.\w+)$")
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH = re.compile(r"(?<![\d.])((?:19|20)\d\d)[-_.](0[1-9]|1[0-2])(?![\d])(?![-_.]\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(0?[1-9]|[12]\d|3[01])\.(0?[1-9]|1[0-2])\.((?:19|20)\d\d)(?!\d)")
_COPY = re.compile(r"(?i)(?:[ _-]*\(\d{1,3}\)|~\d{1,2}|[ _-]+(?:copy|kopie|copie|copia)(?: \d+)?)+$")
_TOKEN = re.compile(
    r"\d{4}-\d{2}-\d{2}|[^\W_]+(?:['’][^\W_]+)*(?:[\u0300-\u036f\u0900-\u0dff\u0e30-\u0e4e\u200c\u200d]+[^\W_]*)*|[#@&%€$£¥]",
    re.UNICODE,
)


def words(path: str, folder: str) -> tuple[Part, ...]:
    """The labelled words of a path below `folder`; never raises, whatever the names hold.

    There is a part `name`, or else the first part `above` is the file's own stem, made by a camera; after that come
    `directory` (the one the file lies in) and `above` (those above it, up to the folder). Dates in the first two are
    taken out of what people wrote, and stand in a part `above` of their own as the words for them. What is taken apart,
    as `GitHub` is, stands in parts `above` as it was: people ask for it in one word.
    """
    stem = name_text(os.path.splitext(os.path.basename(path))[0])
    own, days = _without_dates(_COPY.sub("", stem))
    if _CAMERA.match(stem) or not own:
        parts, days = [Part("above", split(stem) or stem or "picture")], []
    else:
        parts = [Part("name", own)]
    *above, last = directories = [name_text(name) for name in _directories(path, folder)] or [""]
    rest, more = _without_dates(last)
    if last and (_CAMERA_DIRECTORY.match(last) or (more and not rest)):
        above.append(last)
    elif last:
        parts.append(Part("directory", rest or last))
    chain = " ".join(filter(None, (split(name) for name in above)))
    if chain:
        parts.append(Part("above", clean(chain)))
    if days or more:
        parts.append(Part("above", "\n".join(dict.fromkeys([*days, *more]))))
    parts += [
        Part("above", whole)
        for whole in dict.fromkeys(whole for name in (stem, *directories) for whole in _wholes(name))
    ]
    return tuple(part for part in parts if part.text)


def _without_dates(name: str) -> tuple[str, list[str]]:
    """The words of one name less the dates in it, and the words for those."""
    found: list[str] = []

    def take(day: str, text: str) -> str:
        if day:
            found.append(day)
            return " "
        return text

    name = _DATE.sub(lambda one: take(_day(one[1], one[3], one[4]), one[0]), name)
    name = _DAY_FIRST.sub(lambda one: take(_day(one[3], one[2], one[1]), one[0]), name)
    name = _MONTH.sub(lambda one: take(dates.month_words(int(one[1]), int(one[2])), one[0]), name)
    return split(name), found


def _day(year: str, month: str, day: str) -> str:
    """The words for a date; empty where there is no such day."""
    try:
        return dates.words(date(int(year), int(month), int(day)).isoformat())
    except ValueError:
        return ""


def given(name: str) -> str:
    """The words of a file's name where a person gave it; empty where a camera or a program did."""
    stem = name_text(os.path.splitext(os.path.basename(name))[0])
    return "" if _CAMERA.match(stem) else split(_COPY.sub("", stem))


def _directories(path: str, folder: str) -> list[str]:
    try:
        return [name for name in relative_directories(path, folder) if name not in {"..", "."}]
    except ValueError:
        return []


def split(name: str) -> str:
    """The words of one name, separated by blanks: `ramenReceipt_Kyoto-2024` is `ramen Receipt Kyoto 2024`."""
    text = _DATE.sub(_dashed, clean(name))
    return clean(" ".join(word for token in _TOKEN.findall(text) for word in _humps(token)))


def _wholes(name: str) -> list[str]:
    """The words of one name that `split` takes apart; what has digits is looked for in pieces anyway."""
    tokens = _TOKEN.findall(_DATE.sub(_dashed, clean(name)))
    return [token for token in tokens if not any(map(str.isdigit, token)) and len(_humps(token)) > 1]


def _dashed(found: re.Match[str]) -> str:
    year, _, month, day = found.groups()
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return found.group()
    return f" {year}-{month}-{day} "


def _humps(token: str) -> list[str]:
    """camelCase and HTTPServer taken apart, and letters from long numbers; `iPhone` and `4x4` stay whole."""
    out = [""]
    for i, sign in enumerate(token):
        before, after = token[max(0, i - 2) : i], token[i + 1 : i + 2]
        starts = (
            (sign.isupper() and len(before) == 2 and before.islower() and before.isalpha())
            or (sign.isupper() and before.isupper() and after.islower() and before.isalpha())
            or (
                sign.isdigit()
                and len(before) == 2
                and before.isalpha()
                and token[i : i + 4].isdigit()
                and len(token) >= i + 4
            )
        )
        if starts:
            out.append("")
        out[-1] += sign
    return out
