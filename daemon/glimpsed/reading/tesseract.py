"""The program tesseract, for lines in scripts that PP-OCR's models cannot write. It need not be there.

It is asked for single lines, all of a picture in one call, in one language at a time: told several, it is slow and
mixes their letters. Debian has it as `tesseract-ocr`, and a package of 0.5 to 4 MB for every language.
"""

import csv
import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_HEIGHT = 48  # pixels of a line; its letters are some 30 then, as tesseract was trained
_MARGIN = 12  # pixels around it: letters that touch the edge are lost
_WIDEST = 4000  # pixels
_PLAIN_WORD = "5"  # the level of words in tesseract's table


class Heard(NamedTuple):
    """What tesseract made of one line."""

    text: str
    score: float
    """Mean confidence of its words weighed by their length, 0 to 1."""


@functools.cache
def program() -> str | None:
    """Where tesseract is; None where it is not installed."""
    return shutil.which("tesseract")


@functools.cache
def packs() -> tuple[str, ...]:
    """The languages that are installed, in tesseract's words (`rus`, `chi_sim`); none where it is not."""
    return _listed()[1]


@functools.cache
def version() -> str:
    """Such as `5.3.0`; empty where it is not installed."""
    return _listed()[0]


@functools.cache
def _listed() -> tuple[str, tuple[str, ...]]:
    where = program()
    if where is None:
        return "", ()
    try:
        said, listed = (
            subprocess.run([where, what], capture_output=True, text=True, timeout=10, check=False)
            for what in ("--version", "--list-langs")
        )
    except (OSError, subprocess.SubprocessError):
        return "", ()
    names = (said.stdout or said.stderr).split()
    found = (line.strip() for line in listed.stdout.splitlines()[1:])
    return names[1] if len(names) > 1 else "", tuple(sorted(name for name in found if name and name != "osd"))


def read(lines: Sequence[NDArray[np.uint8]], language: str, *, timeout: float) -> list[Heard]:
    """What each line says in a language, in the same order; nothing where it could not be read in `timeout` seconds.

    A line is RGB, shape (height, width, 3). `language` is one of `packs`.
    """
    where = program()
    nothing = [Heard("", 0.0)] * len(lines)
    if where is None or not lines or timeout <= 0:
        return nothing
    command = [where, "stdin", "stdout", "-l", language, "--psm", "7", "--oem", "1", "tsv"]
    one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        ended = subprocess.run(
            command, input=_pages(lines), capture_output=True, timeout=timeout, env=one_thread, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return nothing
    return heard(ended.stdout.decode("utf-8", "replace"), len(lines))


def heard(table: str, count: int) -> list[Heard]:
    """The lines of a table as tesseract writes it (TSV), one a page; `count` pages."""
    words: list[list[tuple[str, float]]] = [[] for _ in range(count)]
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        try:
            page, sure = int(row["page_num"]) - 1, float(row["conf"]) / 100
        except (KeyError, TypeError, ValueError):
            continue
        text = row.get("text") or ""
        if row["level"] == _PLAIN_WORD and text.strip() and 0 <= page < count and sure >= 0:
            words[page].append((text, sure))
    return [
        Heard(" ".join(text for text, _ in said), sum(len(text) * sure for text, sure in said) / length)
        if (length := sum(len(text) for text, _ in said))
        else Heard("", 0.0)
        for said in words
    ]


def _pages(lines: Sequence[NDArray[np.uint8]]) -> bytes:
    """A TIFF with a page for each line: dark letters on a pale ground, of one height, with a margin."""
    import cv2  # noqa: PLC0415  only where OCR is at work

    written, data = cv2.imencodemulti(".tiff", [_page(line) for line in lines])
    return data.tobytes() if written else b""


def _page(line: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2  # noqa: PLC0415

    height, width = line.shape[:2]
    grey = np.asarray(cv2.cvtColor(line, cv2.COLOR_RGB2GRAY))
    size = (max(1, min(_WIDEST, round(width * _HEIGHT / height))), _HEIGHT)
    grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA if height > _HEIGHT else cv2.INTER_CUBIC))
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ground = int(np.median(edge))
    if grey.mean() > ground:
        grey, ground = 255 - grey, 255 - ground
    return np.pad(grey, _MARGIN, constant_values=ground)
