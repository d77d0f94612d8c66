"""The whole way of a question, over a table and encoders in memory."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from tests.searching import fakes
from tests.searching.fakes import FALLBACK, STRONG, MemoryEncoders, MemoryTable, Settings, Weights, asked, row

from glimpsed.errors import QueryError, TableError, UsageError
from glimpsed.records import Encoding, Filters, Part, Row, Sparse
from glimpsed.searching import turning, words
from glimpsed.searching.ports import Answer
from glimpsed.searching.search import Search

ROWS = [
    row("/p/ramen.jpg", "Ramen in Kyoto", vector=[1, 0, 0], taken_at="2024-06-12T10:00:00"),
    row("/p/lake.jpg", "A quiet lake", vector=[0, 1, 0], taken_at="2023-01-01T10:00:00"),
    row("/p/scan.png", "Invoice 4711 melange", vector=[0, 0, 1], format="png", taken_at="2022-01-01T10:00:00"),
]


def a_search(
    rows: Sequence[Row] = ROWS, known: dict[str, fakes.Asked] | None = None, *, chosen: str = FALLBACK, **settings: Any
) -> tuple[Search, MemoryTable]:
    table = MemoryTable(rows)
    return Search(table, MemoryEncoders(known or {}, chosen), Settings(**settings), folders=["/p"]), table


def paths(answer: Answer) -> list[str]:
    return [hit.path for hit in answer.hits]


async def test_a_near_row_without_a_word_is_a_hit() -> None:
    search, _ = a_search(known={"soup": asked([0.9, 0.1, 0.2])})
    answer = await search.search("soup")
    assert paths(answer) == ["/p/ramen.jpg", "/p/scan.png", "/p/lake.jpg"]
    first = answer.hits[0]
    assert first.signals == {"dense": pytest.approx(0.9705, abs=1e-3)}
    assert (first.label, first.snippet) == ("caption", "Ramen in Kyoto")
    assert first.why == "by meaning: caption “Ramen in Kyoto”"
    assert (first.id, first.folder, first.taken_at, first.width, first.height) == (
        "/p/ramen.jpg",
        "/p",
        "2024-06-12T10:00:00",
        4,
        3,
    )
    assert answer.encoders == (FALLBACK,)
    assert answer.warnings == ()
    assert answer.took_ms > 0


async def test_a_rare_word_wins_over_the_nearest_row() -> None:
    search, _ = a_search(known={"melange": asked([1, 0, 0])})
    assert paths(await search.search("melange"))[0] == "/p/scan.png"


async def test_a_far_row_with_a_rare_word_wins_over_a_hundred_neighbours() -> None:
    rows = [row(f"/p/{i}.jpg", f"thing {i}", vector=[1, i / 1000, 0]) for i in range(300)]
    rows.append(row("/p/x.jpg", "long text with melange1900 in it", vector=[-1, 0, 0]))
    search, _ = a_search(rows, {"melange1900": asked([1, 0, 0])})
    answer = await search.search("melange1900")
    assert paths(answer)[:2] == ["/p/x.jpg", "/p/0.jpg"]
    assert "dense" not in answer.hits[0].signals  # it is no neighbour
    assert answer.hits[0].why == "caption, English: “long text with melange1900 in it”"


async def test_function_words_are_not_matched_unless_there_is_nothing_else() -> None:
    rows = [*ROWS, row("/p/a.jpg", parts=(Part("name", "a"),), vector=[0.5, 0.5, 0])]
    known = {"cats on a roof": asked([1, 0, 0]), "on a": asked([1, 0, 0])}
    search, table = a_search(rows, known)
    assert paths(await search.search("cats on a roof"))[0] == "/p/ramen.jpg"
    await search.search("on a")
    assert table.matched == ["cats roof", "on a"]


async def test_an_exact_name_is_first() -> None:
    rows = [
        row("/p/IMG_2041.JPG", parts=(Part("above", "IMG_2041"),), vector=[0, 1, 0]),
        row("/p/b.jpg", "img 2041 and IMG_2041x and more", vector=[1, 0, 0]),
    ]
    search, _ = a_search(rows, {"img_2041.jpg": asked([1, 0, 0])})
    answer = await search.search("img_2041.jpg")
    assert paths(answer)[0] == "/p/IMG_2041.JPG"
    assert answer.hits[0].score >= 0.9
    assert (answer.hits[0].why, answer.hits[0].certainty) == ("file name “IMG_2041”", "sure")


async def test_one_hit_a_picture_at_its_best_path() -> None:
    rows = [
        row("/p/one/x.jpg", "Ramen", vector=[0.5, 0.5, 0], content_id="same"),
        row("/p/two/ramen kyoto.jpg", "Ramen kyoto", vector=[1, 0, 0], content_id="same"),
        row("/p/three/y.jpg", "Ramen", vector=[0, 1, 0], content_id="other"),
        row("/p/broken1.jpg", "Ramen", content_id=""),
        row("/p/broken2.jpg", "Ramen", content_id=""),
    ]
    search, _ = a_search(rows, {"ramen kyoto": asked([1, 0, 0])})
    answer = await search.search("ramen kyoto")
    assert [(hit.id, hit.path, hit.also) for hit in answer.hits] == [
        ("same", "/p/two/ramen kyoto.jpg", ("/p/one/x.jpg",)),
        ("other", "/p/three/y.jpg", ()),
        ("", "/p/broken1.jpg", ()),
        ("", "/p/broken2.jpg", ()),
    ]


async def test_filters_hold_for_words_and_alone() -> None:
    search, _ = a_search(known={"ramen": asked([1, 0, 0])})
    assert paths(await search.search("ramen type:png")) == ["/p/scan.png"]
    newest = await search.search("in:/p before:2024")
    assert paths(newest) == ["/p/lake.jpg", "/p/scan.png"]
    assert newest.hits[0].why == "by date, newest first"
    assert newest.hits[0].snippet == "A quiet lake"
    assert newest.encoders == ()
    assert paths(await search.search("-nothing")) == ["/p/ramen.jpg", "/p/lake.jpg", "/p/scan.png"]
    assert paths(await search.search("in:p type:jpg")) == ["/p/ramen.jpg", "/p/lake.jpg"]


async def test_missing_rows_are_not_shown() -> None:
    rows = [ROWS[0], replace(ROWS[1], missing_since=1.0)]
    search, table = a_search(rows, {"lake": asked([0, 1, 0])})
    assert paths(await search.search("lake")) == ["/p/ramen.jpg"]

    async def match(question: str, filters: Filters, k: int) -> list[tuple[str, float]]:
        return [("/p/lake.jpg", 3.0), ("/p/forgotten.jpg", 2.0)]  # gone since the lists were made

    table.match = match  # type: ignore[method-assign]  # what another task may do between two reads
    assert paths(await search.search("lake")) == ["/p/ramen.jpg"]


async def test_the_chosen_encoder_has_the_say_over_its_rows() -> None:
    rows = [
        row("/p/a.jpg", "first", vector=[1, 0, 0], strong=[0, 1]),
        row("/p/b.jpg", "second", vector=[0.9, 0.2, 0], strong=[1, 0]),
        row("/p/c.jpg", "third", vector=[0.5, 0.5, 0]),
    ]
    question = fakes.Asked(asked([1, 0, 0]).fallback, Encoding(fakes.unit([1, 0])))
    search, _ = a_search(rows, {"which": question}, chosen=STRONG)
    answer = await search.search("which")
    assert paths(answer) == ["/p/b.jpg", "/p/a.jpg", "/p/c.jpg"]
    assert answer.encoders == (FALLBACK, STRONG)
    assert answer.hits[0].signals["dense"] == 1.0


async def test_sparse_weights_count_where_both_have_them() -> None:
    def sparse(**weights: float) -> Sparse:
        tokens = sorted(int(name[1:]) for name in weights)
        return Sparse(np.asarray(tokens, np.int32), np.asarray([weights[f"t{t}"] for t in tokens], np.float32))

    rows = [
        replace(row("/p/a.jpg", "x", vector=[1, 0, 0], strong=[1, 0]), sparse=sparse(t3=0.1)),
        replace(row("/p/b.jpg", "y", vector=[1, 0.1, 0], strong=[1, 0]), sparse=sparse(t3=0.4, t9=1.0)),
        row("/p/c.jpg", "z", vector=[0, 1, 0]),
    ]
    question = fakes.Asked(asked([1, 0, 0]).fallback, Encoding(fakes.unit([1, 0]), sparse(t3=0.5, t7=0.2)))
    search, _ = a_search(rows, {"word": question}, chosen=STRONG)
    answer = await search.search("word")
    assert [(hit.path, hit.signals.get("sparse")) for hit in answer.hits] == [
        ("/p/b.jpg", 0.2),
        ("/p/a.jpg", 0.05),
        ("/p/c.jpg", None),
    ]


async def test_without_an_encoder_the_words_alone_are_searched_for() -> None:
    search, _ = a_search(known={})
    answer = await search.search("kyoto")
    assert paths(answer) == ["/p/ramen.jpg"]
    assert answer.encoders == ()
    assert answer.warnings == ("searched by words alone: the encoder is gone",)


async def test_what_has_no_words_is_searched_for_by_meaning_alone() -> None:
    search, table = a_search(known={"🙂": asked([0, 1, 0])})
    assert paths(await search.search("🙂"))[0] == "/p/lake.jpg"
    assert table.matched == []


async def test_hits_below_the_least_score_are_left_out() -> None:
    search, _ = a_search(known={"ramen": asked([1, 0, 0])}, min_score=0.5)
    assert paths(await search.search("ramen")) == ["/p/ramen.jpg"]


async def test_weights_come_from_the_settings() -> None:
    search, _ = a_search(known={"melange": asked([1, 0, 0])}, weights=Weights(1, 0, 0, 0.01))
    assert paths(await search.search("melange"))[0] == "/p/ramen.jpg"


MANY = [row(f"/p/{i:04}.jpg", "thing", vector=[1, i / 5000, 0], mtime=i) for i in range(700)]


@pytest.mark.parametrize("question", ["thing", "type:jpg"])
async def test_pages_follow_one_another_and_end(question: str) -> None:
    search, _ = a_search(MANY, {"thing": asked([1, 0, 0])})
    whole = paths(await search.search(question, 1000))
    assert len(set(whole)) == len(MANY)
    turned: list[str] = []
    cursor = None
    while True:
        answer = await search.search(question, 300, cursor)
        turned += paths(answer)
        cursor = answer.next
        if cursor is None:
            break
    assert turned == whole


@pytest.mark.parametrize("question", ["thing", "type:jpg"])
async def test_copies_do_not_crowd_out_the_rest(question: str) -> None:
    rows = [replace(one, content_id="one") for one in MANY] + [row("/p/last.jpg", "else", vector=[0, 1, 0], mtime=-1)]
    search, _ = a_search(rows, {"thing": asked([1, 0, 0])})
    answer = await search.search(question, 10)
    assert [len(hit.also) for hit in answer.hits] == [len(MANY) - 1, 0]


@pytest.mark.parametrize("k", [0, -1, 1001])
async def test_a_wrong_number_of_hits_is_refused(k: int) -> None:
    search, _ = a_search()
    with pytest.raises(UsageError, match="from 1 to 1000"):
        await search.search("x", k)


async def test_paging_ends_at_the_farthest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "FARTHEST", 12)
    search, _ = a_search(MANY)
    first = await search.search("type:jpg", 10)
    second = await search.search("type:jpg", 10, first.next)
    assert len(second.hits) == 2
    assert second.next is None


async def test_a_question_not_understood_says_where() -> None:
    search, _ = a_search()
    with pytest.raises(QueryError, match="column 3"):
        await search.search("x nope:1")


async def test_a_failure_of_the_table_comes_as_it_is() -> None:
    search, table = a_search(known={"ramen": asked([1, 0, 0])})

    async def broken(*_: object, **__: object) -> list[tuple[str, float]]:
        raise TableError("the disk is gone")

    table.match = broken  # type: ignore[method-assign]  # what a disk may do
    with pytest.raises(TableError, match="the disk is gone"):
        await search.search("ramen")


async def test_rows_are_counted_again_only_when_a_tenth_may_be_new() -> None:
    rows = [row(f"/p/{i}.jpg", "x", vector=[1, 0, 0]) for i in range(2000)]
    search, table = a_search(rows, {"x": asked([1, 0, 0])})
    for version, counted in ((1, 1), (3, 1), (4, 1), (5, 2), (6, 2)):
        table.version = version
        await search.search("x", 1)
        assert table.counted == counted


async def test_a_pasted_page_is_searched_for_by_its_beginning() -> None:
    page = " ".join(f"word{i}" for i in range(500))[:4096]
    search, table = a_search(known={page: asked([1, 0, 0])})
    answer = await search.search(page)
    assert paths(answer)[0] == "/p/ramen.jpg"
    assert len(table.asked) == words.LOOKED_UP


class WatchedWeights:
    """Weights that note on which thread they are read."""

    sparse = 0.2
    colbert = 0.4
    text = 1.0

    def __init__(self) -> None:
        self.threads: set[int] = set()

    @property
    def dense(self) -> float:
        self.threads.add(threading.get_ident())
        return 0.4


@pytest.mark.parametrize(("length", "beside"), [(10, False), (1500, True)])
async def test_long_texts_are_weighed_beside_the_event_loop(length: int, beside: bool) -> None:
    rows = [
        row(f"/p/{i}.jpg", "wörter " * length + ("nadel" if i == 7 else "heu"), vector=[1, 0, 0]) for i in range(12)
    ]
    weights = WatchedWeights()
    search, _ = a_search(rows, {"nadel": asked([1, 0, 0])}, weights=weights)
    answer = await search.search("nadel")
    assert paths(answer)[0] == "/p/7.jpg"
    assert (threading.get_ident() not in weights.threads) is beside


@dataclass
class Clock:
    at: datetime

    def __call__(self) -> datetime:
        return self.at


async def test_today_goes_by_the_given_clock() -> None:
    table = MemoryTable(ROWS)
    search = Search(table, MemoryEncoders({}), Settings(), now=Clock(datetime(2024, 6, 12, 8)))
    assert paths(await search.search("after:today")) == ["/p/ramen.jpg"]
