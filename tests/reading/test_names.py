"""The words in names, as people and as cameras make them."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.reading.names import split, words
from glimpsed.reading.texts import clean
from glimpsed.records import Part


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ramenReceipt_Kyoto-2024", "ramen Receipt Kyoto 2024"),
        ("20241399_x", "20241399 x"),
        ("20240230_x", "20240230 x"),
        ("HTTPServer.error", "HTTP Server error"),
        ("iPhone bill (1)", "iPhone bill"),
        ("report - Copy", "report"),
        ("Kyoto2024", "Kyoto 2024"),
        ("room101", "room101"),
        ("4x4 car", "4x4 car"),
        ("don't_panic", "don't panic"),
        ("火车票北京", "火车票北京"),
        ("東京タワー_夜", "東京タワー 夜"),
        ("โรงเรียน", "โรงเรียน"),
        ("हिन्दी_फोटो", "हिन्दी फोटो"),
        ("ЗакатНадМорем", "Закат Над Морем"),
        ("image of a cat", "image of a cat"),
        ("photo of us", "photo of us"),
        ("caf\udce9", "café"),
    ],
)
def test_words_of_a_name_that_people_gave(name: str, expected: str) -> None:
    first, *others = words(f"/p/{name}.jpg", "/p")
    assert first == Part("name", expected)
    assert {part.label for part in others} <= {"above"}  # what was taken apart


def test_what_is_taken_apart_is_there_as_it_was() -> None:
    assert words("/p/LakeTahoe/WhatsApp_fotosVonAnna/GitHub 2024-03-05 iPhone GitHub.png", "/p") == (
        Part("name", "Git Hub iPhone Git Hub"),
        Part("directory", "Whats App fotos Von Anna"),
        Part("above", "Lake Tahoe"),
        Part("above", "2024-03-05 5 March 2024 Tuesday"),
        Part("above", "GitHub"),
        Part("above", "LakeTahoe"),
        Part("above", "WhatsApp"),
        Part("above", "fotosVonAnna"),
    )
    assert words("/p/IMG2041.jpg", "/p") == (Part("above", "IMG 2041"),)


@pytest.mark.parametrize(
    ("name", "rest", "date"),
    [
        ("20240305_birthday_anna", "birthday anna", "2024-03-05 5 March 2024 Tuesday"),
        ("2024.03.05 Geburtstag", "Geburtstag", "2024-03-05 5 March 2024 Tuesday"),
        ("Geburtstag 5.3.2024", "Geburtstag", "2024-03-05 5 March 2024 Tuesday"),
        ("2019-07 Sommerurlaub Kroatien", "Sommerurlaub Kroatien", "2019-07 July 2019"),
        ("2019_07_kroatien urlaub", "kroatien urlaub", "2019-07 July 2019"),
        (
            "2019-07-12 - 2019-07-26 Split",
            "Split",
            "2019-07-12 12 July 2019 Friday\n2019-07-26 26 July 2019 Friday",
        ),
    ],
)
def test_dates_are_taken_out(name: str, rest: str, date: str) -> None:
    assert words(f"/p/{name}.jpg", "/p") == (Part("name", rest), Part("above", date))
    directory = (Part("name", "harbour"), Part("directory", rest), Part("above", date))
    assert words(f"/p/{name}/harbour.jpg", "/p") == directory
    assert words(f"/p/{name}/harbour 2024-03-05.jpg", "/p")[2].text.splitlines()[1:] == [
        day for day in date.splitlines() if "2024-03-05" not in day
    ]


def test_a_directory_that_is_a_date_says_nothing_to_encode() -> None:
    assert words("/p/Reisen/2019-07-12/harbour.jpg", "/p") == (
        Part("name", "harbour"),
        Part("above", "Reisen 2019-07-12"),
        Part("above", "2019-07-12 12 July 2019 Friday"),
    )


@pytest.mark.parametrize("name", ["version 1.2.2024.5", "v2019-071", "room 2019-13", "1.2019-07", "12024-03-05 x"])
def test_what_is_no_date_stays(name: str) -> None:
    assert not any("July" in part.text or "March" in part.text for part in words(f"/p/{name}.jpg", "/p"))


@pytest.mark.parametrize(
    "name",
    [
        "IMG_2041",
        "IMG-20240305-WA0001",
        "IMG_20240305_101112~2",
        "DSC01234",
        "_DSC0042",
        "DSCN0010",
        "P1010234",
        "PXL_20240305_101112345.MP",
        "MVIMG_20200101_120000",
        "GOPR0123",
        "DJI_0042",
        "Screenshot from 2024-03-05 10-11-12",
        "Screenshot_20240305-101112_Chrome",
        "Bildschirmfoto vom 2024-03-05 10-11-12",
        "スクリーンショット 2024-03-05 10.11.12",
        "WhatsApp Image 2024-03-05 at 10.11.12",
        "photo_2024-03-05_10-11-12",
        "FB_IMG_1709631072000",
        "1709631072000",
        "Scan0001",
        "download (2)",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "d9b012d111e585d20cadbda665d9bdc0b2fd8298",
        "___",
    ],
)
def test_a_camera_made_name_is_full_text_only(name: str) -> None:
    parts = words(f"/p/{name}.jpg", "/p")
    assert {part.label for part in parts} == {"above"}
    assert all(part.text for part in parts)


def test_directories() -> None:
    assert words("/p/Reisen/2024/Kyoto_Tag1/ramen.jpg", "/p") == (
        Part("name", "ramen"),
        Part("directory", "Kyoto Tag1"),
        Part("above", "Reisen 2024"),
    )
    assert words("/p/ramen.jpg", "/p") == (Part("name", "ramen"),)


def test_the_own_stem_stands_before_the_directories_above() -> None:
    assert words("/p/trips/Japan/IMG_2041.jpg", "/p") == (
        Part("above", "IMG 2041"),
        Part("directory", "Japan"),
        Part("above", "trips"),
    )


def test_a_camera_made_directory_says_nothing_to_encode() -> None:
    assert words("/p/Ostern/100CANON/IMG_2041.jpg", "/p") == (
        Part("above", "IMG 2041"),
        Part("above", "Ostern 100CANON"),
    )


def test_a_name_without_any_sign_is_still_something() -> None:
    assert words("/p/\x01.jpg", "/p") == (Part("above", "picture"),)


def test_a_folder_elsewhere_is_no_reason_to_fail() -> None:
    assert words("/q/a cat.jpg", "/p")[0] == Part("name", "a cat")


@settings(deadline=None, max_examples=300)
@given(st.text(st.characters(exclude_characters="/"), min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_any_text_gives_valid_utf8(name: str, above: str, folder: str) -> None:
    for path, root in ((f"/p/{above}/{name}.jpg", "/p"), (name, folder), (above, name)):
        parts = words(path, root)
        assert parts
        assert parts[0].label in {"name", "above"}
        for part in parts:
            part.text.encode("utf-8")
            assert part.text.strip() == part.text != ""
            assert "\0" not in part.text


@settings(deadline=None, max_examples=100)
@given(st.binary(min_size=1, max_size=60).filter(lambda b: b"/" not in b and b"\0" not in b))
def test_any_file_name_the_kernel_takes(raw: bytes) -> None:
    for part in words(os.fsdecode(b"/p/" + raw + b".png"), "/p"):
        part.text.encode("utf-8")


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_splitting_loses_no_letters(name: str) -> None:
    assert [sign for sign in split(name) if sign.isalnum()] == [sign for sign in clean(name) if sign.isalnum()]
