"""A picture worker: `python -m glimpsed.reading.worker MAX_PIXELS MEMORY [MODEL]…`, asked through its stdin.

It opens files that anybody may have made, so it runs bounded in memory and may die at any of them.
"""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from glimpsed import files
from glimpsed.children import serve_parent
from glimpsed.reading import anew, content, limits, places, sidecar
from glimpsed.reading.faults import BadPicture
from glimpsed.reading.messages import (
    Beside,
    Explain,
    Explained,
    Failed,
    Got,
    Hash,
    Hashed,
    Place,
    Read,
    Recognise,
    Recognised,
    Reply,
    Request,
)
from glimpsed.reading.ocr import Found, Ocr
from glimpsed.records import Fault, FaultKind, Stamp

NICE = 10
"""Of every worker. Not SCHED_IDLE: the first pass shall be quick on a machine at work too, and a process that went
to idle for OCR is not allowed back."""

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # never wait for a FIFO's other end


class _UnreadError(Exception):
    """The bytes cannot be had; see `records.Unread`."""

    def __init__(self, stamp: Stamp | None, fault: Fault | None) -> None:
        super().__init__(fault)
        self.stamp = stamp
        self.fault = fault


class Worker:
    """Answers requests about pictures; what it raises ends the process."""

    def __init__(self, max_pixels: int, largest_file: int = limits.LARGEST_FILE, models: Sequence[Path] = ()) -> None:
        """`models`: of recognition, besides the bundled one."""
        self._max_pixels = max_pixels
        self._models = models
        self._largest_file = largest_file
        self._decoder = msgspec.msgpack.Decoder(Request)
        self._encoder = msgspec.msgpack.Encoder()
        self._ocr: Ocr | None = None

    def handle(self, request: bytes) -> bytes:
        """The encoded reply to an encoded request."""
        return self._encoder.encode(self.answer(self._decoder.decode(request)))

    def answer(self, request: Request) -> Reply:
        """The reply to a request."""
        path = os.fsdecode(request.path)
        try:
            match request:
                case Read():
                    return self._read(path, request.known)
                case Place():
                    return _beside(path)
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
            said, thumbnail = content.read_content(data, content_id, max_pixels=self._max_pixels)
            said = places.located(said)
        del data
        beside = _beside(path)
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
        return anew.explain(
            path,
            data,
            stamp,
            blake3(data).hexdigest(),
            files.beside(path),
            max_pixels=self._max_pixels,
            read=(lambda pixels: self._engine().read(pixels, request.packs)) if request.pixels else None,
            drawn=request.drawn,
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
            what = error.strerror or type(error).__name__
            raise _UnreadError(stamp, Fault(FaultKind.UNREADABLE, what)) from error

    def _content(self, descriptor: int) -> tuple[bytes, Stamp]:
        status = os.fstat(descriptor)
        stamp = files.stamp_of(status)
        if not stat.S_ISREG(status.st_mode):
            raise _UnreadError(None, None)
        if stamp.size > self._largest_file:
            what = f"{stamp.size:,} bytes are more than the {self._largest_file:,} that are read"
            raise _UnreadError(stamp, Fault(FaultKind.TOO_LARGE, what))
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(stamp.size)
        if len(data) != stamp.size or files.stamp_of(os.fstat(descriptor)) != stamp:
            raise _UnreadError(None, None)
        return data, stamp


def _beside(path: str) -> Beside:
    # The state first: a sidecar that changes while it is read differs from it, and is read again.
    state = files.beside(path)
    if not state:
        return Beside((), None, state)
    parts, said = sidecar.read(path)
    return Beside(parts, places.located(said) if said is not None else None, state)


def main() -> None:
    """Serve the parent until it is gone."""
    max_pixels, memory = map(int, sys.argv[1:3])
    models = [Path(argument) for argument in sys.argv[3:]]
    os.nice(NICE)
    serve_parent(Worker(max_pixels, models=models).handle, idle=False, memory=memory)


if __name__ == "__main__":
    main()
