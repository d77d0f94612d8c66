"""XMP packets (ISO 16684-1), embedded or in sidecars, by defusedxml: no entity is expanded unless the bounds say so."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException, EntitiesForbidden
from defusedxml.ElementTree import DefusedXMLParser

from glimpsed.reading import bounds, dates
from glimpsed.reading.exif import camera_name, on_earth
from glimpsed.reading.texts import clean

LIMIT = 4 << 20
"""Bytes of one packet."""

_NAMESPACES = {
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "iptc",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "ext",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://www.digikam.org/ns/1.0/": "digiKam",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
    "http://ns.microsoft.com/photo/1.0/": "microsoft",
    "http://ns.microsoft.com/photo/1.0": "microsoft",
    "http://ns.microsoft.com/photo/1.2/t/Region#": "mp",
    "http://cipa.jp/exif/1.0/": "exifEX",
}

_LABELS = {
    "dc:description": "caption", "photoshop:Headline": "caption", "iptc:AltTextAccessibility": "caption",
    "iptc:ExtDescrAccessibility": "caption", "tiff:ImageDescription": "caption",
    "dc:title": "title",
    "dc:subject": "keywords", "lr:hierarchicalSubject": "keywords", "digiKam:TagsList": "keywords",
    "microsoft:LastKeywordXMP": "keywords",
    "ext:PersonInImage": "people", "mp:PersonDisplayName": "people",
    "iptc:Location": "place", "photoshop:City": "place", "photoshop:State": "place", "photoshop:Country": "place",
    "ext:Sublocation": "place", "ext:City": "place", "ext:ProvinceState": "place", "ext:CountryName": "place",
    "dc:creator": "author", "tiff:Artist": "author",
    "exif:UserComment": "comment",
}  # fmt: skip
_TAKEN = ("exif:DateTimeOriginal", "photoshop:DateCreated", "exif:DateTimeDigitized", "xmp:CreateDate")
_LEVELS = re.compile(r"[|/]")


@dataclass(frozen=True, slots=True)
class Xmp:
    """What one packet says."""

    texts: tuple[tuple[str, str], ...] = ()
    """Label and text, all language alternatives."""
    taken: str | None = None
    camera: str | None = None
    position: tuple[float, float] | None = None


def read(packet: bytes) -> Xmp:
    """Never raises: a packet that is no XML, or a dangerous one, says nothing."""
    packet = packet[:LIMIT].strip(b"\0 \t\r\n")
    spent = bounds.now()
    try:
        root = _parsed(packet, spent.bounds.xml_entities)
    except DefusedXmlException:
        spent.entities()
        return Xmp()
    except (ParseError, ValueError, LookupError, RecursionError):
        return Xmp()
    found: dict[str, list[str]] = {}
    texts: list[tuple[str, str]] = []
    for name, value in _properties(root):
        found.setdefault(name, []).append(value)
        label = _LABELS.get(name)
        if label == "keywords":
            texts.extend(("keywords", level.strip()) for level in _LEVELS.split(value))
        elif label:
            texts.append((label, value))
    texts.extend(("people", name) for name in _faces(root))

    def first(name: str) -> str:
        return next(iter(found.get(name, ())), "")

    return Xmp(
        texts=tuple(texts),
        taken=next(filter(None, (dates.parse(first(name)) for name in _TAKEN)), None),
        camera=camera_name(first("tiff:Make"), first("tiff:Model")),
        position=on_earth(_degrees(first("exif:GPSLatitude")), _degrees(first("exif:GPSLongitude"))),
    )


class _Parser(DefusedXMLParser):
    """Refuses more than so many entities, and all that are outside of the packet; expat bounds what they become."""

    def __init__(self, entities: int) -> None:
        super().__init__(forbid_dtd=entities == 0, forbid_entities=True, forbid_external=True)
        self._left = entities

    def defused_entity_decl(
        self,
        name: str,
        is_parameter_entity: bool,
        value: str | None,
        base: str | None,
        sysid: str,
        pubid: str | None,
        notation_name: str | None,
    ) -> None:
        """Called by expat for each declaration."""
        self._left -= 1
        if self._left < 0 or value is None:
            raise EntitiesForbidden(name, value, base, sysid, pubid, notation_name)


def _parsed(packet: bytes, entities: int) -> Element:
    parser = _Parser(entities)
    parser.feed(packet)
    root: Element = parser.close()
    return root


def _short(name: object) -> str:
    """`{uri}local` as `prefix:local`, whatever prefix the packet itself binds."""
    uri, _, local = str(name).lstrip("{").rpartition("}")
    return f"{_NAMESPACES.get(uri, '')}:{local}"


def _properties(root: Element) -> Iterator[tuple[str, str]]:
    """Name and text of every property: written as attribute or element, alone or as items of a bag."""
    owner: dict[Element, str] = {}
    # Document order puts every parent before its children.
    for element in root.iter():
        name = _short(element.tag)
        for attribute, value in element.attrib.items():
            yield _short(attribute), clean(value)
        if not name.startswith("rdf:"):
            owner[element] = name
        name = owner.get(element, "")
        for child in element:
            owner[child] = name
        if name and len(element) == 0 and element.text and element.text.strip():
            yield name, clean(element.text)


def _faces(root: Element) -> Iterator[str]:
    """Names of face regions (Metadata Working Group); regions of other kinds are focus points and bar codes."""
    for region in root.iter():
        values = {_short(key): value for key, value in region.attrib.items()}
        for child in region:
            if child.text:
                values.setdefault(_short(child.tag), child.text)
        name = clean(values.get("mwg-rs:Name", ""))
        if name and values.get("mwg-rs:Type", "Face").strip() in {"Face", "Pet"}:
            yield name


def _degrees(text: str) -> float:
    """`35,0.696N` or `35,0,41.8N` (XMP part 2, GPSCoordinate) as degrees; nan where it is none."""
    if not text or text[-1:].upper() not in {"N", "S", "E", "W"}:
        return float("nan")
    try:
        value: float = sum(float(part) / (1, 60, 3600)[i] for i, part in enumerate(text[:-1].split(",")[:3]))
    except ValueError:
        return float("nan")
    return -value if text[-1].upper() in {"S", "W"} else value
