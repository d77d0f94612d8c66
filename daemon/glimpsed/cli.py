"""The two programs, `glimpsed` and `glimpse`; the only place that exits the process.

Whatever takes long to import is imported where it is used: `glimpse search` has to feel instant.
"""

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from glimpsed import (
    __version__,
    cli_ask,
    cli_completion,
    cli_doctor,
    cli_errors,
    cli_explain,
    cli_folder,
    cli_model,
    cli_service,
    cli_status,
    cli_verify,
)
from glimpsed.errors import ConfigError, GlimpsedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from glimpsed.config import Config

USAGE = 64  # EX_USAGE
SOFTWARE = 70  # EX_SOFTWARE
UNWRITTEN = 74  # EX_IOERR
INTERRUPTED = 130  # what shells give a program that ended by SIGINT
CUT_OFF = 141  # ... and by SIGPIPE

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_LAST_STREAM = 2  # standard error


def glimpsed() -> NoReturn:
    """The daemon."""
    _end("glimpsed", daemon)


def glimpse() -> NoReturn:
    """The client."""
    _end("glimpse", client)


class _Filter(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click's own status for it would be that of nothing found
            return CUT_OFF


@click.group(cls=_Filter, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--socket",
    metavar="PATH",
    shell_complete=cli_completion.files,
    help="The daemon's socket; the configuration's unless given.",
)
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def client(context: click.Context, socket: str | None) -> None:
    """Ask glimpsed where a picture is, and how it does."""
    context.obj = socket


for _command in (
    *cli_ask.COMMANDS,
    cli_doctor.doctor,
    cli_errors.errors,
    cli_explain.explain,
    cli_folder.folder,
    cli_model.model,
    cli_service.service,
    cli_completion.completion,
    cli_status.status,
    cli_verify.verify,
):
    client.add_command(_command)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="Read this in place of ~/.config/glimpsed/config.toml.")
@click.option(
    "--folder", "folders", metavar="DIR", multiple=True, help="Watch this and not the configured folders; repeatable."
)
@click.option("--state", metavar="DIR", help="Keep the state here.")
@click.option("--socket", metavar="PATH", help="Answer on this Unix socket.")
@click.option("--rebuild", is_flag=True, help="Set the table aside first, and make it anew from the pictures.")
@click.version_option(__version__, message="%(version)s")
def daemon(config: str | None, folders: tuple[str, ...], state: str | None, socket: str | None, rebuild: bool) -> None:
    """Watch picture folders, and answer where a picture is, until told to stop."""
    from glimpsed.config import load  # noqa: PLC0415  not for --version and --help

    file = Path(config).absolute() if config is not None else None
    flags = {"watch.folders": folders or None, "store.path": state, "serve.socket": socket}

    def read() -> "Config":
        return load(file, flags=flags)

    _serve(read(), read, rebuild=rebuild)


def _serve(config: "Config", load: "Callable[[], Config]", *, rebuild: bool) -> None:
    from glimpsed.allocation import few_arenas  # noqa: PLC0415  only the daemon's side needs it
    from glimpsed.manners import cores  # noqa: PLC0415

    few_arenas()  # before there are threads
    os.umask(0o077)  # whatever is written, by libraries too, tells of the user's pictures
    if config.work.cpu_share < 1:
        # Inherited by all threads and processes; libraries take it for what the machine has.
        os.sched_setaffinity(0, cores(config.work.cpu_share, os.sched_getaffinity(0)))
    import anyio  # noqa: PLC0415  the daemon's side is slow to import

    from glimpsed import logs, service  # noqa: PLC0415
    from glimpsed.storing import table  # noqa: PLC0415

    logs.configure(config.log)
    try:
        if rebuild:
            table.rebuild(config.store.path)
        # The LanceDB bindings need asyncio.
        anyio.run(service.run, config, load, backend="asyncio")
    except Exception as error:
        if config.log.file is not None:  # standard error gets it in any case
            _log(_cause(error))
        raise


def _log(error: BaseException) -> None:
    from glimpsed.events import Event, Journal  # noqa: PLC0415  the daemon's side is slow to import

    if isinstance(error, GlimpsedError):
        Journal().say(Event.DAEMON_FAILED, error=error)
    else:
        Journal().say(Event.DAEMON_FAILED, error=error, traceback="".join(traceback.format_exception(error)))


def _end(program: str, command: click.Command) -> NoReturn:
    """Run a program and exit with its status: docs/exit-status.md. A command returns its own, or None for 0."""
    status: object = None
    _open_streams()
    try:
        try:
            status = command.main(prog_name=program, standalone_mode=False)
        except BaseExceptionGroup as group:
            raise _cause(group) from None
    except click.ClickException as error:
        error.show()
        status = USAGE
    except GlimpsedError as error:
        _tell(program, error)
        status = error.exit_status
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except Exception as error:
        if program == "glimpse" and isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
            status = _unwritten(program, error)
        else:
            traceback.print_exc()
            status = SOFTWARE
    try:
        sys.stdout.flush()
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            status = CUT_OFF
        elif status != UNWRITTEN:  # else what was left of it is tried once more
            status = _unwritten(program, error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes once more at its end
    sys.exit(status if isinstance(status, int) else 0)


def _unwritten(program: str, error: OSError) -> int:
    _tell(program, GlimpsedError(f"the output cannot be written: {error.strerror}"))
    return UNWRITTEN


def _open_streams() -> None:
    """Standard streams that whoever started this has closed (`>&-`) go nowhere.

    Else the next file that is opened, one of the table perhaps, would be taken for standard output by some library.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= _LAST_STREAM:
        os.set_inheritable(number, True)
    os.close(number)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115  until the end


def _cause(error: BaseException) -> BaseException:
    """What a task group failed for: the one exception in it, or our own errors' first; else all of it."""
    leaves = _leaves(error)
    ours = [leaf for leaf in leaves if isinstance(leaf, GlimpsedError)]
    return leaves[0] if len(leaves) == 1 or len(ours) == len(leaves) else error


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in _leaves(one)]
    return [error]


def _tell(program: str, error: GlimpsedError) -> None:
    from glimpsed.cli_show import shown  # noqa: PLC0415  not where all is well

    if isinstance(error, ConfigError):
        lines = [f"{program}: the configuration cannot be used:", *(f"  {fault}" for fault in error.faults)]
    else:
        where = f"{error.where}: " if error.where else ""
        lines = [f"{program}: {where}{error.what}", *([f"  {error.hint}"] if error.hint else [])]
    for line in lines:
        print(shown(line), file=sys.stderr)
