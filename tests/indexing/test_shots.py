"""A raw file and the picture made of it: the words in the pixels are read once, and both have them."""

from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3
from tests import pictures, raws
from tests.indexing.house import house

from glimpsed.indexing.rows import ocr_text
from glimpsed.reading import formats
from glimpsed.records import Fault, FaultKind, Reading, Unread, Words


def shot(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        made = pictures.encode(pictures.noisy((700, 500), number), "JPEG")
        (folder / name).write_bytes(raws.camera(previews=[made]) if name.endswith("nef") else made)


def said(path: Path, text: str, fault: Fault | None = None) -> Words:
    return Words(blake3(path.read_bytes()).hexdigest(), text, fault)


async def test_the_picture_is_read_and_the_raw_file_has_its_words(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    shot(folder, "a.nef", "a.jpg", "alone.nef", "b.jpg")
    async with house(tmp_path, folder) as one:
        one.workers.words = {"a.jpg": said(folder / "a.jpg", "Total 12.50")}
        async with one.running():
            assert (await one.idle()).fresh == 4
        assert sorted(one.workers.ocrs) == ["a.jpg", "alone.nef", "b.jpg"]
        assert [ocr_text(await one.row(folder / name)) for name in ("a.nef", "a.jpg", "alone.nef")] == [
            "Total 12.50",
            "Total 12.50",
            None,
        ]


async def test_a_picture_that_cannot_be_read_for_words_leaves_the_raw_file_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    shot(folder, "a.nef", "a.jpg")
    async with house(tmp_path, folder) as one:
        one.workers.words = {
            "a.jpg": said(folder / "a.jpg", "", Fault(FaultKind.BROKEN, "no")),
            "a.nef": said(folder / "a.nef", "Itself"),
        }
        async with one.running():
            counts = await one.idle()
            assert (counts.fresh, counts.errors) == (1, 1)
        assert one.workers.ocrs == ["a.jpg", "a.nef"]
        assert ocr_text(await one.row(folder / "a.nef")) == "Itself"


async def test_two_raw_files_that_cannot_be_developed_are_not_read_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Pictures"
    shot(folder, "a.nef")
    (folder / "a.dng").write_bytes(raws.camera(previews=[pictures.encode(pictures.noisy((700, 500), 1), "JPEG")]))
    monkeypatch.setattr(formats, "installed", lambda module: False)
    async with house(tmp_path, folder) as one:
        read = one.workers.read

        async def undeveloped(path: str, folder: str, known: frozenset[str]) -> Reading | Unread:
            made = await read(path, folder, known)
            assert isinstance(made, Reading)
            return made if made.content is None else replace(made, content=replace(made.content, undeveloped=True))

        monkeypatch.setattr(one.workers, "read", undeveloped)
        async with one.running():
            assert (await one.idle()).fresh == 2
        # One may be read before the other is there, and once more because that came.
        assert len(one.workers.reads) <= 4
