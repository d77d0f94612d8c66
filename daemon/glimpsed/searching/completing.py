"""How a question that is being typed may go on."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glimpsed import files
from glimpsed.folding import fold_name
from glimpsed.searching import dates
from glimpsed.searching.filtering import FORMATS, HAS, IS
from glimpsed.searching.ports import Table
from glimpsed.searching.tokens import NAMES, value

MOST = 20
"""Completions, at most."""

_TAIL = re.compile(r"(?:^|(?<=\s))(-?)([A-Za-z]*)(?::(\"[^\"]*|[^\s\"]*))?$")
_CLOSED = {"type": tuple(FORMATS), "has": HAS, "is": IS, **dict.fromkeys(("after", "before", "on"), dates.WORDS)}


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand in the place of the question's characters from `start` to `end`, `end` left out."""

    text: str
    start: int
    end: int


async def complete(text: str, table: Table, folders: Sequence[str] = (), home: str | None = None) -> list[Completion]:
    """How the last word of a text may go on: names of filters, their values, cameras, places and directories.

    At most MOST, those that begin with what is typed before those that hold it. TableError where the table cannot be
    read.
    """
    tail = _TAIL.search(text)
    if tail is None:
        return []
    minus, name, typed = tail[1], tail[2].lower(), tail[3]
    if typed is None:
        found = [f"{minus}{one}:" for one in NAMES if one.startswith(name) and (one != "is" or not minus)]
        return [Completion(one, tail.start(), len(text)) for one in found]
    typed = typed.removeprefix('"')
    first = ""
    if name in _CLOSED:
        if name == "type":
            first, comma, typed = typed.rpartition(",")
            first += comma
        known: Iterable[str] = _CLOSED[name]
    elif name == "camera":
        known = await table.names("camera")
    elif name == "place":
        known = await table.names("place")
    elif name == "in":
        known = _directories([*folders, *await table.names("directory")], folders, home)
    else:
        return []
    return [
        Completion(f"{minus}{name}:{value(first + one)}", tail.start(), len(text)) for one in _fitting(typed, known)
    ]


def _fitting(typed: str, known: Iterable[str]) -> list[str]:
    wanted = fold_name(typed)
    folded = {one: fold_name(one) for one in known if wanted in fold_name(one)}
    return sorted(folded, key=lambda one: (not folded[one].startswith(wanted), folded[one], one))[:MOST]


def _directories(known: Iterable[str], folders: Sequence[str], home: str | None) -> set[str]:
    """The directories and those above them up to their folders, as people write them."""
    home = home or os.path.expanduser("~")
    found: set[str] = set()
    for directory in known:
        one = directory
        while one not in found and any(files.inside(one, folder) for folder in folders):
            found.add(one)
            one = os.path.dirname(one)
    texts = {one for one in found if files.shown(one) == one}
    return {"~" + one.removeprefix(home) if files.inside(one, home) else one for one in texts}
