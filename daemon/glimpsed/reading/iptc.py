"""IPTC-IIM (version 4.2): the data sets of record 2 that say something about a picture."""

import hashlib
from collections.abc import Iterator

from glimpsed.reading import bounds, dates
from glimpsed.reading.fields import Field
from glimpsed.reading.texts import clean, decode

_FIELDS = {
    5: ("ObjectName", "title"),
    20: ("SupplementalCategories", "keywords"),
    25: ("Keywords", "keywords"),
    27: ("ContentLocationName", "place"),
    40: ("SpecialInstructions", "comment"),
    80: ("By-line", "author"),
    90: ("City", "place"),
    92: ("Sub-location", "place"),
    95: ("Province-State", "place"),
    101: ("Country-PrimaryLocationName", "place"),
    105: ("Headline", "title"),
    110: ("Credit", "author"),
    116: ("CopyrightNotice", "author"),
    120: ("Caption-Abstract", "caption"),
}
_DATES = {55: ("DateCreated", 60), 62: ("DigitalCreationDate", 63)}
"""Data set of a day, its name, data set of the time."""

_IPTC, _DIGEST = 0x0404, 0x0425
_UTF8 = b"\x1b%G"
_PARTS = {
    b"A": "cp1252", b"B": "iso8859-2", b"C": "iso8859-3", b"D": "iso8859-4", b"F": "iso8859-7", b"G": "iso8859-6",
    b"H": "iso8859-8", b"L": "iso8859-5", b"M": "iso8859-9",
}  # fmt: skip
"""The parts of ISO 8859 by the last byte of their escape sequences (ISO 2022)."""


def resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Photoshop's image resources: their numbers and what they hold."""
    at = 0
    while data[at : at + 4] == b"8BIM":
        kind = int.from_bytes(data[at + 4 : at + 6], "big")
        name = data[at + 6] if at + 6 < len(data) else 0
        at += 6 + (name + 2) // 2 * 2
        size = int.from_bytes(data[at : at + 4], "big")
        yield kind, data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2


def from_photoshop(data: bytes) -> bytes:
    """The data sets among Photoshop's image resources; empty where there are none."""
    found = next((body for kind, body in resources(data) if kind == _IPTC), b"")
    return found or (data if data.startswith(b"\x1c") else b"")


def changed_alone(photoshop: bytes) -> bool:
    """Whether the data sets are not those that were written together with XMP: their digest is another one."""
    held = dict(reversed(list(resources(photoshop))))
    digest, block = held.get(_DIGEST), held.get(_IPTC)
    if block is None or digest is None or len(digest) != 16:
        return False
    return hashlib.md5(block, usedforsecurity=False).digest() != digest


def fields(data: bytes) -> Iterator[Field]:
    """All that says something to people, in the order of the block; dates last."""
    encoding: str | None = None
    days: dict[int, str] = {}
    for record, number, value in bounds.now().values(_sets(data), "an IPTC block"):
        if (record, number) == (1, 90):
            encoding = _encoding(value)
        elif record == 2 and number in _FIELDS:
            name, label = _FIELDS[number]
            yield Field(f"IPTC:{name}", label, clean(_decoded(value, encoding)))
        elif record == 2:
            days.setdefault(number, clean(decode(value)))
    for number, (name, clock) in _DATES.items():
        when = dates.parse(f"{days.get(number, '')} {days.get(clock, '')}") or dates.parse(days.get(number, ""))
        if when:
            yield Field(f"IPTC:{name}", "taken", when)


def _sets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Record, number and value of each data set until one is broken."""
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, number = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000:
            # An extended one: its size stands in so many bytes.
            length = size & 0x7FFF
            if length > 4:
                return
            size = int.from_bytes(data[at : at + length], "big")
            at += length
        yield record, number, data[at : at + size]
        at += size


def _encoding(marker: bytes) -> str | None:
    if marker == _UTF8:
        return "utf-8"
    if len(marker) == 3 and marker[:1] == b"\x1b" and marker[1:2] in b"-./":
        return _PARTS.get(marker[2:])
    return None


def _decoded(value: bytes, encoding: str | None) -> str:
    """As the marker says, where that can be; some programs write it over what it is not true of."""
    try:
        return value.decode(encoding) if encoding else decode(value)
    except UnicodeDecodeError:
        return decode(value)
