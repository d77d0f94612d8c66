"""The language of a short text, named only where it can be told: by its script, or by words that no other has."""

import re
from collections.abc import Mapping

_WORDS = re.compile(r"[^\W\d_]+")

# A script that one language alone is written in, as far as picture folders go.
_SCRIPTS = {
    "Korean": "[\uac00-\ud7af]{2}",
    "Japanese": "[\u3041-\u3096\u30a1-\u30fa].*[\u3041-\u3096\u30a1-\u30fa]",
    "Thai": "[\u0e01-\u0e2e].*[\u0e01-\u0e2e]",
    "Greek": "[\u03ac-\u03ce]{3}",
    "Hebrew": "[\u05d0-\u05ea]{2}",
    "Georgian": "[\u10d0-\u10fa]{2}",
    "Armenian": "[\u0561-\u0586]{2}",
    "Tamil": "[\u0b85-\u0bb9]{2}",
    "Khmer": "[\u1780-\u17b3]{2}",
    "Vietnamese": "[\u1ea0-\u1ef9]|\\b\\w*[ăơư]\\w*\\b",
    "Ukrainian": "[їєґ]",
    "Chinese": "[的这這们們吗嗎]",
}
_BY_SCRIPT = {language: re.compile(pattern, re.IGNORECASE | re.DOTALL) for language, pattern in _SCRIPTS.items()}
_BORROWED = re.compile("[əәғқңөұүһҗ]", re.IGNORECASE)
"""Letters of languages that are written much like Turkish or Russian."""

# Words of one language that its neighbours do not have: `en` and `på` are Swedish, Danish and Norwegian.
_OWN = {
    "English": "the with which this that where from",
    "Spanish": "los las y dónde",
    "French": "une dans avec aux où",
    "German": "das und eine einen einem einer mit auf für zum zur vom",
    "Italian": "gli della nella sulla dell nell",
    "Portuguese": "uma não são",
    "Dutch": "een",
    "Swedish": "och ett från",
    "Turkish": "için bir",
}
_OWN_WORDS: Mapping[str, frozenset[str]] = {language: frozenset(words.split()) for language, words in _OWN.items()}
_RUSSIAN = frozenset(["в", "с", "и", "из", "от", "у", "к", "под", "над", "по", "не"])
_POLISH = frozenset(["w", "z", "na", "i", "ze", "od", "pod", "nad", "się"])
_GERMAN = frozenset(["ein", "der", "die", "den", "dem", "im", "am", "bei"])


def named(text: str) -> str | None:
    """The language's English name; None where it cannot be told, which of short texts is the rule."""
    text = text[:400]
    told = set() if text.isascii() else _by_script(text)
    if told == {"Japanese", "Chinese"}:
        told = {"Japanese"}  # 的 is Japanese too; kana are no Chinese
    if told:
        return told.pop() if len(told) == 1 else None
    listed = _WORDS.findall(text)
    words = {word.lower() for word in listed}
    told = {language for language, own in _OWN_WORDS.items() if words & own}
    if _BORROWED.search(text):
        return None
    if words & _RUSSIAN and re.search("[ыэ]", text.lower()) and not re.search("[іўјљњћџ]", text.lower()):
        told.add("Russian")
    if words & _POLISH and re.search("[ąęłżź]", text.lower()):
        told.add("Polish")
    # Only German writes the nouns within a sentence with a capital.
    if not told and words & _GERMAN and any(word.istitle() and len(word) > 3 for word in listed[1:]):
        told.add("German")
    return told.pop() if len(told) == 1 else None


def _by_script(text: str) -> set[str]:
    """The languages whose script is there, and not as a foreign name in a text of Latin letters."""
    letters = sum(map(str.isalpha, text))
    latin = sum("a" <= c <= "z" or "A" <= c <= "Z" for c in text)
    mostly = {language for language, pattern in _BY_SCRIPT.items() if pattern.search(text)}
    return mostly if latin * 2 < letters else mostly & {"Vietnamese"}
