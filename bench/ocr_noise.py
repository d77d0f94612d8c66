"""Whether noise is told from words: single lines in 31 languages, drawn in several fonts, sizes and colours, some
blurred or grainy, read by the bundled models alone. Named are lines that pass and should not, and the other way round.

    python bench/ocr_noise.py [--rounds 2]
"""

import argparse
import io
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rendered
from common import progress
from numpy.typing import NDArray
from ocr import signs
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from glimpsed.reading.legible import legible
from glimpsed.reading.ppocr import Detector, Recogniser, cut_out

SEED = 20240613
_NOTO = Path("/usr/share/fonts/truetype/noto")
_SIZES = (14, 18, 24, 32, 48)
_COLOURS = (("white", "black"), ("#1e1e28", "#e6e6e6"), ("#0b5d3b", "white"), ("#f6d21a", "black"))
_READ = 0.7  # share of a line's signs that are right: below, nobody misses it
_HALF_LATIN = ("vi",)  # neither words nor noise: what is left of it are Latin words without their tone letters
_READABLE = ("Latin", "Chinese", "Japanese")

Font = tuple[Path, int]
"""And which face of a collection."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The lines of one language."""

    code: str
    lines: tuple[str, ...]
    readable: bool
    fonts: tuple[Font, ...]


def languages() -> list[Spoken]:
    """What can be drawn here, of phrases.toml and scripts.toml."""
    found = []
    for code, said in tomllib.loads(rendered.PHRASES.read_text(encoding="utf-8")).items():
        phrases = [pair[0] for group in rendered.GROUPS for pair in said[group]]
        lines = (*phrases, *said["bullets"], *said["fillers"], *said["items"])
        found.append(Spoken(code, lines, said["script"] in _READABLE, (rendered.FONTS[said["script"]],)))
    own = tomllib.loads(rendered.PHRASES.with_name("scripts.toml").read_text(encoding="utf-8"))
    for code, said in own.items():
        names = said.get("fonts", ["Sans", "Serif"])
        fonts = [(_NOTO / f"Noto{name}-{weight}.ttf", 0) for name in names for weight in ("Regular", "Bold")]
        found.append(Spoken(code, tuple(said["lines"]), said["readable"], tuple(fonts)))
    there = (Spoken(one.code, one.lines, one.readable, tuple(f for f in one.fonts if f[0].exists())) for one in found)
    return [one for one in there if one.fonts]


def drawn(text: str, fonts: Sequence[Font], random_: random.Random) -> NDArray[np.uint8]:
    """One line on a ground, as it is, blurred, or grainy and pressed hard."""
    path, face = random_.choice(fonts)
    size = random_.choice(_SIZES)
    font = ImageFont.truetype(str(path), size, index=face)
    _, _, right, bottom = font.getbbox(text)
    ground, ink = random_.choice(_COLOURS)
    image = Image.new("RGB", (int(right) + 2 * size, int(bottom) + 2 * size), ground)
    ImageDraw.Draw(image).text((size, size), text, fill=ink, font=font)
    match random_.choice(("clean", "clean", "soft", "noisy")):
        case "soft":
            image = image.filter(ImageFilter.GaussianBlur(size / 30))
        case "noisy":
            image = Image.open(io.BytesIO(rendered.spoil(image, "noisy", random_, ground))).convert("RGB")
    return np.asarray(image, dtype=np.uint8)


def alike(one: str, other: str) -> float:
    """The share of signs that two texts have in common, of the longer one."""
    first, second = Counter(signs(one)), Counter(signs(other))
    return (first & second).total() / max(1, first.total(), second.total())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="how often each line is drawn: %(default)s")
    parser.add_argument("--languages", help="which, by commas; all unless given")
    given = parser.parse_args(arguments)
    wanted = [one for one in languages() if not given.languages or one.code in given.languages.split(",")]
    detector, recogniser, step = Detector(), Recogniser(), progress("noise")
    sums = {True: Counter[str](), False: Counter[str]()}
    print(f"{'':10}{'lines':>7}{'passed':>8}{'lost':>6}")
    for number, spoken in enumerate(wanted, 1):
        random_, count = random.Random(f"{SEED} {spoken.code}"), Counter[str]()
        for text in spoken.lines * given.rounds:
            picture = drawn(text, spoken.fonts, random_)
            for box in detector.boxes(picture, 960):
                crop = cut_out(picture, box)
                guess = recogniser.read(crop)
                passed, right = legible(guess, crop.shape[1] / crop.shape[0]), alike(text, guess.text) >= _READ
                count["lines"] += right or not spoken.readable
                count["passed"] += passed and not spoken.readable
                count["lost"] += right and not passed and spoken.readable
                if spoken.code not in _HALF_LATIN and (passed and not spoken.readable):
                    print(f"    passed: {text} as {guess.text} ({guess.score:.2f})")
                if right and not passed and spoken.readable:
                    print(f"    lost: {guess.text} ({guess.score:.2f})")
        print(f"{spoken.code:<10}{count['lines']:>7}{count['passed']:>8}{count['lost']:>6}")
        if spoken.code not in _HALF_LATIN:
            sums[spoken.readable] += count
        step(number, len(wanted), spoken.code)
    for readable, name in ((False, "other scripts"), (True, "its own")):
        print(f"{name}: {', '.join(f'{sums[readable][what]} {what}' for what in ('lines', 'passed', 'lost'))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
