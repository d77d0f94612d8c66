"""What `glimpse` prints for people: safe on any terminal, and plain text where there is none."""

import json as json_module
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO
from urllib.parse import quote

from glimpsed.client import Answer, path_of
from glimpsed.signs import harmless, harmless_json

shown = harmless
"""A text as it may go to a terminal."""


def shown_path(path: bytes) -> str:
    """A path as it may go to a terminal."""
    return shown(os.fsdecode(path))


def print_json(value: object) -> None:
    """JSON, readable on a terminal, one line otherwise."""
    print(harmless_json(json_module.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)))


def print_paths(paths: Iterable[bytes], end: bytes) -> None:
    """Paths as they are, byte for byte."""
    sys.stdout.flush()
    sys.stdout.buffer.write(b"".join(path + end for path in paths))
    sys.stdout.buffer.flush()


def draws(stream: TextIO) -> bool:
    """Whether that is a terminal that can do more than print: colours, links, lines that are drawn anew."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def warn(text: str) -> None:
    """A line on standard error."""
    print(shown(f"glimpse: {text}"), file=sys.stderr)


def print_hits(answer: Answer) -> None:
    """Rank, path, date and why, two lines a hit; on a terminal the place that matched, too."""
    terminal = draws(sys.stdout)
    if answer.get("nothing_fits") and answer["hits"]:
        print("Nothing fits; the nearest are:")
    hits = answer["hits"]
    wide = len(str(len(hits)))
    for rank, hit in enumerate(hits, start=1):
        path = path_of(hit)
        name = _link(path) if terminal else shown_path(path)
        date = (hit.get("taken_at") or "")[:10]
        print(f"{rank:>{wide}}  {name}" + (f"  {_dim(shown(date), terminal)}" if date else ""))
        if why := hit.get("why"):
            print(f"{'':>{wide}}  {_dim(shown(why), terminal)}")
        if terminal and (positions := hit.get("positions")):
            print(f"{'':>{wide}}  {_marked(hit['snippet'], positions)}")


def roughly(seconds: float) -> str:
    """A time as one says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def print_event(line: Mapping[str, Any], *, json: bool) -> None:
    """One line of what happens, at once."""
    if json:
        print(harmless_json(json_module.dumps(line, ensure_ascii=False)), flush=True)
        return
    rest = " ".join(f"{name}={_brief(value)}" for name, value in line.items() if name not in {"at", "level", "event"})
    print(shown(f"{line.get('at', ''):<24} {line.get('level', ''):<7} {line.get('event', ''):<18} {rest}"), flush=True)


def print_tree(value: Mapping[str, Any], indent: int = 0) -> None:
    """Any JSON object, a line a key, what is nested below it and indented."""
    wide = max((len(name) for name in value), default=0)
    blank = " " * indent
    for name, one in value.items():
        if isinstance(one, Mapping) and one:
            print(f"{blank}{shown(name)}")
            print_tree(one, indent + 2)
        elif isinstance(one, list) and one:
            print(f"{blank}{shown(name)}")
            for item in one:
                if isinstance(item, Mapping) and item.keys() == {"label", "text"}:
                    print(f"{blank}  {shown(item['label'])}: {_brief(item['text'])}")
                elif isinstance(item, Mapping):
                    print(f"{blank}  {_brief(item)}")
                else:
                    print(f"{blank}  {shown(str(item))}")
        else:
            print(f"{blank}{shown(name):<{wide}}  {_text(one)}")


def _brief(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{shown(str(name))}={_brief(one)}" for name, one in value.items())
    if isinstance(value, str):
        text = shown(value)
        return json_module.dumps(text, ensure_ascii=False) if " " in text or "=" in text or not text else text
    return _text(value)


def _text(value: object) -> str:
    match value:
        case None | [] | {}:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}" if abs(value) < 1e6 else str(value)
        case str():
            return shown(value)
    return json_module.dumps(value, ensure_ascii=False)


def _dim(text: str, terminal: bool) -> str:
    return f"\x1b[2m{text}\x1b[22m" if terminal and "NO_COLOR" not in os.environ else text


def _marked(snippet: str, positions: Iterable[Iterable[int]]) -> str:
    """A snippet with the words that matched in bold."""
    made, at = "", 0
    for start, end in positions:
        made += shown(snippet[at:start]) + _bold(shown(snippet[start:end]))
        at = end
    return made + shown(snippet[at:])


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[22m" if "NO_COLOR" not in os.environ else text


def _link(path: bytes) -> str:
    """A path that terminals make clickable (OSC 8)."""
    target = f"file://{quote(os.uname().nodename)}{quote(path)}"
    return f"\x1b]8;;{target}\x1b\\{shown_path(path)}\x1b]8;;\x1b\\"
