"""How much of a question the words of a row cover.

A question falls into terms: words where the script has blanks, pairs of neighbouring characters where it has none
(Chinese, Japanese, Thai, …) or where endings are glued to the word (Korean). Each term has a weight; what a text
covers is the sum of the weights of the terms found in it, as a share of the sum of all.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul

from glimpsed import files
from glimpsed.folding import fold as fold  # noqa: PLC0414  terms and texts are folded alike
from glimpsed.folding import lower
from glimpsed.searching import codes, forms, function_words
from glimpsed.searching.forms import LETTER, UNSPACED, Form

_TERM = re.compile(f"([{UNSPACED}]+)|({LETTER}+)")
_HIRAGANA = re.compile("[\u3041-\u309f]")
_KANA = re.compile("[\u3041-\u30fa]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_RUN = re.compile("[\uac00-\ud7af]+|[\u30a1-\u30fa\u30fc]{2,}")
_FUNCTION_HAN = frozenset("的了是在和与及我你您他她它们这那个吗呢吧啊着把被从就也很之其")
_PARTICLES = frozenset("은는이가을를의에서로와과도")

MOST = 128
"""Terms: who pastes a page is understood by its beginning, and every row is held against each."""
GRAM = 0.5
"""What a pair of characters counts for, of a word: a word of an unspaced script is mostly two characters."""
PIECE = 0.15
"""What a piece of a code counts for (`2041` of `IMG_2041`): others have it too, and the code is a term of its own."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a text can hold."""

    text: str
    """Folded."""
    factor: float
    """Its weight before rarity."""
    said: str = ""
    """As the question has it, in lower case; empty for pairs."""
    gram: bool = False
    """Whether it is a piece of an unspaced run: its rarity is not asked for."""
    code: codes.Code | None = None
    """Set for a number, date or code that has several pieces."""
    piece: bool = False
    """Whether it is one of them."""

    @property
    def telling(self) -> bool:
        """Whether it is a word of content, whole."""
        return self.factor == (GRAM if self.gram else 1.0)


def terms(question: str) -> tuple[Term, ...]:
    """The first MOST different terms of a question, in its order."""
    lowered = lower(question)
    words = [match[2] for match in _TERM.finditer(lowered) if match[2]]
    language = function_words.likely_language(words)
    found: dict[str, Term] = {}
    pieces: set[int] = set()
    for code in codes.found_in(lowered):
        found[fold(code.text)] = Term(fold(code.text), 1.0, code.text, code=code)
        pieces.update(range(code.start, code.end))
    for match in _TERM.finditer(lowered):
        word = match[2]
        if word:
            # The suffix of a file's name says nothing of the picture, and descriptions are made without it.
            suffix = lowered[match.start() - 1 : match.end()] in files.SUFFIXES
            factor = function_words.SHORT if suffix else function_words.factor(word, language)
            piece = match.start() in pieces
            made = [Term(fold(word), min(factor, PIECE) if piece else factor, word, piece=piece)]
        else:
            made = _grams(fold(match[1]))
        for term in made:
            if term.text:
                found.setdefault(term.text, term)
    return tuple(found.values())[:MOST]


def runs(question: str) -> tuple[str, ...]:
    """What the index may have within a word of its own, or in another width.

    That is the Korean words of a question, without a particle at their end, and what is written in katakana: in half
    width that is one word in the index.
    """
    return tuple(dict.fromkeys(run[: _particle(run)] for run in _RUN.findall(lower(question))))


def _grams(run: str) -> list[Term]:
    ends = _particle(run)
    functional = frozenset() if _KANA.search(run) else _FUNCTION_HAN  # `和` and `之` mean something in Japanese

    def count(at: int) -> float:
        weak = at >= ends or _HIRAGANA.match(run[at]) or run[at] in functional
        return 0.1 if weak else 1.0

    if len(run) == 1:
        return [Term(run, GRAM * count(0), gram=True)]
    return [Term(run[i : i + 2], GRAM * min(count(i), count(i + 1)), gram=True) for i in range(len(run) - 1)]


def _particle(run: str) -> int:
    """Where a Korean word's particle begins; its length where it has none."""
    return len(run) - 1 if len(run) > 2 and _HANGUL.match(run[-1]) and run[-1] in _PARTICLES else len(run)


def rarity(frequency: int, rows: int) -> float:
    """How telling a word is, 0 to 1, that `frequency` of `rows` rows hold; a word of no row counts as one of one.

    The inverse document frequency of BM25 (Robertson and Zaragoza 2009, 3.1), as a share of the greatest possible.
    """

    def idf(n: int) -> float:
        return math.log1p((max(rows, n) - n + 0.5) / (n + 0.5))

    return idf(max(frequency, 1)) / idf(1) if rows > 1 else 1.0


@dataclass(frozen=True)
class Asked:
    """A question, ready to be held against texts."""

    folded: str
    terms: tuple[Term, ...]
    weights: tuple[float, ...]
    """One for each term, not negative."""
    phrases: tuple[str, ...] = ()
    """Folded; those in quotes."""
    parts: frozenset[str] = frozenset()
    """Texts of terms that are no whole word of any row: a part of a word will do."""

    @cached_property
    def whole(self) -> float:
        """The sum of all weights."""
        return sum(self.weights)

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """How each term is looked for."""
        return tuple(form(term, part=term.text in self.parts) for term in self.terms)

    @cached_property
    def contents(self) -> float:
        """How many terms are no function words; a pair of characters is half a word."""
        return sum(term.factor for term in self.terms if term.telling)

    @cached_property
    def codes_alone(self) -> bool:
        """Whether nothing is asked for but numbers and codes."""
        telling = [term for term in self.terms if term.telling]
        return bool(telling) and all(term.code for term in telling)

    @cached_property
    def _codes(self) -> tuple[int, ...]:
        return tuple(place for place, term in enumerate(self.terms) if term.code is not None)

    @cached_property
    def nothing(self) -> tuple[float, ...]:
        """The strengths of a text that holds no term."""
        return (0.0,) * len(self.terms)

    @cached_property
    def _probes(self) -> tuple[str, ...]:
        return tuple(form.probe for form in self.forms)

    def may_be_in(self, text: str) -> list[int]:
        """The places of the terms that a folded text can hold: told quickly, for most neighbours hold few or none."""
        return [place for place, probe in enumerate(self._probes) if probe in text]

    def strengths(self, text: str, among: Sequence[int] | None = None) -> tuple[float, ...]:
        """How well a folded text holds each term, 0 to 1; only those `among` are looked for, all unless given."""
        probes = self._probes
        there = [place for place in (range(len(probes)) if among is None else among) if probes[place] in text]
        if not there:
            return self.nothing
        strengths = [0.0] * len(probes)
        for place in there:
            strengths[place] = self.forms[place].strength(text)
        for place in self._codes:
            code, strength = self.terms[place].code, strengths[place]
            if code is not None and strength:
                # However the code is joined there: who has it has its pieces.
                held = set(code.pieces)
                strengths = [
                    max(one, strength) if other.piece and other.said in held else one
                    for other, one in zip(self.terms, strengths, strict=True)
                ]
        return tuple(strengths)

    def share(self, strengths: Sequence[float]) -> float:
        """The share of the question that is covered, 0 to 1."""
        if strengths is self.nothing or not self.whole:
            return 0.0
        covered: float = sum(map(mul, self.weights, strengths))
        return min(1.0, covered / self.whole)


def ask(
    question: str, phrases: Sequence[str], frequencies: Mapping[str, int], rows: int, parts: Collection[str] = ()
) -> Asked:
    """A question against a table of `rows` rows; `frequencies` by term text (a word not in it counts as rare).

    `parts` are the texts of terms of which a part of a word will do.
    """
    found = terms(question)
    # A pair of characters stands for a word of middling rarity.
    middling = rarity(max(1, math.isqrt(rows)), rows)
    weights = tuple(t.factor * (middling if t.gram else rarity(frequencies.get(t.text, 1), rows)) for t in found)
    if not sum(weights):  # every word is in every row
        weights = tuple(t.factor for t in found)
    return Asked(fold(question), found, weights, tuple(filter(None, map(fold, phrases))), frozenset(parts))


def form(term: Term, *, part: bool = False) -> Form:
    """How a term is looked for; `part`: no row has it whole."""
    if term.code is not None:
        return forms.of_code(term.text, term.code.pattern)
    return forms.of_gram(term.text) if term.gram else forms.of_word(term.text, part=part)
