"""`glimpse folder`: which folders are watched, in the user's own config.toml."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glimpsed.cli_ask import as_json
from glimpsed.errors import ConfigError, ConfigFault, GlimpsedError, UsageError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

RESTART = "restart glimpsed for it to take effect: systemctl --user restart glimpsed"


@click.group()
def folder() -> None:
    """Choose the folders that are watched."""


@folder.command()
@click.argument("directory")
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
    if not os.path.isdir(path):
        cli_show.warn(f"{path} is not there yet; it is watched when it appears")
    _keep(document, [*folders, path], json=json)


@folder.command()
@click.argument("directory")
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
    import tomlkit  # noqa: PLC0415  only to edit
    import tomlkit.exceptions  # noqa: PLC0415

    from glimpsed.config import shipped, user_file  # noqa: PLC0415

    file = user_file()
    try:
        document = tomlkit.parse(file.read_text("utf-8")) if file.exists() else tomlkit.document()
    except (tomlkit.exceptions.ParseError, UnicodeDecodeError) as error:
        raise ConfigError([ConfigFault(str(file), "", f"is not TOML: {error}")]) from error
    except OSError as error:
        raise ConfigError([ConfigFault(str(file), "", f"cannot be read: {error.strerror}")]) from error
    held: Any = document.unwrap().get("watch", {})
    folders = held.get("folders") if isinstance(held, dict) else ...
    if folders is None:
        folders = tomlkit.parse(shipped("config.toml").read_text("utf-8")).unwrap()["watch"]["folders"]
    if not isinstance(folders, list) or not all(isinstance(one, str) for one in folders):
        raise ConfigError([ConfigFault(str(file), "watch.folders", "expected a list of absolute paths")])
    return document, folders


def _expanded(folder: str) -> str | None:
    from glimpsed.config_values import Places  # noqa: PLC0415  not for --help

    try:
        return Places(os.environ).path(folder)
    except ValueError:  # a fault, that loading tells of
        return None


def _keep(document: "TOMLDocument", folders: list[str], *, json: bool) -> None:
    """Write the configuration with these folders, all else in it as it was, and say what follows from it."""
    import tomlkit  # noqa: PLC0415  only to edit

    from glimpsed import cli_show  # noqa: PLC0415
    from glimpsed.config import user_file  # noqa: PLC0415

    file = user_file()
    watch: Any = document.setdefault("watch", tomlkit.table())
    held = watch.get("folders")
    if held is None:
        watch["folders"] = folders
    else:  # one by one: comments between them stay
        for index in reversed(range(len(held))):
            if held[index] not in folders:
                del held[index]
        for one in folders[len(held) :]:
            held.append(one)
    try:
        write(Path(os.path.realpath(file)), tomlkit.dumps(document), mode=0o600)
    except OSError as error:
        raise GlimpsedError(f"cannot be written: {error.strerror}", where=str(file)) from error
    if json:
        cli_show.print_json({"file": str(file), "folders": folders, "restart": True})
    else:
        print(f"{cli_show.shown(str(file))} is written; {RESTART}")
    if "GLIMPSED_WATCH_FOLDERS" in os.environ:
        cli_show.warn("the variable GLIMPSED_WATCH_FOLDERS wins over this file")


def write(file: Path, text: str, *, mode: int) -> None:
    """Replace a file at once, so that it is never seen half-written; `mode` is that of a new one."""
    import tempfile  # noqa: PLC0415  slow to import, only to edit

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = stat.S_IMODE(file.stat().st_mode) if file.exists() else mode
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(descriptor, held)
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
