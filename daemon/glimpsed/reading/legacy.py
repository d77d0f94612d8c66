"""Bytes in an encoding that nothing names: of those that were common before UTF-8, the one that makes sense."""

import codecs
import re
from collections.abc import Callable
from functools import partial

_SAMPLE = 1 << 12
"""Bytes that are looked at."""


def guessed(data: bytes) -> str:
    """The text that these bytes, which are no UTF-8, most likely are; Western European where nothing tells."""
    best, best_score = "cp1252", 0.3
    for encoding, typical in _LEGACY:
        try:
            # A sample may end within a sign.
            text = codecs.getincrementaldecoder(encoding)().decode(data[:_SAMPLE], len(data) <= _SAMPLE)
        except UnicodeDecodeError:
            continue
        score = typical(text)
        if score > best_score:
            best, best_score = encoding, score
    return data.decode(best, "replace")


def _share(text: str, encoding: str, leads: range, also: str = "") -> float:
    """How much of what is not ASCII lies in the rows where an encoding has its everyday signs."""
    foreign = [sign for sign in text if sign > "\x7f"]
    everyday = 0
    for sign in foreign:
        code = sign.encode(encoding, "replace")
        everyday += (len(code) == 2 and code[0] in leads) or sign in also
    return everyday / max(1, len(foreign))


_PUNCTUATION = "，。、！？：；「」『』（）《》“”‘’…—·　"


def _gb(text: str) -> float:
    return _share(text, "gb2312", range(0xB0, 0xD8), _PUNCTUATION)


def _big5(text: str) -> float:
    return _share(text, "big5", range(0xA4, 0xC7), _PUNCTUATION) * 0.99


def _korean(text: str) -> float:
    # Hangul shares its rows with the first half of Chinese: only many signs, or blanks, tell them apart.
    hangul = sum("가" <= sign <= "힣" for sign in text)
    foreign = sum(sign > "\x7f" for sign in text)
    certain = hangul == foreign and (hangul >= 8 or " " in text.strip())
    return 1.01 if certain else 0.9 * hangul / max(1, foreign)


def _japanese(text: str) -> float:
    kana = sum("ぁ" <= sign <= "ヿ" for sign in text)
    common = _share(text, "shift_jis", range(0x81, 0x98), _PUNCTUATION)
    return common * 1.02 if kana else common * 0.5


_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0610-\u065f\u0e31-\u0e4e]+[^\W\d_]*)*")
_USUAL = 0.65
"""Share of its everyday letters, given below, in a text of a language."""


def _alphabet(text: str, first: str, last: str, everyday: str) -> float:
    """How much of what is not ASCII stands in words of that script alone, and how usual their letters are."""
    foreign = sum(sign > "\x7f" for sign in text)
    words = [word for word in _WORD.findall(text) if all(first <= sign <= last for sign in word)]
    signs = "".join(words)
    if not signs:
        return 0.0
    usual = sum(sign in everyday for sign in signs.lower()) / len(signs)
    # Most letters of a word are small; another encoding of the same letters turns that round.
    cased = [sign for word in words for sign in word[1:] if sign.lower() != sign.upper()]
    shouted = bool(cased) and 2 * sum(sign.isupper() for sign in cased) > len(cased) and not text.isupper()
    return 0.95 * len(signs) / foreign * min(1.0, usual / _USUAL) * (0.6 if shouted else 1.0)


def _latin(text: str, letters: str) -> float:
    """How much of what is not ASCII is a usual letter beside others that fit, or a mark that stands between words."""
    foreign = good = 0
    for before, sign, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if sign <= "\x7f":
            continue
        foreign += 1
        if sign in _MARKS:
            good += not (before.isalpha() and after.isalpha()) or sign == "’"
        elif sign.lower() in letters:
            good += not (sign.isupper() and before.islower())
    return 0.85 * good / max(1, foreign)


_MARKS = "–—‘’“”„…€«»¿¡°•·©®"
_WESTERN = "äöüßéèêëàâçîïìôûùúáíóòñãõåæøœÿý"
_CENTRAL = "ąćęłńóśźżčďěňřšťůýžőűăâîşţáéíúäöüëç"
_TURKISH = "şğıi̇çöüâî"

_LEGACY: tuple[tuple[str, Callable[[str], float]], ...] = (
    ("gb18030", _gb), ("big5", _big5), ("euc_kr", _korean), ("shift_jis", _japanese), ("euc_jp", _japanese),
    ("cp1251", partial(_alphabet, first="Ѐ", last="џ", everyday="оеаинтсрвлі")),
    ("koi8_r", partial(_alphabet, first="Ѐ", last="џ", everyday="оеаинтсрвлі")),
    ("cp1253", partial(_alphabet, first="Ͱ", last="Ͽ", everyday="αοιετσςνηυρκπάίόήέ")),
    ("cp1255", partial(_alphabet, first="\u05b0", last="\u05ff", everyday="יוהלאתרבשמ")),
    ("cp1256", partial(_alphabet, first="\u0600", last="\u06ff", everyday="اليمونترهبةعد")),
    ("tis_620", partial(_alphabet, first="\u0e00", last="\u0e7f", everyday="านรกอเงมยลวดทสตะปบคไหั่้ิี")),
    ("cp1252", partial(_latin, letters=_WESTERN)), ("mac_roman", partial(_latin, letters=_WESTERN)),
    ("cp1254", partial(_latin, letters=_TURKISH)), ("cp1250", partial(_latin, letters=_CENTRAL)),
)  # fmt: skip
"""Best first where two make the same sense."""
