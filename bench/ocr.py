"""How much of the words in pictures is read, and how fast: glimpsed, RapidOCR as it comes, and tesseract.

    python bench/ocr.py                    pages that it draws, and ../shared/data/ocr where that is here
    python bench/ocr.py FOLDER [FOLDER]    your own pictures: FOLDER/truth.jsonl has {"file", "lang", "text" or "lines"}

Every picture goes to every engine, one after the other, so that what else the machine does meets all alike.
"""

import argparse
import json
import sys
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ocr_pages
from common import machine, progress
from ocr_engines import ENGINES, Engine, Read, usable

REAL = Path(__file__).parents[2] / "shared" / "data" / "ocr"
WRITTEN = ("en", "de", "fr", "la", "zh", "ja")
"""Languages that the models of RapidOCR's wheel can write: what is compared by speed and recall."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture with what stands in it."""

    path: Path
    lang: str
    text: str


@dataclass(slots=True)
class Count:
    """Signs or words: in the truth, in what was read, in both. The order is not looked at."""

    true: int = 0
    read: int = 0
    both: int = 0

    def add(self, true: Iterable[str], read: Iterable[str]) -> None:
        """Count one picture."""
        wanted, got = Counter(true), Counter(read)
        self.true += wanted.total()
        self.read += got.total()
        self.both += (wanted & got).total()

    @property
    def recall(self) -> float:
        """The share of the truth that was read."""
        return self.both / self.true if self.true else 1.0

    @property
    def precision(self) -> float:
        """The share of what was read that is true."""
        return self.both / self.read if self.read else 1.0


@dataclass(slots=True)
class Sum:
    """What an engine made of some pictures."""

    pictures: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    signs: Count = field(default_factory=Count)
    words: Count = field(default_factory=Count)

    def add(self, picture: Picture, read: Read) -> None:
        """Count one picture."""
        self.pictures += 1
        self.wall += read.wall
        self.cpu += read.cpu
        self.signs.add(signs(picture.text), signs(read.text))
        self.words.add(words(picture.text), words(read.text))

    def figures(self) -> dict[str, float]:
        """As printed."""
        return {
            "pictures": self.pictures,
            "per_second": self.pictures / self.wall if self.wall else 0.0,
            "cpu": self.cpu / self.pictures if self.pictures else 0.0,
            "characters": self.signs.recall,
            "words": self.words.recall,
            "precision": self.signs.precision,
        }


def signs(text: str) -> str:
    """Letters, digits and marks without blanks, case and width."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """What stands between blanks, without punctuation at its ends."""
    parts = unicodedata.normalize("NFKC", text).casefold().split()
    return [word for part in parts if (word := part.strip("".join(c for c in part if not c.isalnum())))]


def pictures(folder: Path) -> list[Picture]:
    """What a folder's truth.jsonl names. Raises OSError, ValueError, KeyError."""
    found = []
    for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        said: dict[str, Any] = json.loads(line)
        text = said["text"] if "text" in said else "\n".join(said["lines"])
        found.append(Picture(folder / said["file"], said.get("lang", "?"), text))
    return found


def compare(all_of_them: Sequence[Picture], engines: Sequence[str], misses: float = 0.0) -> dict[str, dict[str, Sum]]:
    """By engine and by language, and under "" all that every engine can write."""
    sums: dict[str, dict[str, Sum]] = {name: defaultdict(Sum) for name in engines}
    step = progress("ocr")
    with ExitStack() as stack:
        running = {name: stack.enter_context(Engine(name)) for name in engines}
        for engine in running.values():
            engine.read(all_of_them[0].path, all_of_them[0].lang)  # the first picture of a process takes longer
        for number, picture in enumerate(all_of_them, 1):
            for name, engine in running.items():
                read = engine.read(picture.path, picture.lang)
                sums[name][picture.lang].add(picture, read)
                if picture.lang in WRITTEN:
                    sums[name][""].add(picture, read)
                one = Sum()
                one.add(picture, read)
                if one.signs.recall < misses:
                    print(f"{name} {picture.path.name} {picture.lang} {one.signs.recall:.2f}: {read.text!r}")
            step(number, len(all_of_them), picture.path.name)
    return sums


def show(sums: dict[str, dict[str, Sum]]) -> None:
    """Print the tables: what all can write, then language by language."""
    for lang in sorted({lang for by_lang in sums.values() for lang in by_lang}):
        print(f"\n{lang or 'Latin, Chinese and Japanese: ' + ' '.join(WRITTEN)}")
        print(
            f"{'':14}{'pictures':>9}{'a second':>10}{'CPU s each':>12}{'characters':>12}{'words':>8}{'precision':>11}"
        )
        for name, by_lang in sums.items():
            one = by_lang[lang].figures()
            print(
                f"{name:<14}{one['pictures']:>9.0f}{one['per_second']:>10.2f}{one['cpu']:>12.2f}"
                f"{one['characters']:>12.3f}{one['words']:>8.3f}{one['precision']:>11.3f}"
            )
    ours = sums.get("glimpsed", {}).get("")
    for name in (name for name in ("rapidocr", "rapidocr-1") if ours and name in sums):
        theirs = sums[name][""]
        assert ours is not None
        print(
            f"\nglimpsed against {name}: {theirs.wall / ours.wall:.2f} times as fast, {theirs.cpu / ours.cpu:.2f} times"
            f" by CPU, {ours.signs.recall / theirs.signs.recall:.3f} of its character recall",
            end="",
        )
    print()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 2 where what was given cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--engines", default=",".join(ENGINES), help="which, by commas: %(default)s")
    parser.add_argument("--languages", help="of the drawn pages, by commas; all of bench/phrases.toml unless given")
    parser.add_argument("--every", type=int, default=1, help="only each N-th picture of a set")
    parser.add_argument("--misses", type=float, default=0.0, help="name pictures with less character recall than this")
    parser.add_argument("--json", type=Path, help="write all figures here")
    given = parser.parse_args(arguments)
    engines = []
    for name in given.engines.split(","):
        if name not in ENGINES:
            parser.error(f"no engine {name}; there are {', '.join(ENGINES)}")
        if why := usable(name):
            print(f"{name} is left out: {why}")
        else:
            engines.append(name)
    with tempfile.TemporaryDirectory(prefix="glimpsed-ocr-") as drawn:
        folders = list(given.folders)
        if not folders:
            languages = given.languages.split(",") if given.languages else None
            folders = [ocr_pages.build(Path(drawn), languages), *([REAL] if REAL.exists() else [])]
        try:
            chosen = [one for folder in folders for one in pictures(folder)[:: given.every]]
        except (OSError, ValueError, KeyError) as error:
            print(f"the truth cannot be read: {error!r}", file=sys.stderr)
            return 2
        machine()
        sums = compare(chosen, engines, given.misses)
    show(sums)
    if given.json:
        figures = {name: {lang: one.figures() for lang, one in by.items()} for name, by in sums.items()}
        given.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
