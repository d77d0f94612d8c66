"""The words of a picture put together: pure functions, so that a row can be described anew without its file."""

from collections.abc import Iterable

from blake3 import blake3

from glimpsed.reading.texts import clean
from glimpsed.records import CONTENT_LABELS, ENCODED_LABELS, PLACE_LABELS, Description, Part

READER = "reader-4"
"""Id of the first pass: a change of what it reads or how it is put together needs another number."""
UNDEVELOPED = f"{READER}+undeveloped"
"""In its place for a RAW of which a small preview was all that could be seen; see `Content.undeveloped`."""

OCR_LIMIT = 20_000
"""Characters of the text read from the pixels that are kept."""

_ORDER = {
    label: rank
    for rank, label in enumerate(
        (*ENCODED_LABELS, *(x for x in CONTENT_LABELS + PLACE_LABELS if x not in ENCODED_LABELS))
    )
}


def describe(content_parts: Iterable[Part], place_parts: Iterable[Part], *, ocr: str | None = None) -> Description:
    """The description of one path: what its bytes say, what its place says, what was read from its pixels.

    Parts come most telling first, each text once a label. Where no part is one to encode, the file's own stem is: the
    first `above` part, as `names.words` has it. So a new name for a directory above encodes nothing.
    Labels that are not of `records` are refused with ValueError.
    """
    parts = [*(p for p in content_parts if p.label != "ocr" or ocr is None), *place_parts]
    if ocr is not None:
        parts.append(Part("ocr", ocr))
    unknown = {part.label for part in parts} - _ORDER.keys()
    if unknown:
        raise ValueError(f"unknown labels: {', '.join(sorted(unknown))}")
    cleaned = (Part(p.label, clean(p.text, OCR_LIMIT)) for p in sorted(parts, key=lambda p: _ORDER[p.label]))
    kept = tuple(dict.fromkeys(part for part in cleaned if part.text))
    encoded = _encoded(kept)
    return Description(parts=kept, text="\n".join(p.text for p in kept), encoded=encoded, text_id=text_id(encoded))


def _encoded(parts: tuple[Part, ...]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for part in parts:
        if part.label in ENCODED_LABELS:
            seen.setdefault(part.text.casefold(), part.text)
    if seen:
        return tuple(seen.values())
    return (next((part.text for part in parts if part.label == "above"), "picture"),)


def text_id(encoded: tuple[str, ...]) -> str:
    """32 hex digits of the BLAKE3 of the texts to encode, in their order."""
    return blake3("\0".join(encoded).encode()).hexdigest()[:32]


def content_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Of a row's description, what its bytes say, the text read from the pixels included."""
    return tuple(part for part in parts if part.label in CONTENT_LABELS)


def place_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Of a row's description, what its place says."""
    return tuple(part for part in parts if part.label in PLACE_LABELS)


def ocr_of(parts: Iterable[Part]) -> str | None:
    """Of a row's description, the text read from the pixels; None where there is none."""
    return next((part.text for part in parts if part.label == "ocr"), None)


def with_ocr(parts: Iterable[Part], text: str) -> Description:
    """A row's description with this text read from the pixels, instead of what was there; empty takes it away."""
    every = tuple(parts)
    return describe(content_parts(every), place_parts(every), ocr=text)
