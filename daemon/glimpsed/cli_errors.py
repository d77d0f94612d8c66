"""`glimpse errors`: the pictures that could not be read."""

import os
from typing import Any

import click

from glimpsed.cli_ask import as_json, asked
from glimpsed.cli_completion import files

_MOST = 1000


@click.command()
@click.argument("path", nargs=-1, shell_complete=files)
@click.option(
    "-k", "--number", type=click.IntRange(1, _MOST), default=_MOST, show_default=True, help="How many pictures."
)
@as_json
@click.pass_context
def errors(context: click.Context, *, path: tuple[str, ...], number: int, json: bool) -> None:
    """List the pictures that could not be read: why, how often they were tried, and when they are tried next.

    PATH is a folder, a directory or a file; all folders unless given. `glimpse retry` tries them now.
    """
    from glimpsed import cli_show  # noqa: PLC0415  not for --help
    from glimpsed.client import path_of  # noqa: PLC0415

    told = asked(context).errors([os.path.abspath(one) for one in path], k=number)
    if json:
        cli_show.print_json(told)
        return
    for warning in told["warnings"]:
        cli_show.warn(warning)
    for one in told["errors"]:
        print(cli_show.shown_path(path_of(one)))
        times = "once" if one["attempts"] == 1 else f"{one['attempts']} times"
        print(f"    {one['kind']}: {cli_show.shown(one['error'])}; tried {times}, {_next(one)}")
    if more := told["total"] - len(told["errors"]):
        print(f"… and {more:,} more")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in told["by_kind"].items())
    all_of_them = "1 picture" if told["total"] == 1 else f"{told['total']:,} pictures"
    print(f"{all_of_them} could not be read" + (f": {kinds}" if kinds else ""))


def _next(one: dict[str, Any]) -> str:
    if one["retry_at"]:
        return f"next after {one['retry_at']}"
    return "next at a start with what it takes" if one["kind"] == "format" else "next when the file changes"
