"""What this installation has for lines that the bundled models cannot write, and what would have to be installed."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glimpsed.reading import tesseract
from glimpsed.reading.languages import AUTO, PACKS, SCRIPTS, Seen, order
from glimpsed.records import Content

_LABELS = frozenset({"caption", "title", "keywords", "comment", "people"})
_SUFFIX = ".onnx"


@dataclass(slots=True)
class Foreign:
    """Tesseract with its languages, and other recognition models; neither has to be there."""

    wanted: Sequence[str] = (AUTO,)
    """`[read] ocr_languages`."""
    version: str = ""
    """Of tesseract; empty where it is not installed."""
    installed: tuple[str, ...] = ()
    """Its packs."""
    models: tuple[str, ...] = ()
    """The paths of recognition models."""
    seen: Seen = field(default_factory=Seen)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    unusable: tuple[str, ...] = ()
    """Which of `models` cannot be used, and why."""

    @property
    def id(self) -> str:
        """Changes when lines that were left unread may be read now: what is installed, and what is wanted."""
        models = [(Path(model).name, _size(model)) for model in self.models]
        if not self.version and not models:
            return "none"
        said = repr((self.version, self.installed, tuple(self.wanted), models))
        return f"tesseract-{self.version or 'none'}-{hashlib.blake2b(said.encode(), digest_size=4).hexdigest()}"

    def packs(self) -> tuple[str, ...]:
        """What tesseract is to be asked for, in this order."""
        return tuple(order(self.wanted, self.seen.likely(self.environment), self.installed))

    def captioned(self, content: Content | None) -> None:
        """Note the languages of what a picture, or a sidecar, says in words."""
        for part in content.parts if content is not None else ():
            if part.label in _LABELS:
                self.seen.text(part.text)

    def learn(self, languages: Sequence[str], unusable: tuple[str, ...]) -> None:
        """Note in which languages a worker read lines, and which models it had to leave out."""
        self.seen.lines(languages)
        self.unusable = unusable or self.unusable

    def missing(self) -> tuple[str, ...]:
        """Debian's names of the packages that would help with the languages that are known to matter."""
        known = self.seen.likely(self.environment)
        codes = [name for name in self.wanted if name != AUTO] + (list(known) if AUTO in self.wanted else [])
        packs = dict.fromkeys(PACKS.get(code, code) for code in codes)
        lacking = [f"tesseract-ocr-{pack.replace('_', '-')}" for pack in packs if self._helps(pack)]
        return (*(() if self.version else ("tesseract-ocr",)), *lacking)

    def _helps(self, pack: str) -> bool:
        return pack in SCRIPTS and pack not in self.installed


def advice(pictures: int, foreign: Foreign) -> list[str]:
    """What to say of models that cannot be used, and of pictures with lines that were left unread."""
    said = [f"[read] ocr_models: {what}" for what in foreign.unusable]
    if not pictures or not foreign.wanted:
        return said
    have = "1 picture has" if pictures == 1 else f"{pictures} pictures have"
    what = f"{have} lines in scripts that cannot be read here"
    missing = foreign.missing()
    if not any(name != "tesseract-ocr" for name in missing):
        missing = (*missing, "the package of their language, such as tesseract-ocr-rus")
    return [*said, f"{what}: install {' and '.join(missing)}"]


def look(wanted: Sequence[str], models: str = "") -> Foreign:
    """What is installed; asks tesseract, some 50 ms. `models`: a folder of recognition models, or empty."""
    found = sorted(map(str, Path(models).glob(f"*{_SUFFIX}"))) if models else []
    empty = (f"{models} has no file *{_SUFFIX}",) if models and not found else ()
    if not wanted:
        return Foreign(wanted, models=tuple(found), unusable=empty)
    return Foreign(wanted, tesseract.version(), tesseract.packs(), tuple(found), unusable=empty)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
