"""`glimpse doctor`: whether all is as it should be, and what mends what is not."""

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from glimpsed.cli_ask import as_json

if TYPE_CHECKING:
    from glimpsed.doctor.findings import Finding

_COLOURS = {"ok": "32", "warning": "33", "fault": "31"}
_NARROWEST = 40  # columns
_WIDEST = 120


@click.command()
@click.option(
    "--quick", is_flag=True, help="Leave out what takes seconds: imports, models, sums, counting directories."
)
@as_json
@click.pass_context
def doctor(context: click.Context, *, quick: bool, json: bool) -> int:
    """Check this installation and its daemon, running or not; say what mends what is wrong.

    Exits with 0 where all is well, 1 where something could be better, 2 where something does not work.
    """
    from glimpsed import cli_progress, cli_service, cli_show  # noqa: PLC0415  not for --help
    from glimpsed.doctor.examine import Installed, examine  # noqa: PLC0415
    from glimpsed.doctor.findings import LEVELS, worst  # noqa: PLC0415

    socket = None if context.obj is None else os.path.abspath(context.obj)
    installed = Installed(cli_service.unit_file(), cli_service.program(), socket)
    with cli_progress.bar("looking") as bar:
        found = examine(installed, quick=quick, environment=os.environ, step=bar.at)
    level = worst(found)
    if json:
        cli_show.print_json({"worst": level, "findings": [asdict(one) for one in found]})
    else:
        print_findings(found)
    return LEVELS.index(level)


def print_findings(found: "Sequence[Finding]") -> None:
    """A line a finding, wrapped to the terminal, below it the command that mends it; at the end how many of each."""
    from glimpsed.cli_show import draws  # noqa: PLC0415  not for --help

    width = min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size().columns)) if sys.stdout.isatty() else 10_000
    coloured = draws(sys.stdout) and "NO_COLOR" not in os.environ
    wide = max((len(one.area) for one in found), default=0)
    for one in found:
        _print(one, wide, width, coloured=coloured)
    faults, warnings = (sum(one.level == level for one in found) for level in ("fault", "warning"))
    if faults or warnings:
        print(f"{_many(faults, 'fault')}, {_many(warnings, 'warning')}")
    else:
        print("all is well")


def _print(one: "Finding", wide: int, width: int, *, coloured: bool) -> None:
    from glimpsed.cli_show import shown  # noqa: PLC0415  not for --help

    indent = " " * (9 + wide + 2)
    head = f"{one.level:<7}  {one.area:<{wide}}  "
    text = textwrap.fill(shown(one.what), width, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False)
    if coloured:
        text = f"\x1b[{_COLOURS[one.level]}m{one.level}\x1b[39m{text[len(one.level) :]}"
    print(text)
    if one.mend:  # in one piece, to be copied
        print(f"{indent}→ {shown(one.mend)}")


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
