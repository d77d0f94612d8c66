"""Two threads where there is room for them, one beside others that are busy."""

import ctypes
import os
from functools import partial
from pathlib import Path

import pytest

from glimpsed.encoding import threads
from glimpsed.encoding.fallback import Fallback
from glimpsed.encoding.threads import Threads, running_now


@pytest.mark.parametrize(
    ("cores", "running", "expected"),
    [(1, 1, 1), (2, 1, 2), (2, 2, 1), (2, 9, 1), (4, 1, 2), (4, 3, 2), (4, 4, 1), (64, 5, 2)],
)
def test_as_many_as_there_are_cores_for(cores: int, running: int, expected: int) -> None:
    assert Threads(lambda: running, cores).number() == expected


def test_who_runs_is_asked_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert running_now() >= 1
    monkeypatch.setattr(Path, "read_text", lambda *_: "0.1 0.2 0.3 7/300 4711")
    assert running_now() == 7
    monkeypatch.setattr(Path, "read_text", lambda *_: "nonsense")
    assert running_now() == 1


def test_the_library_takes_as_many_and_encodes_the_same() -> None:
    encoder = Fallback()
    path = threads.runtime()
    assert path is not None
    library = ctypes.CDLL(path)
    made = []
    for running in (1, 99):
        encoder._threads = Threads(partial(int, running), 2)
        made.append(encoder.encode([("a red bicycle",)], query=True)[0].dense)
        assert library.omp_get_max_threads() == (2 if running == 1 else 1)
    assert made[0] == pytest.approx(made[1], abs=1e-5)


def test_a_library_without_openmp_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "runtime", lambda: None)
    Threads().fit()
    monkeypatch.setattr(threads, "runtime", lambda: "/nonexistent/libgomp.so")
    Threads().fit()


def test_the_environment_is_as_it_was_once_the_library_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    with threads.spinning_briefly():
        assert os.environ["OMP_NUM_THREADS"] in ("1", "2")
        assert os.environ["GOMP_SPINCOUNT"] == "30000"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "GOMP_SPINCOUNT" not in os.environ
