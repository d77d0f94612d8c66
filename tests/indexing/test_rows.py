"""Changes against the row as it stands at commit time."""

from dataclasses import replace

import numpy as np

from glimpsed.indexing.rows import (
    OCR_FAILED,
    Draft,
    Worded,
    content_parts,
    fit,
    gone,
    ocr_text,
    of_content,
    placed,
    reencoded,
    restamped,
    strengthened,
    told_by_sidecar,
    with_sidecar,
)
from glimpsed.reading.description import READER, UNDEVELOPED
from glimpsed.records import Content, Encoding, Part, Row, Sparse, Stamp

FALLBACK = "small"
STAMP = Stamp(1, 2, 3, 4)


def encoding(value: float) -> Encoding:
    return Encoding(np.full(3, value, np.float32))


def draft(caption: str = "a lighthouse", *, ocr: str | None = None, why: str = "new") -> Draft:
    content = Content("c1", format="png", parts=(Part("caption", caption),))
    row = placed(of_content(content, reader="r1"), path="/p/a.png", folder="/p", stamp=STAMP, beside="", now=5.0)
    if ocr is not None:
        row = replace(row, ocr="o1")
    return Draft(row, content.parts, (Part("name", "old tower"),), ocr, why)


def made(one: Draft, value: float = 0.5) -> Row:
    return one.apply(None, fallback=FALLBACK, encodings={one.describe().text_id: encoding(value)})


def test_a_size_that_no_column_holds_is_none() -> None:
    for width, height in ((4_294_901_820, 60), (60, 2_147_483_648), (-1, 5), (0, 5)):
        row = of_content(Content("c1", width=width, height=height), reader="r1")
        assert (row.width, row.height) == (None, None)
    row = of_content(Content("c1", width=2_147_483_647, height=1), reader="r1")
    assert (row.width, row.height) == (2_147_483_647, 1)


def test_what_ocr_read_of_a_small_preview_is_read_anew_of_the_developed_picture() -> None:
    small = replace(made(draft(ocr="tiny letters")), reader=UNDEVELOPED)
    developed = Draft(replace(draft().row, reader=READER), (), (), None, "tried again")
    row = developed.apply(small, fallback=FALLBACK, encodings={})
    assert (row.ocr, ocr_text(row)) == (None, None)
    again = replace(developed, row=replace(developed.row, reader=UNDEVELOPED))
    assert ocr_text(again.apply(small, fallback=FALLBACK, encodings={})) == "tiny letters"


def test_a_draft_becomes_a_row_with_its_words_and_its_vector() -> None:
    row = made(draft())
    assert row.encoder == FALLBACK
    assert row.vector is not None
    assert {part.label for part in row.description} == {"caption", "name"}
    assert "lighthouse" in row.text
    assert row.stamp == STAMP


def test_words_of_the_second_pass_survive_a_new_reading_of_the_same_content() -> None:
    before = made(draft())
    words = Worded("/p/a.png", "c1", "o1", "EXIT ONLY")
    text_id = words.describe(before).text_id
    worded = words.apply(before, fallback=FALLBACK, encodings={text_id: encoding(0.7)})
    assert worded is not None
    again = draft(why="changed")  # begun before the second pass was committed: it knows no words
    row = again.apply(worded, fallback=FALLBACK, encodings={again.describe().text_id: encoding(0.9)})
    assert ocr_text(row) == "EXIT ONLY"
    assert row.ocr == "o1"
    assert row.text_id == text_id
    assert row.vector is worded.vector  # that of its text, not of the text that the draft knew


def test_without_an_encoding_of_its_text_a_row_is_stale() -> None:
    row = fit(made(draft()), fallback=FALLBACK, encodings={})
    assert row.encoder is None
    assert row.vector is None


def test_words_of_another_content_are_not_taken() -> None:
    before = replace(made(draft(ocr="EXIT")), content_id="c2", ocr="o1")
    row = draft().apply(before, fallback=FALLBACK, encodings={})
    assert ocr_text(row) is None
    assert row.ocr is None


def test_words_come_too_late_for_a_changed_picture() -> None:
    words = Worded("/p/a.png", "c0", "o1", "EXIT")
    assert words.apply(made(draft()), fallback=FALLBACK, encodings={}) is None
    assert words.apply(None, fallback=FALLBACK, encodings={}) is None


def test_no_words_found_keeps_the_vectors() -> None:
    before = strengthened(made(draft()), text_id=made(draft()).text_id, encoder="big", encoding=encoding(1.0))
    assert before is not None
    row = Worded("/p/a.png", "c1", "o1", None).apply(before, fallback=FALLBACK, encodings={})
    assert row is not None
    assert (row.ocr, row.encoder, row.strong is before.strong) == ("o1", "big", True)


def test_new_words_drop_the_stronger_vector_that_is_of_the_old_text() -> None:
    before = strengthened(made(draft()), text_id=made(draft()).text_id, encoder="big", encoding=encoding(1.0))
    assert before is not None
    words = Worded("/p/a.png", "c1", "o1", "EXIT")
    row = words.apply(before, fallback=FALLBACK, encodings={words.describe(before).text_id: encoding(0.2)})
    assert row is not None
    assert (row.encoder, row.strong) == (FALLBACK, None)


def test_words_after_a_failure_end_it() -> None:
    before = replace(made(draft()), error=OCR_FAILED + "it died", attempts=2, retry_at=9.0)
    row = Worded("/p/a.png", "c1", "o1", None).apply(before, fallback=FALLBACK, encodings={})
    assert row is not None
    assert (row.error, row.attempts, row.retry_at) == (None, 0, None)


def test_a_stronger_vector_comes_too_late_for_a_changed_text() -> None:
    row = made(draft())
    assert strengthened(row, text_id="another", encoder="big", encoding=encoding(1.0)) is None
    assert strengthened(None, text_id=row.text_id, encoder="big", encoding=encoding(1.0)) is None
    assert reencoded(row, text_id="another", encoder=FALLBACK, encoding=encoding(1.0)) is None


def test_a_stronger_encoding_keeps_the_fallbacks_vector() -> None:
    row = made(draft())
    sparse = Sparse(np.array([1], np.int32), np.array([0.5], np.float32))
    strong = strengthened(row, text_id=row.text_id, encoder="big", encoding=Encoding(encoding(1.0).dense, sparse, 2))
    assert strong is not None
    assert strong.vector is row.vector
    assert (strong.encoder, strong.sparse, strong.cut) == ("big", sparse, 2)


def test_gone_and_back() -> None:
    row = made(draft())
    missing = gone(row, 7.0)
    assert missing is not None
    assert missing.missing_since == 7.0
    assert gone(missing, 8.0) is None
    assert gone(None, 8.0) is None
    back = restamped(missing, stamp=STAMP._replace(ctime_ns=9), beside="", content_id="c1")
    assert back is not None
    assert (back.missing_since, back.ctime_ns, back.vector is row.vector) == (None, 9, True)
    assert restamped(missing, stamp=STAMP, beside="", content_id="c2") is None


def test_a_sidecars_fields_fill_gaps_only() -> None:
    picture = Row("/p/a.png", "/p", taken_at="2020-01-01T00:00:00", latitude=1.0, longitude=2.0)
    sidecar = Content("", taken_at="2021-01-01T00:00:00", camera="Box", latitude=3.0, longitude=4.0)
    row = with_sidecar(picture, sidecar)
    assert (row.taken_at, row.camera, row.latitude, row.longitude) == ("2020-01-01T00:00:00", "Box", 1.0, 2.0)
    assert with_sidecar(picture, None) is picture
    assert with_sidecar(replace(picture, latitude=None, longitude=None), sidecar).longitude == 4.0


def test_the_words_for_fields_come_from_who_tells_them() -> None:
    words = (Part("date", "2021"), Part("camera", "Box"), Part("place", "Rome"), Part("placenames", "Rom"))
    sidecar = Content("", taken_at="2021-01-01T00:00:00", camera="Box", latitude=3.0, longitude=4.0, parts=words)
    bare = Row("/p/a.png", "/p", place="Trastevere")
    assert told_by_sidecar(bare, sidecar) == words
    assert with_sidecar(bare, sidecar).place == "Trastevere · Rome"
    full = replace(bare, taken_at="2020-01-01T00:00:00", latitude=1.0, longitude=2.0)
    assert told_by_sidecar(full, sidecar) == (Part("camera", "Box"),)
    assert with_sidecar(full, sidecar).place == "Trastevere"
    assert told_by_sidecar(bare, None) == ()


def test_what_comes_from_the_bytes_is_told_from_what_comes_from_the_place() -> None:
    row = made(draft(ocr="EXIT"))
    assert [part.label for part in content_parts(row)] == ["caption"]
