"""What people and cameras wrote into a picture: EXIF, IPTC, XMP, PNG texts and comments."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from glimpsed.reading import dates, exif, iptc, keyed, xmp
from glimpsed.reading import fields as said_by
from glimpsed.reading.blocks import Blocks, blocks
from glimpsed.reading.fields import Field, first, worded
from glimpsed.reading.texts import clean
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


_LISTS = frozenset({"keywords", "people", "place"})
"""Labels whose texts are names: joined to one part."""
_CUT = 32
"""Characters of IPTC's shortest field: a text of so many that another one begins with is that text, cut."""


def fields(data: bytes) -> Content:
    """All that the bytes of a picture say besides its pixels; `content_id`, `format` and size are left empty.

    Which place wins where several tell one thing: see `reading.fields`. Never raises; broken pictures keep what can
    be had.
    """
    return of_blocks(blocks(data))


def of_blocks(found: Blocks) -> Content:
    """The same from blocks that were cut out already."""
    return of_said(everything(found))


def of_said(said: Sequence[Field]) -> Content:
    """The same from fields, the group to be believed first in front."""
    taken = said_by.taken(said)
    cameras = [exif.camera_name(first(group, "make"), first(group, "model")) for group in said_by.groups(said)]
    camera = next(filter(None, cameras), None)
    latitude, longitude = said_by.position(said) or (None, None)
    return Content(
        content_id="",
        taken_at=taken.text if taken else None,
        taken_from=taken.source if taken else None,
        camera=camera,
        latitude=latitude,
        longitude=longitude,
        parts=(
            *parts(said_by.pairs(said)),
            *field_parts(taken.text if taken else None, camera, first(said, "lens")),
        ),
    )


def everything(found: Blocks) -> list[Field]:
    """All fields of a picture, the group to be believed first in front."""
    written = found.iptc if found.iptc and not found.photoshop else iptc.from_photoshop(found.photoshop)
    of_iptc = list(iptc.fields(written or iptc.from_photoshop(found.iptc)))
    of_xmp = [field for packet in found.xmp for field in xmp.read(packet).fields]
    middle = [*of_iptc, *of_xmp] if iptc.changed_alone(found.photoshop) else [*of_xmp, *of_iptc]
    every = [*exif.fields(exif.parse(found.exif)), *middle, *keyed.fields(found.texts)]
    every += [worded("File:Comment", "comment", text) for text in found.comments]
    return [field for field in every if field.text]


def parts(pairs: Iterable[tuple[str, str]]) -> tuple[Part, ...]:
    """Labelled parts, most telling label first: cleaned, each text once, without boilerplate.

    Names (keywords, people, places) are one part a label, separated by commas; pairs of other labels are passed over.
    """
    every = list(pairs)
    seen: set[str] = set()
    kept: dict[str, list[str]] = {}
    for label in CONTENT_LABELS:
        for text in (text for name, text in every if name == label):
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
        for text in ([clean(", ".join(texts))] if label in _LISTS else _whole(texts))
    )


def _whole(texts: list[str]) -> list[str]:
    """Without those that are another one cut short, as IPTC's fields of fixed length have them."""
    # In order, a text stands right before one that it is the beginning of.
    cut = {one for one, other in pairwise(sorted(texts)) if len(one) >= _CUT and other.startswith(one)}
    return [text for text in texts if text not in cut]


def field_parts(taken_at: str | None, camera: str | None, lens: str = "") -> tuple[Part, ...]:
    """Fields as words for the full-text index."""
    named = [text for text in (camera, lens) if text]
    date = (Part("date", dates.words(taken_at)),) if taken_at else ()
    return (*date, *(Part("camera", text) for text in named))
