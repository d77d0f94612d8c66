"""Numbers, dates and codes in a question: how their pieces may be joined in a text."""

import re
from dataclasses import dataclass

from glimpsed import files
from glimpsed.folding import fold
from glimpsed.searching.forms import UNSPACED

_LETTER = f"[^\\W\\d_{UNSPACED}]"
_CODE = re.compile(
    f"(?<![^\\W_])(?:{_LETTER}|\\d)+(?:(?:[-_.,/:#+]|(?<=\\d) (?=\\d))(?:{_LETTER}|\\d)+)*(?![^\\W_{UNSPACED}])"
)
_PIECE = re.compile(f"\\d+|{_LETTER}+")
_DIGITS = re.compile(r"\d+")
_LONGEST = 64  # characters
_PHONE = 7
"""Digits that make a number with blanks in it one for a telephone, at least."""

_JOINT = "[-_./:, ]?"
_DIALLED = "[-./() ]{0,2}"


@dataclass(frozen=True, slots=True)
class Code:
    """One of them."""

    text: str
    """As asked, in lower case."""
    pattern: str
    """A regular expression of all its forms in a folded text."""
    pieces: tuple[str, ...]
    """What a full-text index may have made of it: words and numbers, alone and joined."""
    start: int
    end: int


def found_in(lowered: str) -> list[Code]:
    """The codes of a question in lower case: runs with a digit that are more than one number."""
    found = []
    for match in _CODE.finditer(lowered):
        for text, start in _runs(match):
            stem, dot, suffix = text.rpartition(".")
            if dot + suffix in files.SUFFIXES:
                text = stem  # noqa: PLW2901  descriptions are made without it
            pieces = _PIECE.findall(fold(text))
            if len(pieces) > 1 and _DIGITS.search(text) and len(text) <= _LONGEST:
                joined = "".join(pieces)
                abroad = lowered[:start].endswith("+") or text.startswith("00")
                made = _pattern(fold(text), pieces, abroad=abroad)
                found.append(Code(text, made, (*pieces, joined), start, start + len(text)))
    return found


def _runs(match: re.Match[str]) -> list[tuple[str, int]]:
    """The match as one where its blanks are those of a telephone number, else what stands between them."""
    text = match.group()
    if " " not in text or (len("".join(_DIGITS.findall(text))) >= _PHONE and not re.search(_LETTER, text)):
        return [(text, match.start())]
    return [(one.group(), match.start() + one.start()) for one in re.finditer("[^ ]+", text)]


def _pattern(text: str, pieces: list[str], *, abroad: bool) -> str:
    """As it was asked for, whatever joins it there, and joined in other ways."""
    return f"{_whole(re.escape(text))}|{_joined(text, pieces, abroad=abroad)}"


def _joined(text: str, pieces: list[str], *, abroad: bool) -> str:
    numbers = all(piece.isdigit() for piece in pieces)
    if not numbers:
        return _whole(_JOINT.join(map(re.escape, pieces)))
    if _is_date(pieces):
        return _whole("[-./ ]".join(pieces))
    if not re.search("[^0-9.,]", text):
        *thousands, last, cents = pieces
        return _whole("".join(f"{piece}[.,' ]?" for piece in thousands) + f"{last}[.,]{cents}")
    if len("".join(pieces)) < _PHONE:
        return _whole("[-_./:, ]".join(pieces))
    # The country's number, or the 0 in its place, may be there or not.
    country, own = (pieces[0].lstrip("0"), pieces[1:]) if abroad else (r"\d{1,3}", pieces)
    digits = "".join(own)
    return rf"(?<!\d)(?:(?:\+|00)?{country}{_DIALLED})?0?{_DIALLED}{_DIALLED.join(digits.lstrip('0') or digits)}(?!\d)"


def _whole(pattern: str) -> str:
    return rf"(?<![^\W_]){pattern}(?![^\W_{UNSPACED}])"


def _is_date(pieces: list[str]) -> bool:
    """Whether three numbers are a day, a month and a year in any order."""
    lengths = sorted(len(piece) for piece in pieces)
    return len(pieces) == 3 and lengths[1] <= 2 and lengths[2] in (2, 4)
