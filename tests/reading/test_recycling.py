"""Workers make room for new ones, and what they started goes with them."""

import os
from pathlib import Path

import anyio
import pytest
from tests.pictures import draw, save
from tests.reading.rogue import rogues, run
from tests.waiting import until

from glimpsed.errors import StateError
from glimpsed.reading import private
from glimpsed.reading.recycling import Recycling, resident_memory
from glimpsed.reading.workers import Workers
from glimpsed.records import FaultKind, Reading, Unread


@pytest.fixture(autouse=True)
def with_rogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")


@pytest.mark.parametrize(
    ("done", "resident", "due"), [(1, 0, False), (99, 0, False), (100, 0, True), (1, 2000, False), (16, 2000, True)]
)
def test_when(done: int, resident: int, due: bool) -> None:
    assert Recycling(pictures=100, memory=1000).due(done, resident) is due


def test_resident_memory_is_that_of_the_process_alone() -> None:
    mine = resident_memory(os.getpid())
    held = bytearray(os.urandom(1 << 20)) * 64
    assert resident_memory(os.getpid()) > mine + (48 << 20)
    assert len(held) == 64 << 20
    assert resident_memory(2**22 + 1) == 0  # no such process


async def test_by_count(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", draw("Hello"))
    seen = set()
    async with Workers(1, timeout=60, max_pixels=10**6, recycling=Recycling(pictures=2)) as workers:
        for number in range(6):
            assert isinstance(await workers.read(path, "/", frozenset()), Reading)
            assert len(workers.pids()) == (number + 1) % 2
            seen.update(workers.pids())
        assert workers.recycled == 3
        assert workers.deaths == 0
    assert len(seen) == 3


async def test_by_memory(tmp_path: Path) -> None:
    async with rogues(tmp_path, recycling=Recycling(memory=150_000_000)) as workers:
        assert await run(workers, "kept.append(bytes(range(256)) * 800_000)") == "done"
        (first,) = workers.pids()
        for _ in range(14):
            await run(workers, "pass")
        assert workers.pids() == [first]  # it needs much from its start on, as far as can be told
        await run(workers, "pass")
        assert workers.recycled == 1
        assert await run(workers, "assert kept == []") == "done"


async def test_what_a_worker_left_is_swept_away(tmp_path: Path) -> None:
    async with rogues(tmp_path) as workers:
        await run(workers, "os.chdir(os.environ['TMPDIR']); os.symlink('/', 'root'); os.makedirs('a/b')")
        unread = await workers.hash("os._exit(3)")
        assert isinstance(unread, Unread)
        assert unread.fault is not None
        assert unread.fault.kind is FaultKind.CRASHED
        assert await run(workers, "assert os.listdir(os.environ['TMPDIR']) == []") == "done"
    assert list((tmp_path / "private").iterdir()) == []
    assert os.path.lexists("/etc")  # noqa: ASYNC240  it is there


async def test_what_a_hanging_worker_started_ends_with_it(tmp_path: Path) -> None:
    note = tmp_path / "private" / "worker-1" / "pid"
    async with rogues(tmp_path, timeout=2.0) as workers:
        code = (
            f"child = subprocess.Popen(['sleep', '600'])\nopen({str(note)!r}, 'w').write(str(child.pid))\nchild.wait()"
        )
        assert await run(workers, code) == "picture worker 1 did not answer within 2 s"
        pid = int(note.read_text())
        await until(lambda: ended(pid))
        assert workers.pids() == []
        assert await run(workers, "pass") == "done"


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_a_worker_without_a_folder_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("a file stands here")
    async with rogues(tmp_path) as workers:
        said = await run(workers, "pass")
        assert said.startswith("picture worker 1 could not be started: ")
        assert "the workers' folder cannot be made: Not a directory" in said
        assert workers.confinement == ()
        await anyio.Path(tmp_path / "private").unlink()
        assert await run(workers, "pass") == "done"


async def test_a_worker_that_greets_with_nonsense(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(
        "from glimpsed.children import serve_parent\nserve_parent(lambda request: b'\\xc1')\n"
    )
    async with Workers(1, timeout=60, max_pixels=10**6, module="stranger") as workers:
        unread = await workers.hash("/nowhere")
        assert isinstance(unread, Unread)
        assert unread.fault is not None
        assert unread.fault.what.startswith("picture worker 1 answered nonsense: ")
        assert workers.pids() == []


def test_a_folder_in_place_of_a_link(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a.jpg").touch()
    place = tmp_path / "worker-1"
    place.symlink_to(kept)
    assert private.make(str(place)) == str(place)
    assert not place.is_symlink()
    assert list(place.iterdir()) == []
    assert (kept / "a.jpg").exists()
    with pytest.raises(StateError):
        private.make(str(kept / "a.jpg" / "b"))
