"""The docs tell of every key, event, command, route and exit status, and of no others."""

import inspect
import re
import tomllib
from datetime import datetime
from pathlib import Path

import click
import pytest

from glimpsed import errors
from glimpsed.cli import INTERRUPTED, USAGE, client, daemon
from glimpsed.cli_verify import DIFFERS, MENDED, NOT_MENDED
from glimpsed.client import NothingThereError
from glimpsed.config import KEYS, shipped
from glimpsed.doctor.examine import AREAS
from glimpsed.doctor.findings import LEVELS
from glimpsed.events import Event
from glimpsed.filters import Filters
from glimpsed.indexing.differences import Kind
from glimpsed.searching.dates import WORDS
from glimpsed.searching.query import parse
from glimpsed.searching.tokens import NAMES
from glimpsed.serving.asking import SearchRequest

DOCS = Path(__file__).parents[1] / "docs"


def doc(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def commands(group: click.Group, above: str) -> list[tuple[str, click.Command]]:
    found = []
    for name, command in group.commands.items():
        full = f"{above} {name}"
        found += commands(command, full) if isinstance(command, click.Group) else [(full, command)]
    return found


def test_every_key_and_its_default_is_in_its_section() -> None:
    tables = tomllib.loads(shipped("config.toml").read_text("utf-8"))
    sections = re.split(r"^## `\[(\w+)\]`$", doc("configuration.md"), flags=re.MULTILINE)
    told = {
        f"{section}.{key}": tomllib.loads(f"it = {default}")["it"]
        for section, text in zip(sections[1::2], sections[2::2], strict=True)
        for key, default in re.findall(r"^\| `(\w+)` \| `([^`]+)` \| \S.*\|$", text, flags=re.MULTILINE)
    }
    assert told == {key: tables[key.split(".")[0]][key.split(".")[1]] for key in KEYS}


def test_every_event_is_told_with_its_level_and_when() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", doc("logs.md").split("## Fields")[0], flags=re.MULTILINE)
    assert told == [(event.value, event.level, event.doc) for event in Event]


@pytest.mark.parametrize(("name", "command"), commands(client, "glimpse"))
def test_every_command_is_told(name: str, command: click.Command) -> None:
    assert re.search(rf"`{name}\b", doc("api.md"))
    assert command.help


def test_every_option_of_the_search_is_told() -> None:
    text = doc("api.md")
    (search,) = (command for name, command in commands(client, "glimpse") if name == "glimpse search")
    for option in search.params:
        if isinstance(option, click.Option):
            assert any(re.search(rf"`(glimpse search )?{re.escape(name)}\b", text) for name in option.opts), option.opts


def test_every_flag_of_the_daemon_is_told() -> None:
    text = doc("configuration.md") + doc("exit-status.md")
    for option in daemon.params:
        if isinstance(option, click.Option) and option.name != "version":
            assert option.opts[0] in text
        assert option.opts[0] != "--help"


def test_every_area_of_the_doctor_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \| \S.* \|$", doc("doctor.md"), flags=re.MULTILINE)
    assert told == list(AREAS)


def test_every_route_is_told() -> None:
    app = pytest.importorskip("glimpsed.serving.app", reason="the door is not there")
    source = inspect.getsource(app)
    routes = set(re.findall(r'@app\.(get|post)\(\s*"([^"]+)"', source))
    told = {
        (method.lower(), path) for method, path in re.findall(r"^\| `(GET|POST) (\S+)`", doc("api.md"), re.MULTILINE)
    }
    assert told == routes


def test_the_language_is_told_and_all_that_is_told_is_understood() -> None:
    text = doc("search.md")
    assert re.findall(r"^\| `(\w+):` \|", text, flags=re.MULTILINE) == list(NAMES)
    assert all(re.search(rf"`{word}`", text) for word in WORDS)
    told = [one for one in re.findall(r"`([^`\n]+)`", text) if re.match(r"-?(\"|[a-z]+:.)", one)]
    questions = [one for one in told if not one.startswith(("unknown", "https:"))]
    assert len(questions) > 30
    for question in questions:
        query = parse(question, now=datetime(2024, 6, 12), folders=["/p"])
        assert query.phrases or query.excluded or query.filters != Filters() or question in ("std::sort",), question


def test_every_field_of_a_question_is_told() -> None:
    part = doc("api.md").split("### In parts")[1].split("\n## ")[0]
    told = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ", part, flags=re.MULTILINE)
    names = {name for line in told for name in re.findall(r"\w+", line)}
    assert names == {field.alias or name for name, field in SearchRequest.model_fields.items()}


def test_every_exit_status_is_told() -> None:
    told = {int(number) for number in re.findall(r"^\| (\d+) \|", doc("exit-status.md"), flags=re.MULTILINE)}
    raised = {
        one.exit_status
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.GlimpsedError)
    }
    told_by_commands = {DIFFERS, MENDED, NOT_MENDED, LEVELS.index("fault"), NothingThereError.exit_status}
    assert told == raised | told_by_commands | {0, USAGE, INTERRUPTED, 141}


def test_links_lead_somewhere() -> None:
    for file in DOCS.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", file.read_text("utf-8")):
            assert (DOCS / link).exists(), f"{file.name}: {link}"


def test_every_kind_of_difference_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \|", doc("api.md").split("## Verify")[1].split("## Explain")[0], re.MULTILINE)
    assert told == [kind.value for kind in Kind]
