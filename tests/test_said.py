"""docs/logs.md tells of every field of every event, and of no others; the code says just these."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.said import Place, places

from glimpsed.events import Event

DOC = (Path(__file__).parents[1] / "docs" / "logs.md").read_text("utf-8")
ALWAYS = {"at", "level", "event", "repeated"}
ELSEWHERE = {Event.LIBRARY, Event.LINES_LOST}
"""Not said by the journal's own words."""

LINES = [
    {"event": "picture_failed", "level": "warning", "path": "/p/a.png", "error": "broken", "ms": {"read": 2.5}},
    {"event": "picture_indexed", "level": "info", "path": "/p/b.png", "ms": {"read": 9.5, "commit": 1}},
    {"event": "ocr_done", "level": "info", "path": "/p/b.png", "ms": {"ocr": 300.0}},
    {"event": "batch_encoded", "level": "info", "encoder": "e", "texts": 8, "ms": 200.0},
]


def documented(event: Event) -> set[str]:
    """The fields that an event's own words name."""
    return set(re.findall(r"`(\w+)`", event.doc))


@pytest.mark.parametrize("place", list(places()), ids=lambda place: place.where)
def test_what_is_said_is_documented(place: Place) -> None:
    assert place.fields <= (set().union(*map(documented, place.events)) if place.events else ALWAYS)


def test_what_is_documented_is_said() -> None:
    said: dict[Event, set[str]] = {}
    for place in places():
        for event in place.events:
            said.setdefault(event, set()).update(place.fields)
    for event in Event:
        if event not in ELSEWHERE:
            assert documented(event) <= said.get(event, set()), event
            assert event in said


def test_every_field_is_explained_once() -> None:
    fields = DOC.split("## Fields")[1].partition("## ")[0]
    told = re.findall(r"^\| `(\w+)` \| [a-z ]+ \| \S.*[.…] \|$", fields, flags=re.MULTILINE)
    assert len(told) == len(set(told))
    assert set(told) == ALWAYS.union(*map(documented, Event))


def test_the_examples_are_made_of_events_and_fields(tmp_path: Path) -> None:
    examples = DOC.split("## Questions, with jq")[1]
    programs = re.findall(r"jq [-a-z ]*(?:'([^']+)'|(\.event))", examples)
    assert len(programs) >= 6
    names = {event.value for event in Event}
    known = ALWAYS.union(*map(documented, Event)) | {"read", "ocr"}
    for program in (one or other for one, other in programs):
        assert set(re.findall(r'\.event == "(\w+)"', program)) <= names
        assert set(re.findall(r"(?<![\w)])\.([a-z_]+)", program)) <= known, program
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed: the examples were not run")
    (tmp_path / "glimpsed.log").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    for line in examples.splitlines():
        if "jq " in line and not line.startswith("#"):
            command = re.sub(r"^(journalctl|glimpse events) [^|]*", "cat glimpsed.log ", line)
            done = subprocess.run(
                ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
            )
            assert (done.returncode, done.stderr, bool(done.stdout)) == (0, "", True), command
