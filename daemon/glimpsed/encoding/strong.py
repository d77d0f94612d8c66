"""The stronger encoder: chosen, loaded, unloaded, lost and chosen again, in the background."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import anyio
from anyio import to_thread

from glimpsed.encoding import devices, weights
from glimpsed.encoding.batch import Lane
from glimpsed.encoding.choose import Choice, choose
from glimpsed.encoding.encoder import Text, UnencodableError
from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID, Fallback
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.encoding.process import EncoderProcess
from glimpsed.errors import EncoderError, ExtraMissingError, HeadsMissingError, WeightsMissingError
from glimpsed.records import Encoding

NAME = "BGE-M3"

TRY_AGAIN = 1800.0
"""Seconds until what was missing or lost is looked for again."""

QUESTION_PATIENCE = 2.0
"""Seconds after which a question does without the stronger encoder."""

_MISSING = (ExtraMissingError, WeightsMissingError, HeadsMissingError)


class Settings(Protocol):
    """What of the section [encode] of the configuration counts here."""

    @property
    def encoder(self) -> str:
        """`auto`, `bge-m3` or `fallback`."""
        ...

    @property
    def model(self) -> str:
        """A folder, or a name in the Hugging Face cache."""
        ...

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
    def max_length(self) -> int:
        """Tokens of one text."""
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
    """What BGE-M3 lacks: `extra`, `weights`, `head files` or `device`; None where it lacks nothing or is not wanted."""
    phase: Literal["ready", "loading", "unloaded", "failed", "choosing"]
    """`failed`: the configuration names BGE-M3 and it cannot be had, so the fallback stands in."""


class Strong:
    """BGE-M3 in its process, if this machine can run it; `state` and `dimension` tell.

    `run` has to be running for anything to be chosen, loaded or unloaded; `changed` is called after each change of
    `state`.
    """

    def __init__(self, settings: Settings, changed: Callable[[], None], process: EncoderProcess | None = None) -> None:
        self._settings = settings
        self._changed = changed
        self.process = process or EncoderProcess(EncoderSpec("bge-m3"))
        self.dimension = DIMENSION
        self.state = ChosenState(Fallback.name, FALLBACK_ID, Fallback.device, "nothing is chosen yet", None, "choosing")
        self._missing: EncoderError | None = None
        self._folder = Path()
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

        So rows that have the vectors of BGE-M3 do not look stale while its process starts.
        """
        if self._settings.encoder == "fallback" or (facts := await self._look()) is None:
            self._decide(self._choose_from(()))
        else:
            self.dimension = facts.dimension
            self._tell(ChosenState(NAME, facts.id, "", "the devices are being looked at", None, "choosing"))

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

    async def _look(self) -> weights.Facts | None:
        """What BGE-M3 is, by its files; None where it lacks something, which `_missing` says."""
        try:
            self._folder, facts = await to_thread.run_sync(self._find)
        except EncoderError as error:
            self._missing = error
            return None
        self._missing = None
        return facts

    def _find(self) -> tuple[Path, weights.Facts]:
        importlib.invalidate_caches()
        if (extra := devices.missing_extra()) is not None:
            raise extra
        folder = weights.find(self._settings.model)
        return folder, weights.facts(folder, self._settings.max_length)

    async def _choose(self) -> None:
        found: tuple[devices.Device, ...] = ()
        if self._missing is None:
            try:
                found = await self.process.probe()
            except EncoderError as error:
                self._missing = error
        while True:
            choice = self._choose_from(found)
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
            device=settings.device,
            min_texts_per_second=settings.min_texts_per_second,
            missing=self._missing,
            devices=found,
            needs={device.name: weights.needs(self._folder, device.weight_bytes) for device in found},
            speeds=self._speeds,
            lost=self._lost,
        )

    async def _load_on(self, choice: Choice) -> None:
        settings = self._settings
        await self.process.load(
            EncoderSpec(
                "bge-m3", bytes(self._folder), choice.device, settings.max_length, settings.max_tokens_per_batch
            )
        )
        if choice.measure:
            self._speeds[choice.device] = await self.process.measure()

    def _decide(self, choice: Choice) -> None:
        self._decided = True
        info = self.process.info
        if choice.encoder == "fallback" or info is None:
            phase: Literal["ready", "failed"] = "failed" if self._settings.encoder == "bge-m3" else "ready"
            self.dimension = DIMENSION
            self._tell(ChosenState(Fallback.name, FALLBACK_ID, Fallback.device, choice.reason, choice.step, phase))
        else:
            self.dimension = info.dimension
            self._tell(ChosenState(NAME, info.id, info.device, f"{choice.reason} ({info.precision})", None, "ready"))

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
