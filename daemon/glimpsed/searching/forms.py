"""How a term of a question is looked for in a folded text: whole, in another form, as a part, or as a code."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

# Scripts written without blanks: Thai and Lao, Burmese, Khmer, kana, Han; and Hangul for its endings.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# The scripts of India and Tibet write vowels as marks, which \w does not take for a part of a word.
_MARKED = "\u0900-\u0dff\u0f00-\u0fff"
LETTER = f"(?:[^\\W_{UNSPACED}]|[{_MARKED}])"
"""A pattern of what words are made of, where they have blanks between them."""
_WORD = re.compile(LETTER)

INFLECTED = 0.8
"""What a term counts for where only another form of it is there (`receipts` for `receipt`)."""
WITHIN = 0.6
"""The same where it is a part of a longer word (`Ticket` in `Fahrticket`)."""
PART = 0.98
"""What a word counts for that no row has whole, where it is a part of another (`recei`, `Ticket` in `Fahrticket`), or
where only what its script writes together with it is before it (`وال`)."""
JOINED = 0.99
"""What a code counts for whose pieces are joined in another way (`QF1123` for `QF-1123`)."""
SHORTEST_PART = 4
"""Letters: fewer begin too many words that have nothing to do with one another."""

_ENDINGS = ("s", "es", "n", "en")

_ARABIC = re.compile("[\u0620-\u064a]{2,}")
_HEBREW = re.compile("[\u05d0-\u05ea]{2,}")
# One-letter words and the article are written together with the word that follows them.
_PREFIXES = ((_ARABIC, "[وفبكل]?(?:ال|لل)|[وفبكل]"), (_HEBREW, "[והבלמשכ]{1,2}"))

Spot = tuple[int, int, float]
"""Where a term is in a text, from and to, and how well it is there: 1 as asked for, less in another form."""


@dataclass(frozen=True, slots=True)
class Form:
    """One term, and how it is looked for."""

    word: str
    """Folded."""
    spots: Callable[[str], Iterator[Spot]]
    """Every place in a folded text."""
    begins: str = ""
    """What most of its forms begin with; empty where it is not looked for in a list of words."""
    within: str = ""
    """What its other forms hold; empty where there are none."""
    probe: str = ""
    """What every text has that holds it in any form; empty where that cannot be told."""

    def strength(self, text: str) -> float:
        """How well a folded text holds the term, 0 to 1."""
        if self.probe not in text:
            return 0.0
        best = 0.0
        for _, _, strength in self.spots(text):
            if strength > best:
                best = strength
                if best == 1.0:
                    break
        return best


def of_gram(word: str) -> Form:
    """A piece of a text without blanks: wherever it stands."""

    def spots(text: str) -> Iterator[Spot]:
        at = text.find(word)
        while at >= 0:
            yield at, at + len(word), 1.0
            at = text.find(word, at + 1)

    return Form(word, spots, probe=word)


def of_code(word: str, pattern: str) -> Form:
    """A number, date or code: however its pieces are joined."""
    search = re.compile(pattern)

    def spots(text: str) -> Iterator[Spot]:
        for found in search.finditer(text):
            yield found.start(), found.end(), 1.0 if found.group() == word else JOINED

    return Form(word, spots)


def of_word(word: str, *, part: bool = False) -> Form:
    """A word, and its other forms; `part`: no text has it whole, so words that begin with it will do, or hold it."""
    for letters, prefixes in _PREFIXES:
        if letters.fullmatch(word):
            return _prefixed(word, prefixes, part=part)
    length = len(word)
    if part and length >= SHORTEST_PART and not any(c.isdigit() for c in word):
        return _begun(word, length + 40, within=length > SHORTEST_PART, other=PART, inside=PART)
    if length < 3 or any(c.isdigit() for c in word):
        return _begun(word, 0)
    if length == 4 and word.endswith("s"):
        return _begun(word, 0, stem=word[:-1], endings=("",))
    if length < 5:
        return _begun(word, 0, endings=_ENDINGS)
    stem = word[: max(4, length - (2 if length < 9 else 3))]
    return _begun(word, length + 2, stem=stem, within=True)


def _begun(
    word: str,
    longest: int,
    *,
    stem: str | None = None,
    endings: tuple[str, ...] = (),
    within: bool = False,
    other: float = INFLECTED,
    inside: float = WITHIN,
) -> Form:
    """Words that begin with the stem and have at most `longest` letters, or go on with one of the endings."""
    stem = stem or word
    size = len(stem)

    def spots(text: str) -> Iterator[Spot]:
        at = text.find(stem)
        while at >= 0:
            if at and in_word(text[at - 1]):
                if within and text.startswith(word, at):
                    yield at, at + len(word), inside
            else:
                end = at + size
                most = min(len(text), at + max(longest, len(word) + 2) + 1)
                while end < most and in_word(text[end]):
                    end += 1
                if end - at == len(word) and text.startswith(word, at):
                    yield at, end, 1.0
                elif end - at <= longest or text[at + size : end] in endings:
                    yield at, end, other
                elif within and text.startswith(word, at):
                    yield at, at + len(word), inside
            at = text.find(stem, at + 1)

    return Form(word, spots, stem, word if within else "", stem)


def _prefixed(word: str, prefixes: str, *, part: bool) -> Form:
    """With or without what this script writes together with a word, before it and, for other forms, after it."""
    bare = bare_of(word)
    after = f"{LETTER}{{0,{20 if part else 2}}}"
    search = re.compile(f"(?<!{LETTER})((?:{prefixes})?)({re.escape(bare)})({after})(?!{LETTER})")

    def spots(text: str) -> Iterator[Spot]:
        for found in search.finditer(text):
            whole = 1.0 if found.group() == word else PART
            yield found.start(2) if found[2] == word else found.start(), found.end(), INFLECTED if found[3] else whole

    return Form(word, spots, bare, bare, bare)


def bare_of(word: str) -> str:
    """An Arabic word without its article; any other word as it is."""
    if _ARABIC.fullmatch(word) and word.startswith("ال") and len(word) > 4:
        return word[2:]
    return word


@lru_cache(4096)
def in_word(character: str) -> bool:
    """Whether a folded character is a part of a word, of a script that is written with blanks."""
    return _WORD.match(character) is not None
