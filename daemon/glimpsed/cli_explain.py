"""`glimpse explain`: all that is known of one file, read again where the daemon can, and a drawing of what OCR saw."""

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Any

import click

from glimpsed.cli_ask import NOTHING_FOUND, as_json, asked
from glimpsed.cli_completion import files
from glimpsed.errors import UsageError

_PASSES = ("reader", "ocr")
_USUAL = "pp-ocr"  # what reads most lines
_TIMES = ("modified_at", "indexed_at", "missing_since", "forgotten_at", "retry_at")
_TOLD_ELSEWHERE = frozenset((
    "path", "indexed", "id", "state", "why", "hint", "group", "fields", "description", "passed_over", "vectors",
    "encoder", "cut", "read", "error", "attempts", "format", "width", "height", "taken_at", "taken_from", "camera",
    "latitude", "longitude", "place", *_PASSES, *_TIMES,
))  # fmt: skip


@click.command()
@click.argument("file", shell_complete=files)
@as_json
@click.option("--lines", is_flag=True, help="Read the words in it again, line by line, with boxes and confidence.")
@click.option("--picture", metavar="PNG", help="The same, and draw the boxes into a copy, which is written here.")
@click.pass_context
def explain(context: click.Context, *, file: str, json: bool, lines: bool, picture: str | None) -> int | None:
    """Tell all that is known of one file, there or gone, and why it is indexed as it is, or not.

    Its fields are read again to tell where each came from. Exits with 1 where it is not in the index.
    """
    from glimpsed import cli_progress, cli_show  # noqa: PLC0415  not for --help

    if picture is not None and os.path.lexists(picture):
        raise UsageError(f"{picture} is there already", hint="name a file that is not: nothing is overwritten")
    read = "picture" if picture is not None else "words" if lines else "fields"
    client = asked(context)
    with cli_progress.watched("reading it", lambda: None):
        told = client.explain(os.path.abspath(file), read=read)
    anew = told.get("read") or {}
    drawn = anew.pop("picture", None)
    if json:
        cli_show.print_json(told)
    else:
        _print(told)
    if picture is not None:
        if drawn is None:
            cli_show.warn(f"nothing was drawn: {anew.get('error') or told.get('why') or 'it was not read'}")
            return NOTHING_FOUND
        _write(picture, base64.b64decode(drawn))
    return None if told.get("indexed", True) else NOTHING_FOUND


def _write(place: str, data: bytes) -> None:
    try:
        with open(place, "xb") as file:
            file.write(data)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}") from None


def _print(told: Mapping[str, Any]) -> None:
    from glimpsed.cli_show import print_tree, shown  # noqa: PLC0415  not for --help

    anew = told.get("read") or {}
    print(shown(str(told.get("path"))))
    state = f"{told.get('state')}: {told.get('why')}"
    _rows([("state", state), ("hint", told.get("hint")), ("id", told.get("id"))])
    _section("group", [(str(one["what"]), one["path"]) for one in told.get("group", ())])
    _section("fields", [_field(one) for one in told.get("fields", ())])
    _print_text(told.get("description", ()))
    _section("passed over", [_field(one) for one in told.get("passed_over", ())])
    _print_lines(anew.get("lines"))
    _section("encoder", [(_vector(one, told), one["encoder"]) for one in told.get("vectors", ())])
    _section("passes", [(name, told.get(name)) for name in _PASSES])
    took = ", ".join(f"{name} {ms:g} ms" for name, ms in (anew.get("milliseconds") or {}).items())
    times = [(name.removesuffix("_at").replace("_", " "), told.get(name)) for name in _TIMES]
    _section("times", [*times, ("read again", took or None)])
    tries = f"tried {told['attempts']} times" if told.get("attempts", 0) > 1 else None
    changed = "the file has another content than what is indexed" if anew.get("changed") else None
    again = anew.get("error")
    _section("errors", [("indexed", told.get("error")), ("", tries), ("read again", again), ("", changed)])
    more = {name: value for name, value in told.items() if name not in _TOLD_ELSEWHERE and value not in (None, [], {})}
    if more:
        print_tree(more)


def _section(title: str, rows: Sequence[tuple[str, object]]) -> None:
    if any(value is not None for _, value in rows):
        print(title)
        _rows(rows)


def _rows(rows: Sequence[tuple[str, object]]) -> None:
    from glimpsed.cli_show import shown  # noqa: PLC0415  not for --help

    rows = [(name, value) for name, value in rows if value is not None]
    wide = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(f"  {shown(name):<{wide}}  {shown(str(value))}")


def _field(one: Mapping[str, Any]) -> tuple[str, str]:
    value = one["value"]
    value = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
    return str(one["name"]), f"{value}{_sources(one)}"


def _sources(one: Mapping[str, Any], *more: str) -> str:
    said = "; ".join(filter(None, (", ".join(one.get("sources") or ()), *more)))
    return f"  ({said})" if said else ""


def _print_text(parts: Sequence[Mapping[str, Any]]) -> None:
    """The description by label, the text of each line by line."""
    from glimpsed.cli_show import shown  # noqa: PLC0415  not for --help

    if parts:
        print("text")
    for part in parts:
        print(f"  {shown(part['label'])}{shown(_sources(part, '' if part.get('encoded', True) else 'not encoded'))}")
        for line in str(part["text"]).split("\n"):
            print(f"    {shown(line)}")


def _print_lines(lines: Sequence[Mapping[str, Any]] | None) -> None:
    """What OCR sees: number, confidence, box and text; a dash where it does not count as words."""
    from glimpsed.cli_show import shown  # noqa: PLC0415  not for --help

    if lines is None:
        return
    print("lines" if lines else "lines\n  none")
    number, page = 0, 1
    for line in lines:
        if line.get("page", 1) != page:
            page, number = line["page"], 0
            print(f"  page {page}")
        number += line["told"]
        left, top, right, bottom = (round(side) for side in line["box"])
        mark = str(number) if line["told"] else "–"
        by = line.get("by", _USUAL)
        told_by = "" if by == _USUAL else f"  ({by})"
        print(f"  {mark:>3}  {line['score']:.2f}  {left},{top} – {right},{bottom}  {shown(line['text'] + told_by)}")


def _vector(one: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    kind = "chosen" if one["encoder"] == told.get("encoder") else "fallback"
    cut = f", {one['cut']} parts cut" if one.get("cut") else ""
    return f"{kind}{cut}" if one.get("current") else f"former{cut}"
