"""Where lines go, and in which form."""

import io
import json
import logging
import os
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glimpsed import logs
from glimpsed.config import Log
from glimpsed.errors import StateError
from glimpsed.events import Event, Journal


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    logs.reset()
    root.setLevel(level)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(level="info", format="auto", file=None))
    journal = Journal()
    journal.say(Event.PICTURE_INDEXED, path="/p/\udcff é.png", content_id="c", ms={"read": 1.0})
    journal.say(Event.SCAN_STARTED, folder="/p")  # debug
    (line,) = lines(capsys.readouterr().err)
    assert list(line) == ["at", "level", "event", "path", "content_id", "ms"]
    assert line["path"] == "/p/� é.png"
    assert line["ms"] == {"read": 1.0}


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(level="debug", format="console", file=None))
    Journal().say(Event.SCAN_STARTED, folder="/p")
    line = capsys.readouterr().err
    assert "scan_started" in line
    assert "folder=/p" in line
    assert "\x1b" not in line


def test_a_terminal_gets_lines_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    logs.configure(Log(level="info", format="auto", file=None))
    Journal().say(Event.FOLDER_BACK, folder="/p")
    assert "\x1b[" in terminal.getvalue()
    assert "folder_back" in terminal.getvalue()


def test_libraries_speak_in_the_same_form_and_only_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.addHandler(logging.StreamHandler(sys.stdout))
    uvicorn.setLevel(logging.DEBUG)
    logs.configure(Log(level="debug", format="json", file=None))
    uvicorn.info("started")
    uvicorn.warning("slow %s", "thing")
    logging.getLogger("PIL.Image").debug("chunk")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", UserWarning, stacklevel=1)
    try:
        int("bad")
    except ValueError:
        logging.getLogger("anything").exception("failed")
    captured = capsys.readouterr()
    assert captured.out == ""
    slow, careful, failed = lines(captured.err)
    assert (slow["event"], slow["logger"], slow["message"]) == ("library", "uvicorn.error", "slow thing")
    assert (careful["event"], careful["logger"]) == ("library", "py.warnings")
    assert "careful" in careful["message"]
    assert failed["level"] == "error"
    assert "ValueError: invalid" in failed["exception"]


def test_a_file_is_for_its_owner_only_and_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 2000)
    file = tmp_path / "logs" / "glimpsed.log"
    file.parent.mkdir()
    file.touch(mode=0o644)
    logs.configure(Log(level="info", format="auto", file=str(file)))
    journal = Journal()
    for number in range(100):
        journal.say(Event.PICTURE_INDEXED, path="/p/" + "x" * 50, number=number)
    logs.reset()
    files = sorted(file.parent.iterdir())
    assert [one.name for one in files] == ["glimpsed.log"] + [f"glimpsed.log.{n}" for n in range(1, logs.KEPT + 1)]
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    assert max(one.stat().st_size for one in files) <= 2000
    assert lines(file.read_text())[-1]["number"] == 99


def test_a_file_that_cannot_be_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"file/glimpsed\.log: the log file cannot be written"):
        logs.configure(Log(level="info", format="auto", file=str(tmp_path / "file" / "glimpsed.log")))


def test_a_full_disk_does_not_stop_anybody(capsys: pytest.CaptureFixture[str]) -> None:
    mode = os.stat("/dev/full").st_mode
    logs.configure(Log(level="info", format="json", file="/dev/full"))
    Journal().say(Event.FOLDER_BACK, folder="/p")
    logs.reset()
    assert os.stat("/dev/full").st_mode == mode
    assert capsys.readouterr().err == ""


def test_a_reader_that_went_away_does_not_stop_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", buffering=1) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        logs.configure(Log(level="info", format="json", file=None))
        Journal().say(Event.FOLDER_BACK, folder="/p")
        logs.reset()
        with pytest.raises(BrokenPipeError):
            stream.close()


SAY = """
import os, sys
status = os.fstat(2)
if sys.argv[1] == "journal":
    os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
from glimpsed import logs
from glimpsed.config import Log
from glimpsed.events import Event, Journal
logs.configure(Log(level="info", format="auto", file=None))
Journal().say(Event.EVENTS_LOST, folder="/p")
"""


@pytest.mark.parametrize(("where", "head"), [("journal", "<4>{"), ("elsewhere", "{")])
def test_journald_is_told_the_priority(where: str, head: str) -> None:
    done = subprocess.run([sys.executable, "-c", SAY, where], capture_output=True, text=True, check=True)
    assert done.stderr.startswith(head)


def test_configuring_twice_says_things_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        logs.configure(Log(level="info", format="json", file=None))
    Journal().say(Event.FOLDER_BACK, folder="/p")
    assert len(lines(capsys.readouterr().err)) == 1
