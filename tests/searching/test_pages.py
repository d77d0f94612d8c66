"""Pages of one answer fit together, whatever becomes of the index meanwhile."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searching import fakes
from tests.searching.fakes import MemoryEncoders, MemoryTable, Settings, asked, row
from tests.searching.test_contract import change, memory, real, vector

from glimpsed.errors import QueryError, UsageError
from glimpsed.filters import Fields
from glimpsed.records import Row
from glimpsed.searching import pages, ports
from glimpsed.searching.pages import Kept, Pages
from glimpsed.searching.ports import Answer, Hit, Sort
from glimpsed.searching.search import FORGOTTEN, Search
from glimpsed.storing.table import Table
from glimpsed.storing.writer import Writer

QUESTIONS = {"thing": "relevance", "type:jpg": "date", "-nothing": "name", "thing -nothing": "name"}


@dataclass
class Clock:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


class Anything(MemoryEncoders):
    async def question(self, text: str) -> fakes.Asked:
        return asked(vector(1, 0))


def a_search(table: ports.Table, clock: Clock | None = None) -> Search:
    return Search(table, Anything({}), Settings(), clock=clock or Clock())


def thing(number: int, **fields: Any) -> Row:
    """One of many rows, each of a place of its own by nearness, by date and by name."""
    given: dict[str, Any] = {"vector": vector(1, number / 5000), "mtime": -number} | fields
    return row(f"/p/{number:04}.jpg", "thing", **given)


def paths(answer: Answer) -> list[str]:
    return [hit.path for hit in answer.hits]


async def turned(search: Search, question: str, k: int, sort: Sort, begin: str | None = None) -> list[str]:
    """All pages from a cursor on."""
    found: list[str] = []
    cursor = begin
    while True:
        answer = await search.search(question, k, cursor, sort=sort)
        found += paths(answer)
        cursor = answer.next
        if cursor is None:
            return found


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "vanish", "change", "move", "overwrite"]),
        st.lists(st.integers(0, 399), max_size=30),
    ),
    max_size=6,
)


def changed(table: MemoryTable, step: tuple[str, list[int]]) -> None:
    """What a daemon may do to some rows between two pages."""
    kind, numbers = step
    for number in numbers:
        path = f"/p/{number:04}.jpg"
        one = table.rows.get(path)
        if kind == "add":
            # Before, between and after those that are there.
            other = thing(number, vector=vector(1, number / 5000 + 1e-5), mtime=-number)
            table.rows.setdefault(
                f"/p/{number:04}b.jpg", replace(other, path=f"/p/{number:04}b.jpg", content_id=f"b{number}")
            )
        elif one is None:
            continue
        elif kind == "vanish":
            table.rows[path] = replace(one, missing_since=1.0)
        elif kind == "change":
            table.rows[path] = replace(one, taken_at="2030-01-01", vector=fakes.unit(vector(0, 1)))
        elif kind == "move":
            table.rows[path] = replace(one, missing_since=1.0)
            new = f"/p/moved/{number:04}.jpg"
            table.rows[new] = replace(one, path=new)
        else:
            table.rows[path] = replace(one, content_id=f"other {number}")
    table.version += 1


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(QUESTIONS)), st.integers(1, 60), st.integers(0, 150), STEPS)
async def test_no_hit_comes_twice_and_none_is_lost(
    question: str, k: int, rows: int, steps: list[tuple[str, list[int]]]
) -> None:
    sort: Sort = QUESTIONS[question]  # type: ignore[assignment]  # they are
    table = MemoryTable([thing(number) for number in range(rows)])
    search = a_search(table)
    order = paths(await search.search(question, 1000, sort=sort))
    before = dict(table.rows)
    shown: list[Hit] = []
    left = list(steps)
    cursor = None
    while True:
        answer = await search.search(question, k, cursor, sort=sort)
        assert answer.warnings == ()
        for hit in answer.hits:
            there = table.rows[hit.path]
            assert (there.missing_since, there.content_id) == (None, hit.id)
        shown += answer.hits
        cursor = answer.next
        if cursor is None:
            break
        assert len(answer.hits) == k
        if left:
            changed(table, left.pop(0))
    assert len({hit.path for hit in shown}) == len(shown)
    assert len({hit.id for hit in shown}) == len(shown)
    # Those to which nothing happened come in their first order, without a gap.
    untouched = [path for path in order if table.rows[path] is before[path]]
    assert [hit.path for hit in shown if hit.path in set(untouched)] == untouched
    # A picture that moved is still found, under one of its paths.
    ids = {one.content_id for one in table.rows.values() if one.missing_since is None} & set(before)
    assert ids <= {hit.id for hit in shown}


@pytest.mark.parametrize("opened", [memory, real])
@pytest.mark.parametrize(("question", "sort"), QUESTIONS.items())
async def test_pages_keep_their_order_while_rows_come_and_go(
    opened: Callable[[list[Row], Path], AbstractAsyncContextManager[ports.Table]],
    tmp_path: Path,
    question: str,
    sort: Sort,
) -> None:
    rows = [thing(number) for number in range(260)]
    async with opened(rows, tmp_path / "state") as table:
        search = a_search(table)
        whole = await turned(search, question, 100, sort)
        assert len(set(whole)) == len(whole) == 260
        first = await search.search(question, 20, sort=sort)
        gone = {whole[30], whole[150]}
        new = [
            replace(thing(number), path=f"/p/{number:04}b.jpg", content_id=f"b{number}") for number in range(0, 260, 5)
        ]
        await put(table, [replace(one, missing_since=1.0) for one in rows if one.path in gone] + new)
        rest = await turned(search, question, 20, sort, first.next)
    assert len(set(rest)) == len(rest)
    old = {one.path for one in rows}
    assert paths(first) + [path for path in rest if path in old] == [path for path in whole if path not in gone]


async def put(table: ports.Table, rows: list[Row]) -> None:
    if isinstance(table, MemoryTable):
        table.rows |= {one.path: one for one in rows}
        table.version += 1
    else:
        assert isinstance(table, Table)
        await Writer(table).commit([change(one) for one in rows])


async def test_a_page_that_is_remembered_asks_nobody() -> None:
    table = MemoryTable([thing(number) for number in range(300)])
    search = a_search(table)
    first = await search.search("thing", 10)
    asked_before = len(table.matched)
    second = await search.search("thing", 10, first.next)
    assert len(table.matched) == asked_before
    assert second.encoders == first.encoders == (fakes.FALLBACK,)
    assert paths(await search.search("thing", 10, first.next)) == paths(second)  # once more, the same


async def test_hits_for_words_are_sorted_by_date_and_by_name() -> None:
    rows = [
        row("/p/Ä one.jpg", "red car", vector=vector(1, 0), taken_at="2023"),
        row("/p/b two.jpg", "a red car", vector=vector(1, 0.1), mtime=1_700_000_000),  # November 2023
        row("/p/a three.jpg", "red car", vector=vector(1, 0.2), taken_at="2024-01-01T10:00:00"),
        *(row(f"/p/far {n}.jpg", "blue", vector=vector(0.1, n), taken_at="2025") for n in range(1, 60)),
    ]
    search = a_search(MemoryTable(rows))
    by_date = await search.search(Fields("red car"), 60, sort="date")
    assert paths(by_date)[:5][-3:] == ["/p/a three.jpg", "/p/b two.jpg", "/p/Ä one.jpg"]
    assert len(by_date.hits) < 10  # what only stands near is not among them
    by_name = paths(await search.search("red car type:jpg", 60, sort="name"))
    assert by_name[:3] == ["/p/Ä one.jpg", "/p/a three.jpg", "/p/b two.jpg"]
    assert (await search.search("type:jpg", 1, sort="name")).hits[0].why == "by name"
    assert paths(await search.search("type:jpg", 1, sort="date")) == ["/p/far 9.jpg"]


async def test_an_answer_that_is_used_up_is_not_asked_for_ever() -> None:
    table = MemoryTable([thing(number) for number in range(300)])
    search = a_search(table)
    first = await search.search("thing", 90)
    for number in range(60, 300):  # none is left to come
        one = table.rows[f"/p/{number:04}.jpg"]
        table.rows[one.path] = replace(one, missing_since=1.0)
    second = await search.search("thing", 90, first.next)
    assert (second.hits, second.next) == ((), None)


async def test_pictures_that_changed_places_do_not_come_twice() -> None:
    table = MemoryTable([thing(number) for number in range(300)])
    search = a_search(table)
    first = await search.search("thing", 90)
    for number in range(96):
        one = table.rows[f"/p/{number:04}.jpg"]
        moved = replace(one, path=f"/p/moved {number:04}.jpg")
        table.rows |= {moved.path: moved, one.path: replace(one, content_id=f"other {number}")}
    second = await search.search("thing", 6, first.next)
    rest = paths(second) + await turned(search, "thing", 50, "relevance", second.next)
    assert len(set(rest)) == len(rest)
    assert {f"/p/{number:04}.jpg" for number in range(96, 300)} <= set(rest)
    assert not set(rest) & set(paths(first))


async def test_an_empty_question_is_a_fault() -> None:
    search = a_search(MemoryTable([thing(1)]))
    for question in ("", " \t", '""', Fields(), Fields(" ", phrases=("",))):
        with pytest.raises(QueryError, match="empty"):
            await search.search(question)


async def test_another_path_stands_in_for_one_that_vanished() -> None:
    rows = [thing(number) for number in range(30)]
    rows.append(replace(rows[15], path="/p/twin.jpg", vector=fakes.unit(vector(0, 1))))
    rows[15] = replace(rows[15], content_id="same")
    rows[-1] = replace(rows[-1], content_id="same")
    table = MemoryTable(rows)
    search = a_search(table)
    first = await search.search("thing", 15)
    table.rows["/p/0015.jpg"] = replace(rows[15], missing_since=1.0)
    hit = (await search.search("thing", 5, first.next)).hits[0]
    assert (hit.path, hit.also, hit.id) == ("/p/twin.jpg", (), "same")


async def test_what_is_no_longer_remembered_is_asked_again() -> None:
    clock = Clock()
    table = MemoryTable([thing(number) for number in range(50)])
    search = a_search(table, clock)
    whole = paths(await search.search("thing", 50))
    first = await search.search("thing", 20)
    for again in (a_search(table), search):
        clock.at += pages.SECONDS + 1
        second = await again.search("thing", 20, first.next)
        assert second.warnings == (FORGOTTEN,)
        assert paths(second) == whole[20:40]
        third = await again.search("thing", 20, second.next)
        assert (paths(third), third.warnings, third.next) == (whole[40:], (), None)


@given(st.data())
@settings(deadline=None, max_examples=100)
async def test_a_cursor_that_was_tampered_with_is_refused(data: st.DataObject) -> None:
    answer = Kept("question")
    cursor = pages.cursor(answer, data.draw(st.integers(0, 9_999)))
    assert pages.read(cursor, "question")[1] == answer.token
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters())
    wrong = cursor[:place] + other + cursor[place + 1 :]
    for said, key in ((wrong, "question"), (cursor, "question2"), (cursor[1:], "question"), (cursor + "0", "question")):
        if (said, key) != (cursor, "question"):
            with pytest.raises(UsageError, match="not a cursor"):
                pages.read(said, key)


async def test_a_cursor_belongs_to_its_question_and_order() -> None:
    search = a_search(MemoryTable([thing(number) for number in range(50)]))
    first = await search.search("thing", 20)
    with pytest.raises(UsageError, match="not a cursor"):
        await search.search("things", 20, first.next)
    with pytest.raises(UsageError, match="not a cursor"):
        await search.search("thing", 20, first.next, sort="date")


def kept(count: int) -> Kept:
    answer = Kept("key")
    hit = Hit("", "", "/p", 1.0, {}, "", "maybe", None, None, None)
    answer.add([replace(hit, path=str(number)) for number in range(count)], more=False, most=10_000)
    return answer


def test_what_is_remembered_has_bounds() -> None:
    remembered = Pages(answers=2, hits=10, seconds=5)
    one, two, three, four = kept(3), kept(3), kept(3), kept(8)
    remembered.keep(one, 0)
    remembered.keep(two, 1)
    remembered.keep(one, 2)  # another page of it
    remembered.keep(three, 3)
    assert [remembered.find(answer.token, 4) for answer in (one, two, three)] == [one, None, three]
    remembered.keep(four, 6)
    assert remembered.find(one.token, 6) is None
    assert remembered.find(three.token, 6) is None  # all together would be too many
    assert remembered.find(four.token, 11) is four
    assert remembered.find(four.token, 11.5) is None
    assert len(remembered) == 0
    remembered.keep(kept(11), 20)
    assert len(remembered) == 0
