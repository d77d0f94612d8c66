"""Comments and tags in extended attributes, as KDE, GNOME and the Finder write them."""

import os
import plistlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed import xattrs
from glimpsed.files import beside, beside_files, files_of
from glimpsed.reading import attributes, sidecar
from glimpsed.records import Part

FINDER = "user.com.apple.metadata:kMDItemFinderComment"
TAGS = "user.com.apple.metadata:_kMDItemUserTags"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    place = tmp_path / "a.jpg"
    place.touch()
    try:
        os.setxattr(place, "user.xdg.comment", b"")
        os.removexattr(place, "user.xdg.comment")
    except OSError as error:
        pytest.skip(f"no extended attributes where the tests write: {error}")
    return place


def test_none(picture: Path) -> None:
    os.setxattr(picture, "user.xdg.origin.url", b"https://example.org/secret")
    assert xattrs.state(str(picture)) == ""
    assert sidecar.read(str(picture)) == ((), None)
    assert list(attributes.texts("/nowhere/a.jpg")) == []
    assert list(attributes.texts("/a\0.jpg")) == []


def test_what_desktops_write(picture: Path) -> None:
    os.setxattr(picture, "user.xdg.comment", "Sonnenuntergang über der Alhambra".encode())
    os.setxattr(picture, "user.xdg.tags", "Granada,España".encode())
    assert sidecar.read(str(picture))[0] == (
        Part("sidecar", "Granada, España"),
        Part("sidecar", "Sonnenuntergang über der Alhambra"),
    )


@pytest.mark.parametrize("form", [plistlib.FMT_BINARY, plistlib.FMT_XML])
def test_what_the_finder_writes(picture: Path, form: plistlib.PlistFormat) -> None:
    os.setxattr(picture, FINDER, plistlib.dumps("from Uncle Bob's attic", fmt=form))
    os.setxattr(picture, TAGS, plistlib.dumps(["Family\n6", "Red\n6", "家族"], fmt=form))
    assert sidecar.read(str(picture))[0] == (
        Part("sidecar", "Family, Red, 家族"),
        Part("sidecar", "from Uncle Bob's attic"),
    )


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"bplist00",
        b"bplist00" + b"\xff" * 60,
        b"<?xml version='1.0'?><plist><string>",
        plistlib.dumps({"a": 1}),
        b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "b">]><plist><string>&a;</string></plist>',
    ],
)
def test_what_is_no_property_list_says_nothing(picture: Path, value: bytes) -> None:
    os.setxattr(picture, FINDER, value)
    assert sidecar.read(str(picture)) == ((), None)


def test_a_change_is_told_by_the_state_alone(picture: Path) -> None:
    states = [beside(str(picture))]
    for comment in (b"one", b"two"):
        os.setxattr(picture, "user.xdg.comment", comment)
        states.append(beside(str(picture)))
    os.setxattr(picture, "user.xdg.tags", b"tag")
    states.append(beside(str(picture)))
    assert len(set(states)) == 4
    assert {files_of(state) for state in states} == {""}
    (picture.parent / "a.xmp").write_text("<x/>")
    assert files_of(beside(str(picture))) == beside_files(str(picture)) != ""


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200), st.booleans(), st.integers(0, 100), st.binary(min_size=1, max_size=4))
def test_any_bytes_are_taken(data: bytes, broken: bool, at: int, with_what: bytes) -> None:
    if broken:
        whole = plistlib.dumps(["Family\n6", "家族", {"a": [1, 2.5, b"x"]}], fmt=plistlib.FMT_BINARY)
        data = whole[:at] + with_what + whole[at + len(with_what) :]
    for text in attributes._strings(data):
        assert isinstance(text, str)
