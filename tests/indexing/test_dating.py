"""When a picture was taken, and what tells it: its bytes, a sidecar, its name, in this order."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests import pictures
from tests.indexing.house import house

from glimpsed.indexing import dating
from glimpsed.indexing.rows import of_content, with_sidecar
from glimpsed.reading import metadata
from glimpsed.records import Content, Part, Row

NAMED = "/p/IMG_20240131_101112.jpg"
BARE = Row(path=NAMED, folder="/p")
SAID = replace(BARE, taken_at="2020-01-01T00:00:00", taken_from="EXIF:DateTimeOriginal")
CHANGED = replace(BARE, taken_at="2024-06-01T07:00:00", taken_from="EXIF:ModifyDate")
BESIDE = Content("", taken_at="2021-01-01T00:00:00")


def source(row: Row, sidecar: Content | None, path: str) -> str | None:
    return dating.told_by(dating.by_name(with_sidecar(row, sidecar), path))


@pytest.mark.parametrize(
    ("row", "sidecar", "path", "expected"),
    [
        (SAID, BESIDE, NAMED, "EXIF:DateTimeOriginal"),
        (BARE, BESIDE, NAMED, "sidecar"),
        (CHANGED, BESIDE, NAMED, "sidecar"),
        (BARE, None, NAMED, "file name"),
        (CHANGED, None, NAMED, "file name"),
        (CHANGED, None, "/p/a.jpg", "EXIF:ModifyDate"),
        (BARE, Content("", camera="X"), "/p/a.jpg", "mtime"),
    ],
)
def test_the_order(row: Row, sidecar: Content | None, path: str, expected: str) -> None:
    assert source(row, sidecar, path) == expected


def test_words_of_a_name() -> None:
    assert dating.name_words(dating.by_name(BARE, NAMED)) == (Part("above", "2024-01-31 31 January 2024 Wednesday"),)
    assert dating.name_words(SAID) == dating.name_words(BARE) == ()


def test_a_date_that_the_place_told_does_not_go_along_and_one_of_the_bytes_does() -> None:
    assert dating.of_bytes(SAID) is SAID
    assert dating.of_bytes(dating.by_name(BARE, NAMED)).taken_at is None
    edited = replace(CHANGED, description=(Part("date", "2024-06-01 1 June 2024 Saturday"),))
    back = dating.of_bytes(dating.by_name(edited, NAMED))
    assert (back.taken_at, back.taken_from) == ("2024-06-01T00:00:00", "EXIF:ModifyDate")
    beside = replace(BARE, taken_at="2021-01-01T00:00:00", taken_from="sidecar")
    both = (Part("date", "2021-01-01 1 January 2021 Friday"), Part("date", "2024-06-01 1 June 2024 Saturday"))
    assert dating.of_bytes(replace(beside, description=both[:1])).taken_from is None
    assert dating.of_bytes(replace(beside, description=both)).taken_at == "2024-06-01T00:00:00"


def test_a_content_tells_where_its_date_came_from() -> None:
    data = pictures.encode(pictures.noisy((48, 32)), "PNG", png_text={"Creation Time": "2021-05-06"})
    assert of_content(metadata.fields(data), reader="r").taken_from == "PNG:Creation Time"


async def test_a_renamed_picture_has_the_date_of_its_new_name(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    first, second = folder / "Screenshot 2024-01-31 at 10.11.12.png", folder / "lake.png"
    pictures.save(first, pictures.noisy((64, 48)))
    pictures.save(folder / "2023-01-01.jpg", pictures.noisy((64, 48), 1), taken="2024-03-05T10:11:12")
    async with house(tmp_path, folder) as one, one.running():
        assert (await one.idle()).fresh == 2
        row = await one.row(first)
        assert (row.taken_at, row.taken_from) == ("2024-01-31T10:11:12", "file name")
        assert "January" in row.text
        kept = await one.row(folder / "2023-01-01.jpg")
        assert (kept.taken_at, kept.taken_from) == ("2024-03-05T10:11:12", "EXIF:DateTimeOriginal")
        os.rename(first, second)
        moved = await one.has(second, lambda row: row.missing_since is None)
        assert (moved.taken_at, moved.taken_from) == (None, None)
        assert "January" not in moved.text
        assert one.workers.reads.count("lake.png") == 0


def test_a_picture_edited_later_is_dated_by_its_name() -> None:
    block = Image.Exif()
    block[0x0132] = "2024:06:01 07:00:00"
    path = pictures.noisy((48, 32))
    data = pictures.encode(path, "JPEG", options={"exif": block})
    row = of_content(metadata.fields(data), reader="r")
    assert row.taken_from == "EXIF:ModifyDate"
    assert dating.by_name(row, NAMED).taken_at == "2024-01-31T10:11:12"
