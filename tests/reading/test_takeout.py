"""Google Takeout's JSON, as exports hold it, and what else is called `.json`."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.reading import sidecar, takeout
from glimpsed.reading.takeout import Takeout
from glimpsed.records import Part

EXPORT: dict[str, Any] = {
    "title": "Grandma's 80th birthday.jpg",
    "description": "Kuchen im Garten 🎂",
    "imageViews": "12",
    "creationTime": {"timestamp": "1563000000", "formatted": "13.07.2019, 06:40:00 UTC"},
    "photoTakenTime": {"timestamp": "1562926800", "formatted": "12.07.2019, 10:20:00 UTC"},
    "geoData": {"latitude": 35.0116, "longitude": 135.7681, "altitude": 12.0, "latitudeSpan": 0.0},
    "geoDataExif": {"latitude": 1.0, "longitude": 1.0, "altitude": 0.0},
    "people": [{"name": "Anna"}, {"name": "Jürgen Müller"}],
    "url": "https://photos.google.com/photo/AF1QipM",
    "googlePhotosOrigin": {"mobileUpload": {"deviceType": "ANDROID_PHONE"}},
    "sharedAlbumComments": [{"text": "so schön!", "contentOwnerName": "Anna"}],
}


def test_all_that_an_export_says() -> None:
    assert takeout.read(json.dumps(EXPORT).encode()) == Takeout(
        texts=(
            ("caption", "Kuchen im Garten 🎂"),
            ("people", "Anna"),
            ("people", "Jürgen Müller"),
            ("comment", "so schön!"),
            ("title", "Grandma's 80th birthday"),
        ),
        taken=1562926800,
        position=(35.0116, 135.7681),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"geoData": {"latitude": 0.0, "longitude": 0.0}},
        {"geoData": None},
        {"geoData": {"latitude": "35", "longitude": True}},
        {"geoData": {"latitude": 91.0, "longitude": 10**400}},
    ],
)
def test_an_unknown_position_is_that_of_the_camera(changes: dict[str, Any]) -> None:
    found = takeout.read(json.dumps({**EXPORT, **changes}).encode())
    assert found is not None
    assert found.position == (1.0, 1.0)


@pytest.mark.parametrize("timestamp", ["0", 0, "", "soon", None, [1], "9" * 5000])
def test_an_unknown_time(timestamp: object) -> None:
    found = takeout.read(json.dumps({**EXPORT, "photoTakenTime": {"timestamp": timestamp}}).encode())
    assert found is not None
    assert found.taken is None


def test_a_name_that_a_camera_gave_is_no_title() -> None:
    found = takeout.read(json.dumps({"title": "IMG_20190712_102000.jpg", "photoTakenTime": {}}).encode())
    assert found == Takeout()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b'{"title": "a"}', b'{"name": "glimpsed", "version": "1"}',
        b"[" * 100_000, b'{"title":"Album","description":"of another program"}', b"9" * 5000,
    ],
)  # fmt: skip
def test_another_programs_json_says_nothing(data: bytes) -> None:
    assert takeout.read(data) is None


def test_beside_a_picture(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.jpg.supplemental-metadata(2).json").write_text(json.dumps(EXPORT), encoding="utf-8")
    parts, content = sidecar.read(str(tmp_path / "IMG_1(2).jpg"))
    assert parts == (
        Part("sidecar", "Kuchen im Garten 🎂"),
        Part("sidecar", "Grandma's 80th birthday"),
        Part("sidecar", "Anna, Jürgen Müller"),
        Part("sidecar", "so schön!"),
    )
    assert content is not None
    # The moment is told, the clock on the wall is Kyoto's: nine hours ahead.
    assert content.taken_at == "2019-07-12T19:20:00+09:00"
    assert (content.latitude, content.longitude) == (35.0116, 135.7681)
    assert content.parts == (Part("date", "2019-07-12 12 July 2019 Friday"),)
    assert sidecar.read(str(tmp_path / "IMG_1.jpg")) == ((), None)


def test_without_a_place_the_time_is_utc(tmp_path: Path) -> None:
    export = {**EXPORT, "geoData": {}, "geoDataExif": {}}
    (tmp_path / "a.jpg.json").write_text(json.dumps(export), encoding="utf-8")
    _, content = sidecar.read(str(tmp_path / "a-edited.jpg"))
    assert content is not None
    assert content.taken_at == "2019-07-12T10:20:00+00:00"


def test_xmp_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / "a.jpg.json").write_text(json.dumps(EXPORT), encoding="utf-8")
    (tmp_path / "a.xmp").write_text(
        '<x xmlns:e="http://ns.adobe.com/exif/1.0/" e:DateTimeOriginal="2019-07-13T08:00:00"/>'
    )
    _, content = sidecar.read(str(tmp_path / "a.jpg"))
    assert content is not None
    assert content.taken_at == "2019-07-13T08:00:00"
    assert content.latitude == 35.0116


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*EXPORT, "timestamp", "latitude", "longitude", "name", "text"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200)
@given(json_values)
def test_any_json_is_taken(value: object) -> None:
    takeout.read(json.dumps({**EXPORT, **(value if isinstance(value, dict) else {"people": value})}).encode())
    takeout.read(json.dumps(value).encode())


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_broken_json_is_taken(data: st.DataObject) -> None:
    whole = bytearray(json.dumps(EXPORT).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    takeout.read(bytes(whole))
