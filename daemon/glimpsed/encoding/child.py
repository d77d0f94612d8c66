"""The encoder process: one encoder, asked through a pipe, gone with the daemon.

Run as `python -m glimpsed.encoding.child [--batches]`: with it no question waits for an answer.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from glimpsed.children import serve_parent
from glimpsed.encoding.devices import Device, measure, probe
from glimpsed.encoding.encoder import ColbertEncoder, Encoder
from glimpsed.encoding.messages import (
    Encode,
    EncoderSpec,
    Load,
    Loaded,
    Measure,
    Measured,
    Probe,
    Probed,
    Request,
    Score,
    Scored,
    Unloaded,
    pack_encodings,
    pack_error,
)
from glimpsed.encoding.passes import Budget, Passed
from glimpsed.encoding.scoring import Scorer
from glimpsed.errors import EncoderError

POLITE = 5
"""Niceness of a process that answers questions too: behind the person's own work, before batches."""

BATCHES = 15
"""Niceness of one that only makes batches, the first pass's. It is a session of its own, which the kernel weighs by it.

Measured on two cores with some 25 processes that want them: a dropped picture is found after 0.7 to 2.6 s, with
SCHED_IDLE after 3.7 to 4.2, at 10 after 1.1 to 1.5 s. It takes 5 % of a core from other programs then, at 10 that is
14, at 19 or with SCHED_IDLE 2. A question beside it takes no longer than beside SCHED_IDLE.
"""

Make = Callable[[EncoderSpec], Encoder]


def make_encoder(spec: EncoderSpec) -> Encoder:
    """The encoder of `spec`, loaded. Raises EncoderError with the step that is missing."""
    if spec.kind == "fallback":
        from glimpsed.encoding.fallback import Fallback  # noqa: PLC0415  each process loads one encoder

        return Fallback()
    if spec.kind == "sentence":
        from glimpsed.encoding.sentence import Sentence  # noqa: PLC0415  torch

        return Sentence(
            Path(os.fsdecode(spec.folder)),
            spec.device,
            spec.max_length,
            spec.max_tokens_per_batch,
            trust_remote_code=spec.trust_remote_code,
        )
    from glimpsed.encoding.bge_m3 import BgeM3  # noqa: PLC0415  torch

    return BgeM3(Path(os.fsdecode(spec.folder)), spec.device, spec.max_length, spec.max_tokens_per_batch)


class Server:
    """Answers the daemon's requests with one encoder."""

    def __init__(self, make: Make = make_encoder, probe: Callable[[], tuple[Device, ...]] = probe) -> None:
        self._make = make
        self._probe = probe
        self._spec: EncoderSpec | None = None
        self._encoder: Encoder | None = None
        self._scorer: Scorer | None = None
        self._decoder = msgspec.msgpack.Decoder(Request)

    def handle(self, request: bytes) -> bytes:
        """A request's reply. What is no EncoderError ends the process: its state is unknown then."""
        try:
            reply = self._answer(self._decoder.decode(request))
        except EncoderError as error:
            reply = pack_error(error)
        return msgspec.msgpack.encode(reply)

    def _answer(self, request: Request) -> msgspec.Struct:
        if isinstance(request, Load):
            return self._load(request.spec)
        if isinstance(request, Probe):
            return Probed(list(self._probe()))
        if self._encoder is None:
            return Unloaded()
        if isinstance(request, Measure):
            return Measured(measure(self._encoder))
        if isinstance(request, Score):
            return self._score(self._scorer, request)
        return self._encode(self._encoder, request)

    def _load(self, spec: EncoderSpec) -> Loaded:
        if self._encoder is not None and spec != self._spec:
            self._encoder.close()
            self._encoder = self._scorer = None
        if self._encoder is None:
            self._encoder, self._spec = self._make(spec), spec
            if self._encoder.has_colbert:
                self._scorer = Scorer(cast(ColbertEncoder, self._encoder))
        one = self._encoder
        return Loaded(
            one.id, one.name, one.dimension, one.device, one.has_sparse, one.has_colbert, one.precision, one.max_tokens
        )

    def _encode(self, encoder: Encoder, request: Encode) -> msgspec.Struct:
        if request.query and self._scorer is not None:
            encodings = self._scorer.ask(request.texts)
        else:
            budget: Budget | None = getattr(encoder, "budget", None)  # the fallback takes one text after the other
            before = budget.counted if budget is not None else Passed()
            encodings = encoder.encode(request.texts, query=request.query)
            passed = budget.counted.since(before) if budget is not None else Passed(1)
        message = pack_encodings(encodings, encoder.dimension)
        if not request.query:
            message.passed = passed
        return message

    def _score(self, scorer: Scorer | None, request: Score) -> Scored:
        if scorer is None:
            return Scored([None] * len(request.texts), [], 0.0)
        scored = scorer.score((request.question,), request.texts, room=request.room, least=request.least)
        return Scored(scored.scores, scored.fresh, scored.seconds)


def main(server: Server | None = None) -> None:
    """Serve the parent until it is gone."""
    server = server or Server()
    if "--batches" in sys.argv[1:]:
        # At most the daemon's own: one that was started with `nice` is not to end up at the very end.
        os.setpriority(os.PRIO_PROCESS, 0, max(BATCHES, os.getpriority(os.PRIO_PROCESS, 0)))
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # it computes, and need not interrupt others
    else:
        os.nice(POLITE)
    serve_parent(server.handle)


if __name__ == "__main__":
    main()
