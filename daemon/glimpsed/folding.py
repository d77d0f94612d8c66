"""Texts without what people do not type alike."""

import re
import unicodedata
from functools import lru_cache

# Of Latin, Greek and Cyrillic letters, Hebrew points, Arabic marks and the stroke that lengthens a word.
_ACCENT = re.compile("[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u065f\u0670]")


def fold(text: str) -> str:
    """A text for comparing: without case, width, ligatures and accents; blanks made single."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(plain(text).split())


def lower(text: str) -> str:
    """A text without case, width and ligatures, its accents kept; blanks made single."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def plain(text: str) -> str:
    """A text for comparing, its blanks as they are."""
    bare = _ACCENT.sub("", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFKC", bare)


@lru_cache(1 << 14)
def fold_name(name: str) -> str:
    """`fold` for short texts that come again and again: names of cameras and places, what near rows say."""
    return fold(name)
