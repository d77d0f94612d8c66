"""Which encoder to use, where, and why. Decides on what others found out; touches neither disk nor device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from glimpsed.encoding.devices import Device
from glimpsed.errors import DeviceError, EncoderError

_NONE: Mapping[str, float] = MappingProxyType({})
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Choice:
    """An encoder, its device, and the reason as people read it in the log and in `glimpse status`."""

    encoder: Literal["strong", "fallback"]
    device: str
    reason: str
    step: str | None = None
    """What the stronger one lacks: `extra`, `weights`, `head files`, `trust` or `device`; None where nothing."""
    measure: bool = False
    """Load it there and measure it, then choose again with the speed: the choice is not made yet."""


def choose(
    *,
    encoder: str,
    name: str = "BGE-M3",
    device: str,
    min_texts_per_second: float,
    missing: EncoderError | None = None,
    devices: Sequence[Device] = (),
    needs: Mapping[str, int] | None = None,
    speeds: Mapping[str, float] = _NONE,
    lost: Mapping[str, str] = _NOTHING,
) -> Choice:
    """The stronger encoder, called `name`, where all it needs is there, else the fallback with the reason.

    `encoder`, `device` and `min_texts_per_second` are the configuration's; `missing` is what stands in the way
    besides devices; `devices` are in order of preference; `needs` are bytes of memory by device name; `speeds` are
    texts a second by device name, as far as measured; `lost` tells why devices failed that were tried.

    A GPU that has the room wins. On a CPU `auto` asks for a measurement first and takes it from
    `min_texts_per_second` on; an encoder that the configuration names takes it however slow.
    """
    forced = encoder != "auto"
    if encoder == "fallback":
        return Choice("fallback", "cpu", "the configuration says so")
    told = f'encoder = "{encoder}" cannot be had' if forced else f"{name} cannot be used"
    if missing is not None:
        return _without(told, str(missing), missing.step)
    wanted = [found for found in devices if _matches(found.name, device)]
    if not wanted:
        there = ", ".join(found.name for found in devices) or "none"
        return _without(told, f"there is no device {device!r} (there: {there})", DeviceError.step)
    refused = []
    for found in wanted:
        need = (needs or {}).get(found.name, 0)
        speed = speeds.get(found.name)
        if found.name in lost:
            refused.append(f"{found.name}: {lost[found.name]}")
        elif found.free < need and not (forced and device != "auto"):
            # One who names the encoder and the device knows better than an estimate.
            refused.append(f"{found.name} {_room(found, need)}")
        elif found.name != "cpu":
            return Choice("strong", found.name, f"{found.title} has the room")
        elif forced:
            return Choice("strong", found.name, "the configuration says so")
        elif min_texts_per_second <= 0:
            return Choice("strong", found.name, "any speed will do")
        elif speed is None:
            return Choice("strong", found.name, "its speed is being measured", measure=True)
        elif speed < min_texts_per_second:
            refused.append(
                f"{found.name} encodes {_rate(speed)} texts/s, min_texts_per_second is {min_texts_per_second:g}"
            )
        else:
            return Choice(
                "strong", found.name, f"{_rate(speed)} texts/s measured, {min_texts_per_second:g} are asked for"
            )
    return _without(told, "; ".join(refused), DeviceError.step)


def cramped(*, device: str, devices: Sequence[Device], needs: Mapping[str, int]) -> dict[str, str]:
    """The GPUs that have the room, but not just now, and how much of it others leave; as `choose` is told."""
    return {
        found.name: _room(found, needs[found.name])
        for found in devices
        if found.name != "cpu" and _matches(found.name, device) and found.free < needs[found.name] <= found.total
    }


def _matches(name: str, wanted: str) -> bool:
    return wanted in ("auto", name) or (wanted == "cuda" and name.startswith("cuda:"))


def _without(told: str, why: str, step: str) -> Choice:
    return Choice("fallback", "cpu", f"{told}: {why}", step)


def _room(found: Device, need: int) -> str:
    return f"has {_gigabytes(found.free)} free, about {_gigabytes(need)} are needed"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _rate(speed: float) -> str:
    return f"{speed:.1f}" if speed < 10 else f"{speed:.0f}"
