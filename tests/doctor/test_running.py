"""The socket, and what a daemon behind it says: real sockets, with faults that are really made."""

import os
import socket as sockets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unix_server import serving

from glimpsed import __version__
from glimpsed.doctor import running
from glimpsed.doctor.findings import Finding, worst

FINE: dict[str, Any] = {
    "version": __version__,
    "state": "idle",
    "encoder": {"id": "e", "name": "fallback", "device": "cpu", "reason": "asked for", "phase": "ready", "lost": []},
    "refresh": None,
    "pictures": {"fresh": 3, "stale": 0, "missing": 0, "errors": 0, "waiting": 0},
    "formats": {"readable": ["png"], "unreadable": [{"name": "heic", "suffixes": [], "pictures": 0, "reason": "no"}]},
    "folders": [{"path": "/p", "state": "watching", "pictures": 3}],
    "confinement": [{"name": "memory", "holds": True, "how": "a limit"}],
    "warnings": [],
}


@contextmanager
def bound(path: Path) -> Iterator[sockets.socket]:
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        yield listener


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the socket is to be."""
    tmp_path.chmod(0o700)
    return tmp_path / "s"


def levels(path: Path | str) -> list[str]:
    return [one.level for one in running.socket(str(path))]


def test_a_socket_that_is_listened_on(place: Path) -> None:
    with bound(place) as listener:
        listener.listen()
        assert levels(place) == ["ok"]


def test_no_socket_and_a_stale_one(place: Path) -> None:
    (none,) = running.socket(str(place))
    assert (none.level, none.mend) == ("warning", running.START)
    with bound(place):
        pass
    (stale,) = running.socket(str(place))
    assert (stale.level, "was killed" in stale.what) == ("warning", True)
    assert running.status(str(place)) == (None, [])


def test_a_socket_that_is_no_socket_or_open_to_others(place: Path) -> None:
    place.write_text("")
    (file,) = running.socket(str(place))
    assert (file.level, file.mend) == ("fault", f"mv {place} {place}.aside")
    place.unlink()
    place.symlink_to("/nowhere")
    assert levels(place) == ["fault"]
    place.unlink()
    with bound(place) as listener:
        listener.listen()
        place.chmod(0o666)
        place.parent.chmod(0o755)
        directory, mode = running.socket(str(place))
        assert [directory.mend, mode.mend] == [f"chmod 700 {place.parent}", f"chmod 600 {place}"]
        for one in (directory, mode):
            assert one.level == "warning"
            subprocess.run(["sh", "-c", one.mend or ""], check=True)
        assert levels(place) == ["ok"]
    assert levels("/" + "x" * 200) == ["fault"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket away")
def test_a_socket_of_somebody_else(place: Path) -> None:
    with bound(place):
        os.chown(place, 65534, 65534)
        assert levels(place) == ["fault"]


def test_a_daemon_that_takes_no_calls(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PATIENCE", 0.2)
    with bound(place) as listener:
        listener.listen(0)
        held = []
        for _ in range(3):
            waiting = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
            waiting.setblocking(False)
            waiting.connect_ex(str(place))
            held.append(waiting)
        (said,) = running.socket(str(place))
        assert (said.level, said.mend) == ("fault", running.RESTART)
        told, (silent,) = running.status(str(place))
        assert (told, silent.level, silent.area) == (None, "fault", "daemon")
        for one in held:
            one.close()


def test_a_daemon_that_is_well(place: Path) -> None:
    with serving(place) as stub:
        stub.answers["/v1/status"] = FINE
        told, said = running.status(str(place))
    assert told == FINE
    assert worst(said) == "ok"
    assert Finding("ok", "daemon", f"{__version__} runs: idle") in said


@pytest.mark.parametrize(
    ("more", "area", "words", "mend"),
    [
        ({"version": "0.0.1"}, "daemon", "version 0.0.1 runs", running.RESTART),
        ({"state": "paused"}, "daemon", "is paused", "glimpse status says why"),
        (
            {"folders": [{"path": "/p", "state": "offline since 2026: gone", "pictures": 1}]},
            "folders",
            "/p: off",
            "moun",
        ),
        (
            {
                "folders": [{"path": "/p", "state": "scanning on a timer: raise fs.inotify.max_user_watches"}],
                "warnings": ["/p: scanning on a timer: raise fs.inotify.max_user_watches"],
            },
            "folders",
            "/p: scanning on a timer",
            None,
        ),
        ({"pictures": {**FINE["pictures"], "errors": 1}}, "pictures", "1 picture cannot", "glimpse errors names"),
        ({"pictures": {**FINE["pictures"], "errors": 1200}}, "pictures", "1,200 pictures cannot", "glimpse errors"),
        (
            {"formats": {"readable": [], "unreadable": [{"pictures": 7, "reason": "pip install pillow-heif"}]}},
            "formats",
            "7 pictures: ",
            "pip install pillow-heif",
        ),
        ({"encoder": {**FINE["encoder"], "phase": "failed"}}, "encoders", "in use: fallback", "glimpse model list"),
        (
            {"encoder": {**FINE["encoder"], "lost": [{"device": "cuda:0", "reason": "gone", "looked": 1}]}},
            "devices",
            "cuda:0 was lost: gone",
            running.RESTART,
        ),
        (
            {"confinement": [{"name": "network", "holds": False, "how": "old kernel"}]},
            "confinement",
            "network: old",
            "a",
        ),
        (
            {"warnings": ["3 pictures have lines in scripts …: install tesseract-ocr and tesseract-ocr-rus"]},
            "daemon",
            "3 pictures have lines",
            "sudo apt install tesseract-ocr tesseract-ocr-rus",
        ),
        (
            {"warnings": ["1 picture …: install the package of their language, such as tesseract-ocr-rus"]},
            "daemon",
            "1 picture",
            None,
        ),
    ],
)
def test_what_a_daemon_complains_of(more: dict[str, Any], area: str, words: str, mend: str | None) -> None:
    said = [one for one in running.daemon({**FINE, **more}) if one.level != "ok"]  # type: ignore[typeddict-item]  # of any shape
    assert [(one.area, words in one.what) for one in said] == [(area, True)], said
    assert (said[0].mend or "").startswith(mend or "")
    assert (said[0].mend is None) is (mend is None)


@pytest.mark.parametrize(
    ("mode", "owner", "warned"),
    [(0o700, 1000, False), (0o711, 1000, True), (0o711, 0, False), (0o755, 0, True), (0o733, 0, True)],
)
def test_a_directory_of_roots_may_be_passed_through(
    mode: int, owner: int, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert running._open_to_others(os.stat_result((mode, 0, 0, 0, owner, 0, 0, 0, 0, 0))) is warned
