"""What stands beside pictures becomes words of their rows, and a change of it is noticed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests import pictures
from tests.indexing.house import House, house

from glimpsed import files, groups
from glimpsed.records import Part, Row

TAKEOUT = {
    "title": "IMG_1.jpg",
    "description": "our boat",
    "photoTakenTime": {"timestamp": "1562926800"},
    "geoData": {"latitude": 38.7139, "longitude": -9.1394},
}


def draw(path: Path, seed: int = 0, **fields: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), **fields)
    return path


def texts(row: Row, label: str) -> list[str]:
    return [part.text for part in row.description if part.label == label]


async def test_a_takeout_file_is_read_when_it_comes_changes_and_goes(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "IMG_1.jpg")
    export = folder / "IMG_1.jpg.supplemental-metadata.json"
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
        export.write_text(json.dumps(TAKEOUT))
        row = await one.has(picture, lambda row: texts(row, "sidecar") == ["our boat"])
        assert (row.taken_at, row.place) == ("2019-07-12T11:20:00+01:00", "Lisbon, Portugal")
        assert (row.latitude, row.longitude) == (38.7139, -9.1394)
        assert texts(row, "date") == ["2019-07-12 12 July 2019 Friday"]
        assert "Lissabon" in texts(row, "placenames")[0]
        export.write_text(json.dumps({**TAKEOUT, "description": "our ship", "geoData": None}))
        row = await one.has(picture, lambda row: texts(row, "sidecar") == ["our ship"])
        assert (row.latitude, row.place, texts(row, "placenames")) == (None, None, [])
        export.unlink()
        row = await one.has(picture, lambda row: not texts(row, "sidecar"))
        assert (row.taken_at, texts(row, "date")) == (None, [])
        await one.idle()
        assert one.workers.ocrs == ["IMG_1.jpg"]


async def test_a_comment_in_an_attribute_is_read_when_it_changes(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.png")
    try:
        os.setxattr(picture, "user.xdg.comment", b"a kingfisher")
    except OSError as error:
        pytest.skip(f"no extended attributes where the tests write: {error}")
    async with house(tmp_path, folder) as one, one.running():
        await one.has(picture, lambda row: texts(row, "sidecar") == ["a kingfisher"])
        await one.idle()
        os.setxattr(picture, "user.xdg.comment", b"a heron")
        await one.has(picture, lambda row: texts(row, "sidecar") == ["a heron"])
        await one.idle()
    reads = len(one.workers.reads)
    os.setxattr(picture, "user.xdg.tags", b"birds")
    async with house(tmp_path, folder) as one, one.running():  # changed while nobody watched
        await one.has(picture, lambda row: texts(row, "sidecar") == ["birds", "a heron"])
        await one.idle()
    async with house(tmp_path, folder) as one, one.running():
        await one.idle()
        assert one.workers.reads == []
    assert reads == 2


async def test_what_a_sidecar_tells_is_not_told_of_a_copy(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "IMG_1.jpg")
    (folder / "IMG_1.jpg.json").write_text(json.dumps(TAKEOUT))
    async with house(tmp_path, folder) as one, one.running():
        await one.has(picture, lambda row: row.place)
        await one.idle()
        copy = folder / "copy.jpg"
        copy.write_bytes(picture.read_bytes())
        row = await one.has(copy, lambda row: row.encoder)
        assert (row.taken_at, row.place, row.latitude) == (None, None, None)
        assert texts(row, "date") == texts(row, "placenames") == []
        picture.rename(folder / "moved.jpg")
        row = await one.has(folder / "moved.jpg", lambda row: row.encoder)
        assert (row.taken_at, row.place) == (None, None)
        await one.idle()
        assert one.workers.ocrs == ["IMG_1.jpg"]


async def test_the_place_of_a_picture(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "a.jpg", gps=(35.0116, 135.7681))
    async with house(tmp_path, folder) as one, one.running():
        row = await one.has(picture, lambda row: row.encoder)
        assert row.place == "Kyoto, Japan"
        assert Part("place", "Kyoto, Japan") in row.description
        assert "京都" in texts(row, "placenames")[0]


@pytest.fixture
def _raw_files_are_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SUFFIXES", files.SUFFIXES | groups.RAW)


def raw(path: Path, **fields: Any) -> Path:
    """A TIFF, as raw files of most cameras are."""
    made = pictures.encode(pictures.noisy((64, 48), seed=9), "TIFF", **fields)
    path.write_bytes(made)
    return path


async def said(one: House, path: Path, *words: str) -> Row:
    return await one.has(path, lambda row: all(word in row.text for word in words))


@pytest.mark.usefixtures("_raw_files_are_pictures")
async def test_a_raw_file_its_picture_and_its_sidecar_share_their_words(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    picture = draw(folder / "IMG_1.JPG", caption="a heron")
    shot = raw(folder / "IMG_1.DNG", author="Ada Lovelace", taken="2020-01-02T03:04:05")
    (folder / "IMG_1.DNG.xmp").write_bytes(pictures.xmp_packet("<dc:title>ferry</dc:title>"))
    async with house(tmp_path, folder) as one, one.running():
        row = await said(one, picture, "heron", "Lovelace", "ferry")
        assert row.taken_at == "2020-01-02T03:04:05"
        await said(one, shot, "heron", "Lovelace", "ferry")
        await one.idle()
        draw(picture, seed=3, caption="a stork")
        row = await said(one, shot, "stork")
        assert "heron" not in row.text
        (folder / "IMG_1.DNG.xmp").unlink()
        await one.has(picture, lambda row: "ferry" not in row.text)
        shot.unlink()
        await one.has(picture, lambda row: "Lovelace" not in row.text)
        await one.idle()
