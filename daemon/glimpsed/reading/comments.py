"""EXIF texts that name, or ought to name, their encoding: UserComment and its kin (CIPA DC-008, 4.6.6.7)."""

import re
import unicodedata

from glimpsed.reading.texts import decode

_SAMPLE = 4096
"""Characters of a text that are looked at."""

_BINARY = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")


def coded(raw: bytes, order: str) -> str:
    """The text of a value of which the first eight bytes name the encoding, or do not; `order` is the block's."""
    code, body = raw[:8], raw[8:]
    match code.rstrip(b"\0 ").upper():
        case b"UNICODE":
            return _utf16(body, order)
        case b"JIS":
            return _jis(body.rstrip(b"\0 "))
        case b"ASCII" | b"":
            pass
        case _:
            # No code at all, as some programs have it.
            body = raw
    if body.strip(b"\0 ")[1:2] == b"\0":
        return decode(body.strip(b" "))  # UTF-16 of Latin letters all the same
    body = body.lstrip(b"\0 ").partition(b"\0")[0]
    return "" if _BINARY.search(body) else decode(body)


def _jis(body: bytes) -> str:
    """ISO 2022 as the code promises; else whatever the bytes are."""
    if b"\x1b" in body:
        return body.decode("iso2022_jp_2", "replace")
    return decode(body)


def _utf16(body: bytes, order: str) -> str:
    """Of both byte orders the one that makes sense: the block's own is often not the comment's. UTF-8 is found, too."""
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return body[: len(body) // 2 * 2].decode("utf-16", "replace").strip("\0 ")
    bare = body.strip(b"\0 ")
    if not _BINARY.search(bare) and b"\0" not in bare:
        try:
            text = bare.decode()
        except UnicodeDecodeError:
            pass
        else:
            if bare.isascii() or _sense(text) > 0.7:
                return text
    own = "utf-16-le" if order == "<" else "utf-16-be"
    other = "utf-16-be" if order == "<" else "utf-16-le"
    body = body[: len(body) // 2 * 2]
    return max((body.decode(encoding, "replace").strip("\0 ") for encoding in (own, other)), key=_sense)


def _sense(text: str) -> float:
    """How much of a text is letters, blanks and marks of the scripts in everyday use."""
    text = text[:_SAMPLE]
    good = sum(
        sign < "\u1000"
        or "\u2010" <= sign <= "\u206f"
        or "\u3000" <= sign < "\u3400"
        or "\u4e00" <= sign <= "\u9fff"
        or "가" <= sign <= "힣"
        or sign >= "\U00010000"
        for sign in text
    )
    bad = sum(unicodedata.category(sign) in {"Cn", "Co", "Cc", "Cs"} or sign == "\ufffd" for sign in text)
    # Swapped, a blank or a letter of ASCII becomes a sign whose number ends in 00.
    swapped = sum(ord(sign) & 0xFF == 0 for sign in text)
    return (good - 2 * bad - 2 * swapped) / max(1, len(text))
