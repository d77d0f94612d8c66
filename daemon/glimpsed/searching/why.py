"""Which part of a description speaks for a hit, and how to say so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from glimpsed.folding import fold, fold_name
from glimpsed.records import Part
from glimpsed.searching import languages
from glimpsed.searching.coverage import Asked
from glimpsed.searching.forms import JOINED

_SHOWN_FIRST = (
    "caption", "title", "sidecar", "keywords", "people", "place", "ocr", "name", "directory", "comment", "author",
)  # fmt: skip
"""Which part to show where none matched better: unlike for encoding, what is in the picture goes before its name."""
_TELLING = {label: place for place, label in enumerate(_SHOWN_FIRST)}
_SHORT = 400  # characters

_WHOLE = frozenset(("name", "title", "caption", "sidecar", "place", "directory", "author"))
"""Labels whose text as a whole can be what was asked for; of keywords and OCR it is each line or entry."""
_ENTRIES = re.compile(r"[\n,;]+")
_WORDS = re.compile(r"[^\W_]+")
_ENDS = " .?!¿¡。？！"

_SAID = {
    "name": "file name",
    "above": "directories above",
    "sidecar": "text beside it",
    "keywords": "keywords",
    "placenames": "names of the place",
    "ocr": "OCR",
}
_IN_A_LANGUAGE = frozenset(("caption", "title", "sidecar", "comment", "ocr"))

BY_WORDS = 0.25
"""The share of the question that a part covers for its words to be the reason."""
_EQUAL = 1e-6
"""Shares that differ by less are equal."""
_ADDS = 0.15
"""The share that a second part has to add to be named too."""


@dataclass(frozen=True, slots=True)
class Match:
    """What the words of one row say to a question."""

    covered: float
    """Share of the question, 0 to 1, that all parts cover together."""
    covered_together: float
    """The greatest share that one part covers."""
    exact: bool
    """Whether a name, title, keyword or line is the question itself, or a phrase in quotes is there."""
    part: Part | None
    """The part that matched best, else the most telling one; None where the row has no words."""
    strengths: tuple[float, ...] = ()
    """How well that part holds each term."""
    second: Part | None = None
    """Another part that holds what that one does not."""
    surely: float = 0.0
    """Share of the question that all parts cover with whole words, other forms left out."""


def match(asked: Asked, parts: Sequence[Part], file_name: str) -> Match:
    """Hold a question against the parts of a description."""
    if not parts:
        return Match(0.0, 0.0, _is_name(asked, file_name), None)
    texts = [_folded(part.text) for part in parts]
    there = asked.may_be_in("\n".join(texts))
    if not asked.phrases and not there:
        return Match(0.0, 0.0, _is_name(asked, file_name), min(parts, key=_telling), asked.nothing)
    each = [asked.strengths(text, there) for text in texts]
    shares = [asked.share(strengths) for strengths in each]
    enough = max(shares) - _EQUAL
    best = min((i for i, share in enumerate(shares) if share >= enough), key=lambda i: _telling(parts[i]))
    holding = [strengths for strengths in each if strengths is not asked.nothing]
    together = holding[0] if len(holding) == 1 else tuple(map(max, zip(asked.nothing, *holding, strict=True)))
    covered = asked.share(together)
    second = None
    if covered - shares[best] >= _ADDS:
        added = [asked.share(tuple(map(max, zip(each[best], strengths, strict=True)))) for strengths in each]
        second = parts[max(range(len(parts)), key=lambda i: added[i])]
    exact = _is_name(asked, file_name) or _is_exact(asked, parts, texts, each)
    surely = covered and asked.share(tuple(float(strength >= JOINED) for strength in together))
    return Match(covered, shares[best], exact, parts[best], each[best], second, surely)


def _telling(part: Part) -> int:
    """0 for the most telling label."""
    return _TELLING.get(part.label, len(_SHOWN_FIRST))


def _folded(text: str) -> str:
    """The parts of rows that are near to many questions come again and again, but pages of OCR are not remembered."""
    return fold_name(text) if len(text) <= _SHORT else fold(text)


def _is_name(asked: Asked, file_name: str) -> bool:
    name = fold(file_name)
    return bool(asked.folded) and asked.folded in (name, name.rpartition(".")[0])


def _is_exact(
    asked: Asked, parts: Sequence[Part], texts: Sequence[str], strengths: Sequence[tuple[float, ...]]
) -> bool:
    if asked.phrases:
        return all(any(phrase in text for text in texts) for phrase in asked.phrases)
    if asked.codes_alone:
        return any(
            all(one == 1.0 for one, term in zip(each, asked.terms, strict=True) if term.telling) for each in strengths
        )
    question = asked.folded.strip(_ENDS)
    if not question:
        return False
    for part, text in zip(parts, texts, strict=True):
        if question not in text:
            continue
        if asked.contents >= 3 or (part.label in _WHOLE and question == text.strip(_ENDS)):
            return True
        if any(question == fold(entry) for entry in _ENTRIES.split(part.text)):
            return True
    return False


def why(found: Match, quote: str, second: str, *, near: bool, file_name: str) -> str:
    """One line for people: what in the picture speaks for it.

    `quote` and `second` are what to show of the part that matched and of the other one; `near` tells whether the
    encoder has found it.
    """
    if found.part is None:
        return "by meaning" if near else _told(Part("name", file_name), file_name, file_name)
    if near and found.covered_together < BY_WORDS and not found.exact:
        return f"by meaning: {_told(found.part, quote, file_name)}"
    told = _told(found.part, quote, file_name)
    if found.second is not None:
        told += f"; {_told(found.second, second, file_name)}"
    return told


def _told(part: Part, quote: str, file_name: str) -> str:
    language = languages.named(part.text) if part.label in _IN_A_LANGUAGE else None
    what = _SAID.get(part.label, part.label)
    stem = file_name.rpartition(".")[0]
    if part.label == "above" and _letters(part.text) in {_letters(stem), *map(_letters, _WORDS.findall(stem))}:
        what = "file name"
    if language is not None:
        return f"{what}, {language}: “{quote}”"
    return f"{what} says “{quote}”" if part.label == "ocr" else f"{what} “{quote}”"


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))
