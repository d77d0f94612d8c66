"""What people and cameras wrote into a picture: EXIF, IPTC, XMP, PNG texts and comments."""

import re
from collections.abc import Iterable, Iterator

from glimpsed.reading import dates, exif, iptc, xmp
from glimpsed.reading.blocks import Blocks, blocks
from glimpsed.reading.exif import Exif
from glimpsed.reading.texts import clean
from glimpsed.reading.xmp import Xmp
from glimpsed.records import CONTENT_LABELS, Content, Part

_BOILERPLATE = re.compile(
    r"""(?ix)
      (?:olympus|konica.minolta|minolta|samsung|nikon|pentax|casio|kodak|fujifilm|panasonic|vivitar|medion|polaroid|sanyo
        |ricoh|hp|jenoptik|agfa\w*)? [ ]? digital [ ] (?:still[ ])? camera .{0,12}
    | sony [ ] dsc | dcim | default | exif[_ ]jpeg(?:[_ ]picture)? | samsung (?:[ ]camera[ ]pictures)? | minolta
    | my [ ] beautiful [ ] picture | binary [ ] comment | ascii | unicode | charset="?ascii | user [ ] comments?
    | cof | sdr | hdr | hdrpl | oznor\w* | qrf | dav | rhdr\w* | edf | mde | ptr | nor | vhdr | lrt | btf | bty | asc
    | [0-9a-f]{32,} | kenox .* | digimax .* | samsung [ ] [sl]\d+ .* | maker:.*
    | screenshot | untitled | no[ ]?name | null | none | undefined | image | picture | photo | copyright
    | (?:creator:[ ])? gd-jpeg .* | lavc[\d.]+ | intel\(r\) [ ] .* | handmade [ ] software .* | xv [ ] version .*
    | applemark | lead [ ] technologies .* | ixvcodec | jpeg .* encoder .* | .* quality [ ]? = [ ]? \d+
    | (?:file [ ])? (?:created|written|generated|produced|made|optimi[sz]ed|compressed|processed|edited|resized
        |converted) [ ] (?:with|by|in|using) [ ] (?:the [ ])?
        (?:adobe|gimp|inkscape|sketch|figma|canva|paint|krita|blender|snapseed
        |vsco|picsart|lightroom|photoshop|jpegmini|acdsee|irfanview|imagemagick|image[ ]?j|ghostscript|jpeg-recompress
        |meitu|instagram|matplotlib|ezgif|google|polarr|pixlr|paint\.net) .*
    | adobe [ ] (?:photoshop|imageready|lightroom|illustrator|fireworks) .* | matplotlib [ ] version .*
    """
)
"""Texts that devices and programs put where a caption belongs; matched without what is neither letter nor digit."""

_EDGE = re.compile(r"^[\W_]+|[\W_]+$")


def boilerplate(text: str) -> bool:
    """Whether no person wrote this."""
    if len(text) > 200:
        return False
    bare = _EDGE.sub("", text)
    return not bare or _BOILERPLATE.fullmatch(bare) is not None


_PNG_LABELS = {
    "title": "title", "description": "caption", "caption": "caption", "subject": "caption", "comment": "comment",
    "author": "author", "artist": "author", "keywords": "keywords", "parameters": "comment",
    "imagedescription": "caption", "headline": "caption", "exif:imagedescription": "caption",
}  # fmt: skip
_PNG_DATES = ("creation time", "create-date", "exif:datetimeoriginal")
_LISTS = frozenset({"keywords", "people", "place"})
"""Labels whose texts are names: joined to one part."""


def fields(data: bytes) -> Content:
    """All that the bytes of a picture say besides its pixels; `content_id`, `format` and size are left empty.

    `taken_at` is the first there is of: EXIF's original, its digitized, XMP's, PNG's and IPTC's date, EXIF's
    date of the file. Never raises; broken pictures keep what can be had.
    """
    return of_blocks(blocks(data))


def of_blocks(found: Blocks) -> Content:
    """The same from blocks that were cut out already."""
    block = exif.parse(found.exif)
    packets = [xmp.read(packet) for packet in found.xmp]
    pairs = list(iptc.texts(iptc.from_photoshop(found.photoshop) or iptc.from_photoshop(found.iptc)))
    taken = _taken(block, packets, found, dict(pairs))
    camera = exif.camera(block) or next((p.camera for p in packets if p.camera), None)
    latitude, longitude = exif.position(block) or next((p.position for p in packets if p.position), (None, None))
    every = [*exif.texts(block), *pairs, *(pair for p in packets for pair in p.texts), *_png(found)]
    every += [("comment", text) for text in found.comments]
    return Content(
        content_id="",
        taken_at=taken,
        camera=camera,
        latitude=latitude,
        longitude=longitude,
        parts=(*parts(every), *field_parts(taken, camera)),
    )


def _taken(block: Exif, packets: list[Xmp], found: Blocks, iptc_pairs: dict[str, str]) -> str | None:
    png = {keyword.lower(): text for keyword, text in found.texts}
    candidates = (
        *(p.taken for p in packets),
        *(dates.parse(png[key]) for key in _PNG_DATES if key in png),
        dates.parse(iptc_pairs.get("date", "") + iptc_pairs.get("time", "")) or dates.parse(iptc_pairs.get("date", "")),
        exif.changed(block),
    )
    return exif.taken(block) or next(filter(None, candidates), None)


def _png(found: Blocks) -> Iterator[tuple[str, str]]:
    for keyword, text in found.texts:
        label = _PNG_LABELS.get(keyword.lower())
        if label:
            # Picture generators: what follows says what shall not be seen.
            yield label, text.partition("Negative prompt:")[0]


def parts(pairs: Iterable[tuple[str, str]]) -> tuple[Part, ...]:
    """Labelled parts, most telling label first: cleaned, each text once, without boilerplate.

    Names (keywords, people, places) are one part a label, separated by commas; pairs of other labels are passed over.
    """
    seen: set[str] = set()
    kept: dict[str, list[str]] = {}
    for label in CONTENT_LABELS:
        for text in (text for name, text in pairs if name == label):
            for item in re.split("[;,]", text) if label == "keywords" else [text]:
                cleaned = clean(item)
                # The same words count once, whichever block they stand in; a place may be named like a keyword.
                key = f"{label if label in _LISTS else ''}:{cleaned.casefold()}"
                if cleaned and key not in seen and (label in _LISTS or not boilerplate(cleaned)):
                    seen.add(key)
                    kept.setdefault(label, []).append(cleaned)
    return tuple(
        Part(label, text)
        for label, texts in kept.items()
        for text in ([clean(", ".join(texts))] if label in _LISTS else texts)
    )


def field_parts(taken_at: str | None, camera: str | None) -> tuple[Part, ...]:
    """Fields as words for the full-text index."""
    date = (Part("date", dates.words(taken_at)),) if taken_at else ()
    return (*date, Part("camera", camera)) if camera else date
