"""A set of pictures of text: receipts, signs, slides and chats in eight scripts, clean, tilted and noisy.

Every picture is about one phrase of phrases.toml. It is asked for by these exact words (kind "words", then how the
picture was spoilt), by what they mean in another language ("meaning"), and by a code or amount in it ("code"). Of
each language two phrases are never drawn: asking for them has no answer. The same on every run.
"""

import io
import random
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, features
from questions import Built, Line, UnusableError

SEED = 20240607
PHRASES = Path(__file__).with_name("phrases.toml")
HELD_OUT = ("signs", "chats")
"""Groups whose last phrase is not drawn."""
SPOILT = ("clean", "tilted", "clean", "noisy")
"""How the pictures of a group are spoilt, in turn."""

_NOTO = Path("/usr/share/fonts/truetype/noto")
_LATIN = _NOTO / "NotoSans-Regular.ttf"
_CJK = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
FONTS: dict[str, tuple[Path, int]] = {
    "Latin": (_LATIN, 0),
    "Cyrillic": (_LATIN, 0),
    "Greek": (_LATIN, 0),
    "Arabic": (_NOTO / "NotoSansArabic-Regular.ttf", 0),
    "Devanagari": (_NOTO / "NotoSansDevanagari-Regular.ttf", 0),
    "Japanese": (_CJK, 0),
    "Korean": (_CJK, 1),
    "Chinese": (_CJK, 2),
}
"""Of each script, and which face of the collection."""
SHAPED = frozenset({"Arabic", "Devanagari"})
"""Scripts whose letters take their forms from their neighbours, for which Pillow needs Raqm."""
RIGHT_TO_LEFT = frozenset({"Arabic"})

SIGNS = (("#0b5d3b", "white"), ("#f6d21a", "black"), ("#b3181d", "white"), ("#e8e8e8", "#112233"))
"""Ground and ink of signs."""


@dataclass(frozen=True, slots=True)
class Language:
    """One table of phrases.toml."""

    code: str
    script: str
    asked_in: str
    said: dict[str, Any]

    def drawn(self, group: str) -> list[tuple[str, str]]:
        """The phrases of a group that get a picture, with their meanings."""
        pairs = [(said, meaning) for said, meaning in self.said[group]]
        return pairs[:-1] if group in HELD_OUT else pairs

    def held_out(self) -> list[tuple[str, str]]:
        """The phrases that get none."""
        return [(said, meaning) for group in HELD_OUT for said, meaning in self.said[group][-1:]]


@dataclass(slots=True)
class Page:
    """A picture being drawn, with what was written into it."""

    script: str
    size: tuple[int, int]
    ground: str = "white"
    ink: str = "black"
    lines: list[str] = field(default_factory=list)
    image: Image.Image = field(init=False)

    def __post_init__(self) -> None:
        self.image = Image.new("RGB", self.size, self.ground)

    def write(
        self, text: str, top: int, size: int, *, left: int = 40, right: int = 40, at: str = "start", widest: int = 9999
    ) -> int:
        """Write one line, smaller where it would not fit; the top of the next one. `at`: start, end or middle."""
        room = self.size[0] - left - right
        font = self._font(text, size)
        while font.getlength(text) > min(room, widest) and size > 16:
            size -= 2
            font = self._font(text, size)
        free = room - font.getlength(text)
        backwards = self.script in RIGHT_TO_LEFT
        share = {"start": float(backwards), "end": float(not backwards), "middle": 0.5}[at]
        place = (left + free * share, top)
        ImageDraw.Draw(self.image).text(place, text, fill=self.ink, font=font)
        self.lines.append(text)
        return top + round(size * 1.5)

    def box(self, corners: tuple[int, int, int, int], colour: str) -> None:
        """A filled box with round corners."""
        ImageDraw.Draw(self.image).rounded_rectangle(corners, 18, fill=colour)

    def _font(self, text: str, size: int) -> ImageFont.FreeTypeFont:
        # The fonts of other scripts need not have the Latin letters and digits.
        path, face = (_LATIN, 0) if text.isascii() else FONTS[self.script]
        return ImageFont.truetype(str(path), size, index=face)


def receipt(language: Language, phrase: str, random_: random.Random) -> tuple[Page, list[str]]:
    """A narrow slip: shop, number, goods with their prices, sum; asked for by number and sum, too."""
    page = Page(language.script, (480, 640), ground="#fdfcf7", ink="#222222")
    code = f"{random_.choice('ABDEFHKMQRTX')}{random_.choice('ADEFHKMNRT')}-{random_.randint(1000, 9999)}"
    top = page.write(phrase, 36, 34, at="middle") + 12
    page.write(language.said["number"], top, 24, widest=240)
    top = page.write(code, top, 24, at="end") + 18
    prices = [random_.randint(100, 999) for _ in range(4)]
    for item, price in zip(random_.sample(language.said["items"], 4), prices, strict=True):
        page.write(item, top, 26, widest=280)
        top = page.write(f"{price / 100:.2f}", top, 26, at="end")
    whole = f"{sum(prices) / 100:.2f}"
    page.write(language.said["total"], top + 24, 32, widest=240)
    page.write(whole, top + 24, 32, at="end")
    return page, [code, whole]


def sign(language: Language, phrase: str, random_: random.Random) -> tuple[Page, list[str]]:
    """Large letters on a coloured ground, and the number of the sign below."""
    ground, ink = random_.choice(
        [("#0b5d3b", "white"), ("#f6d21a", "black"), ("#b3181d", "white"), ("#e8e8e8", "#123")]
    )
    page = Page(language.script, (900, 420), ground, ink)
    code = f"{random_.choice('CGJLPSVW')}{random_.randint(10, 99)}/{random_.randint(100, 999)}"
    page.write(phrase, 120, 68, at="middle")
    page.write(code, 330, 30, at="middle")
    return page, [code]


def slide(language: Language, phrase: str, random_: random.Random) -> tuple[Page, list[str]]:
    """A title, three points, and a project's number at the foot."""
    page = Page(language.script, (960, 600), "#f4f6fa", "#1b2a41")
    top = page.write(phrase, 60, 52) + 40
    for point in random_.sample(language.said["bullets"], 3):
        top = page.write(point, top, 34, left=80) + 10
    code = f"PX-{random_.randint(10000, 99999)}"
    page.write(code, 530, 24, at="end")
    return page, [code]


def chat(language: Language, phrase: str, random_: random.Random) -> tuple[Page, list[str]]:
    """A telephone's screen: who writes, and bubbles of which one is the phrase."""
    page = Page(language.script, (540, 720), "#e5ddd5", "#111111")
    page.write(random_.choice(language.said["names"]), 24, 30)
    said = random_.sample(language.said["fillers"], 3)
    said.insert(random_.randint(1, 3), phrase)
    top = 110
    for number, words in enumerate(said):
        left, right = (30, 100) if number % 2 else (100, 30)
        page.box((left, top, 540 - right, top + 74), "#dcf8c6" if number % 2 else "white")
        page.write(words, top + 18, 28, left=left + 20, right=right + 20)
        top += 110
    return page, []


GROUPS: dict[str, Callable[[Language, str, random.Random], tuple[Page, list[str]]]] = {
    "shops": receipt, "signs": sign, "slides": slide, "chats": chat,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, before it is known which pictures answer it."""

    query: str
    lang: str
    kind: str
    picture: str
    """The name of the picture that it was made for."""


def build(into: Path, wanted: Sequence[str] | None = None) -> Built:
    """Draw the pictures below `into`, and write what is asked of them. `wanted` are languages as phrases.toml has them.

    A script for which this machine has no font, or whose letters it cannot shape, is left out, and that is said.
    """
    languages, remarks = drawable(wanted)
    into.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    asked: list[Asked] = []
    for language in languages:
        random_ = random.Random(f"{SEED} {language.code}")
        for group, draw in GROUPS.items():
            for number, (phrase, meaning) in enumerate(language.drawn(group)):
                page, codes = draw(language, phrase, random_)
                how = SPOILT[number % len(SPOILT)]
                name = f"{len(lines):04}{'.jpg' if how == 'noisy' else '.png'}"
                (into / name).write_bytes(spoil(page.image, how, random_, page.ground))
                lines[name] = page.lines
                asked.append(Asked(phrase, language.code, f"words, {how}", name))
                asked.append(Asked(meaning, f"{language.asked_in}>{language.code}", f"meaning, {how}", name))
                asked += [Asked(code, language.code, f"code, {how}", name) for code in codes]
    held_out = [Line(said, one.code, ()) for one in languages for said, _ in one.held_out()]
    texts = {name: "\n".join(written) for name, written in lines.items()}
    return Built(into, (*_answered(asked, lines), *held_out), texts, remarks)


def _answered(asked: Sequence[Asked], lines: Mapping[str, Sequence[str]]) -> Iterator[Line]:
    """The questions with every picture that answers them.

    Words and codes: every picture that has them in one line. A meaning that pictures in several languages have is
    left out: which of them is meant cannot be known.
    """
    meanings = Counter(one.query.casefold() for one in asked if one.kind.startswith("meaning"))
    for one in asked:
        if not one.kind.startswith("meaning"):
            holding = (name for name, written in lines.items() if any(one.query in line for line in written))
            yield Line(one.query, one.lang, tuple(holding), one.kind)
        elif meanings[one.query.casefold()] == 1:
            yield Line(one.query, one.lang, (one.picture,), one.kind)


def drawable(wanted: Sequence[str] | None) -> tuple[list[Language], tuple[str, ...]]:
    """The languages that can be drawn here, and what is left out; raises UnusableError where nothing can be."""
    tables = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    if unknown := [code for code in wanted or () if code not in tables]:
        raise UnusableError(f"no phrases are in {', '.join(unknown)}; there are {', '.join(sorted(tables))}")
    drawable, remarks = [], []
    for code in wanted or tables:
        said = tables[code]
        script = said["script"]
        if not FONTS[script][0].exists() or not _LATIN.exists():
            remarks.append(f"{script} is left out: {FONTS[script][0]} is not here (Debian's fonts-noto-core, -cjk)")
        elif script in SHAPED and not features.check("raqm"):
            remarks.append(f"{script} is left out: this Pillow cannot shape its letters (Raqm)")
        else:
            drawable.append(Language(code, script, said["asked_in"], said))
    if not drawable:
        raise UnusableError("\n".join(remarks))
    return drawable, tuple(remarks)


def spoil(image: Image.Image, how: str, random_: random.Random, ground: str) -> bytes:
    """The file's bytes: as it is, tilted by 3 to 8 degrees, or blurred, grainy and pressed hard."""
    out = io.BytesIO()
    match how:
        case "tilted":
            angle = random_.choice((-1, 1)) * random_.uniform(3, 8)
            image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=ground).save(out, "PNG")
        case "noisy":
            soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.9)), np.float32)
            grain = np.random.default_rng(random_.getrandbits(64)).normal(0, 24, soft.shape)
            pale = 0.75 * soft + 32 + grain
            Image.fromarray(pale.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=35)
        case _:
            image.save(out, "PNG")
    return out.getvalue()
