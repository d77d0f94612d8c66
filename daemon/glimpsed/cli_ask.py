"""The commands of `glimpse` that ask the daemon: search, events, scan, retry."""

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import click

from glimpsed.cli_completion import files
from glimpsed.errors import GlimpsedError, UsageError

if TYPE_CHECKING:
    from glimpsed.client import Client

NOTHING_FOUND = 1
_WORD = "\0"  # no argument of a program can hold it
_EXCLUDED = re.compile(r'-(?!k\d*$|h$)(?:[^\W\d_]|").*', re.DOTALL)

as_json = click.option("--json", "json", is_flag=True, help="Print JSON, as the API gives it.")


class _Question(click.Command):
    """A command whose words may begin with a minus, which leaves them out of what is found."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        # `-cat` would be read as the options c, a and t.
        return super().parse_args(context, [_WORD + one if _EXCLUDED.match(one) else one for one in args])


@click.command(cls=_Question)
@click.argument("query", nargs=-1, required=True)
@click.option("-k", "--number", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many pictures.")
@click.option(
    "--sort", type=click.Choice(["relevance", "date", "name"]), help="The best first unless given; date: newest first."
)
@click.option("--sync", is_flag=True, help="First wait until what is on the disk now is indexed, at most 30 s.")
@as_json
@click.option("--paths", is_flag=True, help="Print the paths only, byte for byte.")
@click.option("-0", "--null", is_flag=True, help="As --paths, with a NUL after each one.")
@click.option("--open", "opened", type=click.IntRange(1, 1000), metavar="N", help="Open the Nth picture.")
@click.pass_context
def search(
    context: click.Context,
    *,
    query: tuple[str, ...],
    number: int,
    sort: str | None,
    sync: bool,
    json: bool,
    paths: bool,
    null: bool,
    opened: int | None,
) -> int | None:
    """Find pictures by what is in and around them.

    QUERY is words in any language, '"exact phrases"', -words that must not be there, and filters:

    \b
    after:2024-06 before:yesterday on:2024-06-12   in:~/Pictures   type:png
    camera:pixel   place:lisbon   near:48.86,2.35,5km   size:">2MB"
    has:text has:gps   is:missing   (-type:png: all others)

    Exits with 1 where there is none.
    """
    from glimpsed import cli_progress, cli_show  # noqa: PLC0415  not for --help
    from glimpsed.client import path_of  # noqa: PLC0415

    question = " ".join(one.removeprefix(_WORD) for one in query)
    client = asked(context)
    waiting = (
        cli_progress.working("waiting for the index", client)
        if sync
        else cli_progress.watched("waiting for glimpsed", lambda: None)
    )
    with waiting:
        answer = client.search(question, k=max(number, opened or 1), sort=sort, sync=sync)
    for warning in answer.get("warnings", ()):
        cli_show.warn(warning)
    found = [path_of(hit) for hit in answer["hits"]]
    if json:
        cli_show.print_json(answer)
    elif paths or null:
        cli_show.print_paths(found, b"\0" if null else b"\n")
    elif opened is None:
        cli_show.print_hits(answer)
    if not found:
        cli_show.warn(f'nothing found for "{question}"')
        return NOTHING_FOUND
    return None if opened is None else _open(found, opened)


@click.command()
@as_json
@click.pass_context
def events(context: click.Context, *, json: bool) -> None:
    """Tell what happens from now on, until interrupted; with --json one object a line."""
    from glimpsed import cli_show  # noqa: PLC0415  not for --help

    for line in asked(context).events():
        cli_show.print_event(line, json=json)


@click.command()
@click.argument("path", nargs=-1, shell_complete=files)
@as_json
@click.pass_context
def scan(context: click.Context, *, path: tuple[str, ...], json: bool) -> None:
    """Have the daemon compare folders with its index now.

    PATH is a folder, a directory or a file in one; all folders are compared unless given.
    """
    from glimpsed import cli_progress  # noqa: PLC0415  not for --help

    client = asked(context)
    with cli_progress.working("scan", client):
        told = client.scan([os.path.abspath(one) for one in path])
    _print(told, json=json)


@click.command()
@click.argument("path", nargs=-1, shell_complete=files)
@as_json
@click.pass_context
def retry(context: click.Context, *, path: tuple[str, ...], json: bool) -> None:
    """Try again the pictures that could not be read: after a change of the limits, or of what is installed.

    PATH is a folder, a directory or a file; all folders unless given. Without it a picture that could not be read is
    left alone until its file changes.
    """
    from glimpsed import cli_progress  # noqa: PLC0415  not for --help

    client = asked(context)
    with cli_progress.working("retry", client):
        told = client.retry([os.path.abspath(one) for one in path])
    _print(told, json=json)


@click.command()
@click.argument("path", nargs=-1, required=True, shell_complete=files)
@as_json
@click.pass_context
def forget(context: click.Context, *, path: tuple[str, ...], json: bool) -> None:
    """Remove all that is kept of pictures, for good: rows, thumbnails, words in indexes, and old versions of these.

    PATH is a file or a directory that is not watched any more: it is deleted, hidden by a .glimpseignore, or its folder
    is not configured. For one that is watched the line that hides it is printed.
    """
    from glimpsed import cli_progress  # noqa: PLC0415  not for --help

    client = asked(context)
    with cli_progress.watched("writing the index anew", lambda: None):
        told = client.forget([os.path.abspath(one) for one in path])
    _print(told, json=json)


@click.command()
@as_json
@click.pass_context
def pause(context: click.Context, *, json: bool) -> None:
    """Have indexing wait until `glimpse resume`; searching goes on."""
    _pause(context, paused=True, json=json)


@click.command()
@as_json
@click.pass_context
def resume(context: click.Context, *, json: bool) -> None:
    """Let indexing go on after `glimpse pause`."""
    _pause(context, paused=False, json=json)


def _pause(context: click.Context, *, paused: bool, json: bool) -> None:
    from glimpsed import cli_show  # noqa: PLC0415  not for --help

    told = asked(context).pause(paused=paused)
    if json:
        cli_show.print_json(told)
    else:
        print("indexing is paused; searching goes on" if told["paused"] else "indexing goes on")


COMMANDS = (search, events, scan, retry, forget, pause, resume)


def asked(context: click.Context) -> "Client":
    """The daemon, behind the socket that the command line or the configuration names."""
    from glimpsed.client import Client  # noqa: PLC0415  not for --help

    socket: str | None = context.obj
    if socket is None:
        from glimpsed.config import load  # noqa: PLC0415  not where the socket is named

        socket = load().serve.socket
    return Client(os.path.abspath(socket))


def _print(told: dict[str, Any], *, json: bool) -> None:
    from glimpsed import cli_show  # noqa: PLC0415  not for --help

    if json:
        cli_show.print_json(told)
    else:
        cli_show.print_tree(told)


def _open(found: list[bytes], number: int) -> int:
    if number > len(found):
        raise UsageError(f"there is no picture {number}, only {len(found)} were found")
    try:
        return subprocess.run([b"xdg-open", found[number - 1]], check=False).returncode
    except FileNotFoundError:
        raise GlimpsedError("xdg-open is not installed", hint="it comes with the package xdg-utils") from None
