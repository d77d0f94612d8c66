"""Where words and fields came from: told by comparing, so all that is read is told, whatever it is."""

from dataclasses import fields, make_dataclass
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import pictures

from glimpsed import files
from glimpsed.reading.anew import fields as read_fields
from glimpsed.reading.fields import Field
from glimpsed.reading.sources import DECODER, FIELDS, Source, Told, apart, of_fields, of_parts, sidecar_names
from glimpsed.records import CONTENT_LABELS, Content, Part

LIMIT = 1_000_000


def told(data: bytes) -> tuple[tuple[Told, ...], tuple[Told, ...]]:
    content, sources = read_fields(data, "id", max_pixels=LIMIT)
    values = {name: getattr(content, name) for name in FIELDS}
    assert values["taken_from"] is None or values["taken_from"] in {source.name for source in sources}
    return of_fields(values, sources), of_parts(content.parts, sources)


def test_every_block_of_a_jpeg_is_told_apart() -> None:
    data = pictures.encode(
        pictures.draw("x"), "JPEG", caption="A receipt", comment="Paid", keywords=["food"],
        taken="2024-03-05T10:11:12", camera=("Canon", "EOS R5"), gps=(35.0, 135.75),
        xmp="<dc:title>Lunch</dc:title><dc:subject><rdf:Bag><rdf:li>noodles</rdf:li></rdf:Bag></dc:subject>"
        "<exif:DateTimeOriginal>2023-01-01T00:00:00</exif:DateTimeOriginal>",
        iptc={"caption": "A receipt", "city": "Kyoto"}, options={"comment": b"Made by hand"},
    )  # fmt: skip
    of_values, of_words = told(data)
    assert of_values == (
        Told("format", "jpeg", (DECODER,)),
        Told("width", 640, (DECODER,)),
        Told("height", 400, (DECODER,)),
        Told("taken_at", "2024-03-05T10:11:12", ("EXIF:DateTimeOriginal",)),
        Told("taken_at", "2023-01-01T00:00:00", ("XMP-exif:DateTimeOriginal",), used=False),
        Told("camera", "Canon EOS R5", ("EXIF:Make, EXIF:Model",)),
        Told("latitude", 35.0, ("EXIF:GPSPosition",)),
        Told("longitude", 135.75, ("EXIF:GPSPosition",)),
    )
    by_text = {(one.name, one.value): (one.sources, one.used) for one in of_words}
    assert by_text[("caption", "A receipt")] == (("EXIF:ImageDescription", "IPTC:Caption-Abstract"), True)
    assert by_text[("title", "Lunch")] == (("XMP-dc:title",), True)
    assert by_text[("keywords", "food, noodles")] == (("EXIF:XPKeywords", "XMP-dc:subject"), True)
    assert by_text[("place", "Kyoto")] == (("EXIF:GPSPosition", "IPTC:City"), True)
    assert by_text[("comment", "Made by hand")] == (("File:Comment",), True)
    assert by_text[("comment", "Paid")] == (("EXIF:UserComment",), True)
    assert by_text[("camera", "Canon EOS R5")] == (("EXIF:Make, EXIF:Model",), True)
    assert all(one.used for one in of_words)


def test_texts_of_a_png_are_named() -> None:
    data = pictures.encode(pictures.draw("x"), "PNG", png_text={"Title": "Lunch", "Description": "Noodles"})
    assert [(one.name, one.sources) for one in told(data)[1]] == [
        ("caption", ("PNG:Description",)),
        ("title", ("PNG:Title",)),
    ]


@pytest.mark.parametrize("form", ["WEBP", "TIFF", "AVIF"])
def test_other_containers(form: str) -> None:
    data = pictures.encode(pictures.draw("x"), form, caption="A receipt", xmp="<dc:title>Lunch</dc:title>")
    assert [(one.name, one.sources) for one in told(data)[1]] == [
        ("caption", ("EXIF:ImageDescription",)),
        ("title", ("XMP-dc:title",)),
    ]


def test_what_no_source_says_is_told_without_one() -> None:
    """Such as what is made of several blocks together."""
    assert of_fields({"format": "jpeg", "place": "Kyoto"}, ()) == (
        Told("format", "jpeg", (DECODER,)),
        Told("place", "Kyoto", ()),
    )
    assert of_parts([Part("place", "Kyoto")], [Source("EXIF", Content("", parts=(Part("title", "Kyoto"),)))]) == (
        Told("place", "Kyoto", ()),
    )


def test_words_that_were_passed_over_are_told() -> None:
    sources = [
        Source("EXIF", Content("", parts=(Part("caption", "Noodles"), Part("date", "5 March")))),
        Source("XMP", Content("", parts=(Part("caption", "Soup"), Part("comment", "noodles")))),
        Source("IPTC", Content("", parts=(Part("caption", "Soup"), Part("keywords", "a, b")))),
    ]
    assert of_parts([Part("caption", "Noodles"), Part("keywords", "B, c")], sources) == (
        Told("caption", "Noodles", ("EXIF",)),
        Told("keywords", "B, c", ("IPTC",)),
        Told("caption", "Soup", ("XMP", "IPTC"), used=False),
        Told("keywords", "a, b", ("IPTC",), used=False),
    )


def test_fields_that_come_later_are_told_too() -> None:
    """A field that a content does not have today, of a kind that cannot be hashed."""
    later = make_dataclass("Later", [("lens", list[str]), ("parts", tuple)])
    source = Source("MakerNote", cast(Content, later(lens=["24-70", "f/2.8"], parts=())))
    assert of_fields({"lens": ["24-70", "f/2.8"]}, [source]) == (Told("lens", ["24-70", "f/2.8"], ("MakerNote",)),)
    assert of_fields({"lens": None}, [source]) == (Told("lens", ["24-70", "f/2.8"], ("MakerNote",), used=False),)


def test_a_source_that_is_kept_comes_first() -> None:
    values = {"taken_at": "2024", "taken_from": "file name", "camera": "R5", "place_from": None}
    source = Source("EXIF", Content("", taken_at="2024", camera="R5"))
    assert of_fields(values, [source]) == (
        Told("taken_at", "2024", ("file name", "EXIF")),
        Told("camera", "R5", ("EXIF",)),
    )
    assert of_fields(values, [])[0] == Told("taken_at", "2024", ("file name",))


def test_make_and_model_are_one_place() -> None:
    said = [
        Field("EXIF:Make", "make", "Canon"),
        Field("XMP-tiff:Make", "make", "x"),
        Field("EXIF:Model", "model", "R5"),
    ]
    assert list(apart(said)) == [("EXIF:Make, EXIF:Model", [said[0], said[2]]), ("XMP-tiff:Make", [said[1]])]
    assert list(apart([])) == []


def test_a_picture_with_thousands_of_places_is_told_in_few() -> None:
    said = [Field(f"PNG:{number}", "comment", "x") for number in range(5000)]
    made = list(apart([*said, *said]))
    assert len(made) == 201
    assert made[-1][0] == "others"
    assert sum(len(some) for _, some in made) == 10_000


@pytest.mark.parametrize("names", [(), ("a.jpg.xmp",), ("a.xmp", "a.txt"), ("a|b:3.xmp", "a|b:3.txt"), ("ä\n.txt",)])
def test_sidecars_are_named_as_the_state_has_them(tmp_path: Any, names: tuple[str, ...]) -> None:
    stem = names[0].partition(".")[0] if names else "a"
    for name in names:
        (tmp_path / name).write_text("x")
    state = files.beside(str(tmp_path / f"{stem}.jpg"))
    assert sidecar_names(state) == names
    assert sidecar_names(state + "/more") == names


parts = st.builds(Part, st.sampled_from(CONTENT_LABELS), st.text("ab, ", min_size=1, max_size=6))
contents = st.builds(
    Content,
    content_id=st.just(""),
    taken_at=st.none() | st.sampled_from(["2023", "2024"]),
    latitude=st.none() | st.floats(-90, 90),
    parts=st.lists(parts, max_size=4).map(tuple),
)
some_sources = st.lists(st.builds(Source, st.sampled_from(["EXIF", "XMP", "IPTC"]), contents), max_size=4)


@settings(deadline=None, max_examples=100)
@given(contents, some_sources)
def test_every_value_is_told_once_and_only_by_who_says_it(content: Content, sources: list[Source]) -> None:
    values = {name: getattr(content, name) for name in FIELDS}
    fields_told = of_fields(values, sources)
    assert {one.name: one.value for one in fields_told if one.used} == {
        name: value for name, value in values.items() if value is not None
    }
    for one in fields_told:
        who = {s.name for s in sources if getattr(s.content, one.name) == one.value}
        assert set(one.sources) == (who or ({DECODER} if one.sources else set()))
        assert one.used or one.sources
    parts_told = of_parts(content.parts, sources)
    assert tuple(Part(one.name, str(one.value)) for one in parts_told if one.used) == content.parts
    assert all(one.sources for one in parts_told if not one.used)


def test_all_that_a_content_has_is_a_field_or_a_part() -> None:
    assert {one.name for one in fields(Content)} - set(FIELDS) == {"content_id", "parts", "fault", "undeveloped"}
