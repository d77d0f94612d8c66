"""The stronger encoder: chosen, loaded, unloaded, lost and chosen again, in the background."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import anyio

from glimpsed.encoding import candidate, devices
from glimpsed.encoding.batch import Lane
from glimpsed.encoding.choose import Choice
from glimpsed.encoding.comeback import Comeback, Lost
from glimpsed.encoding.encoder import Text, UnencodableError
from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID, Fallback
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.encoding.process import EncoderProcess
from glimpsed.encoding.returning import Returning
from glimpsed.encoding.selecting import Selector, Settings
from glimpsed.errors import EncoderError
from glimpsed.records import Encoding

TRY_AGAIN = 1800.0
"""Seconds until what was missing is looked for again."""

QUESTION_PATIENCE = 2.0
"""Seconds after which a question does without the stronger encoder."""


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
    lost: tuple[Lost, ...] = ()
    """Devices that were given up; they are looked for while something asks for the encoder."""


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
        self._selector = Selector(settings)
        self._comeback = Comeback()
        self._returning = Returning(
            self._comeback,
            self._selector,
            used=self._used,
            fresh=self.process.another,
            take=self._take,
            missed=self._missed,
        )
        self._decided = False
        self._deciding = anyio.Lock()  # one chooses or loads at a time
        self._wanted = False
        self._wake = anyio.Event()
        self._settled = anyio.Event()  # set while encoding need not wait for a load or a choice

    @property
    def chosen(self) -> bool:
        """Whether rows can have its vectors, be it loaded just now or not."""
        return self._decided and self.state.id != FALLBACK_ID

    @property
    def given_up(self) -> str | None:
        """The id of the encoder that the fallback stands in for until a device is back; None where it does not."""
        one = self._selector.candidate
        return one.facts.id if one is not None and self._used() == "" and self._comeback.lost else None

    async def prepare(self) -> None:
        """Look at what needs no process: afterwards `state.id` is the one that will most likely be chosen.

        So rows that have the vectors of the stronger encoder do not look stale while its process starts.
        """
        if self._settings.encoder == "fallback" or (found := await self._selector.look()) is None:
            self._decide(self._selector.choice((), {}))
        else:
            self.dimension = found.facts.dimension
            reason = "the devices are being looked at"
            self._tell(ChosenState(found.name, found.facts.id, "", reason, None, "choosing"))

    async def run(self) -> None:
        """Choose, load when asked, unload when idle, and choose again when a device is lost or back; for ever."""
        if self._settings.encoder == "fallback":
            return
        async with anyio.create_task_group() as group:
            group.start_soon(self._unload_when_unused)
            group.start_soon(self._returning.run)
            while True:
                self._wake = anyio.Event()
                async with self._deciding:
                    if not self._decided:
                        await self._choose()
                    elif self.chosen and self._wanted:
                        await self._load()
                again = TRY_AGAIN if not self.chosen and self._selector.missing else None
                with anyio.move_on_after(again) as waiting:
                    await self._wake.wait()
                if waiting.cancelled_caught:
                    self._selector.speeds.clear()
                    # What is missing costs a look at files; only if it is there now the process is worth starting.
                    self._decided = self.chosen or await self._selector.look() is None

    async def encode(self, texts: Sequence[Text]) -> list[Encoding]:
        """Encodings of passages; loads first where that is needed. Raises EncoderError when it cannot now."""
        self.ask()
        while self.chosen and self.state.phase != "ready":
            self.want()
            await self._settled.wait()
        if not self.chosen:
            raise EncoderError(self.state.reason)
        return await self._encode(texts, query=False)

    async def question(self, text: str) -> Encoding | None:
        """A question's encoding if the encoder is loaded and answers soon; else it is loaded for the next one."""
        self.ask()
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
        self.ask()
        if self.chosen and self.state.phase == "unloaded":
            self._wanted = True
            self._wake.set()

    def ask(self) -> None:
        """Somebody would like it to be there: a reason to look for a device that was lost."""
        if self._comeback.ask():
            self._returning.wake()

    def owe(self) -> None:
        """Rows wait for the encoder that was given up: a lasting reason."""
        if self._comeback.owe():
            self._returning.wake()

    async def _encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        device = self.state.device
        try:
            return await self.process.encode(texts, query=query, lane=Lane.QUESTION if query else Lane.SECOND)
        except UnencodableError:
            raise
        except EncoderError as error:
            if self.chosen and self.state.device == device:
                self._lose(error)
            raise

    def _lose(self, error: EncoderError) -> None:
        """The device in use is lost: choose anew."""
        self._comeback.lose(self.state.device, str(error), anyio.current_time())
        self._decided = False
        self._wake.set()
        self._tell(replace(self.state, phase="choosing", reason=str(error)))

    def _used(self) -> str | None:
        """As `Comeback` wants to know it."""
        return None if not self._decided else self.state.device if self.chosen else ""

    async def _take(self, process: EncoderProcess, choice: Choice) -> None:
        """Go on with what was loaded into another process, on a device that is back."""
        async with self._deciding:
            await self.process.change_places(process)
            self._comeback.found(choice.device, anyio.current_time())
            self._decide(choice)

    def _missed(self) -> None:
        self._tell(self.state)
        self._wake.set()  # files may be missing now

    async def _choose(self) -> None:
        found: tuple[devices.Device, ...] = ()
        if self._comeback.lost:
            await self.process.stop()  # a device that was lost stays so in the process that saw it, with its memory
        if self._selector.missing is None:
            try:
                found = await self.process.probe()
            except EncoderError as error:
                self._selector.missing = error
        now = anyio.current_time
        choice = await self._selector.load(
            self.process,
            found,
            lambda: self._comeback.reasons,
            lose=lambda device, reason: self._comeback.lose(device, reason, now()),
            trying=self._trying,
        )
        if not choice.device.startswith("cuda"):
            for device, reason in self._selector.cramped(found).items():
                self._comeback.lose(device, reason, now())
        self._decide(choice)

    def _trying(self, choice: Choice) -> None:
        if self.state.id != FALLBACK_ID:
            self._tell(replace(self.state, device=choice.device, reason=choice.reason, phase="loading"))

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
            self._lose(error)
        else:
            self._tell(replace(self.state, phase="ready"))

    async def _unload_when_unused(self) -> None:
        while True:
            await self.process.wait_unused(self._settings.unload_after)
            if self.chosen and self.state.phase == "ready":
                self._tell(replace(self.state, phase="unloaded"))
            await self.process.stop()

    def _tell(self, state: ChosenState) -> None:
        self.state = replace(state, lost=self._comeback.lost)
        if self._decided and (not self.chosen or state.phase == "ready"):
            self._settled.set()
        elif self._settled.is_set():
            self._settled = anyio.Event()
        self._changed()
        self._returning.wake()
