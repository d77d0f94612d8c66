"""Files that no program would write: each ends as read or as an error with its reason, and costs nobody else anything.

bench/torture.py does the same with thousands, and with a daemon.
"""

import os
import random
import tempfile
from collections import Counter
from pathlib import Path

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.reading import mutating, parsing

from glimpsed.reading import formats, sidecar, texts
from glimpsed.reading.bounds import Bounds, bounded
from glimpsed.reading.content import read_content
from glimpsed.reading.workers import Workers
from glimpsed.records import CONTENT_LABELS, Content, FaultKind, Reading

COUNT = 371  # mutated files of every format: some three seconds
SAMPLE = 15  # one in so many of the hostile ones
PIXELS = 20_000_000
ALIKE = {"cr2", "arw", "pef", "srw"}  # made as NEF is
RAWS = {"cr3", "nef", "raf", "orf", "rw2", "dng"}


async def ends(folder: Path, files: list[tuple[str, bytes]]) -> tuple[Counter[str], int]:
    """How the readings end, and how many workers it cost."""
    seen: Counter[str] = Counter()
    left = list(files)

    async def work(workers: Workers) -> None:
        while left:
            name, data = left.pop()
            path = folder / name
            await anyio.Path(path).write_bytes(data)
            said = await workers.read(str(path), str(folder), frozenset())
            await anyio.Path(path).unlink()
            assert isinstance(said, Reading), (name, said)
            assert said.content is not None
            check(said.content)
            assert said.content.fault is not None or said.content.format is not None
            seen["read" if said.content.fault is None else said.content.fault.kind.value] += 1

    async with Workers(2, timeout=60, max_pixels=PIXELS, private=str(folder / "private")) as workers:
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(work, workers)
        return seen, workers.deaths


def check(content: Content) -> None:
    """What holds for every reading, whatever the bytes were."""
    assert content.fault is None or content.fault.what
    assert all(part.label in CONTENT_LABELS and part.text for part in content.parts)
    for part in content.parts:
        part.text.encode()  # fit for the table
        assert len(part.text) <= texts.LIMIT
    if content.latitude is not None:
        assert content.longitude is not None
        assert -90 <= content.latitude <= 90
        assert -180 <= content.longitude <= 180
    if content.format not in {None, "svg"} and content.fault is None:  # a drawing need not have a size
        assert content.width
        assert content.height
        # Of a RAW its preview is decoded, not as many pixels as the sensor has.
        assert content.width * content.height <= PIXELS or content.format in RAWS


async def test_mutated_pictures(tmp_path: Path) -> None:
    seen, deaths = await ends(tmp_path, mutating.files(COUNT, 20261123))
    assert seen.total() == COUNT
    assert deaths == 0
    assert seen["read"] > COUNT // 10  # not all are rejected at their first bytes
    assert seen[FaultKind.BROKEN] > COUNT // 20
    assert seen[FaultKind.TRUNCATED] > COUNT // 20


async def test_hostile_pictures(tmp_path: Path) -> None:
    found = [path for path in sorted(mutating.HOSTILE.rglob("*")) if path.is_file()][::SAMPLE]
    if not found:
        pytest.skip(f"{mutating.HOSTILE} is not there")
    files = [(f"{number}.{path.parent.name}", path.read_bytes()) for number, path in enumerate(found)]
    seen, deaths = await ends(tmp_path, files)
    assert seen.total() == len(files)
    assert deaths == 0


CRASHES = sorted(path for path in mutating.CRASHES.glob("*") if path.suffix != ".md")


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: path.name)
async def test_what_once_crashed_costs_one_picture(path: Path) -> None:
    async with Workers(1, timeout=60, max_pixels=PIXELS) as workers:
        said = await workers.read(str(path), str(path.parent), frozenset())
        fault = said.content.fault if isinstance(said, Reading) and said.content else None
        assert isinstance(said, Reading) or said.fault is not None
        assert fault is None or fault.what
        assert workers.deaths <= 1


def test_every_format_is_among_the_seeds_and_can_be_read() -> None:
    seen = set()
    for suffix, data in mutating.seeds():
        content, thumbnail = read_content(data, "0" * 64, max_pixels=PIXELS)
        assert content.fault is None, suffix
        assert (thumbnail is None) == (content.format == "svg")
        check(content)
        seen.add(content.format)
    assert seen == {form.name for form in formats.FORMATS if formats.readable(form)} - ALIKE


def test_the_same_seed_makes_the_same_files() -> None:
    assert mutating.files(100, 5) == mutating.files(100, 5)
    assert mutating.files(100, 5) != mutating.files(100, 6)
    originals = {data for _, data in mutating.seeds()}
    assert sum(data in originals for _, data in mutating.files(300, 5)) < 10


def bytes_like(*valid: bytes) -> st.SearchStrategy[bytes]:
    """Bytes, and valid ones with changes."""
    changed = st.builds(
        lambda data, seed: mutating.mutated(data, valid, random.Random(seed)),
        st.sampled_from(valid),
        st.integers(0, 2**32),
    )
    return st.one_of(st.binary(max_size=400), changed)


PARSED = [data for _, data in mutating.seeds() if len(data) < 5000]


@settings(deadline=None, max_examples=400)
@given(bytes_like(*PARSED, *mutating.blocks()))
@example(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x08zTXt")
def test_no_parser_of_ours_ever_raises(data: bytes) -> None:
    with bounded(Bounds(metadata=200_000, inflated=200_000, text=10_000)):
        check(parsing.by_all(data))


@settings(deadline=None, max_examples=150)
@given(bytes_like(*mutating.blocks()), st.sampled_from([".xmp", ".txt", ".jpg.xmp", ".jpg.txt"]))
def test_no_sidecar_ever_raises(data: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        Path(home, "a.jpg").touch()
        Path(home, "a" + suffix).write_bytes(data)
        parts, said = sidecar.read(os.path.join(home, "a.jpg"))
        assert all(part.label == "sidecar" and part.text.encode() for part in parts)
        assert said is None or said.content_id == ""
