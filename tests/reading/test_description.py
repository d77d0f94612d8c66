"""Descriptions are put together by pure rules; these are the rules."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.reading import names
from glimpsed.reading.description import (
    READER,
    content_parts,
    describe,
    ocr_of,
    place_parts,
    with_ocr,
)
from glimpsed.records import CONTENT_LABELS, ENCODED_LABELS, PLACE_LABELS, Part

TEXTS = st.text(max_size=40)
CONTENT = st.lists(st.builds(Part, st.sampled_from([x for x in CONTENT_LABELS if x != "ocr"]), TEXTS), max_size=6)
PLACE = st.lists(st.builds(Part, st.sampled_from(PLACE_LABELS), TEXTS), max_size=6)


def test_what_is_encoded_and_what_is_only_indexed() -> None:
    done = describe(
        [Part("camera", "Canon EOS R5"), Part("caption", "Ramen"), Part("date", "2024-03-05")],
        [Part("name", "receipt"), Part("above", "trips"), Part("directory", "Kyoto"), Part("sidecar", "my note")],
        ocr="Total 1200",
    )
    assert done.encoded == ("Ramen", "my note", "receipt", "Total 1200", "Kyoto")
    assert done.text.split("\n") == [
        "Ramen", "my note", "receipt", "Total 1200", "Kyoto", "2024-03-05", "Canon EOS R5", "trips",
    ]  # fmt: skip
    assert len(done.text_id) == 32
    assert set(done.text_id) <= set(string.hexdigits.lower())


def test_the_same_words_are_encoded_once() -> None:
    done = describe([Part("caption", "Ramen"), Part("title", "ramen")], [Part("name", "Ramen")])
    assert done.encoded == ("Ramen",)
    assert len(done.parts) == 3


def test_ids_tell_texts_apart_and_parts_from_their_sum() -> None:
    one = describe([Part("caption", "a b")], [])
    two = describe([Part("caption", "a"), Part("title", "b")], [])
    assert one.text_id != two.text_id
    assert one.text_id == describe([Part("caption", "a b"), Part("camera", "X")], [Part("above", "y")]).text_id


def test_a_new_name_for_a_directory_above_encodes_nothing() -> None:
    for name in ("IMG_2041", "ramen", "___"):
        before = describe([], names.words(f"/p/trips/2023/{name}.jpg", "/p"))
        after = describe([], names.words(f"/p/journeys/2023/{name}.jpg", "/p"))
        assert before.text_id == after.text_id
        assert before.text != after.text
    # Also where the directory itself says nothing, so that only the stem is left.
    before = describe([], names.words("/p/trips/100CANON/IMG_2041.jpg", "/p"))
    after = describe([], names.words("/p/journeys/100CANON/IMG_2041.jpg", "/p"))
    assert before.encoded == after.encoded == ("IMG 2041",)


def test_every_picture_has_something_to_encode() -> None:
    assert describe([], []).encoded == ("picture",)
    assert describe([Part("camera", "X")], []).encoded == ("picture",)


def test_labels_nobody_knows_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        describe([Part("colour", "red")], [])


def test_unfit_text_is_made_fit() -> None:
    done = describe([Part("caption", "a\0b\ud800c\r\n\r\n d  e ")], [], ocr=" \n ")
    assert done.parts == (Part("caption", "a b c\nd e"),)


def test_reading_the_same_bytes_again_keeps_the_text_of_the_pixels() -> None:
    row = describe([Part("caption", "old")], [Part("name", "x")], ocr="words").parts
    again = describe([Part("caption", "new")], [Part("name", "y")], ocr=ocr_of(row))
    assert again == describe([Part("caption", "new")], [Part("name", "y")], ocr="words")
    assert ocr_of(again.parts) == "words"
    assert READER


@settings(deadline=None)
@given(CONTENT, PLACE, st.none() | TEXTS)
def test_deterministic_and_complete(content: list[Part], place: list[Part], ocr: str | None) -> None:
    done = describe(content, place, ocr=ocr)
    assert done == describe(list(content), list(place), ocr=ocr)
    assert done == describe(content_parts(done.parts), place_parts(done.parts))
    assert done.encoded
    assert all(done.encoded)
    for part in done.parts:
        part.text.encode("utf-8")
        assert "\0" not in part.text
    encodable = {part.text.casefold() for part in done.parts if part.label in ENCODED_LABELS}
    if encodable:
        assert {text.casefold() for text in done.encoded} == encodable


@settings(deadline=None)
@given(CONTENT, PLACE, PLACE, st.none() | TEXTS)
def test_another_place_keeps_the_content(
    content: list[Part], old: list[Part], new: list[Part], ocr: str | None
) -> None:
    row = describe(content, old, ocr=ocr)
    there = describe(content_parts(row.parts), new)
    assert content_parts(there.parts) == content_parts(row.parts)
    assert there == describe(content, new, ocr=ocr)
    assert describe(content_parts(there.parts), old) == row


@settings(deadline=None)
@given(CONTENT, PLACE, TEXTS, TEXTS)
def test_adding_the_text_of_the_pixels_is_idempotent(
    content: list[Part], place: list[Part], first: str, text: str
) -> None:
    row = describe(content, place, ocr=first)
    once = with_ocr(row.parts, text)
    assert with_ocr(once.parts, text) == once == describe(content, place, ocr=text)
    assert place_parts(once.parts) == place_parts(row.parts)
