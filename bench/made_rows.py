"""Rows of a table that looks like a real one: captions in several languages, names, directories, some words from OCR.

Every description is another one. A vector is the fallback's of one of some hundred made-up captions, and noise: the
cosines of different rows are as close together as those of real texts are, and a question finds its neighbours.
"""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID, Fallback
from glimpsed.reading.description import READER, describe
from glimpsed.records import Change, Part, Row
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer

_SEEDS = 200  # captions that are really encoded
_NOISE = 0.35
"""Length of the noise beside a unit vector: cosines of rows around one caption are about .89."""

_GROUP = 2_000  # rows of one commit

LANGUAGES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        "{0} {1} {2}",
        (
            "a red bicycle",
            "an old wooden boat",
            "two sleeping cats",
            "a birthday cake",
            "my grandmother",
            "a steam train",
            "a bowl of ramen",
            "a yellow umbrella",
            "children playing football",
            "a handwritten letter",
            "a broken window",
        ),
        (
            "near the harbour",
            "in the garden",
            "under the bridge",
            "at the railway station",
            "on a snowy mountain",
            "in front of the cathedral",
            "beside the swimming pool",
            "at the kitchen table",
            "behind the school",
        ),
        ("at sunset", "in the rain", "on Christmas morning", "last summer", "before the storm", "during the holidays"),
    ),
    "de": (
        "{0} {1} {2}",
        (
            "ein rotes Fahrrad",
            "ein altes Holzboot",
            "zwei schlafende Katzen",
            "eine Geburtstagstorte",
            "meine Großmutter",
            "eine Dampflok",
            "ein gelber Regenschirm",
            "spielende Kinder",
            "ein handgeschriebener Brief",
        ),
        (
            "am Hafen",
            "im Garten",
            "unter der Brücke",
            "am Bahnhof",
            "auf einem verschneiten Berg",
            "vor dem Dom",
            "am Schwimmbad",
            "am Küchentisch",
            "hinter der Schule",
        ),
        ("bei Sonnenuntergang", "im Regen", "am Weihnachtsmorgen", "im letzten Sommer", "vor dem Gewitter"),
    ),
    "fr": (
        "{0} {1} {2}",
        (
            "un vélo rouge",
            "un vieux bateau en bois",
            "deux chats endormis",
            "un gâteau d'anniversaire",
            "ma grand-mère",
            "un train à vapeur",
            "un parapluie jaune",
            "des enfants qui jouent",
            "une lettre manuscrite",
        ),
        (
            "près du port",
            "dans le jardin",
            "sous le pont",
            "à la gare",
            "sur une montagne enneigée",
            "devant la cathédrale",
            "au bord de la piscine",
            "à la table de la cuisine",
        ),
        ("au coucher du soleil", "sous la pluie", "le matin de Noël", "l'été dernier", "avant l'orage"),
    ),
    "es": (
        "{0} {1} {2}",
        (
            "una bicicleta roja",
            "un viejo barco de madera",
            "dos gatos dormidos",
            "una tarta de cumpleaños",
            "mi abuela",
            "un tren de vapor",
            "un paraguas amarillo",
            "niños jugando",
            "una carta manuscrita",
        ),
        (
            "cerca del puerto",
            "en el jardín",
            "bajo el puente",
            "en la estación",
            "en una montaña nevada",
            "delante de la catedral",
            "junto a la piscina",
            "en la mesa de la cocina",
        ),
        ("al atardecer", "bajo la lluvia", "la mañana de Navidad", "el verano pasado", "antes de la tormenta"),
    ),
    "ru": (
        "{0} {1} {2}",
        (
            "красный велосипед",
            "старая деревянная лодка",
            "две спящие кошки",
            "праздничный торт",
            "моя бабушка",
            "паровоз",
            "жёлтый зонт",
            "дети играют в мяч",
            "рукописное письмо",
        ),
        ("у порта", "в саду", "под мостом", "на вокзале", "на снежной горе", "перед собором", "у бассейна"),
        ("на закате", "под дождём", "рождественским утром", "прошлым летом", "перед грозой"),
    ),
    "ja": (
        "{2}{1}{0}",
        (
            "赤い自転車",
            "古い木の船",
            "眠っている二匹の猫",
            "誕生日ケーキ",
            "祖母",
            "蒸気機関車",
            "黄色い傘",
            "手書きの手紙",
        ),
        ("港の近くの", "庭の", "橋の下の", "駅の", "雪山の", "大聖堂の前の", "プールのそばの", "台所の"),
        ("夕暮れの", "雨の日の", "クリスマスの朝の", "去年の夏の", "嵐の前の"),
    ),
    "zh": (
        "{2}{1}{0}",
        ("红色的自行车", "旧木船", "两只睡着的猫", "生日蛋糕", "我的奶奶", "蒸汽火车", "黄色的雨伞", "手写的信"),
        ("港口附近的", "花园里的", "桥下的", "火车站的", "雪山上的", "大教堂前的", "游泳池边的", "厨房里的"),
        ("日落时", "雨中", "圣诞节早晨", "去年夏天", "暴风雨前"),
    ),
}

_ALBUMS = ("holidays", "family", "work", "screenshots", "Urlaub", "vacances", "фото", "旅行", "scans", "phone")
_MERCHANTS = ("Corner Cafe", "Stadtbäckerei", "Librairie Centrale", "Green Grocer", "北京书店", "Ferretería Sol")


def captions() -> list[str]:
    """All different captions that the words above make, in an order of their own."""
    found = [form.format(*said) for form, *words in LANGUAGES.values() for said in itertools.product(*words)]
    random.Random(1).shuffle(found)
    return found


def questions(count: int, *, start: int = 0) -> list[str]:
    """Questions as people type them, no two alike: some words of a caption, and a word or number of the row's own."""
    choose, made = random.Random(2), captions()
    found: dict[str, None] = {}
    number = 0
    while len(found) < start + count:
        caption = made[number % len(made)]
        words = caption.split()
        kept = sorted(choose.sample(range(len(words)), min(len(words), choose.randint(2, 4))))
        asked = " ".join(words[place] for place in kept)
        if choose.random() < 0.4 or asked in found:
            asked += " " + choose.choice(
                (*_ALBUMS, *_MERCHANTS, str(2_000 + choose.randrange(24)), f"{choose.randrange(9_999)}")
            )
        found.setdefault(asked)
        number += 1
    return list(found)[start:]


def centres(encoder: Fallback | None = None) -> NDArray[np.float32]:
    """The fallback's vectors of some hundred captions, shape (_SEEDS, 384)."""
    encoder = encoder or Fallback()
    made = captions()[:_SEEDS]
    return np.stack([encoder.encode([(caption,)], query=False)[0].dense for caption in made])


def rows(count: int, folder: str, around: NDArray[np.float32]) -> Iterator[Row]:
    """`count` fresh rows of files below `folder`, with the ids of this glimpsed; OCR is not asked for."""
    choose, noise, made = random.Random(3), np.random.default_rng(4), captions()
    for number in range(count):
        place = number % len(made)
        vector = around[place % len(around)] + (_NOISE / DIMENSION**0.5) * noise.standard_normal(DIMENSION)
        album, year = choose.choice(_ALBUMS), 2_000 + number % 24
        parts = [Part("caption", made[place]), Part("date", f"{year}")]
        if number % 5 == 0:
            prices = "\n".join(f"item {choose.randrange(900)}  {choose.uniform(1, 90):.2f}" for _ in range(8))
            parts.append(Part("ocr", f"{choose.choice(_MERCHANTS)}\n{prices}\nTotal {choose.uniform(9, 400):.2f}"))
        beside = [
            Part("name", f"picture {number} {choose.choice(_ALBUMS)}"),
            Part("directory", f"{album} {year}"),
            Part("above", Path(folder).name),
        ]
        said = describe(parts, beside)
        when = 1_000_000_000_000_000_000 + number * 1_000_000_007
        yield Row(
            path=f"{folder}/{album} {year}/{number:06} {choose.choice(_ALBUMS)}.jpg",
            folder=folder,
            content_id=f"{number + 1:064x}",
            mtime_ns=when,
            ctime_ns=when,
            size=100_000 + number * 37,
            inode=1_000_000 + number,
            format="jpeg",
            width=4_000,
            height=3_000,
            taken_at=f"{year}-{1 + number % 12:02}-{1 + number % 28:02}T12:00:00",
            camera="made up",
            description=said.parts,
            text=said.text,
            text_id=said.text_id,
            reader=READER,
            encoder=FALLBACK_ID,
            vector=(vector / np.linalg.norm(vector)).astype(np.float32),
            indexed_at=1.0,
        )


async def fill(
    state: str, count: int, folder: str, around: NDArray[np.float32], change: Callable[[Row], Row] = lambda row: row
) -> None:
    """Make the table of `count` such rows in a state directory, changed so, maintained as the daemon leaves it."""
    async with open_table(state) as table:
        writer = Writer(table)
        made = map(change, rows(count, folder, around))
        while group := list(itertools.islice(made, _GROUP)):
            await writer.commit([Change(row.path, lambda _, row=row: row) for row in group])  # type: ignore[misc]
        await writer.maintain(force=True)


def make(state: str, count: int, folder: str) -> None:
    """The same, from code that is not asynchronous."""
    anyio.run(fill, state, count, folder, centres())


@contextmanager
def dropping(folder: Path, every: float = 0.005) -> Iterator[list[int]]:
    """Pictures, each like no other and with a caption of its own, one `every` so many seconds: faster than indexed."""
    stop, dropped = threading.Event(), [0]

    def drop() -> None:
        said_of = captions()
        while not stop.wait(every):
            number = dropped[0] = dropped[0] + 1
            said = PngImagePlugin.PngInfo()
            said.add_itxt("Description", f"{said_of[number % len(said_of)]} {number}")
            image = Image.new("RGB", (32, 32), (number % 256, number // 256 % 256, number // 65536))
            made = folder.parent / "making.png"
            image.save(made, pnginfo=said, compress_level=1)
            made.rename(folder / f"{number}.png")

    thread = threading.Thread(target=drop, daemon=True)
    thread.start()
    try:
        yield dropped
    finally:
        stop.set()
        thread.join()
