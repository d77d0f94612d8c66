"""Which part of a description speaks for a hit, and how to say so."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from glimpsed.records import Part
from glimpsed.searching.coverage import Asked, fold

WIDTH = 120
"""Characters of a snippet, at most."""

QUOTE = 48
"""Characters of what `why` quotes."""

_SHOWN_FIRST = (
    "caption", "title", "sidecar", "keywords", "people", "place", "ocr", "name", "directory", "comment", "author",
)  # fmt: skip
"""Which part to show where none matched better: unlike for encoding, what is in the picture goes before its name."""

_WHOLE = frozenset(("name", "title", "caption", "sidecar", "place", "directory", "author"))
"""Labels whose text as a whole can be what was asked for; of keywords and OCR it is each line or entry."""
_ENTRIES = re.compile(r"[\n,;]+")


@dataclass(frozen=True, slots=True)
class Match:
    """What the words of one row say to a question."""

    covered: float
    """Share of the question, 0 to 1, that all parts cover together."""
    covered_together: float
    """The greatest share that one part covers."""
    exact: bool
    part: Part | None
    """The part that matched best, else the most telling one; None where the row has no words."""
    strengths: tuple[float, ...] = ()
    """How well that part holds each term."""


def match(asked: Asked, parts: Sequence[Part], file_name: str) -> Match:
    """Hold a question against the parts of a description."""
    if not parts:
        return Match(0.0, 0.0, _is_name(asked, file_name), None)
    texts = [fold(part.text) for part in parts]
    each = [asked.strengths(text) for text in texts]
    shares = [asked.share(strengths) for strengths in each]
    best = max(range(len(parts)), key=lambda i: (round(shares[i], 6), -_telling(parts[i])))
    together = tuple(map(max, zip(*each, strict=True)))
    exact = _is_name(asked, file_name) or _is_exact(asked, parts, texts)
    return Match(asked.share(together), shares[best], exact, parts[best], each[best])


def _telling(part: Part) -> int:
    """0 for the most telling label."""
    return _SHOWN_FIRST.index(part.label) if part.label in _SHOWN_FIRST else len(_SHOWN_FIRST)


def _is_name(asked: Asked, file_name: str) -> bool:
    name = fold(file_name)
    return bool(asked.folded) and asked.folded in (name, name.rpartition(".")[0])


def _is_exact(asked: Asked, parts: Sequence[Part], texts: Sequence[str]) -> bool:
    if asked.phrases:
        return all(any(phrase in text for text in texts) for phrase in asked.phrases)
    question = asked.folded.strip(" .?!¿¡。？！")
    if not question:
        return False
    for part, text in zip(parts, texts, strict=True):
        if question not in text:
            continue
        if asked.contents >= 3 or (part.label in _WHOLE and question == text.strip(" .?!¿¡。？！")):
            return True
        if any(question == fold(entry) for entry in _ENTRIES.split(part.text)):
            return True
    return False


def snippet(asked: Asked, found: Match, width: int = WIDTH) -> str:
    """Some `width` characters of the best part, around the words that matched."""
    if found.part is None:
        return ""
    text = " ".join(found.part.text.split())
    if len(text) <= width:
        return text
    at = _position(asked, found, text)
    start = max(0, min(at - width // 3, len(text) - width + 2))
    end = start + width - 2
    if start and (blank := text.find(" ", start, start + 15)) >= 0:
        start = min(blank + 1, at)
    if end < len(text) and (blank := text.rfind(" ", end - 15, end)) > at:
        end = blank
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _position(asked: Asked, found: Match, text: str) -> int:
    """Where in the text the weightiest term that matched stands; 0 where folding has moved it."""
    folded = text.casefold()
    weighed = zip(asked.weights, found.strengths, asked.forms, strict=True)
    for weight, strength, form in sorted(weighed, key=lambda one: -one[0] * one[1]):
        if weight * strength <= 0:
            break
        spot = folded.find(form.stem)
        if spot >= 0:
            return min(spot, len(text) - 1)
    return 0


def why(asked: Asked, found: Match, signals: Mapping[str, float], place: int | None) -> str:
    """One line for people: what matched, in which label, and what speaks for the hit besides."""
    reasons = ["exact match"] if found.exact else []
    if found.part is not None and found.covered_together > 0:
        reasons.append(f'{found.part.label}: "{snippet(asked, found, QUOTE)}"')
    if (dense := signals.get("dense")) is not None:
        also = "also " if reasons else ""
        reason = f"{also}by meaning {dense:.2f}, {'nearest' if place == 1 else f'place {place}'}"
        if not reasons and found.part is not None:  # say what it is about: its words do not
            reason += f': {found.part.label} "{snippet(asked, found, QUOTE)}"'
        reasons.append(reason)
    return "; ".join(reasons)
