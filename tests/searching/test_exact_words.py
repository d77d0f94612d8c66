"""Names, codes, numbers and parts of words, asked of the real table: the picture that has them comes first.

The encoder is of no help here: its nearest neighbours are pictures that have nothing to do with the question.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from tests.searching import fakes
from tests.storing.making import put

from glimpsed.reading import names
from glimpsed.reading.description import describe
from glimpsed.records import Encoding
from glimpsed.searching.search import POOL, Search
from glimpsed.searching.vocabulary import COMMON, Vocabulary
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer

PICTURES = {
    "IMG_2041.jpg": "beach",
    "IMG_2042.jpg": "beach 2041 IMG",
    "IMG_20411.jpg": "beach",
    "error.png": "Traceback:\nKeyError: 'user_id'",
    "keys.png": "a key error in the list",
    "coffee.png": "Total 12.40 EUR",
    "lunch.png": "Summe 12,45 €\n40 Gäste am 12.",
    "dinner.png": "Summe 31,80 €",
    "flight.png": "Gate QF-1123 boarding",
    "other flight.png": "Gate QF-1124, seat 1123",
    "glued.png": "Flug LH4711 nach Rom",
    "cat.png": "Minka vermisst\nTel. 0176/555 1234",
    "dog.png": "Bello vermisst\nTel. 0176/555 9999",
    "receipt.png": "Date 12.06.2024\nTotal 5.00",
    "other receipt.png": "Date 12.07.2024\nTotal 6.00",
    "shop.png": "Receipts for three coffees",
    "bahn.png": "Ihr Fahrticket nach Bonn",
    "zurich.png": "Zürich Hauptbahnhof",
    "ligature.png": "the ﬁle oﬃce",
    "wide.png": "ＡＢＣ１２３ 製品",
    "kana.png": "ｶｰﾄﾞ ﾗｰﾒﾝ 980",
    "korean.png": "카페영수증을 받았습니다",
    "arabic.png": "والبيت الكبير",
    "marked.png": "مُحَمَّد في المدرسة",
    "hebrew.png": "הגעתי מהבית לעבודה",
    "pointed.png": "שָׁלוֹם לכולם",
    "thai.png": "ซื้อตั๋วรถไฟไปเชียงใหม่",
    "chinese.png": "增值税电子普通发票 打印纸",
    "japanese.png": "本日の領収書 天然とんこつ",
    "russian.png": "нарядная ёлка во дворе",
    "turkish.png": "İstanbul vapuru",
    "greek.png": "Καλημέρα Αθήνα",
    "menu.png": "チャーハン 600",
    "GitHub invoice.png": "",
    "WhatsApp Image 2024-03-05 at 10.11.12.png": "",
    **{f"tower{number}.png": "Λευκός Πύργος" for number in range(COMMON + 5)},
}
DISTRACTING = 120
"""Pictures that are nearer to every question than all of these: more than are looked at for being near."""
assert DISTRACTING > POOL


class Encoders:
    """An encoder that takes every question for the same."""

    fallback_id = chosen_id = fakes.FALLBACK

    async def question(self, text: str) -> fakes.Asked:
        return fakes.Asked(Encoding(fakes.unit([1.0] + [0.0] * 383)))

    async def colbert(self, *_: object, **__: object) -> dict[str, float]:
        return {}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def search(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Search]:
    random = np.random.default_rng(7)
    rows = []
    for number, (name, text) in enumerate([*PICTURES.items(), *((f"near{i}.png", "") for i in range(DISTRACTING))]):
        path = f"/p/{name}"
        described = describe([], names.words(path, "/p"), ocr=text)
        vector = random.standard_normal(384) * 0.05
        vector[0] = 1.0 if name.startswith("near") else -1.0
        made = fakes.row(path, parts=described.parts, vector=vector, content_id=f"{number:064x}")
        rows.append(made)
    state: Path = tmp_path_factory.mktemp("state")
    async with open_table(str(state)) as table:
        await Writer(table).commit([put(row) for row in rows])
        vocabulary = Vocabulary(table)
        await vocabulary.update()
        yield Search(table, Encoders(), fakes.Settings(), vocabulary=vocabulary)


@pytest.mark.parametrize(
    ("question", "name", "shown"),
    [
        ("IMG_2041", "IMG_2041.jpg", None),
        ("IMG_2041.jpg", "IMG_2041.jpg", None),
        ("img_2041.JPG", "IMG_2041.jpg", None),
        ("KeyError", "error.png", ["KeyError"]),
        ("user_id", "error.png", ["user", "id"]),
        ("12.40", "coffee.png", ["12.40"]),
        ("12,40", "coffee.png", ["12.40"]),
        ("31.80", "dinner.png", ["31,80"]),
        ("QF-1123", "flight.png", ["QF-1123"]),
        ("QF1123", "flight.png", ["QF-1123"]),
        ("QF 1124", "other flight.png", ["QF", "1124"]),
        ("LH-4711", "glued.png", ["LH4711"]),
        ("LH4711", "glued.png", ["LH4711"]),
        ("0176 5551234", "cat.png", ["0176/555 1234"]),
        ("+49 176 555 1234", "cat.png", ["0176/555 1234"]),
        ("12.06.2024", "receipt.png", ["12.06.2024"]),
        ("12/06/2024", "receipt.png", ["12.06.2024"]),
        ("recei coffees", "shop.png", ["Receipts", "coffees"]),
        ("vermis bello", "dog.png", None),
        ("ticket", "bahn.png", ["ticket"]),
        ("fahrt", "bahn.png", ["Fahrticket"]),
        ("zurich", "zurich.png", ["Zürich"]),
        ("ZÜRICH", "zurich.png", ["Zürich"]),
        ("Hauptbahn", "zurich.png", ["Hauptbahnhof"]),
        ("file", "ligature.png", ["ﬁle"]),
        ("office", "ligature.png", ["oﬃce"]),
        ("ABC123", "wide.png", ["ＡＢＣ１２３"]),
        ("ラーメン", "kana.png", ["ﾗｰﾒﾝ"]),
        ("カード", "kana.png", ["ｶｰﾄﾞ"]),
        ("영수증", "korean.png", ["영수증"]),
        ("영수증을", "korean.png", ["영수증"]),
        ("بيت", "arabic.png", ["بيت"]),
        ("البيت", "arabic.png", ["والبيت"]),
        ("محمد", "marked.png", ["مُحَمَّد"]),
        ("בית", "hebrew.png", ["בית"]),
        ("שלום", "pointed.png", ["שָׁלוֹם"]),
        ("รถไฟ", "thai.png", ["รถไฟ"]),
        ("发票", "chinese.png", ["发票"]),
        ("电子普通", "chinese.png", ["电子普通"]),
        ("領収書", "japanese.png", ["領収書"]),
        ("елка", "russian.png", ["ёлка"]),
        ("istanbul", "turkish.png", ["İstanbul"]),
        ("αθηνα", "greek.png", ["Αθήνα"]),
        ("ﾁｬｰﾊﾝ", "menu.png", ["チャーハン"]),
        ("チャーハン", "menu.png", ["チャーハン"]),
        ("github", "GitHub invoice.png", None),
        ("GitHub", "GitHub invoice.png", None),
        ("hub", "GitHub invoice.png", None),
        ("whatsapp", "WhatsApp Image 2024-03-05 at 10.11.12.png", None),
        ("ΠΥΡΓΟΣ", "tower0.png", ["Πύργος"]),
    ],
)
async def test_what_is_asked_for_comes_first_and_is_shown(
    search: Search, question: str, name: str, shown: list[str] | None
) -> None:
    first = (await search.search(question, 5)).hits[0]
    assert first.path == f"/p/{name}"
    if shown is not None:
        assert [first.snippet[start:end] for start, end in first.positions] == shown


async def test_words_that_are_there_are_sure_and_those_that_are_not_fit_nothing(search: Search) -> None:
    for question in ("QF-1123", "KeyError", "Zürich Hauptbahnhof", "发票"):
        answer = await search.search(question, 5)
        assert (answer.hits[0].certainty, answer.nothing_fits) == ("sure", False), question
    for question in ("giraffe", "QF-9999", "99.99", "长颈鹿"):
        answer = await search.search(question, 5)
        assert answer.nothing_fits, question
        assert {hit.certainty for hit in answer.hits} == {"maybe"}
