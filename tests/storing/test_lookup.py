"""Candidates: by vector, by words, by filters alone."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.storing.making import puts, row, strong, unit

from glimpsed.records import Encoding, Filters
from glimpsed.storing import lookup, maintenance
from glimpsed.storing.columns import Columns
from glimpsed.storing.table import Table
from glimpsed.storing.writer import Writer

ALL = Filters()


async def test_the_nearest_vectors_come_first_with_their_cosine(table: Table, writer: Writer) -> None:
    rows = [row(n, missing_since=1.0 if n == 3 else None) for n in range(20)] + [row(20, vector=None, encoder=None)]
    await writer.commit(puts(rows))
    question = unit(5) + unit(6) * 0.5
    found = await table.nearest(question, strong=False, filters=ALL, k=50)
    assert len(found) == 19
    assert [path for path, _ in found[:2]] == [row(5).path, row(6).path]
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    length = float(np.linalg.norm(question))
    for path, score in found:
        wanted = float(question @ unit(int(path.removeprefix("/pictures/").removesuffix(".jpg")))) / length
        assert score == pytest.approx(wanted, abs=1e-5)
    gone = await table.nearest(question, strong=False, filters=Filters(missing=True), k=5)
    assert [path for path, _ in gone] == [row(3).path]
    assert len(await table.nearest(question, strong=False, filters=ALL, k=2)) == 2
    assert await table.nearest(question, strong=False, filters=ALL, k=0) == []


async def test_the_chosen_encoders_vectors_are_apart(table: Table, writer: Writer) -> None:
    question = unit(1, 8)
    assert await table.nearest(question, strong=True, filters=ALL, k=5) == []
    await writer.add_encoder("large", 8)
    assert await table.nearest(question, strong=True, filters=ALL, k=5) == []
    await writer.commit(puts([strong(1), strong(2), row(3)]))
    found = dict(await table.nearest(question, strong=True, filters=ALL, k=5))
    assert set(found) == {row(1).path, row(2).path}
    assert found[row(1).path] == pytest.approx(1.0, abs=1e-3)
    assert await table.nearest(unit(1, 9), strong=True, filters=ALL, k=5) == []
    assert await table.nearest(question, strong=True, filters=ALL, k=0) == []


async def test_encoders_of_one_dimension_never_see_each_others_vectors(table: Table, writer: Writer) -> None:
    question = unit(1, 8)
    for encoder in ("large", "other"):
        await writer.add_encoder(encoder, 8)
    twice = strong(3, by="other", others={"large": Encoding(-question)})
    await writer.commit(puts([strong(1), strong(2, by="other"), twice]))

    async def nearest(encoder: str | None = None) -> list[str]:
        return [path for path, _ in await table.nearest(question, strong=True, filters=ALL, k=5, encoder=encoder)]

    assert await nearest("large") == [row(1).path, row(3).path]
    assert set(await nearest("other")) == {row(2).path, row(3).path}
    assert await nearest("none") == []
    assert await nearest() == await nearest("other")  # the one added last, where nobody says
    table.chosen = lambda: "large"
    assert await nearest() == await nearest("large")
    table.chosen = lambda: "none"
    assert await nearest() == []


async def test_a_vector_without_direction_finds_nothing_and_breaks_nothing(table: Table, writer: Writer) -> None:
    await writer.commit(puts([row(1), row(2, vector=np.zeros_like(unit(2)))]))
    nothing: NDArray[np.float32] = np.zeros_like(unit(1))
    assert await table.nearest(nothing, strong=False, filters=ALL, k=5) == []
    assert [path for path, _ in await table.nearest(unit(1), strong=False, filters=ALL, k=5)] == [row(1).path]


TEXTS = {
    1: "the cat sat on the sea wall, with a dog and a man",
    2: "京都のラーメンの領収書",
    3: "北京到上海的火车票",
    4: "ใบเสร็จร้านอาหาร",
    5: "receta de gazpacho; Málaga, niño",
    6: "Traceback: ModuleNotFoundError no_module_named foo.bar",
    7: "",
    8: "поезд в Москву",
}


@pytest.mark.parametrize("maintained", [False, True])
async def test_words_are_found_in_any_script(table: Table, writer: Writer, maintained: bool) -> None:
    await writer.commit(puts(row(n, text=text) for n, text in TEXTS.items()))
    if maintained:
        assert await writer.maintain(force=True)
    for words, wanted in {
        "cat": 1,
        "sea": 1,
        "man": 1,
        "the": 1,
        "ラーメン": 2,
        "火车": 3,
        "อาหาร": 4,
        "GAZPACHO": 5,
        "malaga": 5,
        "ModuleNotFoundError": 6,
        "foo": 6,
        "module": 6,
        "Москву": 8,
        "unknown or gazpacho": 5,
    }.items():
        found = await table.match(words, ALL, 5)
        assert [path for path, _ in found][:1] == [row(wanted).path], words
        assert all(score > 0 for _, score in found)
    assert await table.match("nowhere", ALL, 5) == []
    assert await table.match("cat", ALL, 0) == []
    assert await table.match("cat", Filters(missing=True), 5) == []


ODD = ["", " ", '"', '"cat', "cat AND", "(cat", "cat*", "+cat -dog", "cat~2", "text:cat", "\\", "'", "%", "{}", "["]
LONG = ["a" * 100_000, "cat " * 20_000]
SIGNS = ["\0", "cat^9", "𓀀", "\ud83d", "؟", "\u202e", "🐈", "cat\udcff"]


@pytest.mark.parametrize("odd", [*ODD, *LONG, *SIGNS])
async def test_nothing_that_is_typed_breaks_a_search(table: Table, writer: Writer, odd: str) -> None:
    await writer.commit(puts([row(1, text="cat")]))
    found = await table.match(odd, ALL, 5)
    assert len(found) <= 1
    if "cat" in odd:
        assert found
    assert await table.frequency(odd) in (0, 1)


async def test_how_often_a_word_occurs_is_known_up_to_the_last_commit(table: Table, writer: Writer) -> None:
    await writer.commit(puts([row(n, text="rare thing" if n == 1 else "thing") for n in range(5)]))
    assert [await table.frequency(word) for word in ("rare", "thing", "Thing", "none", "rare")] == [1, 5, 5, 0, 1]
    await writer.commit(puts([row(2, text="rare"), row(3, text="thing", missing_since=1.0)]))
    assert [await table.frequency(word) for word in ("rare", "thing", "rare thing")] == [2, 3, 1]


async def test_what_is_remembered_of_words_is_bounded(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_REMEMBERED", 2)
    await writer.commit(puts([row(1, text="a b c")]))
    assert [await table.frequency(word) for word in "abcabc"] == [1] * 6


async def test_a_longer_list_of_recent_ones_begins_with_the_shorter(table: Table, writer: Writer) -> None:
    """Pages are cut from lists of different lengths: files of the same second must keep their order."""
    rows = [row(number, mtime_ns=1_700_000_000_000_000_000 + number * 37 % 100) for number in range(100)]
    await writer.commit(puts(rows))
    everything = [one.path for one in await table.recent(ALL, 100)]
    for k in (1, 7, 50, 99):
        assert [one.path for one in await table.recent(ALL, k)] == everything[:k]


async def test_recent_are_the_newest_by_date_or_by_file(table: Table, writer: Writer) -> None:
    day = 86_400_000_000_000
    await writer.commit(
        puts(
            [
                row(1, taken_at="2020-05-01T00:00:00", mtime_ns=day * 30_000),
                row(2, taken_at="2024-05-01T00:00:00", mtime_ns=0),
                row(3, mtime_ns=day * 19_000),  # January 2022
                row(4, mtime_ns=-(2**63) + 1),
                row(5, mtime_ns=2**63 - 1),
                row(6, missing_since=1.0),
            ]
        )
    )
    assert [one.inode - 10 for one in await table.recent(ALL, 9)] == [5, 2, 3, 1, 4]
    assert [one.inode - 10 for one in await table.recent(ALL, 2)] == [5, 2]


async def test_above_some_rows_the_index_answers_and_agrees(
    table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "EXACT_UP_TO", 1_000)
    monkeypatch.setattr(maintenance, "EXACT_UP_TO", 1_000)
    await writer.add_encoder("former", 8)
    await writer.add_encoder("large", 64)
    rows = [strong(n, length=64, path=f"/pictures/{n % 7}/{n}.jpg") for n in range(1_500)]
    await writer.commit(puts(rows))
    assert await writer.maintain(force=True)
    assert table.engine.vector_indices == {"vector", Columns("large", 64).strong}
    await writer.commit(puts([row(5_000), row(5_001, vector=None, encoder=None)]))
    question = unit(17) + 0.2 * unit(5_000)

    def best(count: int, place: str) -> list[str]:
        of = [*rows, row(5_000)]
        of.sort(key=lambda one: -float(question @ one.vector) if one.vector is not None else 0.0)
        return [one.path for one in of if one.path.startswith(place)][:count]

    found = await table.nearest(question, strong=False, filters=ALL, k=10)
    assert [path for path, _ in found[:2]] == best(2, "/")
    assert len({path for path, _ in found} & set(best(10, "/"))) >= 9
    narrow = await table.nearest(question, strong=False, filters=Filters(places=("/pictures/3",)), k=10)
    assert [path for path, _ in narrow] == best(10, "/pictures/3/")
    large = await table.nearest(unit(3, 64), strong=True, filters=ALL, k=3)
    assert large[0][0] == rows[3].path
    await writer.maintain(force=True)
    found = await table.nearest(unit(5_000), strong=False, filters=ALL, k=1)
    assert [path for path, _ in found] == [row(5_000).path]
    assert await writer.drop_encoders("small") == ["former", "large"]
    assert table.engine.vector_indices == {"vector"}
    assert await writer.maintain(force=True)
