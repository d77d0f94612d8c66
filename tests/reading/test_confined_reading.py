"""A confined worker still has what reading needs beyond the file: programs, models, and the data of libraries."""

import importlib.util
import io
from pathlib import Path
from shutil import copyfile

import pytest
from blake3 import blake3
from tests import raws
from tests.pictures import can_draw, draw, save

from glimpsed.reading import available, tesseract
from glimpsed.reading.available import Foreign
from glimpsed.reading.workers import Workers
from glimpsed.records import Content, Part, Reading, Words

LINE = "Сегодня хорошая погода"


def confined(home: Path, foreign: Foreign | None = None) -> Workers:
    return Workers(1, timeout=120, max_pixels=10_000_000, private=str(home / "private"), foreign=foreign)


async def content(workers: Workers, path: Path) -> Content:
    said = await workers.read(str(path), str(path.parent), frozenset())
    assert isinstance(said, Reading)
    assert said.content is not None
    assert said.content.fault is None
    return said.content


async def words(workers: Workers, path: Path) -> Words:
    said = await workers.ocr(str(path), blake3(path.read_bytes()).hexdigest())  # noqa: ASYNC240  a small file
    assert said is not None
    assert said.fault is None
    return said


async def test_the_real_tesseract(tmp_path: Path) -> None:
    if "rus" not in tesseract.packs():
        pytest.skip("tesseract with rus is not installed")
    if not can_draw(LINE):
        pytest.skip(f"this machine has no font for {LINE}")
    path = tmp_path / "russian.png"
    save(path, draw(LINE))
    async with confined(tmp_path, available.look(["ru"])) as workers:
        said = await words(workers, path)
        assert (said.text, said.unread) == (LINE, 0)
        assert workers.deaths == 0


async def test_a_model_that_the_configuration_names(tmp_path: Path) -> None:
    import rapidocr

    path, models = tmp_path / "hello.png", tmp_path / "models"
    models.mkdir()
    copyfile(Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_rec_small.onnx", models / "own.onnx")
    save(path, draw("The weather is fine"))
    foreign = available.look([], str(models))
    async with confined(tmp_path, foreign) as workers:
        assert (await words(workers, path)).text == "The weather is fine"
    assert foreign.unusable == ()


async def test_words_in_pixels_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime's builds keep a number of the machine in the home directory unless they are told not to."""
    home, path = tmp_path / "home", tmp_path / "hello.png"
    home.mkdir()
    save(path, draw("The weather is fine"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    async with Workers(1, timeout=120, max_pixels=10_000_000) as workers:
        assert (await words(workers, path)).text == "The weather is fine"
    assert list(home.rglob("*")) == []


async def test_the_names_of_places(tmp_path: Path) -> None:
    path = tmp_path / "kyoto.jpg"
    save(path, draw("Hello"), gps=(35.0116, 135.7681))
    async with confined(tmp_path) as workers:
        said = await content(workers, path)
    assert any("Kyoto" in text for label, text in said.parts if label == "place")


async def test_a_raw_is_developed(tmp_path: Path) -> None:
    if importlib.util.find_spec("rawpy") is None:
        pytest.skip("the extra raw is missing")
    path = tmp_path / "a.dng"
    path.write_bytes(raws.negative())
    async with confined(tmp_path) as workers:
        assert (await content(workers, path)).format == "dng"


@pytest.mark.parametrize(("form", "module", "name"), [("HEIF", "pillow_heif", "heic"), ("JXL", "pillow_jxl", "jxl")])
async def test_formats_of_the_extras(tmp_path: Path, form: str, module: str, name: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is missing")
    path = tmp_path / f"a.{name}"
    path.write_bytes(encoded(form))
    async with confined(tmp_path) as workers:
        assert (await content(workers, path)).format == name


def encoded(form: str) -> bytes:
    if form == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    else:
        from pillow_jxl import JpegXLImagePlugin  # noqa: F401  it registers itself
    out = io.BytesIO()
    draw("Hello").save(out, form)
    return out.getvalue()


async def test_a_comment_in_extended_attributes(tmp_path: Path) -> None:
    import os

    path = tmp_path / "a.png"
    save(path, draw("Hello"))
    try:
        os.setxattr(path, "user.xdg.comment", b"At the harbour")
    except OSError as error:
        pytest.skip(f"this file system: {error.strerror}")
    async with confined(tmp_path) as workers:
        reading = await workers.read(str(path), str(tmp_path), frozenset())
    assert isinstance(reading, Reading)
    assert Part("sidecar", "At the harbour") in reading.sidecar_parts
