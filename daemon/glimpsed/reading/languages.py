"""Which languages a picture's lines may be in, and what tesseract calls them: pure functions, and no libraries."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

AUTO = "auto"

FAMILIES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    # name of the script as Unicode has it in the names of its letters; languages with their packs, the one that most
    # people write first. Latin, Chinese and Japanese are PP-OCR's, but for the tone letters of Vietnamese.
    ("CYRILLIC", (
        ("ru", "rus"), ("uk", "ukr"), ("be", "bel"), ("bg", "bul"), ("sr", "srp"), ("mk", "mkd"), ("kk", "kaz"),
        ("ky", "kir"), ("mn", "mon"), ("tg", "tgk"), ("tt", "tat"),
    )),
    ("HANGUL", (("ko", "kor"),)),
    ("ARABIC", (("ar", "ara"), ("fa", "fas"), ("ur", "urd"), ("ps", "pus"), ("ug", "uig"), ("sd", "snd"))),
    ("DEVANAGARI", (("hi", "hin"), ("mr", "mar"), ("ne", "nep"), ("sa", "san"))),
    ("GREEK", (("el", "ell"),)),
    ("HEBREW", (("he", "heb"), ("yi", "yid"))),
    ("BENGALI", (("bn", "ben"), ("as", "asm"))),
    ("TAMIL", (("ta", "tam"),)),
    ("TELUGU", (("te", "tel"),)),
    ("KANNADA", (("kn", "kan"),)),
    ("MALAYALAM", (("ml", "mal"),)),
    ("GUJARATI", (("gu", "guj"),)),
    ("GURMUKHI", (("pa", "pan"),)),
    ("ORIYA", (("or", "ori"),)),
    ("SINHALA", (("si", "sin"),)),
    ("GEORGIAN", (("ka", "kat"),)),
    ("ARMENIAN", (("hy", "hye"),)),
    ("ETHIOPIC", (("am", "amh"), ("ti", "tir"))),
    ("KHMER", (("km", "khm"),)),
    ("LAO", (("lo", "lao"),)),
    ("MYANMAR", (("my", "mya"),)),
    ("TIBETAN", (("bo", "bod"), ("dz", "dzo"))),
    ("LATIN", (("vi", "vie"),)),
    ("THAI", (("th", "tha"),)),  # last: its model is sure of anything
)  # fmt: skip

PACKS: Mapping[str, str] = {code: pack for _, languages in FAMILIES for code, pack in languages}
"""What tesseract calls a language, by its ISO 639-1 code."""

SCRIPTS: Mapping[str, str] = {pack: script for script, languages in FAMILIES for _, pack in languages}
"""The script that a pack writes."""

_FAMILY = {script: tuple(pack for _, pack in languages) for script, languages in FAMILIES}

_TELLING = {  # letters that tell a language from the first one of its script
    "uk": "іїєґ", "be": "ў", "sr": "ђћџљњј", "mk": "ѓќѕ", "kk": "әғқңұһ", "fa": "پچژگ", "ur": "ٹڈڑںے", "vi": "ơư",
}  # fmt: skip


def code_of(name: str) -> str:
    """A language as a locale, a configuration or tesseract names it (`de_DE.UTF-8`, `rus`), as ISO 639-1 if it can."""
    short = name.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return next((code for code, pack in PACKS.items() if pack in (name, short)), short)


def of_locale(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The languages that somebody has set, most wanted first; locale(7)."""
    listed = environment.get("LANGUAGE", "").split(":")
    single = (environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    found = (code_of(name) for name in (*listed, *single) if name)
    return tuple(dict.fromkeys(code for code in found if code not in {"c", "posix"}))


def script_of(sign: str) -> str:
    """The script of a letter, as in FAMILIES; empty for one of another script and for what is no letter."""
    if sign.isascii() or not (sign.isalpha() or unicodedata.category(sign).startswith("M")):
        return ""
    first = unicodedata.name(sign, "").partition(" ")[0]
    return first if first in _FAMILY else ""


def written(text: str) -> str | None:
    """The language that a text in one of these scripts is in, as far as its letters tell; None for all others."""
    scripts = Counter(script for sign in text if (script := script_of(sign)) and script != "LATIN")
    lower = text.lower()
    if not scripts:
        return "vi" if any(sign in lower for sign in "ơư") else None
    script = scripts.most_common(1)[0][0]
    codes = [code for code, _ in dict(FAMILIES)[script]]
    counted = {code: sum(lower.count(sign) for sign in _TELLING.get(code, "")) for code in codes}
    best = max(codes, key=lambda code: counted[code])
    return best if counted[best] else codes[0]


def order(wanted: Sequence[str], likely: Iterable[str], packs: Sequence[str]) -> list[str]:
    """The packs to try, in this order, of those that are installed.

    `wanted` is what the configuration says: languages, and `auto` for the `likely` ones and after them all others
    that can be of use: a pack is installed for a reason.
    """
    useful = [pack for family in _FAMILY.values() for pack in family if pack in packs]
    found: list[str] = []
    for name in wanted:
        if name == AUTO:
            found += [PACKS[code] for code in likely if PACKS.get(code) in packs]
            found += useful
        elif (pack := PACKS.get(name, name)) in packs:
            found.append(pack)
    return list(dict.fromkeys(found))


def relatives(pack: str, among: Iterable[str]) -> list[str]:
    """The packs of the same script, in their order."""
    script = SCRIPTS.get(pack)
    return [one for one in among if one != pack and script is not None and SCRIPTS.get(one) == script]


class Seen:
    """The languages that somebody's pictures are in, as far as is known: of captions, and of lines that were read."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()

    def text(self, text: str) -> None:
        """A caption or the like."""
        if (code := written(text[:2000])) is not None:
            self._count[code] += 1

    def lines(self, codes: Iterable[str]) -> None:
        """Languages in which lines were read."""
        self._count.update(codes)

    def likely(self, environment: Mapping[str, str], most: int = 6) -> tuple[str, ...]:
        """The languages to try first: what was seen most often, then the locale's; `most` at most."""
        seen = [code for code, _ in self._count.most_common(most)]
        return tuple(dict.fromkeys([*seen, *of_locale(environment)]))[:most]
