"""The kinds of values that a configuration holds: what is accepted, and how it is said when it is not.

Each function here returns a `Kind`; `Kind.parse` raises ValueError where the value is of another kind.
"""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from glimpsed.config_places import NotAcceptedError, Places

_UNITS = {
    "ms": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*", re.ASCII | re.IGNORECASE)
_DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]{1,3})?", re.ASCII)
_LANGUAGE = re.compile(r"auto|[a-z]{2,3}(_[a-z]{3,8})*|script/[A-Z][A-Za-z]+", re.ASCII)
_ENCODERS = ("auto", "bge-m3", "fallback")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class Weights(NamedTuple):
    """How much each signal of a hit counts; none is negative and one at least is above zero."""

    dense: float
    sparse: float
    colbert: float
    text: float


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value."""

    expected: str
    """What is said to somebody who gave something else."""
    parse: Callable[[object, Places], object]
    """From what TOML gave. Raises NotAcceptedError where it can say why, else another ValueError."""
    from_text: Callable[[str], object] = str
    """From an environment variable to what TOML would have given. Raises ValueError."""


def seconds(text: str) -> float:
    """A duration such as `500ms`, `30 s`, `5 min`, `6 h`, `30 d` or `0.5` (seconds), in seconds. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    unit = _UNITS.get((found[2] or "s").lower()) if found else None
    if found is None or unit is None:
        raise ValueError(f"{text!r} is no duration")
    return float(found[1]) * unit


def duration(least: float, most: float) -> Kind:
    """A duration from `least` to `most`, both in seconds; its value is in seconds."""

    def parse(raw: object, _: Places) -> float:
        value = seconds(raw) if isinstance(raw, str) else _number(raw)
        return _bounded(value, least, most)

    return Kind(f'a duration such as 0.5 or "30 s", from {_long(least)} to {_long(most)}', parse)


def whole(least: int, most: int) -> Kind:
    """A whole number from `least` to `most`."""

    def parse(raw: object, _: Places) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise ValueError  # noqa: TRY004  as for all faults
        return int(_bounded(raw, least, most))

    return Kind(f"a whole number from {least:,} to {most:,}", parse, lambda text: int(text.strip()))


def number(least: float, most: float) -> Kind:
    """A number from `least` to `most`."""
    return Kind(
        f"a number from {least:g} to {most:g}",
        lambda raw, _: _bounded(_number(raw), least, most),
        lambda text: float(text.strip()),
    )


def switch() -> Kind:
    """True or false."""

    def parse(raw: object, _: Places) -> bool:
        if not isinstance(raw, bool):
            raise ValueError  # noqa: TRY004  as for all faults
        return raw

    def from_text(text: str) -> bool:
        if (word := text.strip().lower()) in _TRUE | _FALSE:
            return word in _TRUE
        raise ValueError

    return Kind("true or false", parse, from_text)


def one_of(*words: str) -> Kind:
    """One of a few words."""

    def parse(raw: object, _: Places) -> str:
        if raw not in words:
            raise ValueError
        return str(raw)

    return Kind("one of " + ", ".join(f'"{word}"' for word in words), parse)


def device() -> Kind:
    """Where an encoder runs."""

    def parse(raw: object, _: Places) -> str:
        if not (isinstance(raw, str) and _DEVICE.fullmatch(raw)):
            raise ValueError
        return raw

    return Kind('"auto", "cpu", "cuda" or "cuda:N"', parse)


def encoder() -> Kind:
    """One of our words, a model's name on the hub (left as it is), or the path of its folder (made absolute)."""

    def parse(raw: object, places: Places) -> str:
        text = _text(raw)
        if text in _ENCODERS or _HUB_NAME.fullmatch(text):
            return text
        if text.startswith("."):
            return os.path.abspath(text)
        if text.startswith(("/", "~", "$")):
            return places.path(text)
        near = _nearest(text.lower(), _ENCODERS)
        raise NotAcceptedError("is none of them" + (f'; the nearest is "{near}"' if near else ""))

    words = ", ".join(f'"{word}"' for word in _ENCODERS)
    return Kind(f'{words}, a name such as "intfloat/multilingual-e5-large", or the path of a folder', parse)


def model() -> Kind:
    """A model's name (left as it is), or the path of its folder (expanded)."""

    def parse(raw: object, places: Places) -> str:
        text = _text(raw)
        return places.path(text) if text.startswith(("/", "~", "$")) else text

    return Kind('a name such as "BAAI/bge-m3", or the absolute path of a folder', parse)


def path(*, otherwise: str | None = None) -> Kind:
    """An absolute path; `otherwise` is a word (or "") that is accepted too and stands for itself."""

    def parse(raw: object, places: Places) -> str:
        return raw if isinstance(raw, str) and raw == otherwise else places.path(_text(raw))

    also = "" if otherwise is None else f', or "{otherwise}"'
    return Kind("an absolute path" + also, parse)


def paths() -> Kind:
    """Absolute paths, each once, in the order given."""

    def parse(raw: object, places: Places) -> tuple[str, ...]:
        return tuple(dict.fromkeys(places.path(_text(one)) for one in _list(raw)))

    return Kind('a list of absolute paths, such as ["~/Pictures"]', parse, _list_of_text)


def texts() -> Kind:
    """A list of texts, none of them empty."""
    return Kind(
        'a list of texts, such as ["*.bak"]',
        lambda raw, _: tuple(_text(one) for one in _list(raw)),
        _list_of_text,
    )


def languages() -> Kind:
    """`auto`, or a list of languages that may hold it."""

    def parse(raw: object, _: Places) -> tuple[str, ...]:
        names = [raw] if isinstance(raw, str) else _list(raw)
        if not all(isinstance(name, str) and _LANGUAGE.fullmatch(name) for name in names):
            raise ValueError
        return tuple(dict.fromkeys(str(name) for name in names))

    return Kind('"auto" or a list of languages, such as ["ru", "th", "auto"]', parse, _text_or_list)


def weights() -> Kind:
    """The weights of the signals."""

    def parse(raw: object, _: Places) -> Weights:
        if not isinstance(raw, Mapping):
            raise ValueError  # noqa: TRY004  as for all faults
        raw = {"colbert": 0.0, **raw}  # a configuration from before there was this weight stands
        if set(raw) != set(Weights._fields):
            raise ValueError
        found = Weights(*(_bounded(_number(raw[name]), 0, 1000) for name in Weights._fields))
        if not any(found):
            raise NotAcceptedError("has no weight above zero")
        return found

    return Kind("{ dense = …, sparse = …, colbert = …, text = … }, none of them negative", parse, _toml)


def at_most(*words: str, most: int) -> Kind:
    """One of a few words, or a whole number from 1 to `most`."""
    named = ", ".join(f'"{word}"' for word in words)

    def parse(raw: object, _: Places) -> str | int:
        if isinstance(raw, str) and raw in words:
            return raw
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise ValueError  # noqa: TRY004  as for all faults
        return int(_bounded(raw, 1, most))

    def from_text(text: str) -> str | int:
        return text if text in words else int(text.strip())

    return Kind(f"{named} or a whole number from 1 to {most:,}", parse, from_text)


def _nearest(word: str, words: Sequence[str]) -> str | None:
    import difflib  # noqa: PLC0415  only for faults

    return next(iter(difflib.get_close_matches(word, words, 1, 0.5)), None)


def _toml(text: str) -> object:
    import tomllib  # noqa: PLC0415  only for variables that hold TOML

    # A TOMLDecodeError is a ValueError.
    return tomllib.loads(f"value = {text}")["value"]


def _list_of_text(text: str) -> object:
    return _toml(text) if text.lstrip().startswith("[") else [one for one in text.split(os.pathsep) if one]


def _text_or_list(text: str) -> object:
    return text.strip() if text.strip() == "auto" else _list_of_text(text)


def _list(raw: object) -> list[object] | tuple[object, ...]:
    if not isinstance(raw, list | tuple):
        raise ValueError  # noqa: TRY004  as for all faults
    return raw


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError
    return raw


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ValueError
    return float(raw)


def _bounded(value: float, least: float, most: float) -> float:
    if not least <= value <= most:
        raise ValueError
    return value


def _long(value: float) -> str:
    for unit in ("d", "h", "min"):
        if value >= _UNITS[unit] and value % _UNITS[unit] == 0:
            return f"{value / _UNITS[unit]:g} {unit}"
    return f"{value:g} s"
