"""One filter of a question after the other → the rows that it is about."""

import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from glimpsed.errors import QueryError
from glimpsed.filters import Filters, unique
from glimpsed.searching import amounts, dates
from glimpsed.searching.tokens import NAMES, Token, plain

HAS: Final = ("text", "gps")
IS: Final = ("missing",)

_RAW = ("arw", "cr2", "cr3", "dng", "nef", "orf", "pef", "raf", "rw2", "srw")
FORMATS: Final[dict[str, tuple[str, ...]]] = {
    **{name: (name,) for name in ("png", "webp", "gif", "tiff", "bmp", "ico", "avif", "ppm", "tga")},
    **{name: (name,) for name in ("heic", "jxl", "psd", "svg")},
    **{name: (name,) for name in _RAW},
    "raw": _RAW,
    # Some cameras write several pictures into one JPEG, which Pillow calls MPO: to people it is a JPEG.
    **dict.fromkeys(("jpeg", "jpg", "jpe", "jfif", "mpo"), ("jpeg", "mpo")),
    **dict.fromkeys(("jpeg2000", "jp2", "j2k"), ("jpeg2000",)),
    **dict.fromkeys(("pgm", "pbm", "pnm"), ("ppm",)),
    **dict.fromkeys(("heif", "hif"), ("heic",)),
    "apng": ("png",),
    "nrw": ("nef",),
    "psb": ("psd",),
    "rwl": ("rw2",),
    "sr2": ("arw",),
    "svgz": ("svg",),
    "tif": ("tiff",),
    "dib": ("dib", "bmp"),
}
"""What a person calls a type, and the formats (`Row.format`) that it means."""

_NEAR = 0.5
"""Likeness (difflib's) of a word and what was perhaps meant, at least."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the meaning of a filter depends on."""

    now: datetime
    folders: Sequence[str] = ()
    home: str | None = None


def narrowed(filters: Filters, token: Token, context: Context) -> Filters:
    """The filters and this one. QueryError with the column where it is none."""
    if token.name not in _MEANINGS:
        raise _unknown(token)
    if not plain(token.value) or "\0" in token.value:
        raise QueryError(f"{token.name}: needs a value right after the colon", column=token.value_column)
    if not token.negated:
        return _MEANINGS[token.name](filters, token, context)
    if token.name == "is":
        raise QueryError(
            f"-is:{token.value} says nothing: missing pictures are left out unless asked for", column=token.column
        )
    other = _MEANINGS[token.name](Filters(), token, context)
    others = [replace(other, places=(place,)) for place in other.places] or [other]
    return replace(filters, without=tuple(dict.fromkeys((*filters.without, *others))))


def nearest(said: str, known: Iterable[str]) -> str | None:
    """What was perhaps meant."""
    return next(iter(difflib.get_close_matches(said[:20], list(known), n=1, cutoff=_NEAR)), None)


def _unknown(token: Token) -> QueryError:
    said = str(token.name)
    near = nearest(said, NAMES)
    return QueryError(
        f'unknown filter "{said}"' + (f": {near}?" if near else ""),
        column=token.column,
        hint=f'filters are {", ".join(NAMES)}; as words, put it in double quotes: "{said}:…"',
        suggestion=f"{near}:" if near else None,
    )


def _known(token: Token, said: str, known: Iterable[str]) -> str:
    """The value as it is known. QueryError with the nearest where it is not."""
    name, known = said.strip().lower().removeprefix("."), tuple(known)
    if name in known:
        return name
    near = nearest(name, known)
    raise QueryError(
        f'{token.name}: knows no "{plain(name[:20])}"' + (f": {near}?" if near else ""),
        column=token.value_column,
        hint=f"it takes {', '.join(known)}",
        suggestion=near,
    )


def _fault(token: Token, error: ValueError, such: str, known: Iterable[str] = ()) -> QueryError:
    near = nearest(token.value.lower(), known)
    reason = str(error) or f'cannot be "{plain(token.value[:40])}"' + (f": {near}?" if near else "")
    return QueryError(
        f"{token.name}: {reason}", column=token.value_column, hint=f"it takes a value {such}", suggestion=near
    )


def _dated(filters: Filters, token: Token, context: Context) -> Filters:
    try:
        if token.name != "on" and ".." in token.value:
            raise ValueError("only on: takes a first and a last day")  # noqa: TRY301  told as any other fault
        period = dates.period(token.value, context.now.date())
    except ValueError as error:
        raise _fault(token, error, dates.HELP, dates.WORDS) from None
    after, before = filters.after, filters.before
    if token.name in ("after", "on"):
        after = max(after or period.begin, period.begin)
    end = period.end if token.name == "on" else period.begin
    if token.name in ("before", "on") and end is not None:
        before = min(before or end, end)
    return replace(filters, after=after, before=before)


def _typed(filters: Filters, token: Token, context: Context) -> Filters:
    meant = [one for said in token.value.split(",") for one in FORMATS[_known(token, said, FORMATS)]]
    return replace(filters, types=unique((*filters.types, *meant)))


def _inside(filters: Filters, token: Token, context: Context) -> Filters:
    return replace(filters, places=unique((*filters.places, *_places(token, context))))


def _camera(filters: Filters, token: Token, context: Context) -> Filters:
    return replace(filters, cameras=unique((*filters.cameras, plain(token.value))))


def _town(filters: Filters, token: Token, context: Context) -> Filters:
    return replace(filters, towns=unique((*filters.towns, plain(token.value))))


def _near(filters: Filters, token: Token, context: Context) -> Filters:
    try:
        area = amounts.area(token.value)
    except ValueError as error:
        raise _fault(token, error, amounts.AREAS) from None
    return replace(filters, near=tuple(dict.fromkeys((*filters.near, area))))


def _sized(filters: Filters, token: Token, context: Context) -> Filters:
    try:
        asked = amounts.sizes(token.value)
    except ValueError as error:
        raise _fault(token, error, amounts.SIZES) from None
    return replace(
        filters,
        size=filters.size.both(asked.size),
        longer=filters.longer.both(asked.longer),
        shorter=filters.shorter.both(asked.shorter),
    )


def _has(filters: Filters, token: Token, context: Context) -> Filters:
    if _known(token, token.value, HAS) == "text":
        return replace(filters, has_text=True)
    return replace(filters, has_gps=True)


def _is(filters: Filters, token: Token, context: Context) -> Filters:
    return replace(filters, missing=_known(token, token.value, IS) == "missing")


_MEANINGS: Final[dict[str, Callable[[Filters, Token, Context], Filters]]] = {
    "after": _dated,
    "before": _dated,
    "on": _dated,
    "in": _inside,
    "type": _typed,
    "camera": _camera,
    "place": _town,
    "near": _near,
    "size": _sized,
    "has": _has,
    "is": _is,
}


def _places(token: Token, context: Context) -> tuple[str, ...]:
    said, folders = token.value, context.folders
    if said == "~" or said.startswith("~/"):
        said = (context.home or os.path.expanduser("~")) + said[1:]
    if os.path.isabs(said):
        return (_normal(said),)
    head, _, rest = _normal(said).partition("/")
    named = [folder for folder in folders if os.path.basename(folder) == head]
    if named:
        return tuple(_normal(os.path.join(folder, rest)) for folder in named)
    if not folders:
        raise QueryError("in: takes a path that begins with / or ~", column=token.value_column)
    return unique(_normal(os.path.join(folder, said)) for folder in folders)


def _normal(path: str) -> str:
    path = os.path.normpath(path)
    return "/" + path.lstrip("/") if path.startswith("//") else path
