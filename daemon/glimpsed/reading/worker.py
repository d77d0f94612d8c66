"""A picture worker: `python -m glimpsed.reading.worker MAX_PIXELS MEMORY [PRIVATE [BOUNDS [MODEL]…]]`.

It is asked through its stdin. It opens files that anybody may have made, so it confines itself before the first (see
`confine`) and may die at any of them. PRIVATE is the folder where it may write, empty for none, BOUNDS a
`bounds.Bounds` in JSON, each MODEL one of recognition.
"""

import os
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from glimpsed import files
from glimpsed.children import serve_parent
from glimpsed.reading import anew, content, places, sidecar
from glimpsed.reading.bounds import USUAL, Bounds, bounded
from glimpsed.reading.confine import confine
from glimpsed.reading.confinement import Confinement
from glimpsed.reading.faults import BadPicture, refused
from glimpsed.reading.messages import (
    Explain,
    Explained,
    Failed,
    Got,
    Greet,
    Greeted,
    Hash,
    Hashed,
    Read,
    Recognise,
    Recognised,
    Reply,
    Request,
)
from glimpsed.reading.ocr import Found, Ocr
from glimpsed.reading.weight import Weight
from glimpsed.records import Content, Fault, FaultKind, Part, Stamp

NICE = 10
"""Of every worker. Not SCHED_IDLE: the first pass shall be quick on a machine at work too, and a process that went
to idle for OCR is not allowed back."""
LAST = 19
"""Of its session as a whole while it reads the words in pixels: that is allowed back."""

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # never wait for a FIFO's other end


class _UnreadError(Exception):
    """The bytes cannot be had; see `records.Unread`."""

    def __init__(self, stamp: Stamp | None, fault: Fault | None) -> None:
        super().__init__(fault)
        self.stamp = stamp
        self.fault = fault


class _Beside(NamedTuple):
    """What the sidecars say, and the state they were in."""

    parts: tuple[Part, ...]
    content: Content | None
    beside: str


class Worker:
    """Answers requests about pictures; what it raises ends the process."""

    def __init__(
        self,
        max_pixels: int,
        bounds: Bounds = USUAL,
        models: Sequence[Path] = (),
        *,
        weigh: Callable[[int], None] = lambda nice: None,
    ) -> None:
        """`models`: of recognition, besides the bundled one. `weigh` is told how nice the process is to be."""
        self._weigh = weigh
        self._max_pixels = max_pixels
        self._models = models
        self._bounds = bounds
        self.confinement: tuple[Confinement, ...] = ()
        """What bounds this process, as far as it knows."""
        self._decoder = msgspec.msgpack.Decoder(Request)
        self._encoder = msgspec.msgpack.Encoder()
        self._ocr: Ocr | None = None

    def handle(self, request: bytes) -> bytes:
        """The encoded reply to an encoded request."""
        return self._encoder.encode(self.answer(self._decoder.decode(request)))

    def answer(self, request: Request) -> Reply:
        """The reply to a request."""
        if isinstance(request, Greet):
            return Greeted(self.confinement)
        path = os.fsdecode(request.path)
        # Somebody may wait for a picture that was just dropped; for the words in pixels nobody does.
        self._weigh(LAST if isinstance(request, Recognise) else NICE)
        try:
            match request:
                case Read():
                    return self._read(path, request.known)
                case Hash():
                    data, stamp = self._bytes(path)
                    return Hashed(blake3(data).hexdigest(), stamp)
                case Recognise():
                    return self._recognise(path, request)
                case Explain():
                    return self._explain(path, request)
        except _UnreadError as unread:
            return Failed(unread.stamp, unread.fault)

    def _read(self, path: str, known: frozenset[str]) -> Got:
        began = perf_counter()
        data, stamp = self._bytes(path)
        content_id = blake3(data).hexdigest()
        said, thumbnail = None, None
        if content_id not in known:
            said, thumbnail = content.read_content(data, content_id, max_pixels=self._max_pixels, bounds=self._bounds)
            said = places.located(said)
        del data
        beside = self._beside(path)
        took = (perf_counter() - began) * 1000
        return Got(stamp, beside.beside, content_id, said, beside.parts, beside.content, thumbnail, took)

    def _recognise(self, path: str, request: Recognise) -> Recognised | Failed:
        began = perf_counter()
        data, stamp = self._bytes(path)
        if blake3(data).hexdigest() != request.content_id:
            return Failed(stamp, None)
        found, pages, fault = Found([]), 1, None

        def read(pixels: NDArray[np.uint8]) -> str:
            nonlocal found
            found = self._engine().read(pixels, request.packs)
            return found.text

        text = ""
        try:
            with bounded(self._bounds):
                text, pages = content.words(data, request.page, read, max_pixels=self._max_pixels)
        except BadPicture as bad:
            fault = bad.fault
        took = (perf_counter() - began) * 1000
        unusable = self._ocr.unusable if self._ocr is not None else ()
        return Recognised(text, fault, took, pages, found.unread, found.languages, unusable)

    def _explain(self, path: str, request: Explain) -> Explained:
        times = anew.Times()
        data, stamp = self._bytes(path)
        times.lap("file")
        with bounded(self._bounds):
            return anew.explain(
                path,
                data,
                stamp,
                blake3(data).hexdigest(),
                files.beside(path),
                max_pixels=self._max_pixels,
                read=(lambda pixels: self._engine().read(pixels, request.packs)) if request.pixels else None,
                drawn=request.drawn,
                page=request.page,
                times=times,
            )

    def _engine(self) -> Ocr:
        self._ocr = self._ocr or Ocr(self._models)
        return self._ocr

    def _bytes(self, path: str) -> tuple[bytes, Stamp]:
        """The bytes of the regular file at `path` and the stamp it had while they were read."""
        stamp: Stamp | None = None
        try:
            # Looked at before it is opened: opening a device can do something, a FIFO's writer would notice.
            stamp = files.look(path)
            if stamp is None:
                raise _UnreadError(None, None)
            descriptor = os.open(path, _FLAGS)
            try:
                return self._content(descriptor)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            raise _UnreadError(None, None) from None
        except OSError as error:
            raise _UnreadError(stamp, refused(error)) from error

    def _content(self, descriptor: int) -> tuple[bytes, Stamp]:
        status = os.fstat(descriptor)
        stamp = files.stamp_of(status)
        if not stat.S_ISREG(status.st_mode):
            raise _UnreadError(None, None)
        if stamp.size > self._bounds.bytes:
            what = f"{stamp.size:,} bytes; at most {self._bounds.bytes:,} are read ([read] max_bytes)"
            raise _UnreadError(stamp, Fault(FaultKind.TOO_LARGE, what))
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(stamp.size)
        if files.stamp_of(os.fstat(descriptor)) != stamp:
            raise _UnreadError(None, None)
        if len(data) != stamp.size:  # it was not written to: some network and FUSE file systems do not know sizes
            what = f"the file system tells of {stamp.size:,} bytes and gives {len(data):,}"
            raise _UnreadError(stamp, Fault(FaultKind.UNREADABLE, what))
        return data, stamp

    def _beside(self, path: str) -> _Beside:
        # The state first: a sidecar that changes while it is read differs from it, and is read again.
        state = files.beside(path)
        if not state:
            return _Beside((), None, state)
        with bounded(self._bounds) as spent:
            parts, said = sidecar.read(path)
            parts, fault = spent.words(parts), spent.fault
        if fault is not None and (said is None or said.fault is None):  # what may pass is tried again, and told then
            said = replace(said or Content(""), fault=replace(fault, what=f"a sidecar has {fault.what}"))
        return _Beside(parts, places.located(said) if said is not None else None, state)


def main() -> None:
    """Serve the parent until it is gone."""
    max_pixels, memory, *more = sys.argv[1:]
    private, bounds, *models = (*more, *("", "{}")[len(more) :])
    os.nice(NICE)
    # It computes, and need not interrupt others. What it reads from the disk has the lowest priority but the idle one,
    # which the kernel takes from the niceness: ioprio_set(2).
    with suppress(OSError):  # a system call filter may keep it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    worker = Worker(
        int(max_pixels),
        msgspec.json.decode(bounds, type=Bounds),
        [Path(model) for model in models],
        weigh=Weight().weigh,
    )

    def bound() -> None:
        worker.confinement = confine(private or None, int(memory))

    serve_parent(worker.handle, memory=int(memory), confine=bound)


if __name__ == "__main__":
    main()
