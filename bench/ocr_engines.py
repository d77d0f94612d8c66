"""What reads pictures in bench/ocr.py, each in a process of its own: a setting of one would quicken the other."""

import multiprocessing
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

MOST_PIXELS = 250_000_000

_LATIN_AND_CJK = {"de": "deu", "fr": "fra", "ja": "jpn", "zh": "chi_sim", "la": "lat"}

Reads = Callable[[Path, str], str]


class Read(NamedTuple):
    """What an engine made of a picture."""

    text: str
    wall: float
    """Seconds from its path to its text."""
    cpu: float
    """Seconds of all its cores, children included."""


def glimpsed(foreign_lines: bool = True) -> Reads:
    """As a picture worker does it."""
    from glimpsed.reading import available, image
    from glimpsed.reading.ocr import Ocr

    engine, foreign = Ocr(), available.look(("auto",) if foreign_lines else ())

    def read(path: Path, _: str) -> str:
        found = engine.read(image.pixels(path.read_bytes(), max_pixels=MOST_PIXELS), foreign.packs())
        foreign.seen.lines(found.languages)
        return found.text

    return read


def glimpsed_alone() -> Reads:
    """The same where tesseract is not installed."""
    return glimpsed(foreign_lines=False)


def rapidocr(threads: int | None = None) -> Reads:
    """As it comes: it decodes by itself and takes all cores for one picture."""
    from rapidocr import RapidOCR

    threaded = {f"EngineConfig.onnxruntime.{name}_op_num_threads": threads for name in ("intra", "inter") if threads}
    engine = RapidOCR(params={"Global.log_level": "critical", **threaded})
    if threads:
        import cv2

        cv2.setNumThreads(threads)
    return lambda path, _: "\n".join(getattr(engine(str(path)), "txts", None) or ())


def rapidocr_alone() -> Reads:
    """Its defaults, but on one thread, as a worker would use it."""
    return rapidocr(1)


def tesseract() -> Reads:
    """Its defaults, told the language."""
    from glimpsed.reading.languages import PACKS

    def read(path: Path, lang: str) -> str:
        command = ["tesseract", str(path), "-", "-l", _LATIN_AND_CJK.get(lang) or PACKS.get(lang, "eng")]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    return read


ENGINES: dict[str, Callable[[], Reads]] = {
    "glimpsed": glimpsed,
    "alone": glimpsed_alone,
    "rapidocr": rapidocr,
    "rapidocr-1": rapidocr_alone,
    "tesseract": tesseract,
}


def usable(name: str) -> str | None:
    """Why an engine cannot be had here, or None."""
    return "tesseract is not installed" if name == "tesseract" and not shutil.which("tesseract") else None


class Engine(AbstractContextManager["Engine"]):
    """One of ENGINES in a process of its own."""

    def __init__(self, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(name, theirs), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._ours.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    def read(self, path: Path, lang: str) -> Read:
        """The text of the picture at `path`. Raises EOFError where the process died of it."""
        self._ours.send((path, lang))
        return Read(*self._ours.recv())


def _serve(name: str, pipe: Connection) -> None:
    read = ENGINES[name]()
    pipe.send(())
    while True:
        path, lang = pipe.recv()
        wall, cpu = time.perf_counter(), _cpu()
        try:
            text = read(path, lang)
        except Exception as error:
            text = ""
            print(f"{name} cannot read {path}: {error}", flush=True)
        pipe.send((text, time.perf_counter() - wall, _cpu() - cpu))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
