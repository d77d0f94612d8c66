"""What a model computes in on a device, by measurement where it is not plain. For the encoder process only."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

from glimpsed.encoding import devices

Precision = Literal["float32", "float16", "bfloat16"]
"""By torch's names."""

QUICKER = 1.25
"""How many times as fast as float32 another has to be: what is lost in digits has to be worth it."""

_TOKENS, _WIDE, _WIDER = 128, 1024, 4096  # a product of BGE-M3's, on a batch of a few texts
_ROUNDS = 10


def precision(device: str, *, exact: bool) -> Precision:
    """float32 if `exact`; else float16 on a GPU, and on a CPU bfloat16 where a measurement shows that it is quicker.

    Vectors of different precision are near enough to be compared, so it is no part of an encoder's id.
    Raises ExtraMissingError where torch cannot be imported.
    """
    if exact:
        return "float32"
    if device != "cpu":
        return "float16"
    return _on_cpu()


@cache
def _on_cpu() -> Precision:
    """Measured once a process: what the memory was estimated for is what is loaded."""
    return take(measure()) if devices.runs_bf16() else "float32"


def take(seconds: Mapping[Precision, float]) -> Precision:
    """The precision to compute in, given what the same product took in each: float32 unless another is worth it."""
    exact = seconds["float32"]
    quick = [name for name, took in seconds.items() if name != "float32" and took * QUICKER <= exact]
    return min(quick, key=lambda name: seconds[name], default="float32")


def measure(*, clock: Callable[[], float] = time.perf_counter) -> dict[Precision, float]:
    """Seconds that one product takes on the CPU in float32 and bfloat16, the best of ten in turns: some 0.2 s."""
    torch = devices.load_torch()
    kinds: dict[Precision, Any] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    best: dict[Precision, float] = dict.fromkeys(kinds, float("inf"))
    with torch.inference_mode():
        given = {
            name: (torch.full((_TOKENS, _WIDE), 0.5, dtype=kind), torch.full((_WIDER, _WIDE), 0.5, dtype=kind))
            for name, kind in kinds.items()
        }
        for _ in range(_ROUNDS):  # in turns, so that other work on the machine meets both; the first one warms up
            for name, (tokens, weight) in given.items():
                before = clock()
                torch.nn.functional.linear(tokens, weight)
                best[name] = min(best[name], clock() - before)
    return best
