"""Which files on disk speak of a picture, in what state they are, and whose they are."""

import os
from pathlib import Path

import pytest

from glimpsed import files, groups

LONG = "a0123456789b0123456789c0123456789d0123456789e01"


@pytest.fixture(autouse=True)
def _raw_files_are_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SUFFIXES", files.SUFFIXES | groups.RAW)


def made(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).write_text(name)


def around(path: Path) -> list[str]:
    return [os.path.basename(one) for one in files.neighbours(str(path))]


def test_a_picture_alone(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "b.txt", "b.jpg", "a.png", "package.json", "a.gif")
    assert around(tmp_path / "a.jpg") == []
    assert files.beside(str(tmp_path / "a.jpg")) == ""


def test_most_telling_first(tmp_path: Path) -> None:
    made(tmp_path, "a.txt", "a.jpg.md", "a.jpg.json", "a.xmp", "a.jpg.xmp", "a.jpg")
    assert around(tmp_path / "a.jpg") == ["a.jpg.xmp", "a.xmp", "a.jpg.json", "a.txt", "a.jpg.md"]


def test_suffixes_in_capitals(tmp_path: Path) -> None:
    made(tmp_path, "IMG_1.JPG", "IMG_1.XMP", "IMG_1.TXT")
    assert around(tmp_path / "IMG_1.JPG") == ["IMG_1.XMP", "IMG_1.TXT"]
    os.link(tmp_path / "IMG_1.XMP", tmp_path / "IMG_1.xmp")  # as a disk shows one that makes no difference of them
    assert around(tmp_path / "IMG_1.JPG") == ["IMG_1.xmp", "IMG_1.TXT"]


def test_a_group_shares_its_sidecars_and_its_members(tmp_path: Path) -> None:
    made(tmp_path, "IMG_1.JPG", "IMG_1.CR2", "IMG_1.xmp", "IMG_1.CR2.xmp", "IMG_1.JPG.json", "IMG_2.CR2")
    assert around(tmp_path / "IMG_1.JPG") == ["IMG_1.xmp", "IMG_1.JPG.json", "IMG_1.CR2.xmp", "IMG_1.CR2"]
    assert around(tmp_path / "IMG_1.CR2") == ["IMG_1.CR2.xmp", "IMG_1.xmp", "IMG_1.JPG.json", "IMG_1.JPG"]
    before = files.beside(str(tmp_path / "IMG_1.CR2"))
    (tmp_path / "IMG_1.JPG").write_text("changed")
    assert files.beside(str(tmp_path / "IMG_1.CR2")) != before


def test_a_further_versions_sidecar_is_that_of_a_picture_of_that_name(tmp_path: Path) -> None:
    made(tmp_path, "IMG_1.CR2", "IMG_1_01.CR2.xmp")
    assert around(tmp_path / "IMG_1.CR2") == ["IMG_1_01.CR2.xmp"]
    made(tmp_path, "IMG_1_01.CR2")
    assert around(tmp_path / "IMG_1.CR2") == []
    assert around(tmp_path / "IMG_1_01.CR2") == ["IMG_1_01.CR2.xmp"]


def test_an_edited_picture_goes_by_the_sidecar_of_its_original(tmp_path: Path) -> None:
    made(tmp_path, "IMG_1.jpg", "IMG_1-edited.jpg", "IMG_1.jpg.json", "IMG_1.jpg.txt")
    assert around(tmp_path / "IMG_1-edited.jpg") == ["IMG_1.jpg.json"]


def test_owners(tmp_path: Path) -> None:
    made(tmp_path, "IMG_1.JPG", "IMG_1.CR2", LONG + ".jpg", LONG + "(1).jpg", LONG[:40] + ".jpg", "notes.txt")

    def owners(name: str) -> list[str]:
        found = files.owners(str(tmp_path / name))
        return sorted(os.path.basename(one) for one in found if os.path.lexists(one))

    assert owners("IMG_1.xmp") == ["IMG_1.CR2", "IMG_1.JPG"]
    assert owners("IMG_1.CR2.xmp") == ["IMG_1.CR2", "IMG_1.JPG"]
    assert owners("IMG_1.JPG.txt") == ["IMG_1.CR2", "IMG_1.JPG"]
    assert owners(LONG[:46] + ".json") == [LONG + "(1).jpg", LONG + ".jpg"]
    assert owners(LONG[:46] + "(1).json") == [LONG + "(1).jpg"]
    assert owners("notes.json") == []
    assert files.owners(f"/nowhere/{LONG[:46]}.json") == ()


@pytest.mark.parametrize("sidecar", ["x.xmp", "x.jpg.json", "x.jpg.supplemental-metadata.json", "x.jpg.md", "x.txt"])
def test_whoever_it_speaks_of_owns_it(tmp_path: Path, sidecar: str) -> None:
    made(tmp_path, "x.jpg", "x.nef", sidecar)
    for picture in ("x.jpg", "x.nef"):
        assert sidecar in around(tmp_path / picture)
        assert str(tmp_path / picture) in files.owners(str(tmp_path / sidecar))


def test_siblings() -> None:
    assert "/p/a.jpg" in groups.siblings("/p/a.CR2")
    assert "/p/a.DNG" in groups.siblings("/p/a.jpg")
    assert "/p/a.jpg" not in groups.siblings("/p/a.png")
    assert "/p/a.cr2" not in groups.siblings("/p/a.cr2")
    assert groups.siblings("/p/a.gif") == ()
    assert groups.key("/p/a.gif") is None
    assert groups.key("/p/a.nef") == groups.key("/p/a.jpeg") == "/p/a"
