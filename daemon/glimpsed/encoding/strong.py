"""The stronger encoder: chosen, loaded, unloaded, lost and chosen again, in the background."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import anyio
from anyio import to_thread

from glimpsed.encoding import candidate, devices
from glimpsed.encoding.batch import Lane
from glimpsed.encoding.candidate import Candidate
from glimpsed.encoding.choose import Choice, choose
from glimpsed.encoding.encoder import Text, UnencodableError
from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID, Fallback
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.encoding.process import EncoderProcess
from glimpsed.errors import EncoderError, ExtraMissingError, HeadsMissingError, OwnCodeError, WeightsMissingError
from glimpsed.records import Encoding

TRY_AGAIN = 1800.0
"""Seconds until what was missing or lost is looked for again."""

QUESTION_PATIENCE = 2.0
"""Seconds after which a question does without the stronger encoder."""

_MISSING = (ExtraMissingError, WeightsMissingError, HeadsMissingError, OwnCodeError)


class Settings(candidate.Settings, Protocol):
    """What of the section [encode] of the configuration counts here."""

    @property
    def device(self) -> str:
        """`auto`, `cpu`, `cuda` or `cuda:N`."""
        ...

    @property
    def min_texts_per_second(self) -> float:
        """What a CPU has to make."""
        ...

    @property
    def max_tokens_per_batch(self) -> int:
        """Of one forward pass."""
        ...

    @property
    def unload_after(self) -> float:
        """Seconds without use."""
        ...


@dataclass(frozen=True, slots=True)
class ChosenState:
    """The encoder that rows should have, and how it is with it."""

    name: str
    id: str
    device: str
    reason: str
    """Why this one, for people."""
    step: str | None
    """What the stronger encoder lacks: `extra`, `weights`, `head files`, `trust` or `device`; None where it lacks
    nothing or none is wanted."""
    phase: Literal["ready", "loading", "unloaded", "failed", "choosing"]
    """`failed`: the configuration names an encoder and it cannot be had, so the fallback stands in."""


class Strong:
    """BGE-M3 or a Sentence Transformers model in its process, if this machine can run it; `state` and `dimension` tell.

    `run` has to be running for anything to be chosen, loaded or unloaded; `changed` is called after each change of
    `state`.
    """

    def __init__(self, settings: Settings, changed: Callable[[], None], process: EncoderProcess | None = None) -> None:
        self._settings = settings
        self._changed = changed
        self.process = process or EncoderProcess(EncoderSpec(candidate.asked_for(settings)[0]))
        self.dimension = DIMENSION
        self.state = ChosenState(Fallback.name, FALLBACK_ID, Fallback.device, "nothing is chosen yet", None, "choosing")
        self._missing: EncoderError | None = None
        self._candidate: Candidate | None = None
        self._speeds: dict[str, float] = {}
        self._lost: dict[str, str] = {}
        self._decided = False
        self._wanted = False
        self._wake = anyio.Event()
        self._settled = anyio.Event()  # set while encoding need not wait for a load or a choice

    @property
    def chosen(self) -> bool:
        """Whether rows can have its vectors, be it loaded just now or not."""
        return self._decided and self.state.id != FALLBACK_ID

    async def prepare(self) -> None:
        """Look at what needs no process: afterwards `state.id` is the one that will most likely be chosen.

        So rows that have the vectors of the stronger encoder do not look stale while its process starts.
        """
        if self._settings.encoder == "fallback" or (found := await self._look()) is None:
            self._decide(self._choose_from(()))
        else:
            self.dimension = found.facts.dimension
            reason = "the devices are being looked at"
            self._tell(ChosenState(found.name, found.facts.id, "", reason, None, "choosing"))

    async def run(self) -> None:
        """Choose, load when asked, unload when idle, and choose again when the device is lost; for ever."""
        if self._settings.encoder == "fallback":
            return
        async with anyio.create_task_group() as group:
            group.start_soon(self._unload_when_unused)
            while True:
                self._wake = anyio.Event()
                if not self._decided:
                    await self._choose()
                elif self.chosen and self._wanted:
                    await self._load()
                again = TRY_AGAIN if not self.chosen and (self._missing or self._lost) else None
                with anyio.move_on_after(again) as waiting:
                    await self._wake.wait()
                if waiting.cancelled_caught:
                    self._lost.clear()
                    self._speeds.clear()
                    # What is missing costs a look at files; only if it is there now the process is worth starting.
                    self._decided = await self._look() is None

    async def encode(self, texts: Sequence[Text]) -> list[Encoding]:
        """Encodings of passages; loads first where that is needed. Raises EncoderError when it cannot now."""
        while self.chosen and self.state.phase != "ready":
            self.want()
            await self._settled.wait()
        if not self.chosen:
            raise EncoderError(self.state.reason)
        return await self._encode(texts, query=False)

    async def question(self, text: str) -> Encoding | None:
        """A question's encoding if the encoder is loaded and answers soon; else it is loaded for the next one."""
        if not self.chosen:
            return None
        if self.state.phase != "ready":
            self.want()
            return None
        with anyio.move_on_after(QUESTION_PATIENCE):
            try:
                return (await self._encode([(text,)], query=True))[0]
            except EncoderError:
                return None
        return None

    def want(self) -> None:
        """Load it in the background if it is unloaded."""
        if self.chosen and self.state.phase == "unloaded":
            self._wanted = True
            self._wake.set()

    async def _encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        device = self.state.device
        try:
            return await self.process.encode(texts, query=query, lane=Lane.QUESTION if query else Lane.SECOND)
        except UnencodableError:
            raise
        except EncoderError as error:
            if self.chosen and self.state.device == device:
                self._lost[device] = str(error)
                self._decided = False
                self._tell(replace(self.state, phase="choosing", reason=str(error)))
                self._wake.set()
            raise

    async def _look(self) -> Candidate | None:
        """The stronger encoder by its files; None where it lacks something, which `_missing` says."""
        try:
            self._candidate = await to_thread.run_sync(candidate.find, self._settings)
        except EncoderError as error:
            self._missing, self._candidate = error, None
        else:
            self._missing = None
        return self._candidate

    async def _choose(self) -> None:
        found: tuple[devices.Device, ...] = ()
        if self._missing is None:
            try:
                found = await self.process.probe()
            except EncoderError as error:
                self._missing = error
        while True:
            try:
                choice = self._choose_from(found)
            except _MISSING as error:  # the folder went since it was looked at
                self._missing, found = error, ()
                continue
            if choice.encoder == "fallback":
                await self.process.stop()
                self._decide(choice)
                return
            if self.state.id != FALLBACK_ID:
                self._tell(replace(self.state, device=choice.device, reason=choice.reason, phase="loading"))
            try:
                await self._load_on(choice)
            except _MISSING as error:
                self._missing = error
                continue
            except EncoderError as error:
                self._lost[choice.device] = str(error)
                await self.process.stop()  # what it holds on that device is given back only so
                continue
            if not choice.measure:
                self._decide(choice)
                return

    def _choose_from(self, found: Sequence[devices.Device]) -> Choice:
        settings = self._settings
        return choose(
            encoder=settings.encoder,
            name=candidate.name_of(settings),
            device=settings.device,
            min_texts_per_second=settings.min_texts_per_second,
            missing=self._missing,
            devices=found,
            needs={one.name: self._candidate.needs(one.weight_bytes) for one in found if self._candidate},
            speeds=self._speeds,
            lost=self._lost,
        )

    async def _load_on(self, choice: Choice) -> None:
        assert self._candidate is not None, "only what is there is loaded"
        settings = self._settings
        await self.process.load(
            EncoderSpec(
                self._candidate.kind,
                bytes(self._candidate.folder),
                choice.device,
                settings.max_length,
                settings.max_tokens_per_batch,
                settings.trust_remote_code,
            )
        )
        if choice.measure:
            self._speeds[choice.device] = await self.process.measure()

    def _decide(self, choice: Choice) -> None:
        self._decided = True
        info = self.process.info
        if choice.encoder == "fallback" or info is None:
            phase: Literal["ready", "failed"] = "ready" if self._settings.encoder in ("auto", "fallback") else "failed"
            self.dimension = DIMENSION
            self._tell(ChosenState(Fallback.name, FALLBACK_ID, Fallback.device, choice.reason, choice.step, phase))
        else:
            self.dimension = info.dimension
            name, reason = candidate.name_of(self._settings), f"{choice.reason} ({info.precision})"
            self._tell(ChosenState(name, info.id, info.device, reason, None, "ready"))

    async def _load(self) -> None:
        self._wanted = False
        if self.state.phase != "unloaded":
            return
        self._tell(replace(self.state, phase="loading"))
        try:
            await self.process.load()
        except EncoderError as error:
            self._lost[self.state.device] = str(error)
            self._decided = False
            self._wake.set()
            self._tell(replace(self.state, phase="choosing", reason=str(error)))
        else:
            self._tell(replace(self.state, phase="ready"))

    async def _unload_when_unused(self) -> None:
        while True:
            await self.process.wait_unused(self._settings.unload_after)
            if self.chosen and self.state.phase == "ready":
                self._tell(replace(self.state, phase="unloaded"))
            await self.process.stop()

    def _tell(self, state: ChosenState) -> None:
        self.state = state
        if self._decided and (not self.chosen or state.phase == "ready"):
            self._settled.set()
        elif self._settled.is_set():
            self._settled = anyio.Event()
        self._changed()
