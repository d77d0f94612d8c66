"""`glimpse status`: how the daemon is, once or live."""

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from glimpsed.cli_ask import as_json, asked
from glimpsed.errors import UnreachableError

if TYPE_CHECKING:
    from glimpsed.client import Client, Status

EVERY = 1.0
"""Seconds between two looks of `--watch`."""

Line = tuple[str, str]
"""What it is about, and what there is to say."""

_NAMES = 10  # columns of what a line is about
_BAR = 20
_NARROWEST, _WIDEST = 40, 120  # columns
_COLOURS = {"warning": "33", "error": "31", "unread": "33", "not held": "33", "lost": "31"}
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # a screen of its own, without a cursor; and back
_HOME, _TO_END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


@click.command()
@click.option("--watch", is_flag=True, help="Live, every second, until Ctrl-C; with --json one object a line.")
@as_json
@click.pass_context
def status(context: click.Context, *, watch: bool, json: bool) -> None:
    """Tell how the daemon is and what it does."""
    from glimpsed import cli_progress, cli_show  # noqa: PLC0415  not for --help

    client = asked(context)
    if watch:
        _watch(client, json=json)
        return
    with cli_progress.watched("waiting for glimpsed", lambda: None):
        told = client.status()
    if json:
        cli_show.print_json(told)
    else:
        print("\n".join(_laid_out(told, *_terminal())))


def lines(status: "Status") -> Iterator[Line]:
    """All there is to say, the most important first; texts are not safe for a terminal yet."""
    if (work := status.get("work")) is not None:
        yield "work", f"{work['done']:,} of {work['total']:,} pictures{_pace(work)}"
    yield from _encoder(status)
    counts = {name if name != "errors" or count != 1 else "error": count for name, count in status["pictures"].items()}
    yield "pictures", ", ".join(f"{count:,} {name}" for name, count in counts.items())
    if formats := status.get("formats"):
        yield "formats", ", ".join(formats["readable"])
        for form in formats["unreadable"]:
            yield "unread", f"{_many(form['pictures'], 'pictures')}: {form['reason']}"
    for folder in status["folders"]:
        yield "folder", f"{_path(folder)}: {folder['state']}, {_many(folder['pictures'], 'pictures')}"
    yield from _inside(status)
    yield from _confinement(status)
    for guard in status.get("guards", ()):
        yield guard["name"], guard["how"]
    for held in status.get("held", ()):
        yield "held", f"{held['what']}: {held['why']}"
    for error in status.get("last_errors", ()):
        tried = f"tried {_times(error['attempts'])}, {_local(error['at'])}"
        yield "error", f"{error['path']}: {error['error']} ({tried})"
    for warning in status["warnings"]:
        yield "warning", warning


def _encoder(status: "Status") -> Iterator[Line]:
    encoder = status["encoder"]
    yield "encoder", f"{encoder['name']} on {encoder['device']}: {encoder['reason']}{_phase(encoder)}"
    if step := encoder.get("step"):
        yield "missing", step
    for lost in encoder.get("lost", ()):
        looked = f"; looked for {_times(lost['looked'])}" if lost["looked"] else ""
        yield "lost", f"{lost['device']}: {lost['reason']}{looked}"
    if (refresh := status.get("refresh")) is not None:
        yield "refresh", f"{refresh['done']:,} of {refresh['total']:,} encoded by {refresh['name']}{_pace(refresh)}"


def _inside(status: "Status") -> Iterator[Line]:
    if (watches := status.get("watches")) is not None:
        yield "watches", f"{watches['used']:,} of {watches['most']:,}; this user may have {watches['limit']:,}"
    if queues := status.get("queues"):
        busy = [f"{one['name']} {one['depth']:,} of {one['bound']:,}" for one in queues if one["depth"]]
        yield "queues", ", ".join(busy) or "all empty"
    if processes := status.get("processes"):
        yield "memory", _memory(processes)
    if (table := status.get("table")) is not None:
        parts = ", ".join(_many(table[name], name) for name in ("rows", "fragments", "versions", "files"))
        yield "table", f"{parts}, {_size(table['bytes'])}"


def _confinement(status: "Status") -> Iterator[Line]:
    """What bounds the processes that read pictures, in one line, and a line for each thing that does not."""
    confinement = status.get("confinement", ())
    if held := [one["name"] for one in confinement if one["holds"]]:
        yield "confined", ", ".join(held)
    for one in confinement:
        if not one["holds"]:
            yield "not held", f"{one['name']}: {one['how']}"


def _memory(processes: Sequence[Mapping[str, Any]]) -> str:
    """`312.0 MB: daemon 210.0 MB, 2 readers 80.0 MB, 1 encoder 22.0 MB`."""
    roles = dict.fromkeys(one["role"] for one in processes)
    parts = []
    for role in roles:
        sizes = [one["resident"] for one in processes if one["role"] == role]
        number = "" if role == "daemon" else f"{len(sizes)} "
        parts.append(f"{number}{role}{'s' if len(sizes) > 1 else ''} {_size(sum(sizes))}")
    return f"{_size(sum(one['resident'] for one in processes))}: {', '.join(parts)}"


def _pace(how: Mapping[str, Any]) -> str:
    """`, 37/s, about 4 min`; nothing where nobody knows."""
    from glimpsed.cli_show import roughly  # noqa: PLC0415  not for --help

    if how["rate"] is None or how["seconds_left"] is None:
        return ""
    rate = f"{how['rate']:,.0f}" if how["rate"] >= 10 else f"{how['rate']:.2g}"
    return f", {rate}/s, about {roughly(how['seconds_left'])}"


def _phase(encoder: Mapping[str, Any]) -> str:
    phase = encoder.get("phase", "ready")
    return f" ({phase})" if phase in {"loading", "unloaded"} else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _local(at: str) -> str:
    """A time in UTC as clocks here show it."""
    from datetime import datetime  # noqa: PLC0415  only where there is an error

    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _path(folder: Mapping[str, Any]) -> str:
    from glimpsed.client import path_of  # noqa: PLC0415  not for --help

    return os.fsdecode(path_of(folder))


def _many(count: int, names: str) -> str:
    return f"{count:,} {names.removesuffix('s') if count == 1 else names}"


def _size(count: int) -> str:
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= one:
            return f"{count / one:,.1f} {unit}"
    return f"{count} bytes"


# On the terminal


def _terminal() -> tuple[int, bool]:
    """How wide the lines may be, and whether they may be coloured and drawn."""
    if not sys.stdout.isatty():
        return 100_000, False
    return min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size().columns)), True


def _laid_out(status: "Status", width: int, drawn: bool) -> list[str]:
    """The lines, wrapped to `width` columns, safe on any terminal."""
    from glimpsed.cli_show import shown  # noqa: PLC0415  not for --help

    head = f"glimpsed {shown(status['version'])}: {shown(status['state'])}"
    laid = [_styled(head, "1") if drawn else head]
    for name, told in lines(status):
        bar = f"{_bar(dict(status)[name])} " if drawn and name in ("work", "refresh") else ""
        body = textwrap.wrap(bar + shown(told), width - _NAMES, break_on_hyphens=False) or [""]
        first = _styled(f"{name:<{_NAMES}}", _COLOURS.get(name, "2")) if drawn else f"{name:<{_NAMES}}"
        laid += [first + body[0], *(" " * _NAMES + one for one in body[1:])]
    return laid


def _bar(how: Any) -> str:
    full = round(_BAR * how["done"] / max(1, how["total"]))
    return f"[{'#' * full}{'-' * (_BAR - full)}]"


def _styled(text: str, code: str) -> str:
    from glimpsed.cli_show import draws  # noqa: PLC0415  not for --help

    return text if "NO_COLOR" in os.environ or not draws(sys.stdout) else f"\x1b[{code}m{text}\x1b[0m"


def _watch(client: "Client", *, json: bool) -> None:
    """Until Ctrl-C; what was shown last stays on the terminal."""
    from glimpsed.cli_show import draws  # noqa: PLC0415  not for --help

    frame: list[str] = []
    screen = not json and draws(sys.stdout)
    if screen:
        sys.stdout.write(_ENTER)
    try:
        while True:
            frame = _frame(client, json=json)
            _show(frame, screen=screen)
            time.sleep(EVERY)
    except KeyboardInterrupt:
        pass
    finally:
        if screen:
            sys.stdout.write(_LEAVE + "".join(f"{line}\n" for line in frame))
            sys.stdout.flush()


def _frame(client: "Client", *, json: bool) -> list[str]:
    from json import dumps  # noqa: PLC0415  not for --help

    from glimpsed.cli_show import shown  # noqa: PLC0415

    try:
        now = client.status()
    except UnreachableError as error:  # it may be about to start again
        return [dumps({"unreachable": error.what}) if json else f"glimpsed: {shown(error.what)}"]
    return [dumps(now, ensure_ascii=False)] if json else _laid_out(now, *_terminal())


def _show(frame: list[str], *, screen: bool) -> None:
    if screen:
        size = shutil.get_terminal_size()
        fitting = frame if len(frame) < size.lines else [*frame[: size.lines - 2], "…"]
        sys.stdout.write(_HOME + "".join(f"{line}{_TO_END_OF_LINE}\n" for line in fitting) + _BELOW)
    else:
        sys.stdout.write("".join(f"{line}\n" for line in frame))
    sys.stdout.flush()
