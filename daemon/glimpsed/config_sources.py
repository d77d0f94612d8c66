"""Where a configuration comes from: files, variables and flags, and the place of every fault in them."""

import os
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from glimpsed.errors import ConfigFault

_PREFIX = "GLIMPSED_"
_FLAGS = {"watch.folders": "--folder", "store.path": "--state", "serve.socket": "--socket"}


@dataclass(frozen=True, slots=True)
class Given:
    """One value as some source gave it."""

    raw: object
    source: str
    text: str = ""
    """Of the whole file, to find the line in; empty for what is no file."""
    is_text: bool = False
    """Whether `raw` is an environment variable's text."""


class Faults:
    """Collects what is wrong, so that all of it is told at once."""

    def __init__(self) -> None:
        self.found: list[ConfigFault] = []

    def add(self, key: str, what: str, given: Given) -> None:
        """Note that the value `given` for `key` is wrong."""
        line = _line_of(given.text, key) if given.text else None
        self.found.append(ConfigFault(given.source, key, what, line))


def from_file(file: Path, keys: Collection[str], faults: Faults) -> Iterator[tuple[str, Given]]:
    """The known keys of a TOML file; whatever else is in it is a fault."""
    source = os.fsencode(file).decode("utf-8", "replace")
    try:
        text = file.read_bytes().decode("utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        faults.found.append(ConfigFault(source, "", f"cannot be read: {error.strerror or error}"))
        return
    except UnicodeDecodeError as error:
        faults.found.append(ConfigFault(source, "", "is not UTF-8", error.object[: error.start].count(b"\n") + 1))
        return
    except tomllib.TOMLDecodeError as error:
        faults.found.append(ConfigFault(source, "", f"is not TOML: {error}", _line_in(str(error), text)))
        return
    sections = {key.partition(".")[0] for key in keys}
    for section, table in tables.items():
        here = Given(table, source, text)
        if section not in sections:
            faults.add(section, f"unknown section or key{_nearest(section, [*sections, *keys])}", here)
        elif not isinstance(table, dict):
            faults.add(section, f"expected a section, [{section}]", here)
        else:
            for name, raw in table.items():
                key = f"{section}.{name}"
                if key in keys:
                    yield key, Given(raw, source, text)
                else:
                    faults.add(key, f"unknown key{_nearest(key, keys)}", here)


def from_environment(
    environment: Mapping[str, str], keys: Collection[str], faults: Faults
) -> Iterator[tuple[str, Given]]:
    """The values of GLIMPSED_ variables; one that names no key is a fault."""
    variables = {_PREFIX + key.upper().replace(".", "_"): key for key in keys}
    for variable in sorted(name for name in environment if name.startswith(_PREFIX)):
        given = Given(environment[variable], variable, is_text=True)
        if variable in variables:
            yield variables[variable], given
        else:
            faults.add("", f"unknown variable{_nearest(variable, variables)}", given)


def from_flags(flags: Mapping[str, object], keys: Collection[str], faults: Faults) -> Iterator[tuple[str, Given]]:
    """The values of flags; one that is None was not given. Their paths are made absolute."""
    for key, raw in flags.items():
        source = _FLAGS.get(key, f"flag {key}")
        if key not in keys:
            faults.add("", f"unknown key{_nearest(key, keys)}", Given(raw, source))
        elif raw is not None:
            yield key, Given(_from_here(raw) if key in _FLAGS else raw, source)


def brief(raw: object) -> str:
    """A value as it would stand in TOML, cut to what fits into a message."""
    text = f'"{raw}"' if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else str(raw)
    text = os.fsencode(text).decode("utf-8", "replace")
    return text if len(text) <= 80 else text[:79] + "…"


def _from_here(raw: object) -> object:
    """Paths on a command line are relative to where it was typed."""
    if isinstance(raw, str):
        return raw if raw.startswith(("~", "$")) or not raw else os.path.abspath(raw)
    return [_from_here(one) for one in raw] if isinstance(raw, list | tuple) else raw


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415  only for faults

    names = sorted(known)
    last = name.rpartition(".")[2]
    same = [one for one in names if one.rpartition(".")[2] == last]  # the right key in the wrong section
    near = same or difflib.get_close_matches(name, names, 1, 0.7)
    return f'; did you mean "{near[0]}"?' if near else ""


def _line_in(message: str, text: str) -> int | None:
    """The line that tomllib's message names."""
    import re  # noqa: PLC0415  only for faults

    if found := re.search(r"at line (\d+)", message):
        return int(found[1])
    return max(1, len(text.splitlines())) if "end of document" in message else None


def _line_of(text: str, key: str) -> int | None:
    """The line where a file begins to give `key`, from 1; tomllib itself does not tell.

    It is the first line after the longest beginning of the file that is TOML without `key`.
    """
    lines = text.splitlines(keepends=True)
    start = 0
    for number in range(1, len(lines) + 1):
        try:
            table: object = tomllib.loads("".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # in the midst of a value
        for name in key.split("."):
            table = table.get(name) if isinstance(table, dict) else None
        if table is not None:
            return start + 1
        start = number
    return None
