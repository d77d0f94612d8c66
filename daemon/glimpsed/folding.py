"""Texts without what people do not type alike."""

import re
import unicodedata
from functools import lru_cache

_ACCENT = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0670]")


def fold(text: str) -> str:
    """A text for comparing: without case, width, ligatures and accents; blanks made single."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(unicodedata.normalize("NFKC", plain).split())


@lru_cache(1 << 14)
def fold_name(name: str) -> str:
    """The same for names that come again and again: of cameras, of places."""
    return fold(name)
