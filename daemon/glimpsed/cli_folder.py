"""`glimpse folder`: which folders are watched, in the user's own config.toml."""

import os
from typing import TYPE_CHECKING, Any

import click

from glimpsed import cli_own
from glimpsed.cli_ask import as_json
from glimpsed.cli_completion import directories
from glimpsed.errors import ConfigError, ConfigFault, UsageError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


@click.group()
def folder() -> None:
    """Choose the folders that are watched."""


@folder.command()
@click.argument("directory", shell_complete=directories)
@as_json
def add(directory: str, *, json: bool) -> None:
    """Watch a folder too."""
    from glimpsed import cli_show  # noqa: PLC0415  not for --help

    path = os.path.abspath(directory)
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UsageError(
            "a folder whose own name is not UTF-8 cannot be configured", hint="add the one above"
        ) from None
    document, folders = _own()
    if path in map(_expanded, folders):
        raise UsageError("is watched already", where=path)
    if faults := _faults(path) - _faults():
        raise UsageError(min(faults), where=path)
    if not os.path.isdir(path):
        cli_show.warn(f"{path} is not there yet; it is watched when it appears")
    _keep(document, [*folders, path], json=json)


@folder.command()
@click.argument("directory", shell_complete=directories)
@as_json
def remove(directory: str, *, json: bool) -> None:
    """Watch a folder no longer."""
    path = os.path.abspath(directory)
    document, folders = _own()
    left = [one for one in folders if _expanded(one) != path]
    if len(left) == len(folders):
        raise UsageError("is not in the configuration", where=path, hint="see `glimpse folder list`")
    _keep(document, left, json=json)


@folder.command(name="list")
@as_json
def list_(*, json: bool) -> None:
    """Tell which folders are watched."""
    from glimpsed import cli_show  # noqa: PLC0415  not for --help
    from glimpsed.config import load, user_file  # noqa: PLC0415

    folders = load().watch.folders
    if json:
        told = [{"path": path, "there": os.path.isdir(path)} for path in folders]
        cli_show.print_json({"file": str(user_file()), "folders": told})
        return
    for path in folders:
        print(cli_show.shown(path) + ("" if os.path.isdir(path) else "  (not there)"))


def _own() -> tuple["TOMLDocument", list[str]]:
    """The user's own configuration, and the folders as it holds them or, without any, the shipped ones."""
    from glimpsed.config import shipped, user_file  # noqa: PLC0415  not for --help

    document = cli_own.read()
    held: Any = document.unwrap().get("watch", {})
    folders = held.get("folders") if isinstance(held, dict) else ...
    if folders is None:
        import tomllib  # noqa: PLC0415  only where the user has none

        folders = tomllib.loads(shipped("config.toml").read_text("utf-8"))["watch"]["folders"]
    if not isinstance(folders, list) or not all(isinstance(one, str) for one in folders):
        raise ConfigError([ConfigFault(str(user_file()), "watch.folders", "expected a list of absolute paths")])
    return document, folders


def _faults(folder: str | None = None) -> set[str]:
    """What is wrong with the configuration, or would be if it had this folder alone."""
    from glimpsed.config import load  # noqa: PLC0415  not for --help

    try:
        load(flags={"watch.folders": None if folder is None else [folder]})
    except ConfigError as error:
        return {fault.what for fault in error.faults}
    return set()


def _expanded(folder: str) -> str | None:
    from glimpsed.config_places import Places  # noqa: PLC0415  not for --help

    try:
        return Places(os.environ).path(folder)
    except ValueError:  # a fault, that loading tells of
        return None


def _keep(document: "TOMLDocument", folders: list[str], *, json: bool) -> None:
    """Write the configuration with these folders, all else in it as it was, and say what follows from it."""
    from glimpsed import cli_show  # noqa: PLC0415  not for --help

    watch = cli_own.section(document, "watch")
    held = watch.get("folders")
    if held is None:
        watch["folders"] = folders
    else:  # one by one: comments between them stay
        for index in reversed(range(len(held))):
            if held[index] not in folders:
                del held[index]
        for one in folders[len(held) :]:
            held.append(one)
    file = cli_own.save(document)
    if json:
        cli_show.print_json({"file": str(file), "folders": folders, "restart": True})
    else:
        print(f"{cli_show.shown(str(file))} is written; {cli_own.RELOAD}")
    if "GLIMPSED_WATCH_FOLDERS" in os.environ:
        cli_show.warn("the variable GLIMPSED_WATCH_FOLDERS wins over this file")
