"""A child process that answers one request at a time and never outlives the daemon.

Picture workers and encoder processes are both of this kind. Requests and replies are opaque bytes in frames on
the child's stdin and stdout: length (4 bytes, big-endian), number of the request (8), payload. The rooms put typed
msgspec messages into them, never pickles: a child that a hostile picture took over must not run code here.
"""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import anyio
from anyio.abc import ByteSendStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

from glimpsed.errors import ChildError, ChildTimeoutError

_HEAD = struct.Struct(">IQ")
_LARGEST = 1 << 28  # bytes; a reply that claims more is damage
_FAILED = 1 << 63  # in the number of a reply: its payload says what the child could not handle
_LAST_WORDS = 2000  # bytes of a dead child's stderr that are worth showing
_CHATTER = 1 << 20  # bytes of a living child's stderr that may stay in memory
_POLITELY = 10.0  # seconds that a child without work has to end by itself; a busy machine may need some of them
_GONE = (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


class Child:
    """Runs `python -m module` on demand and asks it; a dead child is started anew by the next question."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        name: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._command: Sequence[str] = (sys.executable, "-P", "-m", module, *arguments)
        self._environment = {**os.environ, **(environment or {})}
        self._running: _Running | None = None
        self._asked = 0
        self._turn = anyio.Lock()

    @property
    def pid(self) -> int | None:
        """Of the running process; None while there is none."""
        return self._running.process.pid if self._running is not None and self.alive else None

    @property
    def alive(self) -> bool:
        """Whether a process is there to ask."""
        return self._running is not None and self._running.process.returncode is None

    async def ask(self, request: bytes, *, timeout: float) -> bytes:
        """The child's reply, at most `timeout` seconds after the request was sent.

        Raises ChildTimeoutError, after ending the child, or ChildError where it died or failed or could not be
        started. A cancelled question leaves the child at work; its late reply is dropped.
        """
        async with self._turn:
            running = self._running
            if running is None or running.process.returncode is not None:
                await self._end()
                running = self._running = await self._start()
            self._asked += 1
            try:
                with anyio.fail_after(timeout):
                    await running.send(self._asked, request)
                    return await running.reply(self._asked)
            except TimeoutError:
                await self._end()
                raise ChildTimeoutError(f"{self.name} did not answer within {timeout:g} s") from None
            except _GONE:
                raise ChildError(f"{self.name} {await self._obituary(running)}") from None
            except _NonsenseError as nonsense:
                await self._end()
                raise ChildError(f"{self.name} {nonsense}") from None

    async def stop(self) -> None:
        """End the process and give its memory back; one that is at work is not waited for."""
        with anyio.CancelScope(shield=True):
            if self._running is not None and self.alive:
                with suppress(*_GONE):
                    await self._running.stdin.aclose()  # the child ends by itself: see serve_parent
                with anyio.move_on_after(_POLITELY):
                    await self._running.process.wait()
            await self._end()

    async def _start(self) -> "_Running":
        stderr = os.memfd_create(self.name, os.MFD_CLOEXEC)
        fcntl.fcntl(stderr, fcntl.F_SETFL, os.O_APPEND)  # so that it can be emptied under the child's hands
        started: list[Process] = []
        try:
            # Shielded: a process that nobody knows of could not be ended.
            with anyio.CancelScope(shield=True):
                started += [
                    await anyio.open_process(
                        self._command,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=stderr,
                        env=self._environment,
                        start_new_session=True,  # a terminal's Ctrl-C is the daemon's to handle
                    )
                ]
        except OSError as error:
            os.close(stderr)
            raise ChildError(f"{self.name} could not be started: {error}") from error
        return _Running(started[0], stderr)

    async def _obituary(self, running: "_Running") -> str:
        """How a child died, and its last words."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(1):
                await running.process.wait()
            how = running.obituary()
            if self._running is running:
                await self._end()
        return how

    async def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            with anyio.CancelScope(shield=True):
                await running.end()


class _NonsenseError(Exception):
    """The child answered what cannot be used; it must not be asked again."""


class _Running:
    """One process, from its start to its end."""

    def __init__(self, process: Process, stderr: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin: ByteSendStream = process.stdin
        self._replies = BufferedByteReceiveStream(process.stdout)
        self._head: tuple[int, int] | None = None
        self._stderr = stderr

    async def send(self, number: int, request: bytes) -> None:
        """Hand a request over; whole even when cancelled, for asyncio has queued it by then."""
        await self.stdin.send(_HEAD.pack(len(request), number) + request)

    async def reply(self, number: int) -> bytes:
        """The reply of this number; those before it were given up by who asked."""
        while True:
            if self._head is None:
                length, answered = _HEAD.unpack(await self._replies.receive_exactly(_HEAD.size))
                if length > _LARGEST:
                    raise _NonsenseError("sent a damaged reply")
                # Kept, for whoever is cancelled between the head and the payload leaves the payload behind.
                self._head = length, answered
            length, answered = self._head
            payload = await self._replies.receive_exactly(length)
            self._head = None
            self._quieten()
            if answered & _FAILED:
                raise _NonsenseError(f"failed: {payload.decode('utf-8', 'replace')}")
            if answered == number:
                return payload

    def obituary(self) -> str:
        code = self.process.returncode
        how = "closed its pipe" if code is None else f"ended with status {code}"
        if code is not None and code < 0:
            with suppress(ValueError):  # a real-time signal has no name
                how = f"was killed by {signal.Signals(-code).name}"
        words = self._last_words()
        return how + (f": {words}" if words else "")

    async def end(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if self.process.returncode is None:  # else its number may be another's by now
                os.killpg(self.process.pid, signal.SIGKILL)  # what it has started, too: it leads a group of its own
        with suppress(*_GONE):
            await self.process.aclose()
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1

    def _last_words(self) -> str:
        if self._stderr < 0:
            return ""
        size = os.fstat(self._stderr).st_size
        tail = os.pread(self._stderr, _LAST_WORDS, max(0, size - _LAST_WORDS)).decode("utf-8", "replace")
        return tail.strip().rpartition("\n")[2]

    def _quieten(self) -> None:
        if self._stderr >= 0 and os.fstat(self._stderr).st_size > _CHATTER:
            os.ftruncate(self._stderr, 0)


def serve_parent(
    handle: Callable[[bytes], bytes],
    *,
    memory: int | None = None,
    confine: Callable[[], None] | None = None,
) -> None:
    """The child's side: answer requests from stdin until the parent is gone. Does not return before.

    `memory` bounds what it may allocate, in bytes. `confine` is called once, before there is a second thread and before
    the first request. What libraries print to stdout goes to stderr. An exception of `handle` ends the process, and the
    parent is told: the process's state is unknown then.
    """
    requests, replies = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    _be_humble(memory)
    if confine is not None:
        confine()
    at_work = threading.Event()
    threading.Thread(target=_end_with_parent, args=(requests, at_work), daemon=True).start()
    while (head := _read(requests, _HEAD.size)) is not None:
        length, number = _HEAD.unpack(head)
        request = _read(requests, length)
        if request is None:
            return
        at_work.set()
        try:
            payload = handle(request)
        except Exception as error:
            _write(replies, number | _FAILED, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
            raise
        _write(replies, number, payload)
        at_work.clear()


def _be_humble(memory: int | None) -> None:
    import resource  # noqa: PLC0415  only the child's side needs it

    # The kernel's autogroups weigh sessions against each other first, and this process leads one of its own:
    # without this its work gets half of the CPU, however nice it is (sched(7)).
    with suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as autogroup:
        autogroup.write(str(os.nice(0)))
    if memory is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        memory = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a picture that crashes it need not fill the disk
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")  # when memory runs out, it goes before the daemon


def _end_with_parent(requests: int, at_work: threading.Event) -> None:
    """End this process when the parent's end of the pipe is closed, in the midst of work too."""
    poll = select.poll()
    poll.register(requests, 0)  # POLLHUP is always reported
    poll.poll()
    if not at_work.is_set():
        time.sleep(_POLITELY)  # the main thread sees the end of the pipe as well and ends in good order
    os._exit(0)


def _read(descriptor: int, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        part = os.read(descriptor, length - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _write(descriptor: int, number: int, payload: bytes) -> None:
    data = memoryview(_HEAD.pack(len(payload), number) + payload)
    while data:
        data = data[os.write(descriptor, data) :]
