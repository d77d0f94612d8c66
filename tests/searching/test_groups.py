"""A camera's raw file and the pictures made of it are one hit."""

import pytest
from tests.searching.fakes import asked, row
from tests.searching.test_search import a_search

from glimpsed.records import Row


async def hits_of(rows: list[Row], question: str = "heron") -> list[tuple[str, tuple[str, ...]]]:
    search, _ = a_search(rows, {question: asked([1, 0, 0])})
    return [(hit.path, hit.also) for hit in (await search.search(question)).hits]


@pytest.mark.parametrize("question", ["heron", "type:jpeg"])
async def test_a_raw_file_and_its_picture_are_one_hit_and_the_picture_is_shown(question: str) -> None:
    rows = [
        row("/p/IMG_1.CR2", "heron", vector=[1, 0, 0], mtime=3),
        row("/p/IMG_1.JPG", "heron", vector=[0.9, 0.1, 0], mtime=2),
        row("/p/in/IMG_1.jpg", "heron", vector=[0.8, 0.2, 0], mtime=1),
    ]
    assert await hits_of(rows, question) == [("/p/IMG_1.JPG", ("/p/IMG_1.CR2",)), ("/p/in/IMG_1.jpg", ())]


async def test_the_raw_file_is_shown_where_only_it_holds_the_words() -> None:
    rows = [
        row("/p/IMG_1.dng", "heron", vector=[1, 0, 0]),
        row("/p/IMG_1.jpg", "boat", vector=[0, 1, 0]),
    ]
    assert await hits_of(rows) == [("/p/IMG_1.dng", ("/p/IMG_1.jpg",))]


async def test_without_a_raw_file_equal_names_say_nothing() -> None:
    rows = [
        row("/p/a.jpg", "heron", vector=[1, 0, 0]),
        row("/p/a.png", "heron", vector=[0.9, 0.1, 0]),
        row("/p/b.cr2", "heron", vector=[0.8, 0.2, 0]),
        row("/p/b.gif", "heron", vector=[0.7, 0.3, 0]),
    ]
    assert [also for _, also in await hits_of(rows)] == [(), (), (), ()]


async def test_copies_of_a_member_belong_to_the_group() -> None:
    rows = [
        row("/p/IMG_1.jpg", "heron", vector=[1, 0, 0], content_id="same"),
        row("/p/copy/heron.jpg", "heron", vector=[0.9, 0.1, 0], content_id="same"),
        row("/p/IMG_1.nef", "heron", vector=[0.8, 0.2, 0]),
    ]
    assert await hits_of(rows) == [("/p/IMG_1.jpg", ("/p/copy/heron.jpg", "/p/IMG_1.nef"))]


async def test_a_copy_that_is_found_before_the_group_belongs_to_it() -> None:
    rows = [
        row("/p/export/heron.jpg", "heron", vector=[1, 0, 0], content_id="same"),
        row("/p/IMG_1.nef", "heron", vector=[0.9, 0.1, 0], content_id="raw"),
        row("/p/IMG_1.jpg", "heron", vector=[0.8, 0.2, 0], content_id="same"),
        row("/q/IMG_1.nef", "heron", vector=[0.7, 0.3, 0], content_id="raw"),
        row("/p/IMG_2.jpg", "heron", vector=[0.6, 0.4, 0]),
    ]
    assert await hits_of(rows) == [
        ("/p/export/heron.jpg", ("/p/IMG_1.nef", "/p/IMG_1.jpg", "/q/IMG_1.nef")),
        ("/p/IMG_2.jpg", ()),
    ]


async def test_no_member_comes_again_on_a_later_page() -> None:
    rows = [row(f"/p/IMG_{number}.{kind}", "heron", vector=[1, number / 1000, 0], mtime=-number)
            for number in range(90) for kind in ("arw", "jpg")]  # fmt: skip
    search, _ = a_search(rows, {"heron": asked([1, 0, 0])})
    shown: list[str] = []
    cursor = None
    while True:
        answer = await search.search("heron", 20, cursor)
        shown += [hit.path for hit in answer.hits]
        if (cursor := answer.next) is None:
            break
    assert len(shown) == 90
    assert {path.rpartition(".")[2] for path in shown} == {"jpg"}
    assert len(set(shown)) == 90
