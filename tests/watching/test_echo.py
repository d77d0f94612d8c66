"""The thread that reads events is called, and answers where it can."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import wait_for

from glimpsed.watching import echo
from glimpsed.watching.echo import Echo
from glimpsed.watching.ignore import Ignore
from glimpsed.watching.observer import Observer


class Watch:
    """A watched folder, and a reader that can be held up."""

    def __init__(self, place: Path) -> None:
        self.folder, self.state = place / "folder", place / "state"
        self.folder.mkdir()
        self.state.mkdir()
        self.go_on = threading.Event()
        self.go_on.set()
        self.held = threading.Event()
        self.hints: list[str] = []
        self.observer = Observer(self._hint, lambda folder, reason: None)
        self.echo = Echo(str(self.state), self.observer)

    def _hint(self, path: str) -> None:
        if not self.go_on.is_set():
            self.held.set()
            self.go_on.wait()
        self.hints.append(path)

    def begin(self) -> None:
        assert self.observer.watch(str(self.folder), Ignore(str(self.folder), (), follow_symlinks=False)) is None

    @property
    def silent(self) -> bool:
        return self.echo.silence.overdue(time.monotonic()) is not None


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setattr(echo, "PATIENCE", 0.0)  # whoever was asked and has not answered yet is silent
    watch = Watch(tmp_path)
    with watch.observer:
        yield watch
        watch.go_on.set()


def test_a_reader_that_lives_answers_time_and_again(watch: Watch) -> None:
    watch.begin()
    for _ in range(3):
        watch.echo.call()
        assert wait_for(lambda: not watch.silent)
    assert watch.hints == []  # nobody is told of the call
    assert os.listdir(watch.state) == []
    assert watch.observer.watches == 1  # that of the folder


def test_a_reader_that_hangs_does_not(watch: Watch) -> None:
    watch.begin()
    watch.go_on.clear()
    (watch.folder / "picture.png").touch()
    watch.held.wait()
    watch.echo.call()
    watch.echo.call()
    assert wait_for(lambda: watch.silent)
    watch.go_on.set()
    assert wait_for(lambda: not watch.silent)


def test_where_nothing_is_watched_nobody_is_asked(watch: Watch) -> None:
    watch.echo.call()
    assert not watch.silent
    watch.begin()
    watch.observer.stop()
    watch.echo.call()
    assert not watch.silent


def test_a_directory_that_is_gone_says_nothing_of_the_reader(watch: Watch) -> None:
    watch.begin()
    watch.state.rmdir()
    watch.echo.call()
    assert not watch.silent


def test_a_call_that_hangs_is_not_made_twice(watch: Watch) -> None:
    watch.begin()
    queue = watch.observer._queue
    assert queue is not None
    with queue._lock:  # as a reader that is stuck in the library holds it
        caller = threading.Thread(target=watch.echo.call)
        caller.start()
        assert wait_for(lambda: watch.silent)
        watch.echo.call()  # comes back at once
    caller.join()
    assert wait_for(lambda: not watch.silent)


def test_an_overflow_is_an_answer(watch: Watch) -> None:
    watch.echo.silence.asked(0, 0)
    watch.echo.on_queue_overflow()
    assert not watch.silent
