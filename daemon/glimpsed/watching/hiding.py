"""The line of a `.glimpseignore` that hides one path. Pure: gitignore(5)."""

import os
import re
from typing import Final

_SPECIAL: Final = re.compile(r"[\\*?\[\]]")
_BEYOND: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a line cannot hold, or what cannot be shown and copied: any one sign stands for it."""


def hiding(path: str, folder: str, *, directory: bool) -> str:
    """The line for the FILE of `folder` that hides `path`, which lies in it, and nothing else.

    Nothing else but, where a name has signs that no line can hold, what differs from it in these alone.
    """
    relative = os.path.relpath(path, folder)
    line = "/" + _BEYOND.sub("?", _SPECIAL.sub(lambda found: "\\" + found[0], relative))
    if directory:
        return line + "/"
    return line[:-1] + "\\ " if line.endswith(" ") else line
