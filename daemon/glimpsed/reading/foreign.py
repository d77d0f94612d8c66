"""Lines that PP-OCR's own models cannot write: given to other models, and to tesseract in the language that fits."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from glimpsed.reading import tesseract
from glimpsed.reading.languages import PACKS, SCRIPTS, relatives, script_of
from glimpsed.reading.legible import legible
from glimpsed.reading.ppocr import Boxes, Picture, Recogniser

_SAMPLE = 4  # lines, the longest ones, that tell the language
_WORTH_ALL = 4  # heights of a line: with less to read, a logo or a pattern more often than not, …
_FEW = 4  # … only so many languages are tried
_MOST = 100  # lines of a picture that tesseract is asked for
_CERTAIN = 0.88  # mean confidence at which no other script is tried: none but the right one reaches it
_CHOSEN = 0.66  # mean confidence of the lines that a language is told by
_ACCEPTED = 0.6  # of a line; in a wrong language most are below .5
_TAKES_ALL = {"tha": 0.86}  # a model that is surer than others of what is not its own
_LETTERS = 4  # that a language is told by, at least; an arrow or a logo is two letters in some script
_SHORT = (3, 0.8)  # a line of fewer letters is words from this confidence on
_IN_SCRIPT = 0.5  # share of a line's letters that are of the language's script
_RUN_ON = ("THAI", "LAO", "KHMER", "MYANMAR", "CJK", "HIRAGANA", "KATAKANA")
"""Scripts that put no blanks between words, as in the names of their letters."""
_CODES = {pack: code for code, pack in PACKS.items()}

Taken = tuple[Boxes, str, float, str]
"""Box, text, score, and what read it."""


@dataclass(slots=True, eq=False)
class Unread:
    """A line that is still to be read."""

    box: Boxes
    crop: Picture

    @property
    def aspect(self) -> float:
        """Its length in heights."""
        height, width = self.crop.shape[:2]
        return float(width / height)


def by_models(rest: list[Unread], models: Sequence[Recogniser]) -> list[Taken]:
    """What other recognition models make of lines; what they read is taken out of `rest`."""
    taken: list[Taken] = []
    for one in rest.copy():
        guesses = [(model.read(one.crop), model.name) for model in models]
        readable = [(guess, name) for guess, name in guesses if legible(guess, one.aspect)]
        if readable:
            guess, name = max(readable, key=lambda pair: pair[0].score)
            taken.append((one.box, guess.text, guess.score, name))
            rest.remove(one)
    return taken


def by_tesseract(
    rest: list[Unread], packs: Sequence[str], *, until: float, now: Callable[[], float]
) -> tuple[list[Taken], tuple[str, ...]]:
    """What tesseract makes of lines, and in which languages; what it reads is taken out of `rest`.

    The longest lines are tried in one language after the other. What is left after a language was found is tried
    again, for there may be a second one; `until` is when that ends, in the seconds of `now`.
    """
    taken: list[Taken] = []
    left = sorted(rest, key=lambda one: -one.aspect)[:_MOST]
    tried, found = list(packs), []
    if sum(one.aspect for one in left) < _WORTH_ALL:
        tried = tried[:_FEW]
    while left and tried and now() < until:
        pack = _language(left[:_SAMPLE], tried, until=until, now=now)
        if pack is None:
            break
        tried.remove(pack)
        heard = tesseract.read([one.crop for one in left], pack, timeout=until - now())
        read = [(one, text, said.score) for one, said in zip(left, heard, strict=True) if (text := words(said, pack))]
        if read:
            found.append(pack)
        for one, text, score in read:
            taken.append((one.box, text, score, f"tesseract {pack}"))
            left.remove(one)
            rest.remove(one)
    return taken, tuple(_CODES.get(pack, pack) for pack in found)


def _language(sample: Sequence[Unread], packs: Sequence[str], *, until: float, now: Callable[[], float]) -> str | None:
    """The pack that reads the sample with most confidence; None where none does."""
    scores: dict[str, float] = {}
    for pack in _by_script(packs):
        if now() >= until:
            break
        scores[pack] = _confidence(sample, pack, until - now())
        if scores[pack] >= _CERTAIN:
            break
    best = max(scores, key=lambda pack: scores[pack], default=None)
    if best is None or not scores[best]:
        return None
    for pack in relatives(best, packs):
        if now() < until:
            scores[pack] = _confidence(sample, pack, until - now())
    return max((best, *relatives(best, scores)), key=lambda pack: scores[pack])


def _by_script(packs: Sequence[str]) -> Iterator[str]:
    """The first of each script, in order; those of unknown script all."""
    seen = set()
    for pack in packs:
        script = SCRIPTS.get(pack, pack)
        if script not in seen:
            seen.add(script)
            yield pack


def _confidence(sample: Sequence[Unread], pack: str, timeout: float) -> float:
    """Mean confidence of the lines that are words in this language, 0 to 1; those that are not count as 0."""
    heard = tesseract.read([one.crop for one in sample], pack, timeout=timeout)
    believed = [(text, said.score) for said in heard if (text := words(said, pack))]
    if sum(sign.isalpha() for text, _ in believed for sign in text) < _LETTERS:
        return 0.0
    if sum(score for _, score in believed) < _CHOSEN * len(believed):
        return 0.0
    return sum(score for _, score in believed) / len(sample)


def words(said: tesseract.Heard, pack: str) -> str:
    """What tesseract says of a line, tidied; empty where it is not to be believed."""
    text = tidied(said.text).replace("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}")
    letters = [sign for sign in text if sign.isalpha()]
    if said.score < _TAKES_ALL.get(pack, _ACCEPTED) or not letters:
        return ""
    if len(letters) < _SHORT[0] and said.score < _SHORT[1]:
        return ""
    script = SCRIPTS.get(pack)
    if script not in (None, "LATIN"):
        own = sum(script_of(sign) == script for sign in letters)
        if own < _IN_SCRIPT * len(letters):
            return ""
    return text


def tidied(text: str) -> str:
    """Without blanks inside words of scripts that have none there, and without joiners that join nothing."""
    kept = ""
    parts = text.split()
    for number, part in enumerate(parts):
        word = part.strip("\u200b\u200c\u200d\ufeff")
        joined = number and kept and word and _runs_on(kept[-1]) and _runs_on(word[0])
        kept += word if joined or not kept else f" {word}"
    return " ".join(kept.split())


def _runs_on(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith(_RUN_ON) and not sign.isdigit()
