"""The socket and the HTTP server on it."""

import asyncio
import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator

import anyio
import uvicorn
from anyio import CancelScope, create_task_group
from anyio.lowlevel import checkpoint
from fastapi import FastAPI

from glimpsed.errors import AlreadyRunningError, SocketError
from glimpsed.serving.limits import Requests
from glimpsed.serving.protocol import LONGEST_HEAD, Connection

_BACKLOG = 4096
"""Clients that may wait to be accepted; the kernel allows net.core.somaxconn of them. They wait through a restart where
systemd holds the socket."""
_FAREWELL = 2.0  # seconds at the end for requests under way: what they wait for has ended by then
_LAST_WORDS = 0.5  # seconds to send what is left to say after that


@contextlib.contextmanager
def bound(path: str, held: socket.socket | None = None) -> Iterator[socket.socket]:
    """A listening Unix socket at `path`, mode 0600, in a directory made 0700 unless there is one; unlinked at the end.

    `held` is one that systemd listens on already: it is taken as it is and left as it was. A socket that nobody
    answers on is left by a killed daemon and replaced. Raises AlreadyRunningError where somebody answers, SocketError
    where the path cannot be bound.
    """
    if held is not None:
        with held:
            held.setblocking(False)
            yield held
        return
    if len(os.fsencode(path)) > 107:  # sun_path holds 108 bytes, the last one zero: unix(7)
        raise SocketError(
            f"the path has {len(os.fsencode(path))} bytes, a socket's may have 107",
            where=path,
            hint="use a shorter one",
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            _refuse_shared(path)
            with _alone(path):
                _clear(path)
                umask = os.umask(0o177)
                try:
                    listener.bind(path)
                finally:
                    os.umask(umask)
                listener.listen(_BACKLOG)
                mine = _identity(path)
            listener.setblocking(False)
        except OSError as error:
            raise SocketError(
                f"cannot listen: {error.strerror}", where=path, hint="see [serve] socket in the configuration"
            ) from error
        try:
            yield listener
        finally:
            with contextlib.suppress(OSError), _alone(path):
                if _identity(path) == mine:
                    os.unlink(path)


def _refuse_shared(path: str) -> None:
    """SocketError where another user can put a socket of theirs in the place of this one.

    In a directory with the sticky bit, such as /tmp, they cannot; that they can be first there is found out by asking.
    """
    status = os.stat(os.path.dirname(path))
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    if shared or status.st_uid not in (os.geteuid(), 0):
        raise SocketError(
            "other users can write to its directory, and put a socket of theirs there",
            where=path,
            hint="chmod go-w that directory, or set [serve] socket to a path in one of your own",
        )


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """No other daemon looks at, removes or makes a socket in this directory meanwhile.

    Between the look at a dead socket and its removal, or between bind and listen, it would remove a live one.
    """
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # not every file system has locks; those that hold sockets mostly do
            fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _identity(path: str) -> tuple[int, int, int]:
    """What tells one socket from the next at the same place; inode numbers alone are soon used again."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _clear(path: str) -> None:
    """Remove the socket that a killed daemon left; nothing else is ever removed."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise SocketError("something that is no socket is there", where=path, hint="move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except (TimeoutError, BlockingIOError):
            pass  # it lives, but has no time
    raise AlreadyRunningError("another daemon answers here", where=path, hint="glimpse status tells what it does")


class _Server(uvicorn.Server):
    """Leaves signals to the daemon, says when it listens, and waits for its end instead of looking for it."""

    def __init__(self, config: uvicorn.Config, requests: Requests, farewell: float) -> None:
        super().__init__(config)
        self.listening = anyio.Event()
        self.ending = anyio.Event()
        self._requests = requests
        self._farewell = farewell

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        await self.ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for one in sockets or ():
            asyncio.get_running_loop().remove_reader(one)
        for _ in range(2):
            await checkpoint()  # asyncio forgets a client whom it has accepted but not yet met when it closes
        async with create_task_group() as group:
            group.start_soon(self._hurry)
            await super().shutdown(sockets)
            group.cancel_scope.cancel()

    async def _hurry(self) -> None:
        """Wait less and less for clients."""
        for connection in self._connections():
            if connection.stream and connection.flow.write_paused:
                connection.transport.abort()  # its reader has stopped reading and would not notice the end
        await anyio.sleep(self._farewell)
        self._requests.end()
        await anyio.sleep(_LAST_WORDS)
        for connection in self._connections():
            connection.transport.abort()

    def _connections(self) -> list[Connection]:
        return [one for one in self.server_state.connections if isinstance(one, Connection)]


@contextlib.asynccontextmanager
async def serving(app: FastAPI, listener: socket.socket, *, grace: float) -> AsyncIterator[None]:
    """Answers on `listener` within; at the end, requests under way get `grace` seconds, but at most two.

    What is not done by then is answered with a problem. `app` is one that `make_app` made.
    """
    farewell = min(grace, _FAREWELL)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        http=Connection,
        loop="asyncio",
        ws="none",
        backlog=_BACKLOG,
        timeout_keep_alive=round(Connection.patience),
        timeout_graceful_shutdown=round(farewell + _LAST_WORDS) + 2,  # never comes to that
        h11_max_incomplete_event_size=LONGEST_HEAD,
        server_header=False,
        date_header=False,  # uvicorn would wake up every second for it
    )
    server = _Server(config, app.state.requests, farewell)

    async def serve() -> None:
        with CancelScope(shield=True):  # whatever ends the daemon, its connections are ended in order
            await server.serve([listener])

    async with create_task_group() as group:
        group.start_soon(serve)
        try:
            await server.listening.wait()
            yield
        finally:
            server.ending.set()
