"""The encoders of the daemon: the fallback, always there, and the stronger one that this machine may run."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from anyio import to_thread

from glimpsed.encoding.batch import Lane
from glimpsed.encoding.encoder import Encoder, Text
from glimpsed.encoding.fallback import FALLBACK_ID, Fallback
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.encoding.passes import Passed
from glimpsed.encoding.process import EncoderProcess
from glimpsed.encoding.selecting import Settings
from glimpsed.encoding.strong import ChosenState, Strong
from glimpsed.errors import EncoderError
from glimpsed.records import Encoding
from glimpsed.silence import Silence

REMEMBERED = 128
"""Encodings of questions that are kept: people turn pages and repeat themselves."""


QUESTION_SILENCE = 120.0
"""Seconds that the fallback may take over a question, or to be loaded for them: it takes milliseconds, or a second."""

RERANK_PATIENCE = 1.0
"""Seconds after which a question does without the ColBERT scores that are not there yet."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question in the space of each encoder that could take it."""

    fallback: Encoding
    strong: Encoding | None
    """By the chosen encoder where that is another one and can answer now."""


class Encoders:
    """What the rest of the daemon knows of encoding. Made by `open_encoders`."""

    fallback_id = FALLBACK_ID

    def __init__(
        self,
        settings: Settings,
        *,
        passages: EncoderProcess | None = None,
        strong: EncoderProcess | None = None,
    ) -> None:
        self._settings = settings
        self._passages = passages or EncoderProcess(EncoderSpec("fallback"))
        self._strong = Strong(settings, self._on_change, strong)
        self.version = 0
        """How often `state` changed."""
        self._change = anyio.Event()
        self._limiter = anyio.CapacityLimiter(1)
        self._fallback: Encoder | EncoderError | None = None
        self._loaded = anyio.Event()
        self.recalled = {"hit": 0, "miss": 0}
        """How often a question's encoding was known, and was not."""
        self._questions = Silence()
        self._remembered: OrderedDict[tuple[str, str], Encoding] = OrderedDict()

    @property
    def chosen_id(self) -> str:
        """Of the encoder whose vector rows should have; `fallback_id` where no other is chosen.

        While the choice is being made at start it is the id of the one that will most likely be chosen.
        """
        return self._strong.state.id

    @property
    def chosen_dimension(self) -> int:
        """Of the vectors of `chosen_id`."""
        return self._strong.dimension

    @property
    def state(self) -> ChosenState:
        """The choice, its reason, and whether it is loaded."""
        return self._strong.state

    @property
    def ready(self) -> bool:
        """Whether `strong` can be asked, be it only to load first."""
        return self._strong.chosen

    @property
    def given_up(self) -> str | None:
        """The id of the encoder that `fallback_id` stands in for until a device is back; None where it does not."""
        return self._strong.given_up

    def owe(self) -> None:
        """Rows wait for the encoder that was given up, so its device is to be looked for though nobody asks."""
        self._strong.owe()

    @property
    def pids(self) -> list[int]:
        """Of the encoder processes that run now."""
        return [one.pid for one in (self._passages, self._strong.process) if one.pid is not None]

    @property
    def silences(self) -> list[tuple[str, Silence]]:
        """How long each encoder that is in use has been asked in vain, on the monotonic clock."""
        strong = [("the chosen encoder", self._strong.process.silence)] if self.ready else []
        return [("the fallback", self._passages.silence), ("the fallback for questions", self._questions), *strong]

    @property
    def encoded(self) -> dict[str, int]:
        """Texts encoded since start by encoder id, questions not counted."""
        counted = {FALLBACK_ID: self._passages.encoded}
        if self._strong.process.info is not None:
            counted[self._strong.process.info.id] = self._strong.process.encoded
        return counted

    @property
    def passed(self) -> dict[str, Passed]:
        """The batches of those, of the fallback and of the chosen encoder where that is another one."""
        return {"fallback": self._passages.passed, "chosen": self._strong.process.passed}

    async def passages(self, texts: Sequence[Text], *, lane: Lane = Lane.FIRST) -> list[Encoding]:
        """One encoding a text by the fallback.

        Raises UnencodableError where some of the texts cannot be encoded (it has the others' encodings), and
        EncoderError where the fallback's process cannot be had.
        """
        self._strong.ask()  # they are to have its vectors, too
        return await self._passages.encode(texts, query=False, lane=lane)

    async def strong(self, texts: Sequence[Text]) -> list[Encoding]:
        """One encoding a text by the chosen encoder; loads it first where it was unloaded.

        Raises EncoderError when it cannot now; UnencodableError as `passages` does.
        """
        return await self._strong.encode(texts)

    async def question(self, text: str) -> Question:
        """A question's encodings. Waits for no load but, right after start, the small fallback's.

        An unloaded encoder is loaded by it in the background. Raises EncoderError where the fallback is broken.
        """
        strong: list[Encoding | None] = []
        failure: EncoderError | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._ask_strong, text, strong)
            try:
                fallback = await self._ask_fallback(text)
            except EncoderError as error:  # raised in here it would come out in a group
                failure = error
        if failure is not None:
            raise failure
        # Whoever gives up while the fallback is at work is told so only at the next wait; then there is no answer here.
        return Question(fallback, next(iter(strong), None))

    async def colbert(
        self, question: str, texts: Sequence[tuple[str, Text]], *, at_most: int | None
    ) -> dict[str, float]:
        """ColBERT scores of candidates by text id, equal to FlagEmbedding's `colbert_score`; of those that have one.

        `texts` are text ids and texts, best candidates first. `at_most` limits how many are scored; None means those
        whose vectors are still at hand, and as many more as the device makes in about 100 ms, as measured. Empty
        where the chosen encoder has no ColBERT, is not loaded or cannot answer now. Raises no EncoderError.
        """
        scores: dict[str, float] = {}
        process = self._strong.process
        if self._strong.state.phase == "ready" and process.info is not None and process.info.has_colbert and texts:
            # What fails here fails for the next question and the next batch too, and is seen to there.
            with anyio.move_on_after(RERANK_PATIENCE), suppress(EncoderError):
                await process.score(question, texts, scores, at_most=at_most)
        return scores

    async def wait_changed(self, since: int | None = None) -> None:
        """Wait for the next change of `state`; not at all where `version` is not `since` any more."""
        if since is None or since == self.version:
            await self._change.wait()

    async def prepare(self) -> None:
        """Find out what can be known without waiting for long."""
        await self._strong.prepare()

    async def run(self) -> None:
        """The services: load, choose, unload; until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._load_fallback)
            group.start_soon(self._strong.run)
            while True:
                await self._passages.wait_unused(self._settings.unload_after)
                await self._passages.stop()

    async def close(self) -> None:
        """End the processes."""
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:
                group.start_soon(self._passages.stop)
                group.start_soon(self._strong.process.stop)

    def _on_change(self) -> None:
        self.version += 1
        self._change.set()
        self._change = anyio.Event()

    async def _load_fallback(self) -> None:
        self._questions.asked(time.monotonic(), QUESTION_SILENCE)
        try:
            self._fallback = await to_thread.run_sync(Fallback, limiter=self._limiter)
        except EncoderError as error:
            self._fallback = error
        self._questions.answered()
        self._loaded.set()

    async def _ask_fallback(self, text: str) -> Encoding:
        known = self._recall(FALLBACK_ID, text)
        if known is not None:
            return known
        await self._loaded.wait()
        fallback = self._fallback
        if fallback is None or isinstance(fallback, EncoderError):
            raise EncoderError(str(fallback))
        one: Encoder = fallback

        def encode() -> list[Encoding]:
            self._questions.asked(time.monotonic(), QUESTION_SILENCE)
            try:
                return one.encode([(text,)], query=True)
            finally:
                self._questions.answered()

        [encoding] = await to_thread.run_sync(encode, limiter=self._limiter)
        return self._remember(FALLBACK_ID, text, encoding)

    async def _ask_strong(self, text: str, answer: list[Encoding | None]) -> None:
        chosen = self.chosen_id
        known = self._recall(chosen, text) if self.ready else None
        if known is None:
            known = await self._strong.question(text)
            if known is not None:
                self._remember(chosen, text, known)
        else:
            self._strong.want()
        answer.append(known)

    def _recall(self, encoder: str, text: str) -> Encoding | None:
        known = self._remembered.get((encoder, text))
        self.recalled["miss" if known is None else "hit"] += 1
        if known is not None:
            self._remembered.move_to_end((encoder, text))
        return known

    def _remember(self, encoder: str, text: str, encoding: Encoding) -> Encoding:
        self._remembered[encoder, text] = encoding
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return encoding


@asynccontextmanager
async def open_encoders(
    settings: Settings, *, passages: EncoderProcess | None = None, strong: EncoderProcess | None = None
) -> AsyncIterator[Encoders]:
    """The encoders of the section [encode], as long as the block lasts. Loading goes on in the background.

    Other processes than the usual ones can be given.
    """
    encoders = Encoders(settings, passages=passages, strong=strong)
    await encoders.prepare()
    try:
        async with anyio.create_task_group() as services:
            services.start_soon(encoders.run)
            try:
                yield encoders
            finally:
                services.cancel_scope.cancel()
    finally:
        await encoders.close()
