"""IPTC-IIM (version 4.2): the data sets of record 2 that say something about a picture."""

from collections.abc import Iterator

from glimpsed.reading.texts import clean, decode

_LABELS = {
    5: "title", 25: "keywords", 80: "author", 92: "place", 90: "place", 95: "place", 101: "place", 105: "title",
    120: "caption", 55: "date", 60: "time",
}  # fmt: skip
_UTF8 = b"\x1b%G"


def from_photoshop(resources: bytes) -> bytes:
    """The data sets among Photoshop's image resources; empty where there are none."""
    at = 0
    while resources[at : at + 4] == b"8BIM":
        kind = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = resources[at + 6] if at + 6 < len(resources) else 0
        at += 6 + (name + 2) // 2 * 2
        size = int.from_bytes(resources[at : at + 4], "big")
        if kind == 0x0404:
            return resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return resources if resources.startswith(b"\x1c") else b""


def texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Label and text in the order of the block; `date` is `20240305`, `time` is `101112+0900`."""
    at, utf8 = 0, False
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, number = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if size & 0x8000:
            # An extended length: more than 32 KiB, which no text of a person has.
            return
        value = data[at + 5 : at + 5 + size]
        at += 5 + size
        if (record, number) == (1, 90):
            utf8 = value == _UTF8
        elif record == 2 and number in _LABELS:
            yield _LABELS[number], clean(value.decode("utf-8", "replace") if utf8 else decode(value))
