"""Sizes and areas as people write them: `>2MB`, `1920x1080`, `48.86,2.35,5km`."""

import re
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from glimpsed.filters import ANY, Area, Range

SIZES: Final = "such as >2MB, <500KB, 1MB..5MB, >=1920x1080 or 4000px"
AREAS: Final = "such as 48.86,2.35 or 48.86,2.35,5km (latitude, longitude, at most so far away in m, km or mi)"

RADIUS: Final = 5_000.0
"""Metres, where none is said: coordinates of two decimals mean about a kilometre."""

_BYTES = {"b": 1, **{u: 1000**n for n, u in enumerate("kmgt", start=1)}}
_BYTES |= {f"{u}b": 1000**n for n, u in enumerate("kmgt", start=1)}
_BYTES |= {f"{u}ib": 1024**n for n, u in enumerate("kmgt", start=1)}
_METRES = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "": 1000.0}

_MOST = (2**60, 10**9, 10**9)
"""Bytes, and pixels of a side: nothing real is larger."""

_SIGN = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)
_MEMORY = re.compile(r"(\d{1,20})(?:\.(\d{1,9}))?([a-z]{0,3})", re.ASCII)
_SIDES = re.compile(r"(\d{1,10})[x×](\d{1,10})", re.ASCII)
_SIDE = re.compile(r"(\d{1,10})px", re.ASCII)
_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_AREA = re.compile(rf"{_NUMBER},{_NUMBER}(?:,{_NUMBER}([a-z]*))?", re.ASCII)


class Sizes(NamedTuple):
    """What a size says of a file and of its sides, pixels."""

    size: Range = ANY
    longer: Range = ANY
    shorter: Range = ANY


def sizes(said: str) -> Sizes:
    """What a size means; a bare one is a least one. ValueError where it is none.

    `1920x1080` is of both sides, whichever of them is the width; `4000px` of the longer side; all else of the file,
    in bytes: `K`, `M`, `G` and `T` (with or without a `B`) are powers of 1000, `KiB` … powers of 1024.
    """
    text = "".join(said.lower().split())
    first, dots, last = text.partition("..")
    if dots:
        return Sizes(*map(_between, _amounts(first), _amounts(last), _MOST))
    sign, text = _SIGN.fullmatch(text).groups()  # type: ignore[union-attr]  # it matches anything
    return Sizes(*map(partial(_beyond, sign or ">="), _amounts(text), _MOST))


def written(asked: Sizes) -> list[str]:
    """The sizes that `sizes` reads as this, taken together; one where one says it, none for none."""
    least, most = asked.size
    memory = _spans([f"{least}b"] if least is not None else [], [f"{most}b"] if most is not None else [])
    least_sides, most_sides = (
        _sides(longer, shorter) for longer, shorter in zip(asked.longer, asked.shorter, strict=True)
    )
    return memory + _spans(least_sides, most_sides)


def _spans(least: list[str], most: list[str]) -> list[str]:
    if len(least) == len(most) == 1:
        both = f"{least[0]}..{most[0]}"
        with suppress(ValueError):
            sizes(both)
            return [both]
    return [f">={one}" for one in least] + [f"<={one}" for one in most]


def _sides(longer: int | None, shorter: int | None) -> list[str]:
    """What bounds the sides so, without its sign."""
    said = [] if shorter is None else [f"{max(shorter, longer or 0)}x{shorter}"]
    return said + ([f"{longer}px"] if longer is not None and (shorter is None or longer < shorter) else [])


def _beyond(sign: str, number: int | None, most: int) -> Range:
    """What a sign and a number leave."""
    if number is None:
        return ANY
    if sign == "<" and not number:
        raise ValueError("nothing is smaller than 0")
    bound = number + (sign == ">") - (sign == "<")
    if bound > most:
        raise ValueError("no picture is so large")
    return Range(bound if sign in (">", ">=", "=") else None, bound if sign in ("<", "<=", "=") else None)


def _between(first: int | None, last: int | None, most: int) -> Range:
    if (first is None) != (last is None):
        raise ValueError("both ends have to be of the same kind")
    if first is None or last is None:
        return ANY
    if first > last:
        raise ValueError("the smaller one comes first")
    return _beyond(">=", first, most).both(_beyond("<=", last, most))


def _amounts(text: str) -> tuple[int | None, int | None, int | None]:
    """Bytes, pixels of the longer and of the shorter side; None for what is not said."""
    if sides := _SIDES.fullmatch(text):
        one, other = int(sides[1]), int(sides[2])
        return None, max(one, other), min(one, other)
    if side := _SIDE.fullmatch(text):
        return None, int(side[1]), None
    memory = _MEMORY.fullmatch(text)
    if not memory or (memory[3] or "b") not in _BYTES:
        raise ValueError
    unit, decimals = _BYTES[memory[3] or "b"], memory[2] or ""
    return int(memory[1] + decimals) * unit // 10 ** len(decimals), None, None


def area(said: str) -> Area:
    """What lies near a point. ValueError, with the reason where it is known, where it says none."""
    parts = _AREA.fullmatch("".join(said.lower().split()))
    if not parts or (parts[3] and parts[4] not in _METRES):
        raise ValueError
    latitude, longitude = float(parts[1]), float(parts[2])
    if not -90 <= latitude <= 90:
        raise ValueError(f"there is no latitude {parts[1]}: it goes from -90 to 90")
    if not -180 <= longitude <= 180:
        raise ValueError(f"there is no longitude {parts[2]}: it goes from -180 to 180")
    metres = float(parts[3]) * _METRES[parts[4]] if parts[3] else RADIUS
    if not 0 < metres <= 1e8:
        raise ValueError("the distance has to be more than nothing, and on this earth")
    return Area(latitude, longitude, metres)


def area_written(near: Area) -> str:
    """What `area` reads as this."""
    return f"{near.latitude!r},{near.longitude!r},{near.metres!r}m"
