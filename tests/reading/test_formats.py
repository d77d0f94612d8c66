"""The list of formats, what is said of those that cannot be read, and bytes that begin like any of them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import documents, pictures, raws
from tests.reading import test_heif, test_jxl, test_raw, test_svg

from glimpsed import files
from glimpsed.reading import formats
from glimpsed.reading.content import read_content
from glimpsed.records import FaultKind
from glimpsed.searching.filtering import FORMATS as ASKED

PSD = documents.document(np.arange(3 * 20 * 30, dtype=np.uint8).reshape(3, 20, 30), packing=documents.RUNS)
VALID: Mapping[str, bytes] = {
    **test_raw.FILES,
    "psd": PSD,
    "svg": test_svg.DRAWING,
    "heic": test_heif.container(inside=True, version=1),
    "jxl": test_jxl.CONTAINER + raws.box(b"Exif", bytes(4), test_jxl.EXIF) + raws.box(b"jxlc", test_jxl.stream(8, 8)),
    "tiff": pictures.encode(pictures.noisy((60, 40)), "TIFF"),
}


def test_every_suffix_belongs_to_one_format() -> None:
    suffixes = [suffix for form in formats.FORMATS for suffix in form.suffixes]
    assert sorted(suffixes) == sorted(files.SUFFIXES)


def test_every_format_and_suffix_can_be_asked_for() -> None:
    for form in formats.FORMATS:
        for name in (form.name, *(suffix[1:] for suffix in form.suffixes)):
            assert form.name in ASKED[name], name


def test_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = {form.extra for form in formats.FORMATS if form.extra} | {"raw"}
    assert named <= extras.keys()
    assert extras["formats"] == [f"glimpsed[{','.join(sorted(named))}]"]


def test_every_format_is_told() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reading.md").read_text("utf-8")
    section = text.partition("\n## Formats\n")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    needed = {form.name: f"extra `{form.extra}`" if form.extra else "" for form in formats.FORMATS}
    assert [row[1].strip(" `") for row in rows] == [form.name for form in formats.FORMATS]
    assert [tuple(row[2].split()) for row in rows] == [form.suffixes for form in formats.FORMATS]
    assert {row[1].strip(" `"): row[4].strip() for row in rows} == needed


def test_what_is_said_names_its_format() -> None:
    for form in formats.FORMATS:
        assert formats.named(formats.unreadable(form)) == form
        assert formats.named(formats.undeveloped(form)) == form
    assert formats.named(None) is None
    assert formats.named("cannot be decoded: HEIC") is None
    assert formats.named("NOTHING files cannot be read by this installation") is None


def test_a_module_is_looked_for() -> None:
    assert formats.installed("PIL._imaging")
    assert not formats.installed("no_such_module_at_all")
    assert not formats.installed("no_such_module_at_all.inner")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_what_pillow_decodes_needs_no_more(form: str) -> None:
    assert formats.recognised(pictures.encode(pictures.noisy((60, 40)), form)) is None


def test_avif_needs_a_pillow_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pictures.encode(pictures.noisy((60, 40)), "AVIF")
    assert read_content(data, "id", max_pixels=10_000)[0].fault is None
    monkeypatch.setattr(formats, "installed", lambda module: module != "PIL._avif")
    fault = read_content(data, "id", max_pixels=10_000)[0].fault
    assert fault is not None
    assert fault.kind is FaultKind.UNSUPPORTED
    assert "PIL._avif is missing" in fault.what


@pytest.mark.parametrize("name", sorted(VALID))
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_nothing_that_was_spoilt_raises(name: str, data: st.DataObject) -> None:
    whole = bytearray(VALID[name])
    for _ in range(data.draw(st.integers(1, 12))):
        # Most of what can go wrong stands in the first bytes.
        place = data.draw(st.integers(0, min(len(whole), data.draw(st.sampled_from([64, 600, 1 << 20]))) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.sampled_from([len(whole), len(whole) // 2, len(whole) - 3]))])
    content, thumbnail = read_content(cut, "id", max_pixels=1_000_000)
    assert (content.fault is None) == (thumbnail is not None) or content.format == "svg"
    if content.fault is not None:
        assert content.fault.what


def test_a_small_head_says_nothing() -> None:
    for data in VALID.values():
        for end in range(40):
            content, _ = read_content(data[:end], "id", max_pixels=1_000_000)
            assert content.fault is not None
