"""How sure a hit is: what each threshold costs in recall and saves in false answers.

Questions with an answer: the tests' collection, and descriptions of Debian's tuxpaint-stamps-default (apt install it)
in other languages, each asked for its picture. Questions without: `unanswered`, and the questions of each set asked
of the other. All go the whole way over a real table with the bundled encoder; there is no daemon.

    python bench/certainty.py [--every N] [--cache FILE]
"""

import argparse
import pickle
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import common  # noqa: F401  finds the tests' collection
from tests.searching import collection, fakes
from unanswered import UNANSWERED

from glimpsed.encoding.fallback import FALLBACK_ID, Fallback
from glimpsed.reading import names
from glimpsed.reading.description import describe
from glimpsed.records import Change, Description, Encoding, Part, Row
from glimpsed.searching import certainty
from glimpsed.searching.certainty import Evidence, Judge
from glimpsed.searching.coverage import Asked
from glimpsed.searching.hits import Weighed
from glimpsed.searching.search import Search
from glimpsed.searching.vocabulary import Vocabulary
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer

STAMPS = Path("/usr/share/tuxpaint/stamps")
LANGUAGES = ("en_GB", "de", "fr", "es", "pt", "ru", "tr", "hi", "zh_CN", "ko", "ja", "ar")


@dataclass(frozen=True)
class Asking:
    """One question to one table."""

    kind: str
    language: str
    text: str
    wanted: str | None
    """None: there is no answer."""


@dataclass(frozen=True)
class Seen:
    """What came of it."""

    asking: Asking
    top: Evidence | None
    """Of the first hit."""
    best: tuple[Evidence, ...]
    """Of the first ten."""


class Encoders:
    """The fallback, asked once a text."""

    fallback_id = chosen_id = FALLBACK_ID

    def __init__(self) -> None:
        self._fallback = Fallback()

    def passages(self, texts: Sequence[tuple[str, ...]]) -> list[Encoding]:
        return self._fallback.encode(texts, query=False)

    async def question(self, text: str) -> fakes.Asked:
        return fakes.Asked(self._fallback.encode([(text,)], query=True)[0])

    async def colbert(self, *_: object, **__: object) -> dict[str, float]:
        return {}


class Noting(Judge):
    """A judge that notes what it was shown."""

    seen: list[Evidence]

    def sure(self, asked: Asked, found: Sequence[Weighed]) -> frozenset[str]:
        Noting.seen = certainty.evidence(asked, found)
        return frozenset()


def stamps() -> tuple[dict[str, Description], list[Asking]]:
    """The pictures by path, described by their English text and their name, and the questions."""
    pictures: dict[str, Description] = {}
    asked: list[Asking] = []
    for file in sorted(STAMPS.rglob("*.txt")):
        lines = file.read_text("utf-8").splitlines()
        if not lines or not lines[0].strip():
            continue
        path = f"/stamps/{file.relative_to(STAMPS).with_suffix('.png')}"
        pictures[path] = describe([], [Part("sidecar", lines[0]), *names.words(path, "/stamps")])
        said = dict(line.split(".utf8=", 1) for line in lines[1:] if ".utf8=" in line)
        asked += [
            Asking("stamps", language, said[language].strip(), path)
            for language in LANGUAGES
            if said.get(language, "").strip()
        ]
    return pictures, asked


def tests() -> tuple[dict[str, Description], list[Asking]]:
    """The same of the tests' collection."""
    pictures = {
        f"/tests/{path}": Description(collection.parts(path), "\n".join(said.values()), collection.encoded(path), "")
        for path, said in collection.PICTURES.items()
    }
    asked = [
        Asking("tests", "all", text, f"/tests/{path}") for text, path in collection.QUESTIONS + collection.HELD_OUT
    ]
    return pictures, asked


async def ask_all(pictures: dict[str, Description], asked: Sequence[Asking], encoders: Encoders) -> list[Seen]:
    """Every question to a table of these pictures."""
    vectors = encoders.passages([one.encoded for one in pictures.values()])
    rows = [
        Row(
            path=path,
            folder="/" + path.split("/")[1],
            content_id=f"{number:064x}",
            description=one.parts,
            text=one.text,
            text_id=f"{number}",
            vector=vector.dense,
            encoder=FALLBACK_ID,
        )
        for number, ((path, one), vector) in enumerate(zip(pictures.items(), vectors, strict=True))
    ]
    found = []
    with tempfile.TemporaryDirectory() as state:
        async with open_table(state) as table:
            writer = Writer(table)
            await writer.commit([Change(row.path, lambda current, row=row: row) for row in rows])  # type: ignore[misc]
            await writer.maintain(force=True)
            vocabulary = Vocabulary(table)
            await vocabulary.update()
            search = Search(table, encoders, fakes.Settings(), vocabulary=vocabulary, judges=lambda encoder: Noting())
            for one in asked:
                quoted = one.text.replace('"', " ").replace(":", " ")
                answer = await search.search(quoted or "?", 10)
                seen = {evidence.path: evidence for evidence in Noting.seen}
                best = tuple(seen[hit.path] for hit in answer.hits)
                found.append(Seen(one, best[0] if best else None, best))
    return found


async def gather(every: int) -> list[Seen]:
    encoders = Encoders()
    stamp_pictures, stamp_questions = stamps()
    test_pictures, test_questions = tests()
    none = [Asking("none", "all", text, None) for text in UNANSWERED]
    few = stamp_questions[::every]
    to_tests = [replace(one, kind="stamps to tests", wanted=None) for one in few[::4]]
    to_stamps = [replace(one, kind="tests to stamps", wanted=None) for one in test_questions]
    found = await ask_all(stamp_pictures, [*few, *none, *to_stamps], encoders)
    found += await ask_all(test_pictures, [*test_questions, *none, *to_tests], encoders)
    both = {**stamp_pictures, **test_pictures}
    return found + await ask_all(both, [replace(one, kind="tests in both") for one in test_questions], encoders)


def line(name: str, found: Sequence[Seen], sure: Callable[[Evidence], bool]) -> str:
    """How the first hits fare."""
    asked = [one for one in found if one.asking.wanted is not None]
    none = [one for one in found if one.asking.wanted is None]
    first = [one for one in asked if one.top and one.top.path == one.asking.wanted]
    wrong = [one for one in asked if one.top and one.top.path != one.asking.wanted]
    shares = [
        sum(one.top is not None and sure(one.top) for one in some) / max(1, len(some)) for some in (first, wrong, none)
    ]
    return f"{name:34} {shares[0]:8.3f} {shares[1]:8.3f} {shares[2]:8.3f}"


def report(found: Sequence[Seen]) -> None:
    measured = certainty.judge(FALLBACK_ID)
    head = f"{'share of first hits that are sure':34} {'right':>8} {'wrong':>8} {'no answer':>9}"
    print(head)
    off = Judge(covered=2.0, covered_near=2.0)
    for name, values in {
        "covered": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        "covered_near": (0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
        "cosine": (0.44, 0.48, 0.5, 0.52, 0.54, 0.56, 0.58, 0.6),
        "lead": (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08),
    }.items():
        for value in values:
            print(
                line(
                    f"{name} {value}",
                    found,
                    replace(off, **{name: value}).is_sure,  # type: ignore[arg-type]  # all these are floats
                )
            )
    for cosine in (0.4, 0.44, 0.46, 0.48, 0.5):
        for lead in (0.015, 0.025, 0.035):
            tried = replace(off, lead=lead, lead_cosine=cosine)
            print(line(f"lead {lead} and cosine {cosine}", found, tried.is_sure))
    print(line("exact alone", found, off.is_sure))
    print("\nas shipped")
    print(line("all", found, measured.is_sure))
    for kind in dict.fromkeys(one.asking.kind for one in found):
        print(line(kind, [one for one in found if one.asking.kind == kind], measured.is_sure))
    for language in LANGUAGES:
        some = [one for one in found if one.asking.language == language and one.asking.kind == "stamps"]
        print(line(f"stamps, {language}", some, measured.is_sure))
    answered = [one for one in found if one.asking.wanted]
    right = [one for one in answered if one.top and one.top.path == one.asking.wanted]
    print(f"\n{len(answered)} questions with an answer, {len(right)} right first; {len(found) - len(answered)} without")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--every", type=int, default=5, help="ask every Nth question of the stamps")
    parser.add_argument("--cache", type=Path, help="keep what was seen here, and use it where it is there")
    given = parser.parse_args()
    if not STAMPS.is_dir():
        sys.exit(f"{STAMPS} is not there; install tuxpaint-stamps-default")
    if given.cache and given.cache.exists():
        found = pickle.loads(given.cache.read_bytes())
    else:
        found = anyio.run(gather, given.every)
        if given.cache:
            given.cache.write_bytes(pickle.dumps(found))
    report(found)


if __name__ == "__main__":
    main()
