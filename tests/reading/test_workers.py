"""The pool of picture workers: real processes, real deaths."""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import anyio
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pictures import can_draw, draw, save
from tests.waiting import until

from glimpsed import files
from glimpsed.reading import limits, messages
from glimpsed.reading.available import Foreign
from glimpsed.reading.messages import Explained
from glimpsed.reading.workers import Turns, Workers, default_count
from glimpsed.records import Fault, FaultKind, Part, Reading, Unread, Words

NOTHING = frozenset[str]()


def make(
    count: int = 2,
    *,
    timeout: float = 120,
    max_pixels: int = 50_000_000,
    memory: int | None = None,
    foreign: Foreign | None = None,
) -> Workers:
    return Workers(count, timeout=timeout, max_pixels=max_pixels, memory=memory, foreign=foreign)


def content_id(path: str) -> str:
    return blake3(Path(path).read_bytes()).hexdigest()


def has_engine(pid: int) -> bool:
    return "onnxruntime" in Path(f"/proc/{pid}/maps").read_text()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def picture(tmp_path: Path) -> str:
    return save(tmp_path / "ramen.png", draw(["Ramen Ichiban", "Total 12.50 EUR"]), caption="A receipt")


@pytest.fixture
def heavy(tmp_path: Path) -> str:
    """A picture that OCR is at for several seconds."""
    lines = ["The quick brown fox jumps over the lazy dog again and again"] * 120
    return save(tmp_path / "heavy.png", draw(lines, size=(1400, 120 * 48 + 60)))


async def test_reads_places_hashes_and_recognises(picture: str) -> None:
    folder = os.path.dirname(picture)
    await anyio.Path(picture + ".txt").write_text("Lunch with Ada")
    async with make() as workers:
        assert workers.pids() == []  # none before it is needed
        reading = await workers.read(picture, folder, NOTHING)
        assert isinstance(reading, Reading)
        assert reading.path == picture
        assert reading.stamp == files.look(picture)
        assert reading.content_id == content_id(picture)
        assert reading.content is not None
        assert Part("caption", "A receipt") in reading.content.parts
        assert reading.sidecar_parts == (Part("sidecar", "Lunch with Ada"),)
        assert reading.beside == files.beside(picture)
        assert reading.thumbnail is not None
        assert reading.milliseconds > 0

        known = await workers.read(picture, folder, frozenset({reading.content_id}))
        assert isinstance(known, Reading)
        assert known.content is None
        assert await workers.hash(picture) == (reading.content_id, reading.stamp)

        (reader,) = workers.pids()
        assert os.getpriority(os.PRIO_PROCESS, reader) == 10
        assert not has_engine(reader)
        words = await workers.ocr(picture, reading.content_id)
        assert words is not None
        assert (words.text, words.fault) == ("Ramen Ichiban\nTotal 12.50 EUR", None)
        assert words.milliseconds > 0
        (recogniser,) = set(workers.pids()) - {reader}
        assert has_engine(recogniser)
        assert not has_engine(reader)

        assert await workers.ocr(picture, "0" * 64) is None
        assert workers.deaths == 0
        pids = workers.pids()
    assert workers.pids() == []
    assert all(map(gone, pids))


async def test_one_worker_does_everything(picture: str) -> None:
    async with make(0) as workers:
        assert workers.count == 1
        words = await workers.ocr(picture, content_id(picture))
        assert words is not None
        assert words.text.startswith("Ramen")
        assert isinstance(await workers.read(picture, "/", NOTHING), Reading)
        assert len(workers.pids()) == 1


CRASH = Fault(FaultKind.CRASHED, "killed")
BROKEN = Fault(FaultKind.BROKEN, "spoilt")


async def test_every_page_of_a_scan_counts(tmp_path: Path) -> None:
    scan, sides = tmp_path / "scan.tif", ("Ramen Yokocho", "Invoice 4711", "Lighthouse")
    first, *rest = (draw(["Page of a book", side]) for side in sides)
    first.save(scan, save_all=True, append_images=rest, compression="tiff_deflate")
    cut = tmp_path / "cut.tif"
    cut.write_bytes(spoilt_page(scan.read_bytes(), 1))
    async with make(1) as workers:
        words = await workers.ocr(str(scan), content_id(str(scan)))
        assert words is not None
        assert words.fault is None
        assert words.text.split("\n") == ["Page of a book", *sides]
        partly = await workers.ocr(str(cut), content_id(str(cut)))
        assert partly is not None
        assert partly.fault is None
        assert partly.text.split("\n") == ["Page of a book", sides[0], sides[2]]
        drawing = tmp_path / "a.svg"
        drawing.write_bytes(b"<svg><text>Harbour</text></svg>")
        assert await workers.ocr(str(drawing), content_id(str(drawing))) == Words(
            content_id(str(drawing)), "Harbour", None, ANY
        )
        assert workers.deaths == 0


def crashed_at(page: int) -> Fault:
    return replace(CRASH, what=f"page {page} of 3 and those after it: {CRASH.what}")


@pytest.mark.parametrize(
    ("said", "text", "asked", "fault"),
    [
        (["a", CRASH, "b", "c"], "a\nb\nc", [0, 1, 1, 2], None),
        (["a", CRASH, CRASH], "a", [0, 1, 1], crashed_at(2)),
        (
            ["a", CRASH, "b", CRASH],
            "a\nb",
            [0, 1, 1, 2],
            crashed_at(3),
        ),
        (["a", BROKEN, "c"], "a\nc", [0, 1, 2], None),
        ([CRASH], "", [0], CRASH),
        (["a\nb", "b\na", "\nc"], "a\nb\nc", [0, 1, 2], None),
    ],
)
async def test_a_page_that_fails_does_not_cost_the_others(
    monkeypatch: pytest.MonkeyPatch, said: list[str | Fault], text: str, asked: list[int], fault: Fault | None
) -> None:
    pages: list[int] = []

    async def page(_: str, __: str, number: int) -> messages.Recognised:
        pages.append(number)
        one = said.pop(0)
        if isinstance(one, Fault):
            return messages.Recognised("", one, 1.0)
        return messages.Recognised(one, None, 1.0, 3)

    workers = make(1)
    monkeypatch.setattr(workers, "_page", page)
    words = await workers.ocr("/a.tif", "id")
    assert words is not None
    assert (words.text, pages, said) == (text, asked, [])
    assert words.fault == fault


def spoilt_page(data: bytes, number: int) -> bytes:
    """A little-endian TIFF whose page, from 0, has a strip of nonsense."""
    out, at = bytearray(data), int.from_bytes(data[4:8], "little")
    for _ in range(number):
        at = int.from_bytes(data[at + 2 + 12 * data[at] :][:4], "little")
    for entry in range(at + 2, at + 2 + 12 * data[at], 12):
        tag, count = int.from_bytes(data[entry : entry + 2], "little"), data[entry + 4]
        if tag == 273:
            place = int.from_bytes(data[entry + 8 : entry + 12], "little")
            strip = int.from_bytes(data[place : place + 4], "little") if count > 1 else place
            out[strip : strip + 40] = b"\xff" * 40
    return bytes(out)


async def test_lines_in_other_scripts_go_to_what_is_installed(tmp_path: Path) -> None:
    """A tesseract of the test's own stands for the real one, which need not be here."""
    if not can_draw("Жя"):
        pytest.skip("this machine has no font for Cyrillic")
    program, bad = tmp_path / "bin" / "tesseract", tmp_path / "bad.onnx"
    program.parent.mkdir()
    table = "level\\tpage_num\\tconf\\ttext\\n5\\t1\\t95\\tСегодня хорошая погода\\n"
    program.write_text(f'#!/bin/sh\ncat > /dev/null\nprintf "{table}"\n')
    program.chmod(0o755)
    bad.write_bytes(b"no model")
    path = tmp_path / "russian.png"
    save(path, draw("Сегодня хорошая погода"))
    without = Foreign(environment={})
    async with make(1, foreign=without) as workers:
        words = await workers.ocr(str(path), content_id(str(path)))
        assert words is not None
        assert (words.text, words.unread) == ("", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        foreign = Foreign(version="5", installed=("rus",), models=(str(bad),), environment={})
        async with make(1, foreign=foreign) as workers:
            words = await workers.ocr(str(path), content_id(str(path)))
    assert words is not None
    assert (words.text, words.unread) == ("Сегодня хорошая погода", 0)
    assert foreign.seen.likely({}) == ("ru",)
    assert foreign.unusable[0].startswith(f"{bad} cannot be used")


async def test_what_cannot_be_read(tmp_path: Path) -> None:
    missing, fifo, loop = str(tmp_path / "gone.jpg"), str(tmp_path / "fifo.jpg"), str(tmp_path / "loop.jpg")
    os.mkfifo(fifo)
    os.symlink(loop, loop)
    async with make(1) as workers:
        for path in (missing, fifo):
            assert await workers.read(path, "/", NOTHING) == Unread(path, None, None)
            assert await workers.hash(path) == Unread(path, None, None)
            assert await workers.ocr(path, "0" * 64) is None
        fault = Fault(FaultKind.BROKEN, "Too many levels of symbolic links")
        assert await workers.read(loop, "/", NOTHING) == Unread(loop, None, fault)
        assert await workers.hash(loop) == Unread(loop, None, fault)
        assert await workers.ocr(loop, "0" * 64) == Words("0" * 64, "", fault)
        assert workers.deaths == 0


async def test_bad_picture_disturbs_nobody(tmp_path: Path, picture: str) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes((await anyio.Path(picture).read_bytes())[:900])
    async with make(1) as workers:
        reading = await workers.read(str(bad), "/", NOTHING)
        assert isinstance(reading, Reading)
        assert reading.content is not None
        assert reading.content.fault is not None
        words = await workers.ocr(str(bad), reading.content_id)
        assert words is not None
        assert (words.text, words.fault) == ("", reading.content.fault)
        assert workers.deaths == 0


async def test_killed_worker_is_a_fault_of_its_picture_alone(picture: str, heavy: str) -> None:
    said: list[Words | None] = []

    async def recognise() -> None:
        said.append(await workers.ocr(heavy, content_id(heavy)))

    async with make() as workers:
        await workers.read(picture, "/", NOTHING)
        (reader,) = workers.pids()
        async with anyio.create_task_group() as group:
            group.start_soon(recognise)
            await until(lambda: len(workers.pids()) == 2)
            (victim,) = set(workers.pids()) - {reader}
            await until(lambda: has_engine(victim))
            assert isinstance(await workers.read(picture, "/", NOTHING), Reading)  # waits for no OCR
            assert said == []
            os.kill(victim, signal.SIGKILL)
        (words,) = said
        assert words is not None
        assert words.fault == Fault(FaultKind.CRASHED, "picture worker 1 was killed by SIGKILL")
        assert words.text == ""
        assert words.milliseconds > 0
        assert workers.deaths == 1
        assert workers.pids() == [reader]
        again = await workers.ocr(picture, content_id(picture))
        assert again is not None
        assert again.text.startswith("Ramen")


async def test_slow_picture_loses_its_worker(picture: str, heavy: str) -> None:
    async with make(1, timeout=0.3) as workers:
        words = await workers.ocr(heavy, content_id(heavy))
        assert words is not None
        assert words.fault == Fault(FaultKind.CRASHED, "picture worker 1 did not answer within 0.3 s")
        assert workers.pids() == []
        assert workers.deaths == 1


async def test_memory_is_bounded(tmp_path: Path, picture: str) -> None:
    large = save(tmp_path / "large.png", draw("Hello", size=(9000, 9000)))
    swollen = tmp_path / "swollen.tif"
    swollen.touch()
    os.truncate(swollen, 400_000_000)
    async with make(1, max_pixels=100_000_000, memory=300_000_000) as workers:
        reading = await workers.read(large, "/", NOTHING)
        assert isinstance(reading, Reading)
        assert reading.content is not None
        assert reading.content.fault is not None
        assert reading.content.fault.kind is FaultKind.TOO_LARGE
        unread = await workers.read(str(swollen), "/", NOTHING)
        assert isinstance(unread, Unread)
        assert unread.stamp == files.look(str(swollen))
        assert unread.fault == Fault(FaultKind.CRASHED, "picture worker 1 failed: MemoryError: ")
        failed = await workers.hash(str(swollen))
        assert isinstance(failed, Unread)
        assert failed.fault == unread.fault
        assert workers.deaths == 2
        assert isinstance(await workers.read(picture, "/", NOTHING), Reading)


async def test_worker_that_answers_nonsense(tmp_path: Path, picture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture may have taken the worker over: its replies are only believed as far as their types go."""
    (tmp_path / "liar.py").write_text(
        "import msgspec\n"
        "from glimpsed.children import serve_parent\n"
        "from glimpsed.reading.messages import Failed, Greeted, Hashed, Request\n"
        "from glimpsed.records import Stamp\n"
        "decode = msgspec.msgpack.Decoder(Request).decode\n"
        "def handle(request):\n"
        "    kind = type(decode(request)).__name__\n"
        "    if kind == 'Greet': return msgspec.msgpack.encode(Greeted(()))\n"
        "    if kind == 'Hash': return b'\\xc1 nonsense'\n"
        "    return msgspec.msgpack.encode(Hashed('0' * 64, Stamp(1, 2, 3, 4)))\n"
        "serve_parent(handle)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    async with Workers(1, timeout=60, max_pixels=10**6, module="liar") as workers:
        for answer in (await workers.hash(picture), await workers.read(picture, "/", NOTHING)):
            assert isinstance(answer, Unread)
            assert answer.stamp == files.look(picture)
            assert answer.fault is not None
            assert answer.fault.kind is FaultKind.CRASHED
            assert "answered nonsense" in answer.fault.what
            assert workers.pids() == []
        assert workers.deaths == 2


async def test_whoever_gives_up_waiting_leaves_the_worker_to_the_next(picture: str) -> None:
    said: list[object] = []
    given_up = anyio.CancelScope()

    async def recognise() -> None:
        said.append(await workers.ocr(picture, content_id(picture)))

    async def impatient() -> None:
        with given_up:
            said.append(await workers.hash(picture))

    async def patient() -> None:
        said.append(await workers.hash(picture))

    async with make(1) as workers, anyio.create_task_group() as group:
        group.start_soon(recognise)
        await until(workers.pids)
        group.start_soon(impatient)
        group.start_soon(patient)
        await anyio.wait_all_tasks_blocked()
        given_up.cancel()
        await until(lambda: len(said) == 2)
        assert isinstance(said[0], Words)
        assert said[1] == (content_id(picture), files.look(picture))


PARENT = """
import sys, anyio
from glimpsed.reading.messages import Explained
from glimpsed.reading.workers import Workers

async def main():
    async with Workers(2, timeout=600, max_pixels=10**8) as workers, anyio.create_task_group() as group:
        await workers.hash(sys.argv[1])
        for _ in range(100):
            group.start_soon(workers.ocr, sys.argv[1], sys.argv[2])
        while len(workers.pids()) < 2:
            await anyio.sleep(0.01)
        print(*workers.pids(), flush=True)

anyio.run(main)
"""


async def test_a_picture_is_explained(picture: str, tmp_path: Path) -> None:
    await anyio.Path(picture + ".txt").write_text("Lunch with Ada")
    async with make() as workers:
        told = await workers.explain(picture, pixels=False, drawn=False)
        assert isinstance(told, Explained)
        assert told.content.content_id == content_id(picture)
        assert told.stamp == files.look(picture)
        assert [(source.name, [part.text for part in source.content.parts]) for source in told.sources] == [
            ("EXIF:ImageDescription", ["A receipt"]),
            ("ramen.png.txt", ["Lunch with Ada"]),
        ]
        assert (told.lines, told.drawn, told.fault) == (None, None, None)
        assert await workers.explain(str(tmp_path / "none.png"), pixels=True, drawn=True) == Unread(
            str(tmp_path / "none.png"), None, None
        )
    async with make(memory=1 << 24) as small:
        crashed = await small.explain(picture, pixels=False, drawn=False)
        assert isinstance(crashed, Unread)
        assert crashed.fault is not None
        assert crashed.fault.kind is FaultKind.CRASHED
        assert crashed.stamp == files.look(picture)


async def test_workers_do_not_outlive_a_killed_daemon(heavy: str) -> None:
    command = [sys.executable, "-c", PARENT, heavy, content_id(heavy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:  # noqa: ASYNC220  it must not be this loop's child
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        await until(lambda: any(map(has_engine, pids)))  # in the midst of OCR
        parent.kill()
        await until(lambda: all(map(gone, pids)), deadline=20)


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 5), st.lists(st.sampled_from(["asked", "read", "ocr", "done", "leave"]), max_size=60), st.data())
def test_turns(count: int, steps: list[str], data: st.DataObject) -> None:
    """Against a model: asked for, reads, OCR; lanes in order, OCR on count - 1 workers at most, nobody forgotten."""
    turns: Turns[int] = Turns(count)
    waiting: dict[str, deque[int]] = {"asked": deque(), "read": deque(), "ocr": deque()}
    busy: dict[int, bool] = {}
    for number, step in enumerate(steps):
        if step in waiting:
            turns.wait(number, ocr=step != "read", asked=step == "asked")
            waiting[step].append(number)
        elif step == "done" and busy:
            worker = data.draw(st.sampled_from(sorted(busy)))
            del busy[worker]
            turns.free(worker)
        elif step == "leave" and (everybody := [who for lane in waiting.values() for who in lane]):
            who = data.draw(st.sampled_from(everybody))
            turns.give_up(who)
            for lane in waiting.values():
                if who in lane:
                    lane.remove(who)
        able = set(range(max(1, count - 1))) - set(busy)
        while (pair := turns.next()) is not None:
            who, worker = pair
            lane_of = "asked" if waiting["asked"] and able else "read" if waiting["read"] else "ocr"
            assert who == waiting[lane_of].popleft()
            assert worker in range(count)
            assert worker not in busy
            busy[worker] = lane_of != "read"
            able.discard(worker)
            assert sum(busy.values()) <= max(1, count - 1)
        if len(busy) < count:
            assert not waiting["read"]
            assert not (waiting["ocr"] or waiting["asked"]) or not able


@pytest.mark.parametrize(
    ("cores", "memory", "count"),
    [(8, 64_000_000_000, 8), (8, 3_100_000_000, 4), (1, 64_000_000_000, 1), (4, 100_000_000, 1), (64, 10**12, 16)],
)
def test_count_by_cores_and_memory(cores: int, memory: int, count: int) -> None:
    assert limits.count_for(cores, memory) == count


def test_count_of_this_machine() -> None:
    assert 1 <= default_count() <= len(os.sched_getaffinity(0))


def test_memory_bound_grows_with_the_pixels() -> None:
    assert limits.worker_memory(250_000_000) > limits.worker_memory(1_000_000) > limits.WORKER_MEMORY


@pytest.mark.parametrize(
    ("meminfo", "groups", "available"),
    [
        ("MemTotal: 9 kB\nMemAvailable:    2000000 kB\n", {}, 2_048_000_000),
        ("MemTotal: 9 kB\n", {}, limits.WORKER_MEMORY),
        (None, {}, limits.WORKER_MEMORY),
        ("MemAvailable: 2000000 kB\n", {"user.slice": ("max", "5"), "user.slice/a": ("9000", "2000")}, 7000),
        ("MemAvailable: 2000000 kB\n", {"user.slice": ("9000", "9500"), "user.slice/a": ("max", "9500")}, 0),
    ],
)
def test_available_memory(
    tmp_path: Path,
    make_groups: Callable[[dict[str, tuple[str, str]]], Path],
    meminfo: str | None,
    groups: dict[str, tuple[str, str]],
    available: int,
) -> None:
    info, membership = tmp_path / "meminfo", tmp_path / "membership"
    if meminfo is not None:
        info.write_text(meminfo)
    if groups:
        membership.write_text("1:name=systemd:/elsewhere\n0::/user.slice/a\n")
    assert limits.available_memory(info, membership, make_groups(groups)) == available


@pytest.fixture
def make_groups(tmp_path: Path) -> Callable[[dict[str, tuple[str, str]]], Path]:
    def make(groups: dict[str, tuple[str, str]]) -> Path:
        root = tmp_path / "cgroup"
        root.mkdir()
        for name, (most, current) in groups.items():
            (root / name).mkdir()
            (root / name / "memory.max").write_text(most + "\n")
            (root / name / "memory.current").write_text(current + "\n")
        return root

    return make
