"""A search through the daemon's socket beside the bare question encode and the bare LanceDB calls, in the same run.

    python bench/searching.py [--rows 10000 100000] [--questions 200] [--state DIR] [--encoder checkpoint]

The bare calls are what a plain script would do on the same table: encode the question, one vector search, one
full-text search, ten rows each. Both are asked one after the other, each question once. Idle first; then while pictures
are dropped continuously; then, in this process, where the time of a search goes.

`--encoder checkpoint` is another comparison: searches while a large encoder works beside those while it rests, see
`searching_large.py`.
"""

import argparse
import asyncio
import itertools
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import made_rows
import searching_large
from common import machine, memory, milliseconds, percentile
from tests.daemons import Daemon, running

from glimpsed.config import load
from glimpsed.encoding.encoders import Question
from glimpsed.encoding.fallback import FALLBACK_ID, Fallback
from glimpsed.searching.search import Search
from glimpsed.searching.vocabulary import Vocabulary
from glimpsed.storing.table import open_table

HITS = 10
REFINE = 25
"""Candidates that the bare search re-ranks for each hit: with 5, recall of the ten nearest is .79 instead of 1."""
WARM = 15
UNPLUGGED = Path("/nonexistent/unplugged/Pictures")
"""The folder of the made-up rows: it is offline, so that they stay and are found."""
GOALS = {"idle": 1.3, "while indexing": 2.0}


class Bare:
    """What a plain script would do with the encoder and the table."""

    def __init__(self, state: Path, encoder: Fallback) -> None:
        self._encoder = encoder
        self._runner = asyncio.Runner()
        self._table = self._runner.run(self._open(state))

    @staticmethod
    async def _open(state: Path) -> Any:
        import lancedb

        connection = await lancedb.connect_async(str(state / "table"))
        return await connection.open_table("pictures")

    def ask(self, question: str) -> None:
        vector = self._encoder.encode([(question,)], query=True)[0].dense
        self._runner.run(self._search(question, vector))

    async def _search(self, question: str, vector: Any) -> None:
        near = self._table.query().nearest_to(vector).distance_type("cosine").refine_factor(REFINE).limit(HITS)
        await near.select(["path", "text", "_distance"]).to_arrow()
        match = self._table.query().nearest_to_text(question).limit(HITS)
        await match.select(["path", "text", "_score"]).to_arrow()

    def close(self) -> None:
        self._runner.close()


def alternately(daemon: Daemon, bare: Bare, questions: Iterator[str], count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of searches through the daemon and of bare ones, in turn, no question twice."""
    through, plain = [], []
    for number in range(count + WARM):
        one = milliseconds(lambda: daemon.client.search(next(questions), k=HITS))
        other = milliseconds(lambda: bare.ask(next(questions)))
        if number >= WARM:
            through.append(one)
            plain.append(other)
    return through, plain


def compare(name: str, through: list[float], plain: list[float], idle: list[float]) -> None:
    """One line; `idle` is the bare time of an idle machine."""
    goal = GOALS[name]
    for share in (0.5, 0.99):
        daemon, bare, quiet = (percentile(values, share) for values in (through, plain, idle))
        ratio = daemon / quiet
        beside = "" if idle is plain else f"   {daemon / bare:5.2f} x the bare one beside it ({bare:.1f} ms)"
        print(
            f"  {name:<15} p{share * 100:<3.0f} daemon {daemon:7.1f} ms  bare {quiet:7.1f} ms  ratio {ratio:5.2f} "
            f"(goal {goal}){beside}"
        )


class Timed:
    """Anything, with the time that its coroutines take added up by name."""

    def __init__(self, of: Any, spent: dict[str, float], names: dict[str, str]) -> None:
        self._of, self._spent, self._names = of, spent, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._of, name)
        if name not in self._names:
            return found

        async def timed(*given: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return await found(*given, **named)
            finally:
                self._spent[self._names[name]] += time.perf_counter() - start

        return timed


async def where_it_goes(state: Path, questions: list[str], encoder: Fallback) -> None:
    """The same search, in this process, taken apart; parts run side by side, so they sum up to more than the whole."""

    async def encode(text: str) -> Question:
        made = await anyio.to_thread.run_sync(lambda: encoder.encode([(text,)], query=True))
        return Question(made[0], None)

    spent: dict[str, float] = defaultdict(float)
    reads = {"nearest": "vector", "match": "text", "frequency": "frequencies", "select": "select"}
    encoders = Timed(
        SimpleNamespace(question=encode, fallback_id=FALLBACK_ID, chosen_id=FALLBACK_ID), spent, {"question": "encode"}
    )
    async with open_table(str(state)) as table:
        vocabulary = Vocabulary(table)
        await vocabulary.update()
        settings = load(environment={"HOME": "/"}).search
        search = Search(Timed(table, spent, reads), encoders, settings, vocabulary=vocabulary)
        whole: list[float] = []
        for number, question in enumerate(questions):
            if number == WARM:
                spent.clear()
                whole.clear()
            answer = await search.search(question, HITS)
            whole.append(answer.took_ms)
        count = len(questions) - WARM
        parts = "  ".join(f"{name} {1000 * total / count:.1f}" for name, total in spent.items())
        print(f"  in one process  mean {statistics.fmean(whole):.1f} ms a search; of it, partly side by side: {parts}")


def one_size(rows: int, asked: Any, encoder: Fallback, questions: Iterator[str]) -> None:
    """All figures of a table of so many rows."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        folder = home / "dropped"
        folder.mkdir()
        state = home / "home" / "state"
        kept = Path(asked.state, str(rows)) if asked.state else None
        if kept is not None and kept.exists():
            shutil.copytree(kept, state)
        else:
            made_rows.make(str(state), rows, str(UNPLUGGED))
            if kept is not None:
                shutil.copytree(state, kept)
        print(f"{rows} rows")
        with running(home / "home", folder, UNPLUGGED, READ_OCR="false", LOG_LEVEL="info") as daemon:
            daemon.idle(rows)
            bare = Bare(state, encoder)
            through, idle = alternately(daemon, bare, questions, asked.questions)
            compare("idle", through, idle, idle)
            assert daemon.process is not None
            pids = [daemon.process.pid]
            print(f"  memory          {memory(pids)[pids[0]]:.0f} MB (PSS of the daemon's own process)")
            with made_rows.dropping(folder) as dropped:
                while daemon.client.status()["pictures"]["fresh"] < rows + 50:
                    time.sleep(0.2)
                before, start = daemon.counter("glimpsed_committed_rows_total"), time.perf_counter()
                through, beside = alternately(daemon, bare, questions, asked.questions)
                took = time.perf_counter() - start
                made = daemon.counter("glimpsed_committed_rows_total") - before
            compare("while indexing", through, beside, idle)
            print(f"  indexed meanwhile {made / took:.1f} pictures/s; dropped {dropped[0]} in all")
            bare.close()
        anyio.run(where_it_goes, state, list(itertools.islice(questions, asked.questions // 2 + WARM)), encoder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--state", help="keep the made tables here, and use those that are there")
    parser.add_argument("--encoder", choices=["fallback", "checkpoint"], default="fallback")
    asked = parser.parse_args()
    os.environ.setdefault("LANCEDB_LOG", "error")
    machine()
    if asked.encoder == "checkpoint":
        questions = iter(made_rows.questions(6 * len(asked.rows) * (asked.questions + WARM)))
        for rows in asked.rows:
            searching_large.one_size(rows, asked.questions, questions)
        return
    encoder = Fallback()
    questions = iter(made_rows.questions(6 * len(asked.rows) * (asked.questions + WARM)))
    for rows in asked.rows:
        one_size(rows, asked, encoder, questions)


if __name__ == "__main__":
    main()
