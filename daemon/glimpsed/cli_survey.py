"""What `glimpse model list` finds out and prints."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from glimpsed.cli_show import shown
from glimpsed.encoding import candidate, devices, inventory
from glimpsed.encoding.choose import choose
from glimpsed.encoding.devices import Device
from glimpsed.encoding.hub_files import size
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.encoding.process import EncoderProcess
from glimpsed.errors import EncoderError

if TYPE_CHECKING:
    from glimpsed.client import Status
    from glimpsed.config import Encode


@dataclass(frozen=True, slots=True)
class Listed:
    """One encoder."""

    name: str
    kind: str
    bytes: int
    """On the disk."""
    needs: dict[str, int]
    """Bytes of memory by the name of each device here, as far as its files tell."""
    id: str | None
    dimension: int | None
    max_tokens: int | None
    missing: str | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is used, and why."""

    name: str
    device: str
    reason: str
    running: bool
    """Whether the running daemon says so; otherwise it is what it would choose."""


@dataclass(frozen=True, slots=True)
class Survey:
    """All that `glimpse model list` tells."""

    models: list[Listed]
    devices: list[Device]
    chosen: Chosen


def survey(settings: "Encode", status: "Status | None") -> Survey:
    """Look at files and devices; where torch is installed that takes some seconds."""
    held = inventory.look(settings)
    there = _devices()
    chosen = _chosen(settings, there) if status is None else _said(status)
    asked = candidate.asked_for(settings)[1]
    used = "fallback" if chosen.name == "fallback" else asked
    models = [
        Listed(
            one.name,
            one.kind,
            one.bytes,
            _memory(one, there),
            one.id,
            one.dimension,
            one.max_tokens,
            one.missing,
            one.name == used,
        )
        for one in held
    ]
    return Survey(models, list(there), chosen)


def print_survey(told: Survey) -> None:
    """A line an encoder, a device, and the choice."""
    wide = max(len(shown(one.name)) for one in told.models)
    for one in told.models:
        what = one.missing or f"{one.dimension} numbers a text, {one.max_tokens} tokens; needs {_needs(one)}"
        print(f"{'*' if one.chosen else ' '} {shown(one.name):<{wide}}  {size(one.bytes):>9}  {shown(what)}")
    for device in told.devices:
        print(f"device  {shown(device.name)}: {shown(device.title)}, {size(device.free)} free")
    verb = "in use" if told.chosen.running else "would be used"
    print(f"{verb}  {shown(told.chosen.name)} on {shown(told.chosen.device)}: {shown(told.chosen.reason)}")


def _memory(one: inventory.Held, there: tuple[Device, ...]) -> dict[str, int]:
    """Bytes by device; the fallback runs on the CPU alone."""
    fit = [at for at in there if one.kind != "fallback" or at.name == "cpu"]
    return {at.name: need for at in fit if (need := one.needs(at.weight_bytes)) is not None}


def _needs(one: Listed) -> str:
    return ", ".join(f"{size(need)} on {name}" for name, need in one.needs.items()) or "what it takes"


def _devices() -> tuple[Device, ...]:
    """As an encoder process finds them: torch is not for this one."""
    if devices.missing_extra() is None or devices.missing_extra("sentence") is None:
        try:
            return anyio.run(_probe, backend="asyncio")
        except EncoderError:  # what the choice tells of, too
            pass
    return (devices.cpu(),)


async def _probe() -> tuple[Device, ...]:
    process = EncoderProcess(EncoderSpec("bge-m3"))
    try:
        return await process.probe()
    finally:
        with anyio.CancelScope(shield=True):
            await process.stop()


def _chosen(settings: "Encode", there: tuple[Device, ...]) -> Chosen:
    missing: EncoderError | None = None
    needs: dict[str, int] = {}
    try:
        found = candidate.find(settings)
        needs = {one.name: found.needs(one.weight_bytes) for one in there}
    except EncoderError as error:
        missing = error
    name = candidate.name_of(settings)
    choice = choose(
        encoder=settings.encoder,
        name=name,
        device=settings.device,
        min_texts_per_second=settings.min_texts_per_second,
        missing=missing,
        devices=there,
        needs=needs,
    )
    reason = choice.reason
    if choice.measure:
        reason = f"if it makes {settings.min_texts_per_second:g} texts/s, which glimpsed measures; else the fallback"
    return Chosen("fallback" if choice.encoder == "fallback" else name, choice.device, reason, running=False)


def _said(status: "Status") -> Chosen:
    encoder = status["encoder"]
    return Chosen(encoder["name"], encoder["device"], encoder["reason"], running=True)
