"""One picture worker's process and the next ones in its place: each greeted before its first picture, each recycled."""

import time

import anyio
import msgspec
from anyio import to_thread

from glimpsed.children import Child
from glimpsed.errors import ChildError, StateError
from glimpsed.reading import messages, private
from glimpsed.reading.confinement import Confinement
from glimpsed.reading.recycling import Recycling, resident_memory

_STARTING = 120.0  # seconds that a worker has until it answers at all: a busy machine may need some to load libraries

_LOOK = 1.0  # seconds between two looks into a worker's folder

_GREET = msgspec.msgpack.encode(messages.Greet())
_GREETED = msgspec.msgpack.Decoder(messages.Greeted)


class ConfinedChild:
    """A `Child` whose processes tell what bounds them, write nowhere but in `place`, and are replaced in time.

    Its start does not count as time that a picture takes. Without `place` it has no folder to write in.
    """

    def __init__(self, child: Child, recycling: Recycling, place: str | None = None) -> None:
        self.confinement: tuple[Confinement, ...] = ()
        """Of the latest process; empty until there was one."""
        self.recycled = 0
        """Processes that were replaced with nothing wrong with them."""
        self._child = child
        self._recycling = recycling
        self._place = place
        self._greeted: int | None = None
        self._answered = 0
        self._looked = time.monotonic()
        self._too_much: str | None = None
        """Of what there was too much in the folder of the running process."""

    @property
    def name(self) -> str:
        """For people."""
        return self._child.name

    @property
    def pid(self) -> int | None:
        """Of the running process; None while there is none."""
        return self._child.pid

    async def ask(self, request: bytes, *, timeout: float) -> bytes:
        """See `Child.ask`. Raises ChildError, also where the worker cannot be started."""
        if self._child.pid is None or self._child.pid != self._greeted:
            await self._begin()
        reply = await self._watched(request, timeout)
        self._answered += 1
        pid = self._child.pid
        if pid is not None and self._recycling.due(self._answered, resident_memory(pid)):
            self.recycled += 1
            await self._child.stop()
        return reply

    async def _watched(self, request: bytes, timeout: float) -> bytes:
        """The reply; a worker that fills its folder is ended. Raises ChildError."""
        reply, failed = b"", None
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch)
            try:
                reply = await self._child.ask(request, timeout=timeout)
            except ChildError as error:
                failed = error
            group.cancel_scope.cancel()
        if failed is not None:
            raise ChildError(f"{self.name} left {self._too_much}") if self._too_much else failed
        return reply

    async def _watch(self) -> None:
        """Look at the folder about once a second, over many short questions too, until there is too much in it."""
        while self._place is not None and self._too_much is None:
            await anyio.sleep(max(0.0, self._looked + _LOOK - time.monotonic()))
            self._looked = time.monotonic()
            self._too_much = await to_thread.run_sync(private.overfull, self._place, abandon_on_cancel=True)
        if self._too_much is not None:
            await self._child.stop()

    async def stop(self) -> None:
        """See `Child.stop`; its folder goes, too."""
        with anyio.CancelScope(shield=True):
            await self._child.stop()
            if self._place is not None:
                await to_thread.run_sync(private.remove, self._place)

    async def _begin(self) -> None:
        self._too_much = None
        if self._child.pid is None and self._place is not None:
            try:
                await to_thread.run_sync(private.make, self._place)
            except StateError as error:
                raise ChildError(f"{self.name} could not be started: {error}") from error
        reply = await self._child.ask(_GREET, timeout=_STARTING)
        try:
            self.confinement = _GREETED.decode(reply).confinement
        except msgspec.MsgspecError as error:
            await self._child.stop()
            raise ChildError(f"{self.name} answered nonsense: {error}") from error
        self._greeted, self._answered = self._child.pid, 0
