"""What is read is what exiftool reads, on pictures that it, exiv2 and Pillow have written."""

import shutil
from pathlib import Path

import metadata as bench
import metadata_sets as sets
import pytest

from glimpsed.reading import metadata
from glimpsed.reading.blocks import blocks

exiftool = pytest.mark.skipif(not shutil.which("exiftool"), reason="needs Debian's libimage-exiftool-perl")


def unexplained(compared: bench.Compared) -> list[tuple[str, str, list[str], list[str]]]:
    return [one for one in compared.differing if bench.reason(*one[1:]) in {"unknown", "not read here"}]


@exiftool
def test_what_exiftool_writes(tmp_path: Path) -> None:
    sets.by_exiftool(tmp_path, ("jpg", "png", "webp", "gif"))
    compared = bench.compare(bench.pictures(tmp_path))
    assert compared.files == 4 * len(sets.TEXTS)
    assert compared.there.total() > 40 * compared.files
    assert compared.differing == []


@exiftool
def test_what_pillow_writes(tmp_path: Path) -> None:
    sets.by_pillow(tmp_path, ("jpg", "png", "tif"))
    compared = bench.compare(bench.pictures(tmp_path))
    assert compared.there.total() > 10 * compared.files
    assert unexplained(compared) == []


@exiftool
@pytest.mark.skipif(not shutil.which("exiv2"), reason="needs Debian's exiv2")
def test_what_exiv2_writes(tmp_path: Path) -> None:
    sets.by_exiv2(tmp_path)
    compared = bench.compare(bench.pictures(tmp_path))
    assert compared.there.total() > 5 * compared.files
    assert unexplained(compared) == []


@exiftool
def test_places_that_disagree(tmp_path: Path) -> None:
    sets.disagreeing(tmp_path)
    compared = bench.compare_chosen(bench.pictures(tmp_path))
    assert compared.files == 24
    assert compared.there.total() > 80
    assert compared.differing == []


@exiftool
def test_the_samples() -> None:
    if not bench.SETS.is_dir():
        pytest.skip(f"needs the sample pictures in {bench.SETS}")
    files = [path for path in bench.pictures(bench.SETS) if path.suffix.lower() not in {".heic", ".heif"}]
    compared = bench.compare(files)
    assert compared.files > 80
    assert unexplained(compared) == []


def test_encodings_that_nothing_names() -> None:
    made = list(sets.wrongly_encoded())
    read = {name: [field.text for field in metadata.everything(blocks(data))] for name, _, data in made}
    assert len(made) > 90
    assert {name: read[name] for name, text, _ in made if text not in read[name]} == {}


def test_prompts() -> None:
    for text, data in sets.prompts():
        assert [part.text for part in metadata.fields(data).parts] == [text]


def test_dates_of_exiftool() -> None:
    assert bench.compared_date("2024:01:02 03:04:05.120+09:00") == "2024-01-02T03:04:05.12+09:00"
    assert bench.compared_date("0000:00:00 00:00:00") == ""
    assert bench.compared_date("2024") == "2024-01-01T00:00:00"
