"""Where fields and words came from: each place of a picture is asked alone, and what it says is compared.

So a new field, label or place is told without a line here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import NamedTuple

from glimpsed.reading.fields import Field
from glimpsed.records import Content, Part

DECODER = "decoder"
"""The source of what the pixels' decoder says: format and size."""

FIELDS = tuple(one.name for one in fields(Content) if one.name not in {"content_id", "parts", "fault", "undeveloped"})
"""What of a content is a field."""

_DECODED = frozenset({"format", "width", "height"})
_LISTS = frozenset({"keywords", "people", "place", "placenames"})  # labels whose texts are names, joined by commas
_DERIVED = frozenset({"date", "camera"})  # labels of parts that only say a field in words
_SIDECAR = re.compile(r"(?:^|\|)(.+?):-?\d+:\d+:\d+(?=[|/]|$)", re.DOTALL)  # as `files.beside` writes it
_MOST = 200  # places that are told apart; a picture made to hurt may have thousands
_OTHERS = "others"


class Source(NamedTuple):
    """One place in which words can stand, and what it says."""

    name: str
    content: Content


class Told(NamedTuple):
    """A value, and which sources say it; empty where it is not known."""

    name: str
    """Of a field of a content, or the label of a part."""
    value: object
    sources: tuple[str, ...]
    used: bool = True
    """False: a source says it, another one was preferred."""


def apart(said: Sequence[Field]) -> Iterator[tuple[str, list[Field]]]:
    """Each place and what it says, such as `XMP-dc:title`; make and model of a camera together: they are one name."""
    places: dict[str, list[Field]] = {}
    for field in said:
        key = field.source.partition(":")[0] if field.label in {"make", "model"} else field.source
        places.setdefault(key if key in places or len(places) < _MOST else _OTHERS, []).append(field)
    for key, some in places.items():
        yield key if key == _OTHERS else ", ".join(dict.fromkeys(field.source for field in some)), some


def sidecar_names(beside: str) -> tuple[str, ...]:
    """The names of the sidecars whose state this is (`files.beside`)."""
    return tuple(_SIDECAR.findall(beside))


def of_fields(values: Mapping[str, object], sources: Sequence[Source]) -> tuple[Told, ...]:
    """Each field that has a value in `values` or in a source: who says it, and who says something else.

    What ends in `_from`, such as `taken_from`, is kept to name the source of the field that begins like it.
    """
    told: list[Told] = []
    kept_from = {
        name.removesuffix("from"): str(value) for name, value in values.items() if name.endswith("_from") and value
    }
    for name in dict.fromkeys((*values, *FIELDS)):
        if name.endswith("_from"):
            continue
        said: dict[str, tuple[object, list[str]]] = {}
        for source in sources:
            value = getattr(source.content, name, None)
            if value is not None:
                said.setdefault(repr(value), (value, []))[1].append(source.name)
        kept = values.get(name)
        if kept is not None:
            _, who = said.pop(repr(kept), (kept, [DECODER] if name in _DECODED else []))
            first = [where for start, where in kept_from.items() if name.startswith(start)]
            told.append(Told(name, kept, _each_once((*first, *who))))
        if name not in _DECODED:
            told += [Told(name, value, _each_once(who), used=False) for value, who in said.values()]
    return tuple(told)


def of_parts(parts: Sequence[Part], sources: Sequence[Source]) -> tuple[Told, ...]:
    """Each part: which sources have any of its words; then the parts of sources that stand in none of them."""
    told = [Told(part.label, part.text, _each_once(s.name for s in sources if _says(s, part))) for part in parts]
    everywhere = {item for part in parts for item in _items(part)}
    passed_over: dict[Part, list[str]] = {}
    for source in sources:
        for part in source.content.parts:
            if part.label not in _DERIVED and not _items(part) <= everywhere:
                passed_over.setdefault(part, []).append(source.name)
    told += [Told(part.label, part.text, _each_once(who), used=False) for part, who in passed_over.items()]
    return tuple(told)


def _says(source: Source, part: Part) -> bool:
    return any(one.label == part.label and _items(one) & _items(part) for one in source.content.parts)


def _items(part: Part) -> frozenset[str]:
    texts = part.text.split(", ") if part.label in _LISTS else [part.text]
    return frozenset(text.casefold() for text in texts)


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
