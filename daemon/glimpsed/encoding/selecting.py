"""From what is here to a loaded encoder: tries what `choose` says, and chooses again where that fails."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from anyio import to_thread

from glimpsed.encoding import candidate
from glimpsed.encoding.candidate import Candidate
from glimpsed.encoding.choose import Choice, choose, cramped
from glimpsed.encoding.devices import Device
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.encoding.process import EncoderProcess
from glimpsed.errors import EncoderError, ExtraMissingError, HeadsMissingError, OwnCodeError, WeightsMissingError

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


class Selector:
    """What is known of the stronger encoder that is asked for, and of the devices' speeds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.candidate: Candidate | None = None
        self.missing: EncoderError | None = None
        """What stands in the way besides devices."""
        self.speeds: dict[str, float] = {}

    async def look(self) -> Candidate | None:
        """The stronger encoder by its files; None where it lacks something, which `missing` says."""
        try:
            self.candidate = await to_thread.run_sync(candidate.find, self._settings)
        except EncoderError as error:
            self.missing, self.candidate = error, None
        else:
            self.missing = None
        return self.candidate

    def choice(self, found: Sequence[Device], lost: Mapping[str, str]) -> Choice:
        """What to use, with these devices there, and those that are lost for these reasons."""
        settings = self._settings
        return choose(
            encoder=settings.encoder,
            name=candidate.name_of(settings),
            device=settings.device,
            min_texts_per_second=settings.min_texts_per_second,
            missing=self.missing,
            devices=found,
            needs=self._needs(found),
            speeds=self.speeds,
            lost=lost,
        )

    def cramped(self, found: Sequence[Device]) -> dict[str, str]:
        """The GPUs among them whose memory others have just now, and how it is with it."""
        if self.candidate is None:
            return {}
        return cramped(device=self._settings.device, devices=found, needs=self._needs(found))

    def _needs(self, found: Sequence[Device]) -> dict[str, int]:
        one = self.candidate
        return {device.name: one.needs(device.weight_bytes) for device in found} if one else {}

    async def load(
        self,
        process: EncoderProcess,
        found: Sequence[Device],
        lost: Callable[[], Mapping[str, str]],
        *,
        lose: Callable[[str, str], None],
        trying: Callable[[Choice], None] = lambda choice: None,
    ) -> Choice:
        """Load it into `process` on the best of the devices that can; what was chosen in the end.

        A device that fails is told by `lose` (name and reason) and has to be in `lost` from then on. Where no device
        is left, or files are missing, the choice is the fallback, and the process is ended.
        """
        while True:
            try:
                choice = self.choice(found, lost())
            except _MISSING as error:  # the folder went since it was looked at
                self.missing, found = error, ()
                continue
            if choice.encoder == "fallback":
                await process.stop()
                return choice
            trying(choice)
            try:
                await self._load_on(process, choice)
            except _MISSING as error:
                self.missing = error
                continue
            except EncoderError as error:
                lose(choice.device, str(error))
                await process.stop()  # what it holds on that device is given back only so
                continue
            if not choice.measure:
                return choice

    async def _load_on(self, process: EncoderProcess, choice: Choice) -> None:
        assert self.candidate is not None, "only what is there is loaded"
        settings = self._settings
        await process.load(
            EncoderSpec(
                self.candidate.kind,
                bytes(self.candidate.folder),
                choice.device,
                settings.max_length,
                settings.max_tokens_per_batch,
                settings.trust_remote_code,
            )
        )
        if choice.measure:
            self.speeds[choice.device] = await process.measure()
