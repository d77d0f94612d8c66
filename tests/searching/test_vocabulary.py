"""A part of a word, or another spelling of it, finds the words of the index."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searching import fakes
from tests.storing.making import put
from tests.waiting import until

from glimpsed.errors import TableError
from glimpsed.folding import fold
from glimpsed.searching import coverage, vocabulary, words
from glimpsed.searching.forms import of_word
from glimpsed.searching.vocabulary import COMMON, MOST, Vocabulary, Words
from glimpsed.storing.table import open_table
from glimpsed.storing.words import NewTexts, count
from glimpsed.storing.writer import Writer

WORDS = [
    "Fahrticket", "receipt", "receipts", "reception", "Zürich", "ＡＢＣ", "ﾗｰﾒﾝ", "البيت", "والبيت", "מהבית", "ёлка",
    "영수증을", "카페영수증", "İstanbul", "on", "Recherche", "مُحَمَّد",
]  # fmt: skip


def found(word: str, *, part: bool = False, words: Iterable[str] = WORDS) -> list[str]:
    return [one for one, _ in Words.made(words).matching(of_word(fold(word), part=part))]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("recei", ["receipt", "receipts"]),
        ("recep", ["reception"]),
        ("ticket", ["fahrticket"]),
        ("zuri", ["zurich"]),
        ("البي", ["البيت", "والبيت"]),
        ("on", ["on"]),
        ("xyzzy", []),
    ],
)
def test_a_part_of_a_word(word: str, expected: list[str]) -> None:
    assert found(word, part=True) == expected


@pytest.mark.parametrize(
    ("word", "expected"), [("receipt", ["receipt", "receipts"]), ("بيت", ["البيت", "والبيت"]), ("בית", ["מהבית"])]
)
def test_other_forms_of_a_word(word: str, expected: list[str]) -> None:
    assert found(word) == expected


@pytest.mark.parametrize(
    ("word", "spelled"),
    [
        ("zurich", ("zurich",)),  # the index folds it, too
        ("ラーメン", ("ﾗｰﾒﾝ",)),
        ("елка", ("ёлка",)),
        ("محمد", ("مُحَمَّد",)),
        ("istanbul", ("İstanbul",)),
        ("whatever", ("whatever",)),
    ],
)
def test_the_index_is_asked_as_it_has_a_word(word: str, spelled: tuple[str, ...]) -> None:
    assert Words.made(WORDS).spelled(word) == spelled


def test_korean_words_are_found_with_what_is_glued_to_them() -> None:
    assert coverage.runs("영수증을 찾아줘") == ("영수증", "찾아줘")
    assert list(dict.fromkeys(Words.made(WORDS).holding("영수증"))) == ["영수증을", "카페영수증"]


def test_no_more_than_a_few_the_most_common_first() -> None:
    words = [f"receipt{'abcdefghij'[i % 10]}{'abcdefghij'[i // 10]}" for i in range(100)]
    made = Vocabulary(Counting([]))
    made._base = Words.made(words)
    forms = made.forms(of_word("recei", part=True))
    assert list(forms) == words[:MOST]
    assert len(made.holding("receipt")) == MOST


@given(st.lists(st.text("abé ßﬁ\n", min_size=1, max_size=6), max_size=20), st.text("abes", min_size=2, max_size=5))
@settings(deadline=None, max_examples=150)
def test_what_is_found_is_a_form_and_all_forms_are_found(words: list[str], word: str) -> None:
    words = [one for text in words for one in text.split()]
    form = of_word(word)
    expected = {fold(one) for one in words if form.strength(fold(one))}
    assert set(found(word, words=words)) == expected


@dataclass
class Told:
    """Words as the table counts them."""

    said: Sequence[str]
    rows: int = 1

    def words(self, most: int) -> Sequence[str]:
        return self.said[:most]

    def common(self, least: int, most: int) -> Mapping[str, int]:
        return {}


@dataclass
class Counting:
    """A table that says which words it has, and how often it was asked for all."""

    all: list[str]
    version: int = 1
    new: list[str] | None = field(default_factory=list)
    read: int = 0
    broken: bool = False

    async def wait_changed(self, since: int) -> None:
        await until(lambda: self.version != since)

    async def words(self) -> Told:
        self.read += 1
        if self.broken:
            raise TableError("the disk is gone")
        return Told(self.all)

    async def new_words(self) -> Told | None:
        return None if self.new is None else Told(self.new)


async def test_new_rows_are_read_alone_and_all_again_where_they_were_too_many() -> None:
    table = Counting(["receipt"])
    made = Vocabulary(table)
    await made.update()
    table.new = ["Quittung"]
    await made.update()
    assert table.read == 1
    assert made.words == 2
    assert list(made.forms(of_word("quit", part=True))) == ["quittung"]
    assert list(made.forms(of_word("recei", part=True))) == ["receipt"]
    table.new = None
    await made.update()
    assert table.read == 2
    assert made.words == 1


async def test_after_many_new_rows_the_table_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_RECENT", 2)
    table = Counting(["receipt"])
    made = Vocabulary(table)
    await made.update()
    table.new = ["one", "two", "three"]
    await made.update()
    await made.update()
    assert table.read == 2


async def test_it_follows_the_table_in_the_background_and_survives_its_failures() -> None:
    table = Counting(["receipt"], broken=True)
    made = Vocabulary(table)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.run)
        await until(lambda: table.read)
        table.broken = False
        await until(lambda: made.words == 1)
        table.new, table.version = ["Quittung"], 2
        with anyio.fail_after(10):
            while made.words < 2:
                await made.wait_newest()
        tasks.cancel_scope.cancel()


async def test_nobody_waits_for_the_first_reading() -> None:
    made = Vocabulary(Counting([]))
    with anyio.fail_after(5):
        await made.wait_newest()
    assert made.words == 0
    assert made.forms(of_word("receipt")) == {}


async def test_the_real_table_counts_its_words(tmp_path: Path) -> None:
    texts = ["Receipt receipt receipt, 京都 RECEIPT", "ﾗｰﾒﾝ: user_id=5", "gone"]
    rows = [
        fakes.row(f"/p/{i}.jpg", text, missing_since=1.0 if text == "gone" else None) for i, text in enumerate(texts)
    ]
    async with open_table(str(tmp_path / "state")) as table:
        writer = Writer(table)
        assert await table.new_words() is None  # nobody has asked: nothing is kept
        await writer.commit([put(row) for row in rows])
        counted = await table.words()
        assert counted.rows == 2
        assert set(counted.words(100)) == {"Receipt", "receipt", "RECEIPT", "ﾗｰﾒﾝ", "user", "id"}
        await writer.commit([put(fakes.row("/p/new.jpg", "Quittung")), put(rows[0])])
        fresh = await table.new_words()
        assert fresh is not None
        assert fresh.words(10) == ["Quittung"]  # the other row was there before
        empty = await table.new_words()
        assert empty is not None
        assert empty.words(10) == []


def test_new_texts_are_bounded() -> None:
    texts = NewTexts()
    texts.note(["x"])
    assert texts.take() is None
    texts.start()
    texts.note(["one", "two"])
    assert texts.take() == ["one", "two"]
    texts.note(["x" * 1_000_000] * 3)
    assert texts.take() is None
    assert count([]).words(5) == []


@given(st.lists(st.lists(st.sampled_from(["cat", "Cat", "roof", "京都", "ночь"]), max_size=6), max_size=12))
@settings(deadline=None, max_examples=50)
def test_words_are_counted_by_the_texts_that_hold_them(texts: list[list[str]]) -> None:
    counted = count([", ".join(words) for words in texts])
    counted.add(pa.array(["cat"], pa.utf8()))
    held = Counter(word for words in [*texts, ["cat"]] for word in set(words) if word != "京都")
    assert counted.common(1, 100) == held
    assert counted.common(3, 100) == {word: rows for word, rows in held.items() if rows >= 3}
    assert len(counted.common(1, 1)) == 1
    assert counted.words(1)[0] in [word for word, rows in held.items() if rows == max(held.values())]
    assert count([]).common(1, 10) == {}


async def test_how_common_a_word_is_need_not_be_asked_of_the_table(tmp_path: Path) -> None:
    towns = ("Zürich", "zurich", "Bern", "BERN")
    texts = [f"{towns[i % 4]} café {'lake' if i < COMMON else 'hill'} {i}" for i in range(4 * COMMON)]
    async with open_table(str(tmp_path / "state")) as table:
        await Writer(table).commit([put(fakes.row(f"/p/{i}.jpg", text)) for i, text in enumerate(texts)])
        made = Vocabulary(table)
        assert made.frequency("lake") is None
        await made.update()
        for word in ("lake", "hill", "zurich", "bern", "cafe"):
            assert made.frequency(word) == await table.frequency(word)
        assert made.frequency("7") is None


async def test_the_table_is_asked_for_what_the_vocabulary_does_not_know() -> None:
    class Known(Vocabulary):
        def frequency(self, word: str) -> int | None:
            return 900 if word == "cat" else None

    table = fakes.MemoryTable([fakes.row("/p/1.jpg", "Katze")])
    weighed = await words.weigh("cat Katze", (), table, Known(Counting([])), 1000)
    assert table.asked == ["katze"]
    by_word = {term.text: weight for term, weight in zip(weighed.asked.terms, weighed.asked.weights, strict=True)}
    assert by_word["katze"] > by_word["cat"]
