"""What bounds the workers, seen from a worker that was taken over."""

import os
import platform
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.pictures import draw, save
from tests.reading.rogue import rogues, run

from glimpsed.reading import confine, landlock, private, seccomp
from glimpsed.reading.confinement import Confinement
from glimpsed.reading.workers import Workers
from glimpsed.records import Reading

NAMES = {"memory", "file size", "open files", "time", "writing", "attributes", "network", "signals"}


@pytest.fixture
async def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    async with rogues(tmp_path) as made:
        yield made


async def held(workers: Workers, name: str) -> None:
    """Go on only where this machine's kernel can hold it."""
    await run(workers, "pass")
    (one,) = [one for one in workers.confinement if one.name == name]
    if not one.holds:
        pytest.skip(f"{name}: {one.how}")


async def test_what_holds_is_told(workers: Workers) -> None:
    assert not any(one.holds for one in workers.confinement)  # none was started yet
    await run(workers, "pass")
    told = {one.name: one for one in workers.confinement}
    assert told.keys() == NAMES
    assert all(told[name].holds for name in ("memory", "file size", "open files", "time"))  # always
    assert told["time"].how == "60 s a picture"


@pytest.mark.parametrize(
    "code",
    [
        "open({new!r}, 'w')",
        "open({old!r}, 'r+b')",
        "os.truncate({old!r}, 0)",
        "os.unlink({old!r})",
        "os.rename({old!r}, {new!r})",
        "os.rename({old!r}, os.environ['TMPDIR'] + '/stolen')",
        "os.link({old!r}, {new!r})",
        "os.symlink({old!r}, {new!r})",
        "os.mkdir({new!r})",
        "os.mkfifo(os.environ['TMPDIR'] + '/pipe')",
        "open('/proc/self/oom_score_adj', 'w').write('-1')",
        "assert subprocess.run([sys.executable, '-c', 'open(' + repr({old!r}) + ', chr(97))']).returncode == 0",
    ],
)
async def test_nothing_is_written_outside_of_the_private_folder(workers: Workers, tmp_path: Path, code: str) -> None:
    await held(workers, "writing")
    old, new = tmp_path / "picture.jpg", tmp_path / "new"
    old.write_bytes(b"as it was")
    said = await run(workers, code.format(old=str(old), new=str(new)))
    assert said.startswith(("PermissionError", "OSError: [Errno 18]", "AssertionError")), said
    assert old.read_bytes() == b"as it was"
    assert not new.exists()


async def test_the_private_folder_is_writable_and_nobody_elses(workers: Workers, tmp_path: Path) -> None:
    code = "import tempfile\nwith tempfile.TemporaryFile() as file: file.write(b'x')\ntempfile.mkstemp()"
    assert await run(workers, code) == "done"
    (folder,) = (tmp_path / "private").iterdir()
    assert len(list(folder.iterdir())) == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert await run(workers, "open(os.devnull, 'wb').write(b'x')") == "done"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("for n in range(1001): open(os.environ['TMPDIR'] + f'/{n}', 'w').close()", "1,000 files"),
        ("os.makedirs(d := os.environ['TMPDIR'] + '/a/b')\nfor n in range(1000): os.mkdir(d + f'/{n}')", "1,000 files"),
    ],
)
async def test_a_worker_that_fills_its_folder_is_ended(workers: Workers, tmp_path: Path, code: str, what: str) -> None:
    said = await run(workers, f"{code}\ntime.sleep(50)")
    assert said == f"picture worker 1 left more than {what} in its folder"
    assert await run(workers, "assert not os.listdir(os.environ['TMPDIR'])") == "done"


def test_the_bytes_in_a_folder_are_counted_as_they_lie_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(10 * private.MOST_BYTES)
    assert private.overfull(str(tmp_path)) is None
    monkeypatch.setattr(private, "MOST_BYTES", 1 << 20)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "large").write_bytes(os.urandom(2 << 20))
    assert private.overfull(str(tmp_path)) == "more than 1 MiB in its folder"
    assert private.overfull(str(tmp_path / "gone")) is None


@pytest.mark.parametrize(
    "code", ["os.chmod({old!r}, 0)", "os.utime({old!r}, (1, 1))", "os.setxattr({old!r}, 'user.a', b'1')"]
)
async def test_the_attributes_of_files_stay(workers: Workers, tmp_path: Path, code: str) -> None:
    await held(workers, "attributes")
    old = tmp_path / "picture.jpg"
    old.touch()
    before = old.stat()
    assert (await run(workers, code.format(old=str(old)))).startswith("PermissionError: [Errno 13]")
    assert old.stat() == before


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "socket.create_connection(('127.0.0.1', 9))",
    ],
)
async def test_there_is_no_network(workers: Workers, code: str) -> None:
    await held(workers, "network")
    assert (await run(workers, code)).startswith("PermissionError")


async def test_no_other_process_is_signalled(workers: Workers) -> None:
    await held(workers, "signals")
    assert (await run(workers, "os.kill(os.getppid(), 0)")).startswith("PermissionError")
    code = "child = subprocess.Popen(['sleep', '600'])\nchild.kill()\nassert child.wait() == -9"
    assert await run(workers, code) == "done"  # what it started itself is its own


async def test_memory_files_and_their_size_are_bounded(workers: Workers) -> None:
    assert (await run(workers, "bytearray(20 << 30)")).startswith("MemoryError")
    assert (await run(workers, "import mmap; mmap.mmap(-1, 20 << 30)")).startswith("OSError: [Errno 12]")
    assert (await run(workers, "kept += [open('/dev/null') for _ in range(500)]")).startswith("OSError: [Errno 24]")
    assert await run(workers, "kept.clear()") == "done"
    code = "with open(os.environ['TMPDIR'] + '/large', 'wb') as file: os.truncate(file.fileno(), 65 << 20)"
    assert (await run(workers, code)).startswith("OSError: [Errno 27]")


async def test_a_confined_worker_reads(workers: Workers, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", draw("Hello"), caption="A receipt")
    assert isinstance(await workers.read(path, str(tmp_path), frozenset()), Reading)


def test_a_kernel_that_cannot_hold_something_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(landlock, "restrict", none)
    monkeypatch.setattr(seccomp, "restrict", none)
    assert confine._files("/nowhere") == (
        Confinement("writing", False, "Landlock: Function not implemented"),
        Confinement("signals", False, "Landlock: Function not implemented"),
    )
    assert confine._calls() == (
        Confinement("network", False, "seccomp: Function not implemented"),
        Confinement("attributes", False, "seccomp: Function not implemented"),
    )
    monkeypatch.setattr(landlock, "restrict", lambda writable: 3)
    monkeypatch.setattr(seccomp, "restrict", lambda: None)  # it says so, and nothing is refused
    assert confine._files(None) == (
        Confinement("writing", True, "Landlock, ABI 3: nowhere"),
        Confinement("signals", False, "Landlock, ABI 3; 6 is needed"),
    )
    assert [one.holds for one in confine._calls()] == [False, False]
    assert not confine._limits("memory", ((10**6, 1),), "").holds


def test_rights_that_an_old_kernel_does_not_know_are_not_asked_for() -> None:
    known = [landlock._known(version) for version in range(1, 8)]
    assert [bool(one & landlock.TRUNCATE) for one in known] == [False, False, True, True, True, True, True]
    assert known[0] < known[1] < known[2] == known[3] < known[4] == known[5] == known[6]


def test_landlock_of_a_folder_that_is_not_there_restricts_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"\w"):  # a kernel without Landlock says so in the same way
        landlock.restrict({str(tmp_path / "gone"): landlock.FOLDER})
    (tmp_path / "written").touch()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_against_a_machine_of_its_own(machine: str) -> None:
    """Runs the program as the kernel would (linux/filter.h), over every number that there is."""
    code = seccomp.program(machine)
    assert code is not None
    lines = list(struct.iter_unpack("=HBBI", code))
    audit, refused = seccomp._MACHINES[machine].audit, set(seccomp._MACHINES[machine].calls)

    def verdict(arch: int, number: int) -> object:
        at, value = 0, 0
        while True:
            kind, true, false, k = lines[at]
            at += 1
            match kind:
                case 0x20:
                    value = {0: number, 4: arch}[k]
                case 0x15:
                    at += true if value == k else false
                case 0x35:
                    at += true if value >= k else false
                case 0x06:
                    return k

    for number in range(600):
        expected = 0x0005000D if number in refused else 0x7FFF0000
        assert verdict(audit, number) == expected
    assert verdict(0x40000003, 1) == 0x80000000
    assert verdict(audit, 0x40000029) == (0x0005000D if machine == "x86_64" else 0x7FFF0000)


def test_an_unknown_machine_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seccomp.program("riscv64") is None
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="not known for riscv64"):
        seccomp.restrict()


CONFINED = """
import sys
from glimpsed.reading.confine import confine
for one in confine(sys.argv[1], 4 << 30):
    print(one.name, one.holds)
"""


def test_it_holds_in_a_process_of_its_own() -> None:
    """The working directory as the private folder, for there coverage keeps what it counted."""
    assert confined(CONFINED).keys() == NAMES - {"time"}


def test_the_filters_do_not_hold_for_threads_that_ran_before() -> None:
    held = confined(f"import threading, time\nthreading.Thread(target=time.sleep, args=(1,)).start()\n{CONFINED}")
    assert [name for name, holds in held.items() if holds] == ["memory", "file size", "open files"]


def confined(code: str) -> dict[str, bool]:
    """What the code prints of itself."""
    command = [sys.executable, "-c", code, str(Path.cwd())]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    lines = (line.rpartition(" ") for line in done.stdout.splitlines())
    return {name: holds == "True" for name, _, holds in lines}
