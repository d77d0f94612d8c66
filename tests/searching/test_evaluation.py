"""The picture that the person means is first: a realistic collection, the real encoder, the real table."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.searching import collection, fakes
from tests.searching.collection import HELD_OUT, PICTURES, QUESTIONS

from glimpsed.encoding.fallback import FALLBACK_ID, Fallback
from glimpsed.records import Change, Encoding, Row
from glimpsed.searching.ports import Table
from glimpsed.searching.search import Search
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer

Vector = NDArray[np.float32]

SECOND = {
    # What the picture holds is said in another language, not one word is shared, and the fallback's vectors put
    # another picture first: nothing but a stronger encoder helps.
    "拉面收据": "発票 is Chinese for an invoice too, the receipt itself is Japanese",
    "パンダ": "one word in kana against one in Han",
    "寿司": "one word in Han against English",
    "cough syrup from the pharmacy": "to the fallback a vaccination is as near as a Spanish pharmacy",
    "Seerosen von Monet": "the poster says les nymphéas",
    # And another picture shares a word besides.
    "fireworks and live music in the town square": "keywords of another picture: fireworks",
    "grandmother baking an apple cake": "a chat about grandma's lemon cake",
    "red car in front of the town hall": "the caption in French; the red bicycle's is in English",
}
"""Questions whose picture need not come first, and why; it is in the first four."""


class Encoders:
    """The fallback's encodings of the questions."""

    fallback_id = chosen_id = FALLBACK_ID

    def __init__(self, known: dict[str, Vector]) -> None:
        self.known = known

    async def question(self, text: str) -> fakes.Asked:
        return fakes.Asked(Encoding(self.known[text]))

    async def colbert(self, *_: object, **__: object) -> dict[str, float]:
        return {}


@pytest.fixture(scope="module")
def vectors() -> tuple[dict[str, Vector], dict[str, Vector]]:
    """Of the pictures by path, and of the questions."""
    fallback = Fallback()
    pictures = fallback.encode([collection.encoded(path) for path in PICTURES], query=False)
    questions = fallback.encode([(text,) for text, _ in QUESTIONS + HELD_OUT], query=True)
    fallback.close()
    return (
        {path: one.dense for path, one in zip(PICTURES, pictures, strict=True)},
        {text: one.dense for (text, _), one in zip(QUESTIONS + HELD_OUT, questions, strict=True)},
    )


def row(path: str, number: int, vector: Vector) -> Row:
    made = fakes.row(f"/pictures/{path}", parts=collection.parts(path), vector=vector, content_id=f"{number:064x}")
    assert made.vector is not None
    return made


def change(made: Row) -> Change:
    return Change(made.path, lambda current: made)


@pytest.fixture
async def places(vectors: tuple[dict[str, Vector], dict[str, Vector]], tmp_path: Path) -> AsyncIterator["Places"]:
    pictures, questions = vectors
    rows = [row(path, number, vector) for number, (path, vector) in enumerate(pictures.items())]
    async with open_table(str(tmp_path / "state")) as table:
        await Writer(table).commit([change(one) for one in rows])
        yield Places(table, Encoders(questions))


class Places:
    """At which place each question finds its picture."""

    def __init__(self, table: Table, encoders: Encoders) -> None:
        self.table = table
        self.encoders = encoders

    async def by(self, weights: fakes.Weights, questions: Sequence[tuple[str, str]] = QUESTIONS) -> dict[str, int]:
        search = Search(self.table, self.encoders, fakes.Settings(weights))
        found: dict[str, int] = {}
        for text, wanted in questions:
            answer = await search.search(text, len(PICTURES))
            paths = [hit.path.removeprefix("/pictures/") for hit in answer.hits]
            found[text] = paths.index(wanted) + 1 if wanted in paths else len(PICTURES) + 1
        return found


async def test_the_picture_that_is_meant_comes_first(places: Places) -> None:
    found = await places.by(fakes.Weights())
    not_first = {text: place for text, place in found.items() if place > 1}
    assert not_first.keys() <= SECOND.keys()
    assert max(not_first.values(), default=1) <= 4


async def test_questions_that_nothing_was_tuned_on_do_as_well(places: Places) -> None:
    found = await places.by(fakes.Weights(), HELD_OUT)
    assert sum(place == 1 for place in found.values()) >= 0.88 * len(HELD_OUT)
    assert max(found.values()) <= 3


async def test_fused_is_better_than_either_alone(places: Places) -> None:
    fused, dense, text = [
        sum(1 / place for place in (await places.by(weights)).values()) / len(QUESTIONS)
        for weights in (fakes.Weights(), fakes.Weights(1, 0, 0, 0), fakes.Weights(0, 0, 0, 1))
    ]
    assert fused > max(dense, text)
    assert fused > 0.9


async def test_a_file_named_like_a_function_word_is_no_answer(places: Places) -> None:
    search = Search(places.table, places.encoders, fakes.Settings())
    answer = await search.search("cats on a roof", 10)
    paths = [hit.path for hit in answer.hits]
    assert paths[0] == "/pictures/pets/roof.jpg"
    assert "/pictures/misc/a.png" not in paths[:5]
    assert "/pictures/misc/on.png" not in paths[:5]


async def test_every_hit_says_why(places: Places) -> None:
    search = Search(places.table, places.encoders, fakes.Settings())
    for text, _ in QUESTIONS[:10]:
        for hit in (await search.search(text, 10)).hits:
            assert hit.why
            assert hit.label
            assert hit.snippet
            assert 0 <= hit.score <= 1


async def test_searches_do_not_disturb_one_another(places: Places) -> None:
    search = Search(places.table, places.encoders, fakes.Settings())
    alone = [(await search.search(text, 5)).hits for text, _ in QUESTIONS[:8]]
    together: dict[str, object] = {}

    async def ask(text: str) -> None:
        together[text] = (await search.search(text, 5)).hits

    async with anyio.create_task_group() as tasks:
        for text, _ in QUESTIONS[:8]:
            tasks.start_soon(ask, text)
    assert [together[text] for text, _ in QUESTIONS[:8]] == alone
