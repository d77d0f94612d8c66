"""Text of unknown encoding and dates of unknown form, as files hold them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.reading import dates, texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024:03:05 10:11:12", "2024-03-05T10:11:12"),
        ("2024-03-05T10:11:12Z", "2024-03-05T10:11:12+00:00"),
        ("2024-03-05T10:11", "2024-03-05T10:11:00"),
        ("20240305 101112+0900", "2024-03-05T10:11:12+09:00"),
        ("2024", "2024-01-01T00:00:00"),
        ("Tue, 05 Mar 2024 10:11:12 +0100", "2024-03-05T10:11:12+01:00"),
        ("2024:03:05 10:11:60", "2024-03-05T10:11:59"),
        ("0000:00:00 00:00:00", None),
        ("1601-01-01", None),
        ("2024:13:05 10:11:12", None),
        ("2024-03-05T10:11:12+99:00", "2024-03-05T10:11:12"),
        ("    :  :     :  :  ", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates(text: str, expected: str | None) -> None:
    assert dates.parse(text) == expected


def test_an_offset_belongs_to_a_time_not_to_a_day() -> None:
    assert dates.parse("2024:03:05 10:11:12", "+02:00") == "2024-03-05T10:11:12+02:00"
    assert dates.parse("2024-03-05", "+02:00") == "2024-03-05T00:00:00"
    assert dates.parse("2024-03-05T10:11:12Z", "+02:00") == "2024-03-05T10:11:12+00:00"


@settings(deadline=None, max_examples=200)
@given(st.text(), st.integers(1, 50))
def test_clean_text_stays_as_it_is(text: str, limit: int) -> None:
    once = texts.clean(text, limit)
    assert texts.clean(once, limit) == once
    assert len(once) <= limit
    once.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Fête à Genève – déjà vu", "cp1252"),
        ("Größe", "cp1252"),
        ("Закат над морем в Ялте", "cp1251"),
        ("在京都吃的拉面", "gb18030"),
        ("台灣的夜市與小吃", "big5"),
        ("東京タワーとラーメン", "shift_jis"),
        ("東京タワーとラーメン", "euc_jp"),
        ("서울의 밤 거리", "euc_kr"),
        ("plain words", "utf-16-le"),
        ("plain words", "utf-16-be"),
        ("日本", "utf-16"),
        ("日本", "utf-8-sig"),
    ],
)
def test_encodings_are_guessed(text: str, encoding: str) -> None:
    assert texts.decode(text.encode(encoding)) == text


def test_text_cut_in_the_middle_of_a_sign() -> None:
    assert texts.decode("京都".encode()[:-1]) == "京"


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=80))
def test_any_bytes_are_some_text(data: bytes) -> None:
    texts.clean(texts.decode(data)).encode("utf-8")


def test_the_encoding_of_a_long_text_is_told_by_its_beginning() -> None:
    text = "東京の夜景、" * 5_000
    assert texts.decode(text.encode("shift_jis")) == text
    assert texts.decode(b"x" + text.encode("euc_jp")) == "x" + text
    assert texts.decode(b"x" + text.encode("shift_jis") + b"\xff") == f"x{text}\ufffd"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Jens Trübiger", "mac_roman"),
        ("Größer als früher", "cp1252"),
        ("Chopin – żółta łódź", "cp1250"),
        ("Küçük ışık, güneş", "cp1254"),
        ("Приветствие", "koi8_r"),
        ("Καλημέρα σας", "cp1253"),
        ("שלום וברכה", "cp1255"),
        ("صباح الخير", "cp1256"),
        ("สวัสดีครับ", "tis_620"),
    ],
)
def test_encodings_of_alphabets(text: str, encoding: str) -> None:
    assert texts.decode(text.encode(encoding)) == text
