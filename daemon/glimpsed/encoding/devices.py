"""What this machine can run a large encoder on.

`load_torch`, `probe` and `runs_bf16` import torch: for the encoder process only.
"""

import importlib.util
import os
import re
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glimpsed.encoding.encoder import Encoder, Text
from glimpsed.errors import DeviceError, ExtraMissingError

EXTRA: Mapping[str, tuple[str, ...]] = {
    "bge-m3": ("torch", "transformers", "FlagEmbedding"),
    "sentence": ("torch", "transformers", "sentence_transformers"),
}
"""The packages of the extra `bge-m3` that have to be importable, by the kind of encoder."""

EXTRA_HINT = "`make bge-m3`, or pip install 'glimpsed[bge-m3]'"

_SAMPLE: tuple[Text, ...] = (
    ("Receipt from a ramen shop in Kyoto, 2 bowls of shoyu ramen 1,960 yen, paid in cash", "ramen receipt", "Japan"),
    ("Traceback (most recent call last): File main.py line 12 in <module> KeyError: 'name'", "screenshot"),
    ("上海虹桥 开 北京南 G14次 二等座 05车12A号 限乘当日当次车", "火车票", "旅行"),
    ("Concierto de otoño, entrada libre, sábado 14 de octubre a las 20:00, plaza mayor", "cartel", "Salamanca"),
)
"""Texts as pictures have them, to measure with."""


@dataclass(frozen=True, slots=True)
class Device:
    """One place where an encoder can run."""

    name: str
    """`cpu`, `cuda:0`."""
    title: str
    """For people."""
    free: int
    """Bytes of memory that can be had now."""
    weight_bytes: int
    """Bytes a weight there: 2 with fp16 or bf16, else 4."""
    total: int = 0
    """Bytes of memory that a GPU has in all; 0 where that does not matter."""


def missing_extra(kind: str = "bge-m3") -> ExtraMissingError | None:
    """The error to report where the packages that an encoder needs are not installed; imports none of them."""
    lacking = [name for name in EXTRA[kind] if importlib.util.find_spec(name) is None]
    if not lacking:
        return None
    verb = "is" if len(lacking) == 1 else "are"
    return ExtraMissingError(f"{', '.join(lacking)} {verb} not installed", hint=EXTRA_HINT)


def load_torch() -> Any:
    """The module, imported for a process that is a guest on somebody's machine. Raises ExtraMissingError."""
    # Read once, at the first import. The default, threads that spin while they wait for each other, made a batch
    # ten times slower as soon as one other process was busy (two cores, 0.06 to 0.8 s); this costs a fifth at most.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import torch  # noqa: PLC0415  heavy
        except Exception as error:
            raise ExtraMissingError(f"torch cannot be imported: {error}", hint=EXTRA_HINT) from error
    return torch


def probe() -> tuple[Device, ...]:
    """The devices that torch can use here, GPUs with the most free memory first, the CPU last.

    Raises ExtraMissingError where torch cannot be imported. A GPU that does not answer is left out.
    """
    from glimpsed.encoding.precision import precision  # noqa: PLC0415  it asks `runs_bf16`

    torch = load_torch()
    gpus = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old driver is warned of; what counts is whether the device answers
        for number in range(torch.cuda.device_count()):
            try:
                free, total = torch.cuda.mem_get_info(number)
                gpus.append(Device(f"cuda:{number}", torch.cuda.get_device_name(number), free, 2, total))
            except RuntimeError:
                continue
    gpus.sort(key=lambda device: -device.free)
    return (*gpus, cpu(2 if precision("cpu", exact=False) == "bfloat16" else 4))


def cpu(weight_bytes: int = 4) -> Device:
    """This machine's CPU, for which torch need not be there; what it takes a weight is for the caller to know."""
    return Device("cpu", _cpu_title(), free_memory(), weight_bytes)


def runs_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 itself, and may: a sandbox that forbids JIT code makes it fail."""
    if not cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"}:
        return False
    torch = load_torch()
    try:
        with torch.inference_mode():
            one = torch.ones(8, 64, dtype=torch.bfloat16)
            return bool(torch.nn.functional.linear(one, torch.ones(64, 64, dtype=torch.bfloat16)).eq(64).all())
    except RuntimeError:
        return False


def cpu_flags(cpuinfo: str = "/proc/cpuinfo") -> frozenset[str]:
    """What the kernel says that this CPU can (x86 `flags`, ARM `Features`); empty where it does not tell."""
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", Path(cpuinfo).read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        return frozenset()
    return frozenset(found[1].split()) if found else frozenset()


def free_memory(proc: str = "/proc", cgroups: str = "/sys/fs/cgroup") -> int:
    """Bytes of memory that a new process can have: what the kernel thinks available, within our cgroups' limits."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", Path(proc, "meminfo").read_text("ascii"), re.MULTILINE)
    free = int(found[1]) << 10 if found else 0
    try:
        own = re.search(r"^0::/(.*)$", Path(proc, "self/cgroup").read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        own = None
    if own is None:
        return free
    place = Path(cgroups, own[1])
    for group in (place, *place.parents):
        try:
            limit, used = (group / "memory.max").read_text().strip(), int((group / "memory.current").read_text())
            free = min(free, max(0, int(limit) - used))
        except (OSError, ValueError):  # no such group, or its limit is the word `max`
            pass
        if group == Path(cgroups):
            break
    return free


def measure(encoder: Encoder, *, seconds: float = 1.0, clock: Callable[[], float] = time.perf_counter) -> float:
    """Texts a second that `encoder` makes of texts as pictures have them; takes `seconds` or three batches.

    Raises DeviceError as `encode` does.
    """
    batch = _SAMPLE * 2
    encoder.encode(batch, query=False)  # the first pass allocates and compiles
    best = 0.0
    start = now = clock()
    for _ in range(3):
        before = now
        encoder.encode(batch, query=False)
        now = clock()
        if now <= before:
            raise DeviceError("the clock stands still", where=encoder.device)
        # The best of a few: other work on the machine only ever makes it slower.
        best = max(best, len(batch) / (now - before))
        if now - start >= seconds:
            break
    return best


def _cpu_title(cpuinfo: str = "/proc/cpuinfo") -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path(cpuinfo).read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else "CPU"
