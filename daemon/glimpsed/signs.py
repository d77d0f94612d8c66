"""Signs that must not reach a terminal: names of files and words in pictures come from anybody."""

import re
from typing import Final

UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters of both ranges (ESC and CSI move the cursor and recolour), line separators, and what reverses the
direction of what is read."""

_RAW: Final = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """A text as it may go to a terminal: U+FFFD stands for each of these signs, and for what is not UTF-8."""
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def harmless_json(text: str) -> str:
    """A JSON text that means the same, with these signs escaped, too: JSON itself lets most of them stand."""
    return _RAW.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
