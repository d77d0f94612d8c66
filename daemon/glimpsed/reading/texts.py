"""Text as it comes from files, made fit for the table: valid UTF-8, no control characters, bounded."""

import os
import re
import unicodedata
from collections.abc import Callable

LIMIT = 4_000
"""Characters of one part; what a person writes about a picture is shorter."""

_LINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls, lone surrogates, byte order marks, bidirectional overrides, noncharacters.
_UNFIT = re.compile("[\x00-\x09\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def clean(text: str, limit: int = LIMIT) -> str:
    """The text in NFC with single blanks, no empty lines and at most `limit` characters.

    Always encodes as UTF-8. Cleaning what is clean changes nothing.
    """
    text = _UNFIT.sub(" ", _LINES.sub("\n", text[: 4 * limit]))
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", text).split("\n"))
    return "\n".join(line for line in lines if line)[:limit].rstrip()


def name_text(name: str) -> str:
    """A file name as Python has it (surrogateescape), as readable text: other encodings than UTF-8 are guessed."""
    try:
        return clean(decode(os.fsencode(name)))
    except UnicodeEncodeError:
        return clean(name)


def decode(data: bytes) -> str:
    """Bytes of unknown encoding as text, never raising: marks, UTF-16 by its zeros, UTF-8, then a guess."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    zeros = data[::2].count(0), data[1::2].count(0)
    # Padding has its zeros at both places.
    if max(zeros) > len(data) // 8 and max(zeros) > 4 * min(zeros):
        return data.decode("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        # Fields of fixed length cut UTF-8 in the middle of a sign: no reason to guess.
        if fault.reason == "unexpected end of data" and not data[: fault.start].isascii():
            return data[: fault.start].decode()
    return _guessed(data)


def _guessed(data: bytes) -> str:
    best, best_score = data.decode("cp1252", "replace"), 0.3
    for encoding, typical in _LEGACY:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        score = typical(text)
        if score > best_score:
            best, best_score = text, score
    return best


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


def _cyrillic(text: str) -> float:
    foreign = [m.group() for m in re.finditer("[^\x00-\x7f]+", text)]
    words = sum(len(run) for run in foreign if len(run) > 1 and all("Ѐ" <= sign <= "џ" for sign in run))
    # Most letters of a word are small; another encoding of the same letters turns that round.
    small = sum(sign.islower() for run in foreign for sign in run)
    total = sum(map(len, foreign))
    return 0.95 * words / max(1, total) * (1.0 if 2 * small > total or text.isupper() else 0.6)


def _western(text: str) -> float:
    runs = [m.group() for m in re.finditer("[^\x00-\x7f]+", text)]
    letters = sum(
        len(run) for run in runs if len(run) <= 2 and all("\xa1" <= s <= "\xff" or s in "–—‘’“”„…€œŒšŠžŽ" for s in run)
    )
    return 0.85 * letters / max(1, sum(map(len, runs)))


_LEGACY: tuple[tuple[str, Callable[[str], float]], ...] = (
    ("gb18030", _gb), ("big5", _big5), ("euc_kr", _korean), ("shift_jis", _japanese), ("euc_jp", _japanese),
    ("cp1251", _cyrillic), ("cp1252", _western),
)  # fmt: skip
