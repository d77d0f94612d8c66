"""Some characters of a part, around the words that matched, and where in them these stand."""

import unicodedata
from dataclasses import dataclass
from itertools import islice

from glimpsed.searching.coverage import Asked
from glimpsed.searching.offsets import folded, merged

WIDTH = 120
"""Characters of a snippet, at most."""
QUOTE = 48
"""Characters of what `why` quotes."""
_LOOKED_AT = 50  # places of one term


@dataclass(frozen=True, slots=True)
class Snippet:
    """What is shown of a text."""

    text: str
    positions: tuple[tuple[int, int], ...] = ()
    """From and to, in characters of `text`, of the words that matched; in order, apart from one another."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A text, its blanks single, with the places of the words that matched."""

    text: str
    spots: tuple[tuple[int, int, float, int], ...] = ()
    """From, to, what the term counts for, and which one it is; in order."""

    def cut(self, width: int) -> Snippet:
        """At most `width` characters, around the place that holds most of the question."""
        if len(self.text) <= width:
            return Snippet(self.text, merged(spot[:2] for spot in self.spots))
        at = self._best(width - width // 3)
        start = max(0, min(at - width // 3, len(self.text) - width + 2))
        end = start + width - 2
        if start and (blank := self.text.find(" ", start, start + 15)) >= 0:
            start = min(blank + 1, at)
        if end < len(self.text) and (blank := self.text.rfind(" ", end - 15, end)) > at:
            end = blank
        while start < end and unicodedata.combining(self.text[start]):
            start += 1
        head = "…" if start else ""
        shift = len(head) - start
        inside = ((max(a, start) + shift, min(b, end) + shift) for a, b, *_ in self.spots if a < end and b > start)
        return Snippet(head + self.text[start:end] + ("…" if end < len(self.text) else ""), merged(inside))

    def _best(self, reach: int) -> int:
        """Where the `reach` characters begin that hold most, the first of equals."""
        best, at = 0.0, 0
        for i, (start, *_) in enumerate(self.spots):
            held: dict[int, float] = {}
            for _, end, worth, term in self.spots[i:]:
                if end > start + reach:
                    break
                held[term] = max(held.get(term, 0.0), worth)
            if sum(held.values()) > best + 1e-9:
                best, at = sum(held.values()), start
        return at


def marked(asked: Asked, text: str) -> Marked:
    """A part's text with the places of what was asked for; of function words only where nothing else was asked."""
    text = " ".join(text.split())
    plain = folded(text)
    telling = any(term.telling for term in asked.terms)
    spots = []
    for number, (term, form, weight) in enumerate(zip(asked.terms, asked.forms, asked.weights, strict=True)):
        if telling and not term.telling:
            continue
        for start, end, strength in islice(form.spots(plain.text), _LOOKED_AT):
            spots.append((*plain.places(start, end), weight * strength, number))
    return Marked(text, tuple(sorted(spots)))
