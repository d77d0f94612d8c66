"""From drop to searchable, on an idle daemon with the fallback, beside the bare parts in the same run.

    python bench/latency.py [--pictures 30]

A picture counts as searchable when a search finds it after its row was committed; the settle time is taken off.
"""

import argparse
import queue
import tempfile
import threading
import time
from pathlib import Path

import anyio
from common import figures, machine
from tests import pictures
from tests.daemons import running

from glimpsed.client import Client
from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID, Fallback
from glimpsed.reading import content, image, ocr
from glimpsed.records import Change, Row
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer

SETTLE = 0.5
WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "ivory",
    "jumbo",
    "koala",
    "lemon",
    "maple",
    "noble",
    "ocean",
    "pearl",
    "quilt",
    "raven",
]


def screenshot(number: int, directory: Path) -> Path:
    """A 1280×800 picture with a dozen lines of text, of which one is its own."""
    lines = [f"{WORDS[(number + row) % len(WORDS)]} window title bar {row}" for row in range(10)]
    drawn = pictures.draw([f"{word(number)} report", *lines], size=(1280, 800), text_size=30)
    place = directory / f"DSC{number:05}.png"
    pictures.save(place, drawn, caption=f"marker{number} {WORDS[number % len(WORDS)]}")
    return place


def word(number: int) -> str:
    """One that no other picture has, and that OCR reads without doubt."""
    return "".join(WORDS[int(digit)].upper() for digit in f"{number:03}")


def drops(count: int) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds from the drop to found by caption, to found by OCR, and of one search."""
    first, second, searches = [], [], []
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        folder, outside = home / "Pictures", home / "outside"
        folder.mkdir()
        outside.mkdir()
        with running(home / "home", folder, WATCH_SETTLE=str(SETTLE)) as daemon:
            lines: queue.SimpleQueue[tuple[float, dict[str, object]]] = queue.SimpleQueue()
            threading.Thread(target=listen, args=(str(daemon.socket), lines), daemon=True).start()
            for number in range(count + 3):
                drawn = screenshot(number, outside)
                place = folder / drawn.name
                start = time.perf_counter()
                drawn.rename(place)
                indexed = wait_for(lines, "picture_indexed", str(place))
                begun = time.perf_counter()
                assert daemon.first(f"marker{number}") == place.name
                searches.append((time.perf_counter() - begun) * 1000)
                recognised = wait_for(lines, "ocr_done", str(place))
                assert daemon.first(f"{word(number)} report") == place.name
                first.append((indexed - start - SETTLE) * 1000)
                second.append((recognised - start - SETTLE) * 1000)
                daemon.idle()
    return first[3:], second[3:], searches[3:]


def listen(socket: str, lines: "queue.SimpleQueue[tuple[float, dict[str, object]]]") -> None:
    """Note when each event came."""
    for line in Client(socket).events():
        lines.put((time.perf_counter(), line))


def wait_for(lines: "queue.SimpleQueue[tuple[float, dict[str, object]]]", event: str, path: str) -> float:
    """When the event of this path came."""
    while True:
        when, line = lines.get(timeout=120)
        if line["event"] == event and line.get("path") == path:
            return when


def bare(count: int) -> None:
    """The same parts, called one after the other in this process."""
    with tempfile.TemporaryDirectory() as name:
        data = [screenshot(number, Path(name)).read_bytes() for number in range(count)]
        encoder, recogniser = Fallback(), ocr.Ocr()
        recogniser.text(image.pixels(data[0], max_pixels=10**9))
        figures(
            "bare: decode, metadata, thumbnail",
            timed(lambda one: content.read_content(one, "0", max_pixels=10**9), data),
        )
        figures("bare: encode", timed(lambda _: encoder.encode([("marker amber",)], query=False), data))
        figures("bare: OCR", timed(lambda one: recogniser.text(image.pixels(one, max_pixels=10**9)), data))
        figures("bare: commit, synced", anyio.run(commits, name, count))


def timed(call: "object", items: list[bytes]) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for item in items:
        start = time.perf_counter()
        call(item)  # type: ignore[operator]
        took.append((time.perf_counter() - start) * 1000)
    return took


async def commits(state: str, count: int) -> list[float]:
    """Milliseconds of one-row commits to an empty table."""
    import numpy as np

    took = []
    async with open_table(f"{state}/state") as table:
        writer = Writer(table)
        for number in range(count):
            vector = np.full(DIMENSION, DIMENSION**-0.5, np.float32)
            row = Row(f"/x/{number}.png", "/x", text="amber", text_id=str(number), encoder=FALLBACK_ID, vector=vector)
            start = time.perf_counter()
            await writer.commit([Change(row.path, lambda _, row=row: row)])  # type: ignore[misc]
            took.append((time.perf_counter() - start) * 1000)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=30)
    count = parser.parse_args().pictures
    machine()
    first, second, searches = drops(count)
    figures("drop → found by metadata, less settling", first)
    figures("drop → found by words in it, less settling", second)
    figures("a search through the socket", searches)
    bare(count)


if __name__ == "__main__":
    main()
