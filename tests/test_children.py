"""The pipe to a child process, with real processes at both ends."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest
from tests.waiting import until

from glimpsed.children import Child
from glimpsed.errors import ChildError, ChildTimeoutError

CHILD = """
import os, signal, sys, time
from pathlib import Path
from glimpsed.children import serve_parent

def wait_for(name):
    Path(name + ".begun").touch()
    while not Path(name).exists():
        time.sleep(0.005)

def handle(request):
    word, _, rest = request.partition(b" ")
    match word:
        case b"echo": return rest
        case b"twice": return rest * 2
        case b"pid": return str(os.getpid()).encode()
        case b"kill": os.kill(os.getpid(), int(rest))
        case b"exit":
            os.write(2, b"first words\\nlast words")
            os._exit(int(rest))
        case b"raise": raise ValueError(rest.decode())
        case b"print":
            print("to stdout", flush=True)
            return b"printed"
        case b"chatter":
            os.write(2, b"x" * int(rest))
            return b"chattered"
        case b"stdin": return sys.stdin.read().encode() or b"empty"
        case b"wait":
            wait_for(rest.decode())
            return b"late"
        case b"take": return str(len(bytearray(int(rest)))).encode()

os.nice(int(sys.argv[1]))
serve_parent(handle, memory=int(sys.argv[2]) or None)
"""

RAW = """
# Speaks the frames itself: a reply in two halves, or one that claims too much.
import os, struct, sys, time
from pathlib import Path

HEAD = struct.Struct(">IQ")
def receive():
    length, number = HEAD.unpack(sys.stdin.buffer.read(HEAD.size))
    return number, sys.stdin.buffer.read(length)
def send(data):
    os.write(1, data)

while True:
    number, request = receive()
    if request == b"huge":
        send(HEAD.pack((1 << 32) - 1, number))
    elif request == b"close":
        os.close(1)
        time.sleep(3600)
    elif request.startswith(b"half "):
        name = request[5:].decode()
        send(HEAD.pack(4, number) + b"ha")
        Path(name + ".begun").touch()
        while not Path(name).exists():
            time.sleep(0.005)
        send(b"lf")
    else:
        send(HEAD.pack(len(request), number) + request)
"""


@pytest.fixture
async def child(tmp_path: Path) -> AsyncIterator[Callable[..., Child]]:
    """Makes children of the kinds above."""
    (tmp_path / "a_child.py").write_text(CHILD)
    (tmp_path / "a_raw_child.py").write_text(RAW)
    made: list[Child] = []

    def make(module: str = "a_child", *, nice: int = 0, memory: int = 0) -> Child:
        arguments = (str(nice), str(memory))
        made.append(Child(module, *arguments, name="a child", environment={"PYTHONPATH": str(tmp_path)}))
        return made[-1]

    yield make
    for one in made:
        await one.stop()
        assert one.pid is None


def gone(pid: int) -> bool:
    """Whether a process has ended; it may be a zombie where nobody reaps orphans."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


async def test_one_process_answers_question_after_question(child: Callable[..., Child]) -> None:
    one = child()
    assert not one.alive
    assert one.pid is None
    assert await one.ask(b"echo red bicycle", timeout=30) == b"red bicycle"
    assert await one.ask(b"pid", timeout=30) == str(one.pid).encode()
    assert await one.ask(b"echo ", timeout=30) == b""
    assert one.alive


async def test_large_frames_pass_whole(child: Callable[..., Child]) -> None:
    large = os.urandom(3 << 20)
    assert await child().ask(b"twice " + large, timeout=30) == large * 2


async def test_questions_wait_for_their_turn(child: Callable[..., Child]) -> None:
    one = child()
    replies: dict[int, bytes] = {}

    async def ask(number: int) -> None:
        replies[number] = await one.ask(b"echo %d" % number, timeout=30)

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(ask, number)
    assert replies == {number: b"%d" % number for number in range(20)}


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        (b"kill 9", "a child was killed by SIGKILL"),
        (b"kill 11", "a child was killed by SIGSEGV"),
        (b"kill 40", "a child ended with status -40"),
        (b"exit 3", "a child ended with status 3: last words"),
        (b"raise out of range", "a child failed: ValueError: out of range"),
    ],
)
async def test_death_is_told_and_mended(child: Callable[..., Child], request_: bytes, what: str) -> None:
    one = child()
    await one.ask(b"pid", timeout=30)
    first = one.pid
    with pytest.raises(ChildError) as told:
        await one.ask(request_, timeout=30)
    assert str(told.value) == what
    assert one.pid is None
    assert await one.ask(b"echo again", timeout=30) == b"again"
    assert one.pid != first


async def test_death_between_questions_goes_unnoticed(child: Callable[..., Child]) -> None:
    one = child()
    await one.ask(b"pid", timeout=30)
    assert one.pid is not None
    os.kill(one.pid, signal.SIGKILL)
    await until(lambda: not one.alive)
    assert await one.ask(b"echo again", timeout=30) == b"again"


async def test_hanging_child_is_ended(child: Callable[..., Child], tmp_path: Path) -> None:
    one = child()
    await one.ask(b"pid", timeout=30)
    pid = one.pid
    assert pid is not None
    with pytest.raises(ChildTimeoutError, match=r"a child did not answer within 0\.05 s"):
        await one.ask(b"wait " + os.fsencode(tmp_path / "never"), timeout=0.05)
    assert gone(pid)
    assert await one.ask(b"echo again", timeout=30) == b"again"


async def test_module_that_does_not_start(child: Callable[..., Child]) -> None:
    with pytest.raises(ChildError, match=r"a child ended with status 1: .*No module named no_such_module"):
        await child("no_such_module").ask(b"echo", timeout=30)


async def test_process_that_cannot_be_made() -> None:
    with pytest.raises(ChildError, match=r"a child could not be started: .*Argument list too long"):
        await Child("a_child", "x" * (8 << 20), name="a child").ask(b"echo", timeout=30)


@pytest.mark.parametrize("module", ["a_child", "a_raw_child"])
async def test_late_reply_to_a_cancelled_question_is_dropped(
    child: Callable[..., Child], tmp_path: Path, module: str
) -> None:
    """The raw child has sent the reply's head and half of its payload by then."""
    one, name = child(module), tmp_path / "go on"
    request = (b"wait " if module == "a_child" else b"half ") + os.fsencode(name)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: one.ask(request, timeout=30))
        await until(Path(f"{name}.begun").exists)
        for _ in range(5):
            await anyio.wait_all_tasks_blocked()  # the half is read
        group.cancel_scope.cancel()
    pid = one.pid
    name.touch()
    assert await one.ask(b"echo this", timeout=30) in (b"this", b"echo this")
    assert one.pid == pid


@pytest.mark.parametrize(("request_", "what"), [(b"huge", "sent a damaged reply"), (b"close", "closed its pipe")])
async def test_nonsense_ends_the_child(child: Callable[..., Child], request_: bytes, what: str) -> None:
    one = child("a_raw_child")
    await one.ask(b"hello", timeout=30)
    pid = one.pid
    assert pid is not None
    with pytest.raises(ChildError, match=what):
        await one.ask(request_, timeout=30)
    assert gone(pid)
    assert await one.ask(b"hello", timeout=30) == b"hello"


async def test_prints_do_not_reach_the_pipe(child: Callable[..., Child]) -> None:
    one = child()
    assert await one.ask(b"print", timeout=30) == b"printed"
    assert await one.ask(b"stdin", timeout=30) == b"empty"


async def test_chatter_does_not_fill_the_memory(child: Callable[..., Child]) -> None:
    one = child()
    for _ in range(5):
        await one.ask(b"chatter 400000", timeout=30)
    assert os.stat(f"/proc/{one.pid}/fd/2").st_size <= 1_048_576
    with pytest.raises(ChildError, match="last words"):
        await one.ask(b"exit 1", timeout=30)


async def test_humility(child: Callable[..., Child]) -> None:
    one = child(nice=3, memory=1 << 30)
    await one.ask(b"pid", timeout=30)
    assert one.pid is not None
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, one.pid) == min(19, own + 3)
    assert resource.prlimit(one.pid, resource.RLIMIT_DATA) == (1 << 30, 1 << 30)
    assert resource.prlimit(one.pid, resource.RLIMIT_CORE) == (0, 0)
    assert await anyio.Path(f"/proc/{one.pid}/oom_score_adj").read_text() == "500\n"
    assert os.getsid(one.pid) == one.pid  # Ctrl-C on the daemon's terminal is not for it


async def test_memory_is_bounded(child: Callable[..., Child]) -> None:
    one = child(memory=1 << 28)
    assert await one.ask(b"take 1000000", timeout=30) == b"1000000"
    with pytest.raises(ChildError, match="a child failed: MemoryError"):
        await one.ask(b"take 1000000000", timeout=30)
    assert await one.ask(b"take 1000000", timeout=30) == b"1000000"


async def test_stop_ends_an_idle_child_in_good_order(child: Callable[..., Child]) -> None:
    one = child()
    await one.ask(b"pid", timeout=30)
    pid = one.pid
    assert pid is not None
    await one.stop()
    assert gone(pid)
    await one.stop()  # nothing to do
    assert await one.ask(b"echo again", timeout=30) == b"again"


async def test_stop_does_not_wait_for_work(child: Callable[..., Child], tmp_path: Path) -> None:
    one, never = child(), tmp_path / "never"
    told: list[str] = []

    async def ask() -> None:
        try:
            await one.ask(b"wait " + os.fsencode(never), timeout=30)
        except ChildError as error:
            told.append(str(error))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await until(Path(f"{never}.begun").exists)
        pid = one.pid or 0
        await one.stop()
    assert gone(pid)
    assert told
    assert told[0].startswith("a child ")


PARENT = """
import sys, anyio
from glimpsed.children import Child

async def main():
    idle, busy = (Child("a_child", "0", "0", name=name) for name in ("idle", "busy"))
    async with anyio.create_task_group() as group:
        pids = [int(await one.ask(b"pid", timeout=30)) for one in (idle, busy)]
        print(*pids, flush=True)
        await busy.ask(b"wait " + sys.argv[1].encode(), timeout=3600)

anyio.run(main)
"""


async def test_children_do_not_outlive_a_killed_parent(child: Callable[..., Child], tmp_path: Path) -> None:
    never = tmp_path / "never"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(  # noqa: ASYNC220  it has to be no child of this loop
        [sys.executable, "-c", PARENT, str(never)], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        await until(Path(f"{never}.begun").exists)
        assert len(pids) == 2
        assert not any(map(gone, pids))
        parent.kill()
        await until(lambda: all(map(gone, pids)), deadline=20)
