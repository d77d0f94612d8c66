"""Whether what PP-OCR made of a line are words, or noise that it made of a script that it cannot write.

The rules and their numbers are measured by bench/ocr_noise.py, on lines in 31 languages drawn with several fonts,
sizes and faults: of 708 lines in other scripts 2 pass, both of them сахар, which looks exactly like Latin letters; of
530 in its own scripts 3 are lost.
"""

import re
import unicodedata
from collections.abc import Sequence

from glimpsed.reading.ppocr import Guess

_PLAUSIBLE = 0.85
_SURE = 0.95
_STEADY = 0.86
_FILLED = 0.6  # of a line's length; what it has signs for fills .7 and more, letters that it lacks leave gaps
_ALONE = 1.4  # heights of a line: a single sign may stand in as much of an empty field
_PAIR = 0.94  # two ideographs alone: any two are a word to somebody
_SHORT = 10  # signs; fewer Latin letters than that are easily made of others
_SHORT_SURE = 0.92
_INTO_DIGIT = re.compile(r"[a-z]\d")
"""Small letters that run into a digit, as in h2o: хлеб is read as xie6."""
_WORD = re.compile(r"\w+")
ALIKE = ("CYRILLIC", "GREEK")
"""Scripts of which some letters look like Latin ones."""

_LOOKALIKES = frozenset("ABCEHIJKMOPSTXYaceijknopsuxyáéöï0123456789")
"""Latin letters that look like theirs."""


def legible(guess: Guess, aspect: float) -> bool:
    """Whether a line is words. `aspect` is its length in heights."""
    text = guess.text
    signs = sum(sign.isalnum() for sign in text)
    if not signs or guess.score < _PLAUSIBLE or guess.steady < _STEADY or _half_greek(text):
        return False
    if _length(text) < _FILLED * aspect and not (signs == 1 and guess.score >= _SURE and aspect <= _ALONE):
        return False
    if guess.score >= _SURE:
        return True
    ideographs = sum(sign >= "\u2e80" for sign in text)
    if signs < 3:
        return signs > 1 and ideographs == signs and guess.score >= _PAIR
    if _INTO_DIGIT.search(text) or (signs < _SHORT and guess.score < _SHORT_SURE and _has_letters(text)):
        return False
    return bool(ideographs) or signs >= 2 * len(text.split())


def lookalike(text: str) -> bool:
    """Whether a line may as well be in Cyrillic or Greek capitals and the like: молоко is read as MOIOKO."""
    letters = [sign for sign in text if sign.isalnum()]
    return any(sign.isalpha() for sign in letters) and all(sign in _LOOKALIKES for sign in letters)


def vietnamese(texts: Sequence[str]) -> bool:
    """Whether lines are in Vietnamese, whose tone letters PP-OCR leaves out: đp is left of đẹp, th gii of thế giới."""
    joined = " ".join(texts).lower()
    if any(sign in joined for sign in "ơư"):
        return True
    words = _WORD.findall(joined)
    lost = sum(1 < len(word) < 4 and word.isalpha() and not any(map(_vowel, word)) for word in words)
    marked = sum(any(sign in "àáâãèéêìíòóôõùúýăđĩũ" for sign in word) for word in words)
    return "đ" in joined and bool(lost) and 3 * marked >= len(words)


def _length(text: str) -> float:
    """Of a line in heights of its letters, about."""
    return sum(1.0 if sign >= "\u2e80" else 0.3 if sign == " " else 0.55 for sign in text)


def _has_letters(text: str) -> bool:
    return any(sign.isalpha() and sign < "\u2e80" for sign in text)


def _half_greek(text: str) -> bool:
    """Whether Greek words have lost letters: the dictionary lacks the accented ones and the final sigma.

    Every word of several syllables has an accent in small letters. Signs as in formulas (λ, Ωm) are left alone.
    """
    greek = [sign for sign in text if _greek(sign)]
    if not greek:
        return False
    if len(greek) >= 3 and any(sign.islower() for sign in greek):
        return True
    for word in _WORD.findall(text):
        count = sum(map(_greek, word))
        mixed = any(sign.isascii() and sign.isalpha() for sign in word)
        if (count > 1 and mixed) or (count and len(word) > 3 and (mixed or any(map(str.islower, word)))):
            return True
    return False


def _greek(sign: str) -> bool:
    return "\u0370" <= sign <= "\u1fff" and unicodedata.name(sign, "").startswith("GREEK")


def _vowel(sign: str) -> bool:
    return unicodedata.normalize("NFD", sign)[0] in "aeiouy"
