"""Pages for bench/ocr.py beside those of bench/rendered.py: what people keep that is long, large, small or sideways.

Each comes with the lines that were written on it. The same on every run.
"""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import rendered
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

SEED = 20240611

Drawn = tuple[Image.Image, list[str]]


def build(into: Path, languages: list[str] | None = None, pages: bool = True) -> Path:
    """Draw everything below `into`, with a truth.jsonl that bench/ocr.py takes; returns the folder.

    `languages` as phrases.toml has them, all that this machine has fonts for unless given.
    """
    built = rendered.build(into, languages)
    asked = [line for line in built.lines if line.kind and line.kind.startswith("words")]
    spoken = {name: line.lang for line in asked for name in line.relevant}
    lines = [{"file": name, "lang": spoken[name], "lines": text.split("\n")} for name, text in built.texts.items()]
    known, _ = rendered.drawable(languages)
    for language in known if pages else ():
        for name, draw in PAGES.items():
            image, written = draw(language, random.Random(f"{SEED} {language.code} {name}"))
            file = f"{language.code}-{name}{'.jpg' if name == 'photo' else '.png'}"
            image.save(into / file)
            lines.append({"file": file, "lang": language.code, "lines": written})
    with (into / "truth.jsonl").open("w", encoding="utf-8") as truth:
        truth.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return into


def sentences(language: rendered.Language, random_: random.Random) -> Iterator[str]:
    """Phrases of a language without end, in a new order each time round."""
    said = language.said
    phrases = [pair[0] for group in rendered.GROUPS for pair in said[group]] + said["bullets"] + said["fillers"]
    while True:
        random_.shuffle(phrases)
        yield from phrases


def screenshot(language: rendered.Language, random_: random.Random) -> Drawn:
    """A screen of 1920 × 1080 in small type, dark, with two panes side by side."""
    image = Image.new("RGB", (1920, 1080), "#1e1e28")
    ImageDraw.Draw(image).rectangle((0, 0, 420, 1080), fill="#15151c")
    said = sentences(language, random_)
    left = _write(image, said, (24, 40, 400, 700), 16, "#9aa0b0", language)
    right = _write(image, said, (470, 60, 1860, 1040), 18, "#e6e6e6", language)
    return image, left + right


def columns(language: rendered.Language, random_: random.Random) -> Drawn:
    """A scanned page of 150 dots an inch, two columns of running text below a title."""
    image = Image.new("RGB", (1240, 1754), "#fdfcf7")
    said = sentences(language, random_)
    title = _write(image, said, (120, 100, 1120, 190), 52, "black", language)
    left = _write(image, said, (100, 240, 590, 1650), 24, "#181818", language)
    right = _write(image, said, (660, 240, 1150, 1650), 24, "#181818", language)
    return image, title + left + right


def photo(language: rendered.Language, random_: random.Random) -> Drawn:
    """Twelve million pixels of blurred shapes, with a sign in them and a plate that is read close by only."""
    grain = np.random.default_rng(random_.getrandbits(64))
    ground = Image.fromarray(grain.integers(0, 255, (12, 16, 3), dtype=np.uint8)).resize((4000, 3000))
    image = ground.filter(ImageFilter.GaussianBlur(30))
    pen = ImageDraw.Draw(image)
    pen.rectangle((900, 700, 3300, 1500), fill="#0b5d3b")
    pen.rectangle((2400, 2300, 3500, 2560), fill="#f0f0e8")
    said = sentences(language, random_)
    sign = _write(image, said, (1000, 800, 3200, 1400), 150, "white", language)
    plate = _write(image, said, (2440, 2330, 3460, 2540), 44, "#202020", language)
    return image, sign + plate


def chat(language: rendered.Language, random_: random.Random) -> Drawn:
    """A conversation saved as one picture of 1080 × 7,000."""
    image = Image.new("RGB", (1080, 7000), "#e5ddd5")
    return image, _write(image, sentences(language, random_), (60, 60, 1000, 6950), 40, "#111111", language, step=2.4)


def sideways(language: rendered.Language, random_: random.Random) -> Drawn:
    """A slip of paper that was scanned the wrong way round."""
    page, _ = rendered.receipt(language, next(sentences(language, random_)), random_)
    return page.image.rotate(random_.choice((90, 180, 270)), expand=True), page.lines


def inverted(language: rendered.Language, random_: random.Random) -> Drawn:
    """A slide in white on black, small, as a thumbnail has it."""
    page, _ = rendered.slide(language, next(sentences(language, random_)), random_)
    return ImageOps.invert(page.image).resize((480, 300), Image.Resampling.LANCZOS), page.lines


PAGES: dict[str, Callable[[rendered.Language, random.Random], Drawn]] = {
    "screenshot": screenshot, "columns": columns, "photo": photo, "chat": chat, "sideways": sideways,
    "inverted": inverted,
}  # fmt: skip


def _write(
    image: Image.Image,
    said: Iterator[str],
    corners: tuple[int, int, int, int],
    size: int,
    ink: str,
    language: rendered.Language,
    step: float = 1.6,
) -> list[str]:
    """Fill a box with lines, each a phrase or two as far as the box is wide; the lines."""
    left, top, right, bottom = corners
    path, face = rendered.FONTS[language.script]
    font = ImageFont.truetype(str(path), size, index=face)
    pen = ImageDraw.Draw(image)
    written = []
    for height in range(top, bottom - size, round(size * step)):
        line = next(said)
        while font.getlength(line) > right - left:
            line = next(said)
        longer = f"{line}, {next(said)}"
        if font.getlength(longer) <= right - left:
            line = longer
        place = right - font.getlength(line) if language.script in rendered.RIGHT_TO_LEFT else left
        pen.text((place, height), line, fill=ink, font=font)
        written.append(line)
    return written
