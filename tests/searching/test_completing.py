"""What is being typed may go on as the language and the index have it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searching.fakes import MemoryEncoders, MemoryTable, Settings, row

from glimpsed.searching.completing import MOST, Completion
from glimpsed.searching.search import Search
from glimpsed.searching.tokens import NAMES

HOME = "/home/ann"
ROWS = [
    row("/home/ann/Pictures/2024/My trip/a.jpg", camera="Google Pixel 7", place="Zürich"),
    row("/home/ann/Pictures/b.jpg", camera="Canon", place="New York"),
    row("/data/c.jpg", camera="Canon", place="Newcastle"),
    row("/data/\udcff/d.jpg"),
    *(row(f"/data/{n}/e.jpg", place=f"Ort {n:02}") for n in range(30)),
]


def searching() -> Search:
    folders = ["/home/ann/Pictures", "/data"]
    return Search(MemoryTable(ROWS), MemoryEncoders({}), Settings(), folders=folders, home=HOME)


async def texts(typed: str) -> list[str]:
    return [one.text for one in await searching().complete(typed)]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("", [f"{name}:" for name in NAMES]),
        ("red aft", ["after:"]),
        ("B", ["before:"]),
        ("red -ty", ["-type:"]),
        ("-i", ["-in:"]),
        ("i", ["in:", "is:"]),
        ("zzz", []),
        ("x 10:3", []),
        ("has:", ["has:gps", "has:text"]),
        ("HAS:T", ["has:text"]),
        ("is:m", ["is:missing"]),
        ("type:web", ["type:webp"]),
        ("-type:png,ti", ["-type:png,tif", "-type:png,tiff"]),
        ("on:yes", ["on:yesterday"]),
        ("camera:", ["camera:Canon", 'camera:"Google Pixel 7"']),
        ("camera:pix", ['camera:"Google Pixel 7"']),
        ("place:zur", ["place:Zürich"]),
        ('x place:"new y', ['place:"New York"']),
        ("place:new", ['place:"New York"', "place:Newcastle"]),
        ("in:my", ['in:"~/Pictures/2024/My trip"']),
        ("in:~/", ["in:~/Pictures", "in:~/Pictures/2024", 'in:"~/Pictures/2024/My trip"']),
        ("size:", []),
        ('place:"New York"', []),
    ],
)
async def test_the_last_word_goes_on(typed: str, completed: list[str]) -> None:
    assert await texts(typed) == completed


async def test_completions_say_what_they_replace() -> None:
    assert await searching().complete("red -ty") == [Completion("-type:", 4, 7)]
    assert len(await texts("place:ort")) == MOST


@given(st.lists(st.sampled_from([*'afty:"-, ~/é', *NAMES, "\udcff"]), max_size=8).map("".join))
@settings(deadline=None, max_examples=100)
async def test_every_completion_of_a_question_is_one(typed: str) -> None:
    for one in await searching().complete(typed):
        assert 0 <= one.start <= one.end == len(typed)
        if not one.text.endswith(":") and "," not in one.text:  # the value is to come, or the one before is no type
            searching().understood(one.text)
