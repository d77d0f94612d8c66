"""`glimpse model`: which encoders are here, which one is used, and how one gets here."""

import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glimpsed import cli_own
from glimpsed.cli_ask import as_json
from glimpsed.cli_completion import directories
from glimpsed.errors import EncoderError, ExtraMissingError, GlimpsedError, OwnCodeError, UsageError

if TYPE_CHECKING:
    from glimpsed.client import Status
    from glimpsed.config import Encode

_WORDS = ("auto", "bge-m3", "fallback")


def _names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """What completes a name: our words, and what is in the Hugging Face cache."""
    from glimpsed.encoding import cache  # noqa: PLC0415  only for completion

    return [name for name in (*_WORDS, *cache.names()) if name.startswith(begun)]


@click.group()
def model() -> None:
    """Choose what turns words into vectors, and fetch it."""


@model.command(name="list")
@as_json
@click.pass_context
def list_(context: click.Context, *, json: bool) -> None:
    """Tell which encoders are here, what they need, and which one is used and why.

    Asks glimpsed where it runs; otherwise tells what it would choose.
    """
    from glimpsed import cli_progress, cli_show, cli_survey  # noqa: PLC0415  not for --help
    from glimpsed.config import load  # noqa: PLC0415

    settings = load().encode
    with cli_progress.watched("looking at models and devices", lambda: None):
        told = cli_survey.survey(settings, _status(context))
    if json:
        cli_show.print_json(asdict(told))
    else:
        cli_survey.print_survey(told)


@model.command()
@click.argument("name", required=False, shell_complete=_names)
@click.option("--revision", metavar="REV", default="main", show_default=True, help="A branch, a tag or a commit.")
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    shell_complete=directories,
    help="Put the files there and not into the Hugging Face cache.",
)
def pull(name: str | None, *, revision: str, folder: str | None) -> None:
    """Fetch a model from the Hugging Face hub: the one thing here that uses the network.

    NAME is the hub's, such as intfloat/multilingual-e5-large; the configured model unless given. What is here already
    is verified, a download that broke off goes on. HF_ENDPOINT names a mirror.
    """
    from glimpsed import cli_progress  # noqa: PLC0415  not for --help
    from glimpsed.cli_show import shown, warn  # noqa: PLC0415
    from glimpsed.config import load  # noqa: PLC0415
    from glimpsed.encoding import candidate, hub, inventory  # noqa: PLC0415
    from glimpsed.encoding.hub_files import size  # noqa: PLC0415

    settings = load().encode
    if name is None:
        name, folder = _configured(settings, folder)
    found = hub.plan(name, revision=revision, folder=None if folder is None else Path(os.path.abspath(folder)))
    number = f"{len(found.files)} file{'s' if len(found.files) > 1 else ''}"
    print(f"{shown(name)} at {found.commit[:12]}: {number}, {size(found.size)}, {size(found.missing())} to fetch")
    if found.left_out:
        print(f"{size(found.left_out)} in other formats are left out")
    print(f"to {shown(str(found.target))}", flush=True)
    with cli_progress.bar("checking") as bar:

        def say(line: str) -> None:
            bar.clear()
            print(shown(line), flush=True)

        target = hub.fetch(
            found,
            say,
            bars=sys.stderr.isatty(),
            checked=lambda name, done, total: bar.at(done // 10**6, total // 10**6, name, unit="MB"),
        )
    if (kind := inventory.kind_of([target])) is None:
        warn(f"{name} is here, but is neither BGE-M3 nor a Sentence Transformers model")
        return
    try:
        candidate.opened(kind, str(target), settings)
    except EncoderError as error:
        warn(f"{name} is here, but cannot be used: {error}")
        return
    place = name if folder is None else str(target)
    print(f"{shown(name)} is here, whole; to use it: glimpse model use {shown(place)}")


@model.command()
@click.argument("name", shell_complete=_names)
@click.option("--trust-remote-code", is_flag=True, help="Also allow that code which comes with the model is run.")
@click.option("--force", is_flag=True, help="Configure it though it is not here or cannot be used.")
@as_json
@click.pass_context
def use(context: click.Context, *, name: str, trust_remote_code: bool, force: bool, json: bool) -> None:
    """Choose the encoder: writes your config.toml, comments stay.

    NAME is auto, fallback, bge-m3, a name on the Hugging Face hub, or a folder that begins with /, ~ or a dot.
    """
    from glimpsed import cli_show  # noqa: PLC0415  not for --help
    from glimpsed.config import load  # noqa: PLC0415

    settings = load().encode
    wanted = _resolved(name, settings)
    if trust_remote_code:
        wanted["trust_remote_code"] = True
    elif settings.trust_remote_code and wanted["encoder"] != settings.encoder:
        wanted["trust_remote_code"] = False  # it was said of another model's code
    reason = _obstacle(replace(settings, **wanted), force=force or name in _WORDS)
    document = cli_own.read()
    section = cli_own.section(document, "encode")
    for key, value in wanted.items():
        section[key] = value
    file = cli_own.save(document)
    follows = _what_follows(wanted["encoder"], _status(context))
    if reason:
        cli_show.warn(f"for now the fallback stands in: {reason}")
    if json:
        cli_show.print_json({"file": str(file), **wanted, "missing": reason, "restart": True})
    else:
        print(f"{cli_show.shown(str(file))} is written; {cli_own.RESTART}")
        print(follows)
    for key in wanted:
        if (variable := f"GLIMPSED_ENCODE_{key.upper()}") in os.environ:
            cli_show.warn(f"the variable {variable} wins over this file")


def _configured(settings: "Encode", folder: str | None) -> tuple[str, str | None]:
    """The name of the configured model on the hub, and the folder to put it into."""
    from glimpsed.encoding import cache, candidate, weights  # noqa: PLC0415  not for --help

    kind, asked = candidate.asked_for(settings)
    if not cache.is_folder(asked):
        return asked, folder
    if kind == "bge-m3":
        return weights.PUBLISHED, folder or asked
    raise UsageError("the configured encoder is a folder", where=asked, hint="say which model: glimpse model pull NAME")


def _resolved(name: str, settings: "Encode") -> dict[str, Any]:
    """The keys of [encode] that stand for a name. Raises UsageError where it can be none."""
    from glimpsed.config_places import NotAcceptedError, Places  # noqa: PLC0415  not for --help
    from glimpsed.config_values import encoder  # noqa: PLC0415  not for --help
    from glimpsed.encoding import cache, inventory, weights  # noqa: PLC0415

    try:
        text = str(encoder().parse(name, Places(os.environ)))
    except NotAcceptedError as error:
        raise UsageError(f"{error}", where=name, hint=f"give {encoder().expected}") from error
    except ValueError:
        raise UsageError("is empty", hint=f"give {encoder().expected}") from None
    if text == weights.PUBLISHED:
        return {"encoder": "bge-m3", **({} if settings.model == text else {"model": text})}
    if cache.is_folder(text) and inventory.kind_of([Path(text)]) == "bge-m3":
        return {"encoder": "bge-m3", "model": text}
    return {"encoder": text}


def _obstacle(settings: "Encode", *, force: bool) -> str | None:
    """Why the encoder cannot be used now; None where nothing is known. Raises where it is not to be configured."""
    from glimpsed.encoding import cache, candidate, weights  # noqa: PLC0415  not for --help

    if settings.encoder == "fallback":
        return None
    try:
        candidate.find(settings)
    except ExtraMissingError as error:
        return str(error)
    except EncoderError as error:
        if force:
            return str(error)
        hint = error.hint
        if isinstance(error, OwnCodeError):
            hint = "read it, then give --trust-remote-code to run it"
        elif not hint and not cache.is_folder(settings.encoder):
            hint = weights.pull_command(settings.encoder)
        raise UsageError(error.what, where=error.where or settings.encoder, hint=hint) from error
    return None


def _what_follows(encoder: str, status: "Status | None") -> str:
    if encoder == "fallback":
        return "nothing is encoded anew: every picture has the fallback's vector"
    pictures = "pictures" if status is None else f"{sum(status['pictures'].values()):,} pictures"
    return (
        f"after that {pictures} are encoded anew where they lack its vector, in the background, newest first; "
        "the fallback answers meanwhile"
    )


def _status(context: click.Context) -> "Status | None":
    """What the running daemon says; None where none runs."""
    from glimpsed.client import Client  # noqa: PLC0415  not for --help
    from glimpsed.config import load  # noqa: PLC0415

    try:
        return Client(os.path.abspath(context.obj or load().serve.socket)).status()
    except GlimpsedError:
        return None
