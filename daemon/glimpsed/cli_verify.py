"""`glimpse verify`: whether the table is what the disk says."""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from glimpsed.cli_ask import as_json, asked
from glimpsed.cli_completion import files

DIFFERS = 2
MENDED = 3
NOT_MENDED = 4

_STATUS = {"equal": 0, "differs": DIFFERS, "mended": MENDED, "not mended": NOT_MENDED}
_QUIET = 1.0  # seconds before progress is shown


@click.command()
@click.argument("path", nargs=-1, shell_complete=files)
@click.option("--full", is_flag=True, help="Hash every file, read every vector, look for every row by its words.")
@click.option("--repair", is_flag=True, help="Mend what differs.")
@as_json
@click.pass_context
def verify(context: click.Context, *, path: tuple[str, ...], full: bool, repair: bool, json: bool) -> int:
    """Prove that the index is what the disk says, and tell what is not.

    PATH is a folder, a directory or a file; everything unless given. What is about to be read is not told as a
    difference. Searches and indexing go on meanwhile.

    \b
    Exits with 0 where all is equal, 2 where something differs, 3 where that was mended,
    4 where not all of it could be mended.
    """
    from glimpsed import cli_show  # noqa: PLC0415  not for --help

    shown = _Shown()
    try:
        told = asked(context).verify(
            [os.path.abspath(one) for one in path], full=full, repair=repair, progress=shown.show
        )
    finally:
        shown.clear()
    if json:
        cli_show.print_json(told)
    else:
        for warning in told["warnings"]:
            cli_show.warn(warning)
        _print(told)
    return _STATUS[told["state"]]


class _Shown:
    """One line on the terminal that tells how far it is; nothing where there is no terminal."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._there = False

    def show(self, progress: Mapping[str, Any]) -> None:
        """Put the line there, or another one in its place."""
        from glimpsed.cli_show import draws  # noqa: PLC0415  not for --help

        if not draws(sys.stderr) or time.monotonic() - self._began < _QUIET:
            return
        of = f" of {progress['of']:,}" if progress.get("of") else ""
        done = f" {progress['done']:,}{of}" if progress["done"] or of else ""
        print(f"\r\x1b[2K{_DOING.get(progress['what'], progress['what'])}{done}", end="", file=sys.stderr, flush=True)
        self._there = True

    def clear(self) -> None:
        """Take it away."""
        if self._there:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


_DOING = {
    "files": "comparing files",
    "bytes": "hashing files",
    "indexes": "asking the indexes",
    "vectors": "reading vectors",
    "mending": "mending",
    "waiting": "waiting for its turn",
}


def _print(told: Mapping[str, Any]) -> None:
    from glimpsed import cli_show  # noqa: PLC0415  not for --help
    from glimpsed.client import path_of  # noqa: PLC0415

    differences = told["differences"]
    for one in differences:
        name = cli_show.shown_path(path_of(one)) if one.get("path") else "the table"
        print(f"{_plain(one['kind']):<20}  {name}: {cli_show.shown(one['what'])}")
    counts = told["left"] if told["state"] == "not mended" else told["counts"]
    more = sum(counts.values()) - len(differences)
    if more > 0:
        print(f"… and {more:,} more")
    compared = told["compared"]
    looked = ", ".join(f"{compared[name]:,} {name}" for name in compared if compared[name])
    print(f"compared    {looked or 'nothing'} in {told['took_ms'] / 1000:,.1f} s")
    under_way = told["under_way"]
    busy = ", ".join(f"{under_way[name]:,} {name}" for name in ("waiting", "stale", "differing") if under_way[name])
    if busy:
        print(f"under way   {busy}")
    line = ", ".join(f"{count:,} {_plain(kind)}" for kind, count in counts.items())
    print(told["state"] + (f": {line}" if line else ""))
    if told["state"] == "differs":
        print("mend it with: glimpse verify --repair")


def _plain(kind: str) -> str:
    return kind.replace("_", " ")
