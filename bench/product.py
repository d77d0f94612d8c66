"""The daemon as a bench asks it: one index, asked again and again with other weights."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from common import progress
from questions import UnusableError
from tests.daemons import PATIENCE, Daemon, running

from glimpsed.client import Answer, Client, path_of
from glimpsed.config_values import Weights
from glimpsed.errors import QueryError

Asked = TypeVar("Asked")
Got = TypeVar("Got")

DEPTH = 20
"""Hits of each question that are looked at."""
CONNECTIONS = 2
"""Questions asked at a time."""
SIGNALS = frozenset(Weights._fields)
"""What this daemon can weigh."""
STRONG = frozenset({"sparse", "colbert"})
"""Signals that the fallback has not."""


@dataclass(frozen=True, slots=True)
class Run:
    """One way to ask the same index."""

    name: str
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of the signals, the others 0; none at all: as the product is shipped."""

    @property
    def alone(self) -> str | None:
        """The only signal that counts, if there is one."""
        return next(iter(self.weights)) if len(self.weights) == 1 else None

    def settings(self) -> dict[str, str]:
        """The variables, without their prefix, that make the daemon weigh so."""
        if not self.weights:
            return {}
        inner = ", ".join(f"{name} = {float(self.weights.get(name, 0.0))}" for name in Weights._fields)
        return {"SEARCH_WEIGHTS": f"{{ {inner} }}"}


PRODUCT = Run("product")
RUNS = (
    PRODUCT,
    Run("text", {"text": 1}),
    Run("dense", {"dense": 1}),
    Run("sparse", {"sparse": 1}),
    Run("colbert", {"colbert": 1}),
    Run("dense+sparse", {"dense": 0.4, "sparse": 0.2}),
    Run("dense+sparse+colbert", {"dense": 0.4, "sparse": 0.2, "colbert": 0.4}),
    Run("dense+text", {"dense": 1, "text": 1}),
    Run("dense+text 3:1", {"dense": 3, "text": 1}),
    Run("dense+text 1:3", {"dense": 1, "text": 3}),
)


def runs(wanted: Sequence[str] | None, *, strong: bool) -> tuple[Run, ...]:
    """The product and the runs of these names that the daemon can do, all that make sense unless `wanted`.

    Raises UnusableError for a name that is none.
    """
    names = [run.name for run in RUNS]
    if unknown := [name for name in wanted or () if name not in names]:
        raise UnusableError(f"there is no run {', '.join(unknown)}; there are {', '.join(names)}")
    return tuple(
        run
        for run in RUNS
        if (run is PRODUCT or run.name in wanted if wanted else True)
        and run.weights.keys() <= SIGNALS
        and (strong or not run.weights.keys() & STRONG)
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """What one question got."""

    paths: tuple[tuple[str, ...], ...] = ()
    """For each hit, best first, the paths of that picture."""
    labels: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    sure: tuple[bool, ...] | None = None
    """None where this daemon does not tell."""
    nothing_fits: bool | None = None
    """None where this daemon does not tell."""
    took_ms: float | None = None
    refused: str | None = None
    """Why the question was not understood."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is searched, and with what."""

    home: Path
    folder: Path
    encoder: Mapping[str, str]
    """Variables, without their prefix, that choose the encoder."""
    ocr: bool = True

    @contextmanager
    def started(self, more: Mapping[str, str]) -> Iterator[Daemon]:
        """A daemon on this index."""
        given = {**self.encoder, "READ_OCR": str(self.ocr).lower(), "LOG_LEVEL": "info", **more}
        with running(self.home, self.folder, **given) as daemon:
            yield daemon
            daemon.stop()


def wait_until_idle(daemon: Daemon) -> dict[str, Any]:
    """The status once nothing is left to do, and the chosen encoder is there to answer.

    Idle has to be told twice with the same counts: what is committed while a status is made may not be in it yet.
    """
    step, last = progress("indexing"), None
    while True:
        status: dict[str, Any] = dict(daemon.client.status())
        counts = status["pictures"]
        phase = status["encoder"]["phase"]
        rows = counts["fresh"] + counts["stale"] + counts["errors"] + counts["waiting"]
        notes = [*status["warnings"], *([] if phase == "ready" else [f"encoder {phase}"])]
        idle = status["state"] == "idle" and phase not in {"choosing", "loading"}
        if idle and counts == last:
            step(rows, rows, "done")
            return status
        step(counts["fresh"] + counts["errors"], rows, "; ".join(notes) or status["state"])
        last = counts if idle else None
        hurry(daemon.children())
        time.sleep(0.1)


def hurry(children: Iterable[int]) -> None:
    """Let the daemon's processes work beside others: by themselves they hardly get on while all cores are busy.

    It changes how long indexing takes, not what is found. What may not be changed stays as it is.
    """
    for child in children:
        with suppress(OSError):
            Path(f"/proc/{child}/autogroup").write_text("0")


def ask(setting: Setting, run: Run, questions: Sequence[str]) -> tuple[dict[str, Any], list[Reply]]:
    """Ask all questions of a daemon of its own with the weights of `run`, some at a time.

    First the folder is read to the end, words in the pictures included, where it was not before. The status then, and
    the replies in the questions' order. Raises UnusableError where there is no picture to find.
    """
    depth = DEPTH if run.alone is None else 3 * DEPTH  # what is sorted anew below may come from further down
    with setting.started(run.settings()) as daemon:
        status = wait_until_idle(daemon)
        if not status["pictures"]["fresh"]:
            raise UnusableError(f"{setting.folder}: no picture here can be read")
        warm(daemon, status["encoder"]["id"])

        def one(question: str) -> Reply:
            with Client(str(daemon.socket)) as client:
                try:
                    return reply(client.search(question, k=depth), run)
                except QueryError as error:
                    return Reply(refused=str(error))

        return status, over(one, questions, run.name)


def warm(daemon: Daemon, chosen: str) -> None:
    """Ask until the chosen encoder takes part: it is loaded by the first question."""
    end = time.monotonic() + PATIENCE
    while chosen not in daemon.client.search("warm up")["encoders"]:
        if time.monotonic() > end:
            raise UnusableError(f"the encoder {chosen} does not answer: {daemon.client.status()['encoder']}")
        time.sleep(0.1)


def over(one: Callable[[Asked], Got], questions: Sequence[Asked], name: str) -> list[Got]:
    """Each question's result in their order, CONNECTIONS at a time, with progress shown."""
    step, results = progress(name), []
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for number, result in enumerate(pool.map(one, questions), 1):
            results.append(result)
            step(number, len(questions), "")
    return results


def reply(answer: Answer, run: Run) -> Reply:
    """What matters of an answer. One signal alone ranks by that signal, without what else the product knows.

    (The product puts exact matches first whatever the weights are.)
    """
    hits: list[Mapping[str, Any]] = list(answer["hits"])
    if run.alone is not None:
        hits = [hit for hit in hits if hit["signals"].get(run.alone)]
        if run.alone != "text":
            hits.sort(key=lambda hit: -hit["signals"][run.alone])
    hits = hits[:DEPTH]
    said: Mapping[str, Any] = answer
    return Reply(
        paths=tuple((os.fsdecode(path_of(hit)), *hit["also"]) for hit in hits),
        labels=tuple(hit["label"] for hit in hits),
        scores=tuple(hit["score"] for hit in hits),
        sure=tuple(hit["certainty"] == "sure" for hit in hits) if all("certainty" in hit for hit in hits) else None,
        nothing_fits=said.get("nothing_fits"),
        took_ms=answer["took_ms"],
    )
