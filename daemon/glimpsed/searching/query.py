"""One line of text → words to look for and filters that must hold."""

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from glimpsed.errors import QueryError
from glimpsed.records import Filters

LONGEST = 4096
"""Characters of a question."""

NAMES = ("after", "before", "in", "type")
"""The filters there are."""

FORMATS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("png", "webp", "gif", "tiff", "bmp", "ico", "avif", "ppm", "tga", "mpo")},
    # Some cameras write several pictures into one JPEG, which Pillow calls MPO: to people it is a JPEG.
    **dict.fromkeys(("jpeg", "jpg", "jpe", "jfif"), ("jpeg", "mpo")),
    **dict.fromkeys(("jpeg2000", "jp2", "j2k"), ("jpeg2000",)),
    **dict.fromkeys(("pgm", "pbm", "pnm"), ("ppm",)),
    "apng": ("png",),
    "tif": ("tiff",),
    "dib": ("dib", "bmp"),
}
"""What a person calls a type, and the formats (`Row.format`) that it means."""

_BLANK = re.compile(r"\s")
_HEAD = re.compile(r"([A-Za-z]{2,20}):")
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_UNSAYABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Query:
    """A question, understood."""

    words: str = ""
    """What to look for, as the user wrote it, blanks made single; may be empty."""
    filters: Filters = field(default_factory=Filters)
    phrases: tuple[str, ...] = ()
    """Those of the words that stood in double quotes."""


@dataclass(frozen=True, slots=True)
class _Token:
    column: int
    name: str | None
    """Of a filter, in lower case; None for a word."""
    value: str
    quoted: bool = False
    value_column: int = 0


def parse(question: str, *, now: datetime, folders: Sequence[str] = (), home: str | None = None) -> Query:
    """Understand a question; raises QueryError with the column, from 1, of what cannot be understood.

    `after:` and `before:` take a year, month or day (`2024`, `2024-06`, `2024-06-12`) or `today` and `yesterday`,
    told by `now` in its own time zone; `type:` takes formats, several with commas; `in:` takes a path that is
    absolute, below `~` (`home`; the user's own unless given), or relative to one of `folders`, with or without that
    folder's own name in front. Values with blanks stand in double quotes, in which `\\"` is a quote and `\\\\` a
    backslash. The strictest of several `after:` holds, likewise `before:`; of several `in:` and `type:`, any.
    Words in double quotes are never filters.
    """
    if len(question) > LONGEST:
        raise QueryError(f"a question has at most {LONGEST} characters, this one {len(question)}", column=LONGEST + 1)
    filters, words, phrases = Filters(), [], []
    for token in _tokens(question):
        if token.name is None:
            word = " ".join(_UNSAYABLE.sub(" ", token.value).split())
            if word:
                words.append(word)
                if token.quoted:
                    phrases.append(word)
        else:
            filters = _with(filters, token, now, folders, home)
    return Query(" ".join(words), filters, tuple(phrases))


def written(filters: Filters) -> str:
    """The filters as a question would say them: `parse` gives back the same ones."""
    said = [f"after:{filters.after}" if filters.after else "", f"before:{filters.before}" if filters.before else ""]
    said += [f"in:{_quoted(place)}" for place in filters.places]
    said += [f"type:{name}" for name in _types_said(filters.types)]
    return " ".join(filter(None, said))


def _types_said(types: tuple[str, ...]) -> list[str]:
    """Words that mean these formats; one that an earlier word means as well is not said."""
    said: dict[str, tuple[str, ...]] = {}
    for name in types:
        if not any(name in formats for formats in said.values()):
            said[name] = FORMATS[name]
    return list(said)


def _quoted(value: str) -> str:
    plain = not _BLANK.search(value) and not value.startswith('"')
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _tokens(question: str) -> list[_Token]:
    found, at, end = [], 0, len(question)
    while at < end:
        if question[at].isspace():
            at += 1
            continue
        start = at
        if question[at] == '"' and (closed := _unquoted(question, at)) is not None:
            value, at = closed
            found.append(_Token(start + 1, None, value, quoted=True))
            continue
        stop = _BLANK.search(question, at)
        at = stop.start() if stop else end
        token = question[start:at]
        name = _name(token)
        if name is None:
            found.append(_Token(start + 1, None, token))
            continue
        value_at = start + len(name) + 1
        if question.startswith('"', value_at):
            closed = _unquoted(question, value_at)
            if closed is None:
                raise QueryError("this quote is never closed", column=value_at + 1)
            value, at = closed
        else:
            value = question[value_at:at]
        found.append(_Token(start + 1, name, value, value_column=value_at + 1))
    return found


def _unquoted(question: str, at: int) -> tuple[str, int] | None:
    """The text of the quotes that open at `at`, and where it goes on; None where they do not close."""
    said: list[str] = []
    i = at + 1
    while i < len(question):
        c = question[i]
        if c == "\\" and question[i + 1 : i + 2] in ('"', "\\"):
            said.append(question[i + 1])
            i += 2
        elif c == '"':
            return "".join(said), i + 1
        else:
            said.append(c)
            i += 1
    return None


def _name(token: str) -> str | None:
    """The filter's name where a token reads as one.

    Words are: times (10:30), addresses (https://…), drives (C:\\…), scopes (std::sort), and what merely ends in a
    colon (`Error:`) unless that is a filter's name.
    """
    head = _HEAD.match(token)
    if not head:
        return None
    name, rest = head[1].lower(), token[head.end() :]
    if name in NAMES:
        return name
    if not rest or rest.startswith(("//", ":", "\\")):
        return None
    return name


def _with(filters: Filters, token: _Token, now: datetime, folders: Sequence[str], home: str | None) -> Filters:
    """The filters and this one."""
    column = token.value_column
    if token.name not in NAMES:
        near = difflib.get_close_matches(str(token.name), NAMES, n=1, cutoff=0.0)
        hint = f'nearest is {near[0]}: ; in double quotes it is a word: "{token.name}:…"'
        raise QueryError(f"there is no filter {token.name}:", column=token.column, hint=hint)
    if not token.value.strip():
        raise QueryError(f"{token.name}: needs a value right after the colon", column=column)
    match token.name:
        case "after":
            day = _day(token, now)
            return replace(filters, after=max(filters.after or day, day))
        case "before":
            day = _day(token, now)
            return replace(filters, before=min(filters.before or day, day))
        case "in":
            return replace(filters, places=_unique(filters.places + _places(token, folders, home)))
        case _:
            return replace(filters, types=_unique(filters.types + _types(token)))


def _day(token: _Token, now: datetime) -> str:
    said = token.value.lower()
    if said in ("today", "yesterday"):
        return (now.date() - timedelta(days=said == "yesterday")).isoformat()
    column = token.value_column
    parts = _DATE.fullmatch(said)
    if not parts:
        raise QueryError(
            f"{token.name}: takes a year, month or day, such as 2024, 2024-06 or 2024-06-12", column=column
        )
    try:
        date(int(parts[1]), int(parts[2] or 1), int(parts[3] or 1))
    except ValueError:
        raise QueryError(f"there is no such date as {said}", column=column) from None
    return said


def _types(token: _Token) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    for said in token.value.lower().split(","):
        name = said.strip().removeprefix(".")
        if name not in FORMATS:
            near = difflib.get_close_matches(name[:20], FORMATS, n=1, cutoff=0.0)[0]
            raise QueryError(
                f"no pictures of type {name[:20]!r} are known", column=token.value_column, hint=f"nearest is {near}"
            )
        found += FORMATS[name]
    return found


def _places(token: _Token, folders: Sequence[str], home: str | None) -> tuple[str, ...]:
    said, column = token.value, token.value_column
    if "\0" in said:
        raise QueryError("a path holds no NUL", column=column)
    if said == "~" or said.startswith("~/"):
        said = (home or os.path.expanduser("~")) + said[1:]
    if os.path.isabs(said):
        return (_normal(said),)
    head, _, rest = _normal(said).partition("/")
    named = [folder for folder in folders if os.path.basename(folder) == head]
    if named:
        return tuple(_normal(os.path.join(folder, rest)) for folder in named)
    if not folders:
        raise QueryError("in: takes a path that begins with / or ~", column=column)
    return _unique(tuple(_normal(os.path.join(folder, said)) for folder in folders))


def _normal(path: str) -> str:
    path = os.path.normpath(path)
    return "/" + path.lstrip("/") if path.startswith("//") else path


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
