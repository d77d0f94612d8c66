"""The manual pages of both programs, from what their `--help` says: `man glimpse`, `man glimpsed`.

hatch_build.py puts them into the wheel, so that they are never behind the programs. The form is man(7).
"""

from collections.abc import Iterator

import click

from glimpsed import __version__

_EXIT_STATUS = """\
0 where all went well, 1 where nothing was found, 64 where the command line or the question makes no sense, 69 where no
daemon answers, 73 where the state directory, the socket or the log cannot be used, 75 where another daemon runs, 78
where the configuration has faults, 130 where it was interrupted. docs/exit-status.md has them all."""

_FILES = (
    ("~/.config/glimpsed/config.toml", "The configuration; the shipped config.toml documents every key."),
    ("~/.local/state/glimpsed/", "The state: the table, thumbnails and the lock."),
    ("$XDG_RUNTIME_DIR/glimpsed/glimpsed.sock", "The socket."),
    (".glimpseignore", "In a watched folder: what is passed over, in gitignore syntax."),
)

_SIGNALS = (
    ("SIGTERM, SIGINT", "Finish what was read, and end; a second one ends at once."),
    ("SIGHUP", "Read the configuration again: folders, ignore rules and the log's level are taken up."),
)


def glimpsed_page(command: click.Command) -> str:
    """glimpsed(1)."""
    lines = [
        *_head("glimpsed", "watch picture folders, and answer where a picture is", command),
        *_section("SIGNALS"),
        *_tagged(_SIGNALS),
        *_tail("glimpse"),
    ]
    return "\n".join(lines) + "\n"


def glimpse_page(group: click.Group) -> str:
    """glimpse(1), with all commands."""
    lines = _head("glimpse", "ask glimpsed where a picture is", group)
    lines += _section("COMMANDS")
    for command, context in _commands(group, click.Context(group, info_name="glimpse")):
        lines += [
            f".SS {_escaped(_usage(command, context))}",
            *_text(command.help),
            *_tagged(_options(command, context)),
        ]
    return "\n".join([*lines, *_tail("glimpsed")]) + "\n"


def _head(name: str, summary: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name)
    return [
        f'.TH {name.upper()} 1 "" "glimpsed {__version__}"',
        *_section("NAME"),
        f"{name} \\- {summary}",
        *_section("SYNOPSIS"),
        f".B {_escaped(_usage(command, context))}",
        *_section("DESCRIPTION"),
        *_text(command.help),
        *_section("OPTIONS"),
        *_tagged(_options(command, context)),
    ]


def _tail(other: str) -> list[str]:
    return [
        *_section("FILES"),
        *_tagged(_FILES),
        *_section("EXIT STATUS"),
        *_text(_EXIT_STATUS),
        *_section("SEE ALSO"),
        f".BR {other} (1),",
        ".BR systemd.service (5)",
    ]


def _commands(group: click.Group, above: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """All commands that do something, with those of groups in their place."""
    for name, command in group.commands.items():
        context = click.Context(command, info_name=name, parent=above)
        if isinstance(command, click.Group):
            yield from _commands(command, context)
        elif not command.hidden:
            yield command, context


def _usage(command: click.Command, context: click.Context) -> str:
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def _options(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    records = [one.get_help_record(context) for one in command.get_params(context)]
    return [record for record in records if record is not None and record[1]]


def _section(name: str) -> list[str]:
    return [f".SH {name}"]


def _tagged(records: "tuple[tuple[str, str], ...] | list[tuple[str, str]]") -> list[str]:
    return [line for tag, text in records for line in (".TP", f".B {_escaped(tag)}", *_text(text))]


def _text(text: str | None) -> list[str]:
    """Paragraphs; click marks those whose lines are to stay with a line that holds \\b alone."""
    lines: list[str] = []
    for paragraph in (text or "").replace("\f", "").strip().split("\n\n"):
        kept = paragraph.strip().split("\n")
        as_it_stands = kept[0].strip() == "\b"
        kept = [_escaped(line.strip()) for line in (kept[1:] if as_it_stands else kept)]
        lines += [*([".PP"] if lines else []), *([".nf", *kept, ".fi"] if as_it_stands else kept)]
    return [line for line in lines if line]


def _escaped(line: str) -> str:
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{line}" if line.startswith((".", "'")) else line
