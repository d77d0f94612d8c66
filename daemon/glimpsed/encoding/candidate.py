"""Which stronger encoder the configuration asks for, and whether its files are here; no device is touched."""

import importlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from glimpsed.encoding import cache, devices, sentence_files, weights

Kind = Literal["bge-m3", "sentence"]

BGE_M3 = "BGE-M3"


class Settings(Protocol):
    """What of the section [encode] of the configuration counts here."""

    @property
    def encoder(self) -> str:
        """`auto`, `bge-m3`, `fallback`, or a Sentence Transformers model by its name on the hub or its folder."""
        ...

    @property
    def model(self) -> str:
        """BGE-M3's folder, or its name in the Hugging Face cache."""
        ...

    @property
    def trust_remote_code(self) -> bool:
        """Whether code that comes with a model may be run."""
        ...

    @property
    def max_length(self) -> int:
        """Tokens of one text."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stronger encoder whose files are all here."""

    kind: Kind
    name: str
    folder: Path
    facts: weights.Facts
    weights: int
    """How many numbers it is made of."""

    def needs(self, weight_bytes: int) -> int:
        """Estimated bytes of memory to run it with so many bytes a weight."""
        return self.weights * weight_bytes + weights.WORKING_ROOM


def asked_for(settings: Settings) -> tuple[Kind, str]:
    """The kind of the stronger encoder, and its folder or its name on the hub; for `auto` it is BGE-M3."""
    if settings.encoder == weights.PUBLISHED:
        return "bge-m3", weights.PUBLISHED
    if settings.encoder in ("auto", "bge-m3", "fallback"):
        return "bge-m3", settings.model
    return "sentence", settings.encoder


def name_of(settings: Settings) -> str:
    """What people call the stronger encoder that is asked for."""
    kind, model = asked_for(settings)
    if kind == "bge-m3":
        return BGE_M3
    return cache.name_of(Path(model).expanduser()) if cache.is_folder(model) else model


def find(settings: Settings) -> Candidate:
    """The stronger encoder that is asked for, complete as far as its files tell.

    Raises ExtraMissingError, WeightsMissingError, HeadsMissingError or OwnCodeError, with what to do.
    """
    kind, model = asked_for(settings)
    importlib.invalidate_caches()
    if (extra := devices.missing_extra(kind)) is not None:
        raise extra
    return opened(kind, model, settings)


def opened(kind: Kind, model: str, settings: Settings) -> Candidate:
    """A model of this kind by its files alone, a folder's or the cache's. Raises as `find` does."""
    if kind == "bge-m3":
        folder = weights.find(model)
        found, count = weights.facts(folder, settings.max_length), weights.held(folder, 1)
        return Candidate(kind, BGE_M3, folder, found, count)
    check = partial(sentence_files.check, trusted=settings.trust_remote_code)
    folder = weights.find(model, check=check, published=None)
    found, count = sentence_files.facts(folder, settings.max_length), sentence_files.held(folder)
    return Candidate(kind, cache.name_of(folder), folder, found, count)
