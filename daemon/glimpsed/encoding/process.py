"""An encoder in a process of its own, seen from the daemon."""

import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

import anyio
import msgspec

from glimpsed.children import Child
from glimpsed.encoding.batch import Lane, Pace, Reach
from glimpsed.encoding.devices import Device
from glimpsed.encoding.encoder import EncoderInfo, Text, UnencodableError, rough_tokens
from glimpsed.encoding.messages import (
    Encoded,
    EncoderSpec,
    Failed,
    Load,
    Loaded,
    Measure,
    Measured,
    Probe,
    Probed,
    Reply,
    Request,
    Scored,
    Unloaded,
    pack_candidates,
    pack_texts,
    unpack_encodings,
    unpack_error,
)
from glimpsed.encoding.passes import Passed
from glimpsed.encoding.turn import Line
from glimpsed.errors import ChildError, EncoderError
from glimpsed.records import Encoding
from glimpsed.silence import Silence

LOAD_TIMEOUT = 600.0
"""Seconds; a cold disk may have to read gigabytes."""

ENCODE_TIMEOUT = 600.0
"""Seconds; only what hangs takes as long, for a process of low priority may have to wait for the CPU."""

PATIENCE = 0.1
"""Seconds that a batch should take, and so what a question waits for at most."""

SILENCE = 900.0
"""Seconds without any answer of a process that is asked, or asked again and again: replacing it has not helped."""

DEATHS = 3
"""Texts in a row that end the process by themselves: then it is not the texts."""

ENVIRONMENT: Mapping[str, str] = {
    "OMP_WAIT_POLICY": "passive",  # spinning threads starve each other on shared cores
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",  # the network is never used unasked
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}

_R = TypeVar("_R", bound=msgspec.Struct)


class EncoderProcess:
    """Encodes in a child process, one chunk at a time: questions first, then the first pass, then the second.

    The process is started by the first call and loaded by whatever needs it; one that dies is started again. A
    cancelled call costs nothing but the chunk in flight.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        *,
        module: str = "glimpsed.encoding.child",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.spec = spec
        self.info: EncoderInfo | None = None
        """Of the encoder that was loaded last; it may have been unloaded since."""
        self.silence = Silence()
        """How long it has been asked in vain, on the monotonic clock."""
        self.encoded = 0
        """Texts encoded so far, questions not counted."""
        self.passed = Passed()
        """The batches of those."""
        self._module = module
        self._environment = dict(environment or {})
        self._child = Child(
            module,
            *(["--batches"] if spec.kind == "fallback" else []),  # its questions are answered in the daemon
            name=f"encoder {spec.kind}",
            environment={**ENVIRONMENT, **self._environment},
        )
        self._decoder = msgspec.msgpack.Decoder(Reply)
        self._line = Line()
        self._pace = Pace(PATIENCE, start=250)
        self._reach = Reach(PATIENCE, start=250)
        self._deadly: set[str] = set()  # ids of texts whose scoring the process did not survive
        self._deaths = 0  # over a lone text, since one was encoded

    @property
    def pid(self) -> int | None:
        """Of the process; None while there is none."""
        return self._child.pid

    async def probe(self) -> tuple[Device, ...]:
        """The devices there are, found out by the process. Raises ExtraMissingError or EncoderError."""
        async with self._line.turn(Lane.FIRST):
            return tuple((await self._insist(Probe(), Probed)).devices)

    async def load(self, spec: EncoderSpec | None = None) -> EncoderInfo:
        """Load the encoder, or another one instead, so that encoding need not wait for it.

        Raises EncoderError with the step that is missing, DeviceError where the device cannot hold it.
        """
        async with self._line.turn(Lane.FIRST):
            self.spec = spec or self.spec
            return await self._load()

    async def measure(self) -> float:
        """Texts a second of the loaded encoder. Raises EncoderError, DeviceError."""
        async with self._line.turn(Lane.FIRST):
            return (await self._insist(Measure(), Measured)).texts_per_second

    async def encode(self, texts: Sequence[Text], *, query: bool, lane: Lane | None = None) -> list[Encoding]:
        """One encoding a text, in order; loads first where that is needed.

        Raises UnencodableError, which has the encodings of the others, where texts end the process each time they
        are tried (twice), DeviceError where the device is lost, EncoderError where the encoder cannot be had.
        """
        lane = lane if lane is not None else Lane.QUESTION if query else Lane.FIRST
        done: list[Encoding | None] = []
        faults: dict[int, str] = {}
        weights = [rough_tokens(text) for text in texts]
        async with self._line.turn(lane) as turn:
            while len(done) < len(texts):
                at = len(done)
                if at:
                    await turn.again()
                if not query:
                    await self._line.stand_aside(turn)
                share = self._pace.share(weights[at:])
                begun = anyio.current_time()
                done += await self._chunk(texts[at : at + share], query=query, at=at, faults=faults)
                if not query and not faults:
                    self._pace.took(sum(weights[at : at + share]), anyio.current_time() - begun)
                if not query:
                    self.encoded += share
            if query and self.info is not None and self.info.has_colbert:
                self._line.expect()
        if faults:
            raise UnencodableError(done, faults)
        return [one for one in done if one is not None]

    async def score(
        self, question: str, texts: Sequence[tuple[str, Text]], scores: dict[str, float], *, at_most: int | None
    ) -> None:
        """Fill `scores` with the ColBERT scores of texts (id and text, best first), by text id, as they come.

        With `at_most` the first so many are scored; without, those whose vectors the process still has, and as
        many more as about PATIENCE allows. What is there when the call is cancelled counts. An encoder that has no
        ColBERT or is not loaded scores nothing. Raises DeviceError where the device is lost, EncoderError where
        the process ends over it.
        """
        waiting = [one for one in texts[:at_most] if one[0] not in self._deadly]
        async with self._line.turn(Lane.QUESTION) as turn:
            while waiting:
                answer = await self._score(question, waiting, least=0 if at_most is None else 1)
                if answer is None:
                    return
                found = dict(zip((text_id for text_id, _ in waiting), answer.scores, strict=True))
                scores.update({text_id: score for text_id, score in found.items() if score is not None})
                waiting = [one for one in waiting if one[0] not in scores]
                if at_most is None:
                    return
                await turn.again(last=True)

    async def wait_unused(self, seconds: float) -> None:
        """Wait until it has been used, and then not for so long."""
        await self._line.wait_unused(seconds)

    def another(self) -> "EncoderProcess":
        """One of the same kind with a process of its own, not started yet."""
        return EncoderProcess(self.spec, module=self._module, environment=self._environment)

    async def change_places(self, other: "EncoderProcess") -> None:
        """Go on with the process and the encoder that `other` has loaded; it gets this one's. Waits its turn.

        Nobody else may use `other` meanwhile.
        """
        async with self._line.turn(Lane.QUESTION):
            self._child, other._child = other._child, self._child
            self.spec, other.spec = other.spec, self.spec
            self.info, other.info = other.info, self.info
            self._pace, self._reach = other._pace, other._reach  # another device, another speed

    async def stop(self) -> None:
        """End the process after the request in flight. The next call starts it again."""
        async with self._line.alone():
            await self._child.stop()

    async def _chunk(
        self, texts: Sequence[Text], *, query: bool, at: int, faults: dict[int, str]
    ) -> list[Encoding | None]:
        try:
            return list(await self._try(texts, query=query))
        except ChildError:
            # Which of them was it, if any? Each once more, alone.
            return [
                await self._try_alone(text, query=query, place=place, faults=faults)
                for place, text in enumerate(texts, at)
            ]

    async def _try_alone(self, text: Text, *, query: bool, place: int, faults: dict[int, str]) -> Encoding | None:
        try:
            [encoding] = await self._try([text], query=query)
        except ChildError as error:
            self._deaths += 1
            if self._deaths >= DEATHS:
                raise EncoderError(f"the encoder process keeps ending: {error}") from error
            faults[place] = str(error)
            return None
        return encoding

    async def _try(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        """Raises ChildError where the process ended over it."""
        request = pack_texts(texts, query=query)
        reply = await self._ask(request, ENCODE_TIMEOUT)
        if isinstance(reply, Unloaded):
            await self._load()
            reply = await self._ask(request, ENCODE_TIMEOUT)
        encoded = self._expect(reply, Encoded)
        encodings = unpack_encodings(encoded)
        self.passed = self.passed.plus(encoded.passed)
        if len(encodings) != len(texts):
            raise EncoderError(f"{len(encodings)} encodings came back for {len(texts)} texts")
        self._deaths = 0
        return encodings

    async def _score(self, question: str, texts: Sequence[tuple[str, Text]], *, least: int) -> Scored | None:
        """One request's worth of scores; None where there is nothing to ask."""
        request = pack_candidates(question, texts, room=self._reach.room, least=least)
        try:
            reply = await self._ask(request, ENCODE_TIMEOUT)
        except ChildError as error:
            self._deadly.update(text_id for text_id, _ in texts)
            raise EncoderError(str(error)) from error
        except anyio.get_cancelled_exc_class():
            self._reach.missed()
            raise
        if isinstance(reply, Unloaded):
            return None
        answer = self._expect(reply, Scored)
        if answer.fresh:
            self._reach.took(sum(rough_tokens(texts[place][1]) for place in answer.fresh), answer.seconds)
        return answer if any(score is not None for score in answer.scores) else None

    async def _load(self) -> EncoderInfo:
        self.info = (await self._insist(Load(self.spec), Loaded)).info()
        return self.info

    async def _insist(self, request: Request, kind: type[_R]) -> _R:
        """The reply to a request that has no text to blame: the process may end over it once."""
        try:
            reply = await self._ask(request, LOAD_TIMEOUT)
        except ChildError:
            try:
                reply = await self._ask(request, LOAD_TIMEOUT)
            except ChildError as error:
                raise EncoderError(str(error)) from error
        return self._expect(reply, kind)

    async def _ask(self, request: Request, timeout: float) -> Reply:
        self.silence.asked(time.monotonic(), SILENCE)
        try:
            payload = await self._child.ask(msgspec.msgpack.encode(request), timeout=timeout)
        except ChildError:
            self.silence.failed(time.monotonic())
            raise
        except anyio.get_cancelled_exc_class():
            self.silence.given_up()
            raise
        self.silence.answered()
        try:
            reply: Reply = self._decoder.decode(payload)
        except msgspec.DecodeError as error:
            raise ChildError(f"{self._child.name} answered nonsense: {error}") from error
        if isinstance(reply, Failed):
            raise unpack_error(reply)
        return reply

    def _expect(self, reply: Reply, kind: type[_R]) -> _R:
        if not isinstance(reply, kind):
            raise EncoderError(f"{self._child.name} answered {type(reply).__name__.lower()}")
        return reply
