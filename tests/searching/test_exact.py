"""Phrases and exclusions, to the letter."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.searching import fakes
from tests.searching.fakes import MemoryEncoders, MemoryTable, Settings, asked, row
from tests.searching.test_contract import memory, real, vector

from glimpsed.filters import Filters
from glimpsed.folding import fold
from glimpsed.records import Part, Row
from glimpsed.searching import ports
from glimpsed.searching import search as module
from glimpsed.searching.exact import Demands, holds
from glimpsed.searching.query import Query
from glimpsed.searching.search import Search


@pytest.mark.parametrize(
    ("text", "phrase", "held"),
    [
        ("Total: $12.40", "total: $12.40", True),
        ("Total: $12.40", "total $12.40", False),
        ("Total: $12.40", "12.4", False),
        ("Zürich\nHBF", "ZURICH hbf", True),
        ("category", "cat", False),
        ("the cat", "cat", True),
        ("cats cat", "cat", True),
        ("cat_1", "cat", True),
        ("京都的拉面收据", "面收", True),
        ("ﾗｰﾒﾝ", "ラーメン", True),
        ("IMG_2041", "2041", True),
        ("IMG_2041x", "2041", False),
        ("C++", "c++", True),
        ("#tag", "#tag", True),
        ("", "x", False),
        ("שלום עולם", "עולם", True),
    ],
)
def test_a_phrase_stands_for_itself(text: str, phrase: str, held: bool) -> None:
    assert holds(fold(text), fold(phrase)) is held


def test_a_row_meets_what_is_demanded_of_it() -> None:
    one = row("/p/Beach day.jpg", parts=(Part("caption", "Red car"), Part("ocr", "Blue house")))

    def met(row: Row = one, **query: object) -> bool:
        return Demands(Query(**query)).met(row)  # type: ignore[arg-type]  # Query's own fields

    assert met()
    assert met(phrases=("red car", "beach DAY.jpg"))
    assert not met(phrases=("red car", "car blue"))
    assert not met(phrases=("red car blue house",))
    assert not met(excluded=("house",))
    assert not met(excluded=("day",))
    assert met(excluded=("hous", "\u0301"))
    assert met(filters=Filters(has_text=True))
    assert not met(filters=Filters(without=(Filters(has_text=True),)))
    assert not met(filters=Filters(has_text=True, without=(Filters(has_text=True),)))
    assert not met(filters=Filters(missing=True))
    assert met(replace(one, missing_since=1.0), filters=Filters(missing=True))
    plain = replace(one, description=())
    assert met(plain, filters=Filters(without=(Filters(has_text=True),)))
    assert not met(plain, filters=Filters(has_text=True))


ROWS = [
    row("/p/far.jpg", "a note: pay the bill", vector=vector(-1, 0), mtime=-1),
    *(row(f"/p/{n}.jpg", f"bill the pay {n}", vector=vector(1, n / 1000)) for n in range(200)),
    row("/p/scan 面收.jpg", "京都的拉面收据", vector=vector(-1, 0.1), mtime=-1),
]


@pytest.mark.parametrize("opened", [memory, real])
@pytest.mark.parametrize(
    ("question", "paths"),
    [
        ('"pay the bill"', ["/p/far.jpg"]),
        ('"PAY  the bill" type:jpg', ["/p/far.jpg"]),
        ('"pay the bill" "a note:"', ["/p/far.jpg"]),
        ('"pay the bill" -note', []),
        ('"拉面收"', ["/p/scan 面收.jpg"]),
        ('"SCAN 面收.jpg"', ["/p/scan 面收.jpg"]),
        ("pay -bill", ["/p/scan 面收.jpg"]),
        ("-bill", ["/p/scan 面收.jpg"]),
        ('-"bill the pay" type:jpg', ["/p/scan 面收.jpg", "/p/far.jpg"]),
        ("-has:text -bill", ["/p/scan 面收.jpg"]),
        ("has:text bill", []),
    ],
)
async def test_what_is_demanded_holds_of_every_hit(
    opened: Callable[[list[Row], Path], AbstractAsyncContextManager[ports.Table]],
    tmp_path: Path,
    question: str,
    paths: list[str],
) -> None:
    class Anything(MemoryEncoders):
        async def question(self, text: str) -> fakes.Asked:
            return asked(vector(1, 0))

    async with opened(ROWS, tmp_path / "state") as table:
        answer = await Search(table, Anything({}), Settings()).search(question, 10)
    assert [hit.path for hit in answer.hits] == paths
    assert answer.warnings == ()


@pytest.mark.parametrize("question", ["-bill", "pay -bill"])
async def test_that_not_all_was_looked_through_is_told(monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    monkeypatch.setattr(module, "LARGEST_POOL", 130)
    search = Search(MemoryTable(ROWS), MemoryEncoders({"pay": asked(vector(1, 0))}), Settings())
    answer = await search.search(question)
    assert answer.hits == ()
    assert answer.warnings == ("only the first 130 pictures were looked through: there may be more that fit",)
