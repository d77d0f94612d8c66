"""How much of a question the words of a row cover.

A question falls into terms: words where the script has blanks, pairs of neighbouring characters where it has none
(Chinese, Japanese, Thai, …) or where endings are glued to the word (Korean). Each term has a weight; what a text
covers is the sum of the weights of the terms found in it, as a share of the sum of all.
"""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from glimpsed import files
from glimpsed.folding import fold as fold  # noqa: PLC0414  terms and texts are folded alike
from glimpsed.searching import function_words

# Scripts written without blanks: Thai and Lao, Burmese, Khmer, kana, Han; and Hangul for its endings.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# The scripts of India and Tibet write vowels as marks, which \w does not take for a part of a word.
_MARKED = "\u0900-\u0dff\u0f00-\u0fff"
_LETTER = f"(?:[^\\W_{_UNSPACED}]|[{_MARKED}])"
_WORD = re.compile(_LETTER)
_TERM = re.compile(f"([{_UNSPACED}]+)|({_LETTER}+)")
_HIRAGANA = re.compile("[\u3041-\u309f]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_FUNCTION_HAN = frozenset("的了是在和与及我你您他她它们这那个吗呢吧啊着把被从就都也很之其")
_PARTICLES = frozenset("은는이가을를의에서로와과도")

MOST = 128
"""Terms: who pastes a page is understood by its beginning, and every row is held against each."""
GRAM = 0.5
"""What a pair of characters counts for, of a word: a word of an unspaced script is mostly two characters."""
INFLECTED = 0.8
"""What a term counts for where only another form of it is there (`receipts` for `receipt`)."""
WITHIN = 0.6
"""The same where it is a part of a longer word (`Ticket` in `Fahrticket`)."""


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


def terms(question: str) -> tuple[Term, ...]:
    """The first MOST different terms of a question, in its order."""
    lowered = " ".join(unicodedata.normalize("NFKC", question).lower().split())
    words = [match[2] for match in _TERM.finditer(lowered) if match[2]]
    language = function_words.likely_language(words)
    found: dict[str, Term] = {}
    for match in _TERM.finditer(lowered):
        word = match[2]
        if word:
            # The suffix of a file's name says nothing of the picture, and descriptions are made without it.
            suffix = lowered[match.start() - 1 : match.end()] in files.SUFFIXES
            factor = function_words.SHORT if suffix else function_words.factor(word, language)
            made = [Term(fold(word), factor, word)]
        else:
            made = _grams(fold(match[1]))
        for term in made:
            if term.text:
                found.setdefault(term.text, term)
    return tuple(found.values())[:MOST]


def _grams(run: str) -> list[Term]:
    ends = len(run) - 1 if len(run) > 2 and _HANGUL.match(run[-1]) and run[-1] in _PARTICLES else len(run)

    def count(at: int) -> float:
        weak = at >= ends or _HIRAGANA.match(run[at]) or run[at] in _FUNCTION_HAN
        return 0.1 if weak else 1.0

    if len(run) == 1:
        return [Term(run, GRAM * count(0), gram=True)]
    return [Term(run[i : i + 2], GRAM * min(count(i), count(i + 1)), gram=True) for i in range(len(run) - 1)]


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

    @cached_property
    def whole(self) -> float:
        """The sum of all weights."""
        return sum(self.weights)

    @cached_property
    def forms(self) -> tuple["_Form", ...]:
        """How each term is looked for."""
        return tuple(_form(term) for term in self.terms)

    @cached_property
    def contents(self) -> float:
        """How many terms are no function words; a pair of characters is half a word."""
        return sum(term.factor for term in self.terms if term.factor == (GRAM if term.gram else 1.0))

    def strengths(self, text: str) -> tuple[float, ...]:
        """How well a folded text holds each term, 0 to 1."""
        return tuple(form.strength(text) for form in self.forms)

    def share(self, strengths: Sequence[float]) -> float:
        """The share of the question that is covered, 0 to 1."""
        if not self.whole:
            return 0.0
        return min(1.0, sum(w * s for w, s in zip(self.weights, strengths, strict=True)) / self.whole)


def ask(question: str, phrases: Sequence[str], frequencies: Mapping[str, int], rows: int) -> Asked:
    """A question against a table of `rows` rows; `frequencies` by term text (a word not in it counts as rare)."""
    found = terms(question)
    # A pair of characters stands for a word of middling rarity.
    middling = rarity(max(1, math.isqrt(rows)), rows)
    weights = tuple(t.factor * (middling if t.gram else rarity(frequencies.get(t.text, 1), rows)) for t in found)
    if not sum(weights):  # every word is in every row
        weights = tuple(t.factor for t in found)
    return Asked(fold(question), found, weights, tuple(filter(None, map(fold, phrases))))


_ENDINGS = ("s", "es", "n", "en")


@dataclass(frozen=True, slots=True)
class _Form:
    """One term, and what of it every form of it begins with."""

    word: str
    stem: str
    endings: tuple[str, ...] = ()
    """What may follow the stem in another form of a short word."""
    longest: int = 0
    """Letters of another form of a longer word."""
    within: bool = False
    """Whether to be a part of a longer word counts."""
    gram: bool = False

    def strength(self, text: str) -> float:
        """How well a folded text holds the term, 0 to 1."""
        if self.gram:
            return float(self.word in text)
        best, at = 0.0, text.find(self.stem)
        while at >= 0:
            if not (at and in_word(text[at - 1])):
                end = at + len(self.stem)
                most = min(len(text), at + max(self.longest, len(self.word) + 2) + 1)
                while end < most and in_word(text[end]):
                    end += 1
                found = text[at:end]
                if found == self.word:
                    return 1.0
                if len(found) <= self.longest or found[len(self.stem) :] in self.endings:
                    best = INFLECTED
            at = text.find(self.stem, at + 1)
        return best or (WITHIN if self.within and self.word in text else 0.0)


def _form(term: Term) -> _Form:
    word, length = term.text, len(term.text)
    if term.gram:
        return _Form(word, word, gram=True)
    if length < 3 or any(c.isdigit() for c in word):
        return _Form(word, word)
    if length == 4 and word.endswith("s"):
        return _Form(word, word[:-1], endings=("",))
    if length < 5:
        return _Form(word, word, endings=_ENDINGS)
    stem = word[: max(4, length - (2 if length < 9 else 3))]
    return _Form(word, stem, longest=length + 2, within=True)


@lru_cache(4096)
def in_word(character: str) -> bool:
    """Whether a folded character is a part of a word, of a script that is written with blanks."""
    return _WORD.match(character) is not None
