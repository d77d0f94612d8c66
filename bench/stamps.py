"""A set of pictures from Debian's `tuxpaint-stamps-default`: English descriptions, questions in other languages.

Each stamp has a `.txt` beside it: the first line describes it in English, the others in some 77 languages, as
`de.utf8=Ein Adler.` The English line becomes the sidecar of every other picture, and the embedded caption of the rest
(an iTXt chunk, XMP or EXIF in turn, as the format allows). Questions are the descriptions in the other languages.
"""

import io
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import common  # noqa: F401  it puts the tests' drawings on the path
from PIL import Image
from questions import Built, Line, UnusableError
from tests import pictures

STAMPS = Path("/usr/share/tuxpaint/stamps")

LANGUAGES = ("en_GB", "hi", "es", "de", "fr", "zh_CN", "ru", "pt", "tr", "ar", "ko", "ja")
"""Asked in unless told otherwise."""
FEWEST = 100
"""Translations that a language must have to be asked in with `all`."""
SIDE = 512
"""Pixels of the longer side that a drawing (SVG) is made."""

UNANSWERED = {
    "en_GB": (
        "a dentist's invoice with the amount due", "screenshot of a Python error message", "my boarding pass to Lisbon",
        "the floor plan of our flat", "wedding photo in front of the town hall", "a parking ticket from last May",
        "bar chart of quarterly sales", "whiteboard with notes from the meeting", "a signed rental contract",
        "ultrasound picture of the baby",
    ),
    "de": (
        "Zahnarztrechnung mit dem offenen Betrag", "Bildschirmfoto einer Python-Fehlermeldung",
        "meine Bordkarte nach Lissabon", "der Grundriss unserer Wohnung", "Hochzeitsfoto vor dem Rathaus",
        "ein Strafzettel vom letzten Mai", "Balkendiagramm der Quartalsumsätze",
        "Tafel mit Notizen aus der Besprechung", "ein unterschriebener Mietvertrag", "Ultraschallbild des Babys",
    ),
    "fr": (
        "facture du dentiste avec le montant dû", "capture d'écran d'un message d'erreur Python",
        "ma carte d'embarquement pour Lisbonne", "le plan de notre appartement", "photo de mariage devant la mairie",
        "une contravention de mai dernier", "diagramme des ventes trimestrielles",
        "tableau avec les notes de la réunion", "un contrat de location signé", "échographie du bébé",
    ),
    "zh_CN": (
        "牙医的账单和应付金额", "Python 错误信息的截图", "我去里斯本的登机牌", "我们公寓的平面图", "市政厅前的婚礼照片",
        "去年五月的停车罚单", "季度销售额的柱状图", "写着会议记录的白板", "签了字的租房合同", "宝宝的超声波照片",
    ),
    "ja": (
        "歯医者の請求書と支払額", "Pythonのエラーメッセージのスクリーンショット", "リスボン行きの搭乗券",
        "私たちのアパートの間取り図", "市役所前の結婚式の写真", "去年五月の駐車違反の切符", "四半期売上の棒グラフ",
        "会議のメモが書かれたホワイトボード", "署名済みの賃貸契約書", "赤ちゃんの超音波写真",
    ),
    "ru": (
        "счёт от стоматолога с суммой к оплате", "снимок экрана с ошибкой Python",
        "мой посадочный талон в Лиссабон", "план нашей квартиры", "свадебное фото перед ратушей",
        "штраф за парковку в прошлом мае", "диаграмма квартальных продаж", "доска с записями с совещания",
        "подписанный договор аренды", "снимок УЗИ малыша",
    ),
}  # fmt: skip
"""Questions about what no stamp shows."""

_TRANSLATION = re.compile(r"([A-Za-z@_]+)\.utf8=(.*)")


@dataclass(frozen=True, slots=True)
class Stamp:
    """One picture with what is said of it."""

    picture: Path
    english: str
    translations: dict[str, str]


def read(place: Path) -> list[Stamp]:
    """The stamps below a directory, by name; raises UnusableError where there is none."""
    stamps = []
    for text in sorted(place.rglob("*.txt")):
        found = [text.with_suffix(suffix) for suffix in (".png", ".svg") if text.with_suffix(suffix).exists()]
        english, *others = text.read_text(encoding="utf-8").splitlines() or [""]
        if found and english.strip():
            pairs = (match.groups() for line in others if (match := _TRANSLATION.fullmatch(line)))
            said = {language: " ".join(words.split()) for language, words in pairs if words.strip()}
            stamps.append(Stamp(found[0], " ".join(english.split()), said))
    if not stamps:
        raise UnusableError(f"no stamps below {place}: install Debian's tuxpaint-stamps-default, or name a directory")
    return stamps


def languages(stamps: Sequence[Stamp], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The languages to ask in: LANGUAGES unless `wanted`; with `all` those of at least FEWEST translations."""
    counts: dict[str, int] = {}
    for stamp in stamps:
        for language in stamp.translations:
            counts[language] = counts.get(language, 0) + 1
    if wanted is None:
        return tuple(language for language in LANGUAGES if language in counts)
    if list(wanted) == ["all"]:
        return tuple(sorted(language for language, count in counts.items() if count >= FEWEST))
    if unknown := [language for language in wanted if language not in counts]:
        raise UnusableError(f"no stamp is described in {', '.join(unknown)}; there are {', '.join(sorted(counts))}")
    return tuple(wanted)


def build(into: Path, wanted: Sequence[str] | None = None, *, names: bool = False, place: Path = STAMPS) -> Built:
    """Write the pictures below `into`, and what is asked of them.

    With `names` they keep their own names, which are English words; else they are numbers, so that only what is said
    in or beside a picture is measured.
    """
    stamps = read(place)
    asked = languages(stamps, wanted)
    into.mkdir(parents=True, exist_ok=True)
    texts: dict[str, str] = {}
    where: dict[Path, str] = {}
    kinds: dict[str, str] = {}
    undrawn = 0
    for number, stamp in enumerate(stamps):
        name = stamp.picture.relative_to(place).with_suffix("") if names else Path(f"{number:04}")
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        image = _image(stamp.picture)
        undrawn += image is None
        suffix = save(into / name, image or placeholder(number), stamp.english, number)
        where[stamp.picture] = f"{name}{suffix}"
        texts[where[stamp.picture]] = stamp.english
        kinds[where[stamp.picture]] = "sidecar" if _beside(number) else "caption"
    beside = sum(kind == "sidecar" for kind in kinds.values())
    remarks = [f"{len(stamps)} stamps, {beside} with a sidecar, the others with a caption inside"]
    if undrawn:
        remarks.append(
            f"{undrawn} stamps are SVG drawings, and rsvg-convert is not here: a picture without a word stands for each"
        )
    lines = tuple(_lines(stamps, where, kinds, asked, unanswered=place == STAMPS))
    return Built(into, lines, texts, tuple(remarks))


def _lines(
    stamps: Sequence[Stamp], where: dict[Path, str], kinds: dict[str, str], asked: Sequence[str], *, unanswered: bool
) -> Iterator[Line]:
    """Each description once a language. It is answered by all stamps described so, in that language or in English."""
    for language in asked:
        same_english: dict[str, list[str]] = {}
        by_question: dict[str, list[Stamp]] = {}
        for stamp in stamps:
            same_english.setdefault(stamp.english, []).append(where[stamp.picture])
            if language in stamp.translations:
                by_question.setdefault(stamp.translations[language], []).append(stamp)
        for question, described in by_question.items():
            relevant = dict.fromkeys(path for stamp in described for path in same_english[stamp.english])
            yield Line(question, language, tuple(relevant), kinds[next(iter(relevant))])
        if unanswered:
            yield from (Line(question, language, ()) for question in UNANSWERED.get(language, ()))


def _beside(number: int) -> bool:
    """Whether the stamp with this number has a sidecar; else its text is inside."""
    return number % 2 == 0


def save(stem: Path, image: Image.Image, english: str, number: int) -> str:
    """Write the picture, with a sidecar if its number is even, else with the text inside; its suffix."""
    if _beside(number):
        pictures.save(f"{stem}.png", image)
        stem.with_name(f"{stem.name}.txt").write_text(f"{english}\n", encoding="utf-8")
        return ".png"
    match number // 2 % 3:
        case 0:
            pictures.save(f"{stem}.png", image, png_text={"Description": english})
        case 1:
            pictures.save(f"{stem}.png", image, xmp=_xmp(english))
        case _:
            ground = Image.new("RGB", image.size, "white")
            ground.paste(image, mask=image.getchannel("A"))
            pictures.save(f"{stem}.jpg", ground, caption=english)
            return ".jpg"
    return ".png"


def _xmp(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escaped}</rdf:li></rdf:Alt></dc:description>'


def _image(path: Path) -> Image.Image | None:
    """The picture in RGBA; None for an SVG where nothing here can draw one."""
    if path.suffix == ".png":
        with Image.open(path) as opened:
            return opened.convert("RGBA")
    program = shutil.which("rsvg-convert")
    if program is None:
        return None
    ended = subprocess.run([program, "--keep-aspect-ratio", "-w", str(SIDE), "-h", str(SIDE), str(path)],
                           capture_output=True, check=False, timeout=60)  # fmt: skip
    if ended.returncode:
        return None
    with Image.open(io.BytesIO(ended.stdout)) as opened:
        return opened.convert("RGBA")


def placeholder(number: int) -> Image.Image:
    """A picture without words, another one for each number."""
    return pictures.noisy((96, 72), seed=number).convert("RGBA")
