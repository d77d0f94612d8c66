"""XMP packets (ISO 16684-1), embedded or in sidecars, by defusedxml: no entity is expanded unless the bounds say so."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException, EntitiesForbidden
from defusedxml.ElementTree import DefusedXMLParser

from glimpsed.reading import bounds, dates, fields
from glimpsed.reading.exif import camera_name, on_earth
from glimpsed.reading.fields import Field, worded
from glimpsed.reading.texts import clean, decode
from glimpsed.reading.xmp_names import DATES, LABELS, PRIVATE, REGIONS, short

_PLAIN = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,18})?", re.ASCII)
_SOMEBODY = {"Face", "Pet", ""}
_OPENING = re.compile(r"<(?:\w+:)?(xmpmeta|xapmeta|RDF)\b")
_NODE = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}nodeID"
_CLOSING = {name: re.compile(rf"</(?:\w+:)?{name}\s*>") for name in ("xmpmeta", "xapmeta", "RDF")}
_LOOSE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_NO_NAME = re.compile(r"</?[\w.-]+:\w+/\w[^<>]*>")
_ANCESTORS = re.compile(rb"<photoshop:DocumentAncestors\b")
"""Megabytes of numbers, which Photoshop hands down from each document to what is pasted from it."""
_ANCESTORS_END = re.compile(rb"</photoshop:DocumentAncestors\s*>")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Xmp:
    """What one packet says."""

    fields: tuple[Field, ...] = ()
    """All language alternatives; the dates first, most trusted first."""

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Label and text of all that is words."""
        return tuple(fields.pairs(self.fields))

    @property
    def taken(self) -> str | None:
        """When the picture was taken."""
        found = fields.taken(self.fields)
        return found.text if found else None

    @property
    def camera(self) -> str | None:
        """What took it."""
        return camera_name(fields.first(self.fields, "make"), fields.first(self.fields, "model"))

    @property
    def position(self) -> tuple[float, float] | None:
        """Degrees north and east."""
        return fields.position(self.fields)


def read(packet: bytes) -> Xmp:
    """Never raises: a packet that is no XML, or a dangerous one, says nothing; a careless one is mended."""
    spent = bounds.now()
    if len(packet) > spent.bounds.packet:
        packet = _without_ancestors(packet)
    if not spent.packet(len(packet), "an XMP packet"):
        return Xmp()
    root = _root(packet)
    return Xmp() if root is None else Xmp(tuple(_fields(root)))


def _without_ancestors(packet: bytes) -> bytes:
    begin = _ANCESTORS.search(packet)
    end = _ANCESTORS_END.search(packet, begin.end()) if begin else None
    return packet if begin is None or end is None else packet[: begin.start()] + packet[end.end() :]


def _root(packet: bytes) -> Element | None:
    text = _text(packet)
    try:
        return _parsed(text)
    except DefusedXmlException:
        bounds.now().entities()
        return None
    except RecursionError:
        return None
    except (ParseError, ValueError, LookupError):
        pass
    # Programs leave bytes of other encodings, bare ampersands, slashes in names and remains of an older packet behind.
    begin = _OPENING.search(text)
    end = _CLOSING[begin[1]].search(text, begin.end()) if begin else None
    if begin is None or end is None or "<!DOCTYPE" in text:
        return None
    inside = text[begin.start() : end.end()]
    try:
        return _parsed(_NO_NAME.sub(" ", _LOOSE.sub("&amp;", _UNFIT.sub(" ", inside))))
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        return None


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


def _parsed(text: str) -> Element:
    parser = _Parser(bounds.now().bounds.xml_entities)
    parser.feed(text)
    root: Element = parser.close()
    return root


def _text(packet: bytes) -> str:
    """The packet as text: UTF-8 as nearly all are, or UTF-16 or UTF-32 of either order."""
    bare = packet.lstrip(b" \t\r\n").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")[:8]
    for start, encoding in (
        (b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"\0\0<\0\0\0", "utf-32-le"),
        (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"),
    ):  # fmt: skip
        if bare.startswith(start):
            return packet.decode(encoding, "replace").strip("\ufeff\0 \t\r\n")
    try:
        text = packet.decode()
    except UnicodeDecodeError:
        text = decode(packet)
    return text.strip("\ufeff\0 \t\r\n")


def _fields(root: Element) -> Iterator[Field]:
    found: dict[str, list[str]] = {}
    said: list[Field] = []
    for name, value in bounds.now().values(_properties(root), "an XMP packet"):
        found.setdefault(name, []).append(value)
        said.extend(_field(name, value))

    def first(name: str) -> str:
        return next(iter(found.get(name, ())), "")

    for name in DATES:
        # A time alone, as some write it, is no date.
        when = dates.parse(first(name))
        if when:
            yield Field(f"XMP-{name}", "taken", when)
    yield from said
    yield from (Field("XMP-mwg-rs:Name", "people", name) for name in _faces(root))
    here = on_earth(_degrees(first("exif:GPSLatitude")), _degrees(first("exif:GPSLongitude")))
    if here:
        yield Field("XMP-exif:GPSPosition", "position", fields.position_text(here))


def _field(name: str, value: str) -> Iterator[Field]:
    label, source = LABELS.get(name), f"XMP-{name}"
    if label is None or not value.strip():
        return
    if label == "comment":
        yield worded(source, label, value)
    else:
        yield Field(source, label, clean(value))


def _properties(root: Element) -> Iterator[tuple[str, str]]:
    """Name and text of every property: written as attribute or element, alone or as items of a bag, here or apart."""
    apart = _apart(root)
    meant: set[tuple[str, str]] = set()
    waiting: list[tuple[Element, str, bool]] = [(root, "", False)]
    while waiting:
        element, owner, wanted = waiting.pop()
        name, node = short(element.tag), element.get(_NODE, "")
        if name in PRIVATE:
            continue  # what is told there is told of other pictures
        stands_apart = apart.get(node) is element
        if stands_apart and not wanted:
            continue  # told where it is meant
        if not name.startswith("rdf:"):
            owner = name
        if node in apart and not stands_apart and (node, owner) not in meant:
            meant.add((node, owner))
            waiting.append((apart[node], owner, True))
        yield from ((short(attribute), value) for attribute, value in element.attrib.items())
        if owner and len(element) == 0 and element.text and element.text.strip():
            yield owner, element.text
        waiting.extend((child, owner, False) for child in reversed(element))


def _apart(root: Element) -> dict[str, Element]:
    """What stands apart from the property that means it, by the id that both have (RDF 1.1 XML syntax, 2.10)."""
    named = [(node, element) for element in root.iter() if (node := element.get(_NODE))]
    # The property that means it is empty but for the id.
    told = {node: element for node, element in named if len(element) or len(element.attrib) > 1}
    meant = {node for node, element in named if told.get(node) is not element}
    return {node: element for node, element in told.items() if node in meant}


def _faces(root: Element) -> Iterator[str]:
    """Names of face regions (Metadata Working Group); regions of other kinds are focus points and bar codes."""
    for region in root.iter():
        values = {short(key): value for key, value in region.attrib.items()}
        for child in region:
            if child.text:
                values.setdefault(short(child.tag), child.text)
        name = clean(values.get(f"{REGIONS}:Name", ""))
        if name and values.get(f"{REGIONS}:Type", "").strip() in _SOMEBODY:
            yield name


def _degrees(text: str) -> float:
    """`35,0.696N` or `35,0,41.8N` (XMP part 2, GPSCoordinate), or plain degrees; nan where it is none."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    if not text or text[-1:].upper() not in {"N", "S", "E", "W"}:
        return float("nan")
    try:
        value: float = sum(float(part) / (1, 60, 3600)[i] for i, part in enumerate(text[:-1].split(",")[:3]))
    except ValueError:
        return float("nan")
    return -value if text[-1].upper() in {"S", "W"} else value
