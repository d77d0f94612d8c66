"""EXIF blocks (CIPA DC-008): the few tags that say something about a picture, from blocks of any state of repair."""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from glimpsed.reading import containers, dates
from glimpsed.reading.containers import Directory
from glimpsed.reading.texts import clean, decode

_TEXT_LIMIT = 1 << 20
_BINARY = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Exif:
    """A parsed block: the tags of its three directories that were readable."""

    data: bytes = b""
    order: str = "<"
    main: Directory = field(default_factory=lambda: Directory({}))
    details: Directory = field(default_factory=lambda: Directory({}))
    gps: Directory = field(default_factory=lambda: Directory({}))

    def raw(self, directory: Directory, tag: int) -> bytes:
        """The bytes of a tag, empty where it is not there."""
        entry = directory.entries.get(tag)
        return containers.tiff_bytes(self.data, entry)[:_TEXT_LIMIT] if entry else b""

    def text(self, directory: Directory, tag: int) -> str:
        """A tag of type ASCII, in whatever encoding it really is."""
        return clean(decode(self.raw(directory, tag).strip(b"\0 ").replace(b"\0", b" ")))

    def numbers(self, directory: Directory, tag: int) -> tuple[float, ...]:
        """The numbers of a tag, empty where it is not there."""
        entry = directory.entries.get(tag)
        return containers.tiff_numbers(self.data, self.order, entry, 16) if entry else ()


def parse(data: bytes) -> Exif:
    """Never raises: of a broken block, what can be read."""
    order = containers.byte_order(data)
    if order is None or len(data) < 8:
        return Exif()
    empty = Directory({})
    main = (
        containers.tiff_directory(data, order, int.from_bytes(data[4:8], "little" if order == "<" else "big")) or empty
    )

    def below(tag: int) -> Directory:
        entry = main.entries.get(tag)
        numbers = containers.tiff_numbers(data, order, entry, 1) if entry and entry[0] in {3, 4, 13} else ()
        return containers.tiff_directory(data, order, int(numbers[0])) or empty if numbers else empty

    return Exif(data, order, main, below(0x8769), below(0x8825))


def orientation(exif: Exif) -> int:
    """1 to 8; rubbish is 1."""
    numbers = exif.numbers(exif.main, 0x0112)
    return int(numbers[0]) if numbers and numbers[0] in range(1, 9) else 1


def taken(exif: Exif) -> str | None:
    """When the picture was taken, or else digitized, with its offset where there is one."""
    return _date(exif, exif.details, 0x9003, (0x9011, 0x9010)) or _date(exif, exif.details, 0x9004, (0x9012, 0x9010))


def changed(exif: Exif) -> str | None:
    """The file's own date: all that some cameras write."""
    return _date(exif, exif.main, 0x0132, (0x9010,))


def _date(exif: Exif, directory: Directory, tag: int, offsets: tuple[int, ...]) -> str | None:
    offset = next(filter(None, (exif.text(exif.details, tag) for tag in offsets)), None)
    return dates.parse(exif.text(directory, tag), offset)


_COMPANY = frozenset({
    "corporation", "corp", "corp.", "co.", "ltd", "ltd.", "co.,ltd.", "co.,ltd", "inc", "inc.", "company", "imaging",
    "optical", "ag", "gmbh", "digital",
})  # fmt: skip


def camera(exif: Exif) -> str | None:
    """Make and model as people say them: `NIKON D70`, not `NIKON CORPORATION NIKON D70`."""
    return camera_name(exif.text(exif.main, 0x010F), exif.text(exif.main, 0x0110))


def camera_name(make: str, model: str) -> str | None:
    """The same from two texts."""
    words = make.split()
    while len(words) > 1 and words[-1].lower().strip(",") in _COMPANY:
        words.pop()
    if any(model.lower().startswith(word.lower()) for word in words):
        words = []
    return clean(" ".join([*words, model]), 200) or None


def position(exif: Exif) -> tuple[float, float] | None:
    """Latitude and longitude in degrees; None where either is missing or cannot be."""
    latitude = _degrees(exif, 2, exif.text(exif.gps, 1), "S")
    longitude = _degrees(exif, 4, exif.text(exif.gps, 3), "W")
    return on_earth(latitude, longitude)


def _degrees(exif: Exif, tag: int, reference: str, negative: str) -> float:
    numbers = exif.numbers(exif.gps, tag)
    if not numbers:
        return math.nan
    # Some write 1/0 for parts that they do not use.
    parts = [0.0 if math.isnan(part) and i else part for i, part in enumerate(numbers[:3])]
    value: float = sum(part / (1, 60, 3600)[i] for i, part in enumerate(parts))
    return -value if reference.upper().startswith(negative) else value


def on_earth(latitude: float, longitude: float) -> tuple[float, float] | None:
    """The position, unless it lies outside the map or is the 0, 0 of receivers that had none."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or (latitude == 0 and longitude == 0):
        return None
    return round(latitude, 7), round(longitude, 7)


def texts(exif: Exif) -> Iterator[tuple[str, str]]:
    """Label and text of all tags that people write into."""
    yield "caption", exif.text(exif.main, 0x010E)
    yield "caption", _wide(exif, 0x9C9F)
    yield "title", _wide(exif, 0x9C9B)
    yield "keywords", _wide(exif, 0x9C9E)
    yield "comment", _wide(exif, 0x9C9C)
    yield "comment", _user_comment(exif)
    yield "author", exif.text(exif.main, 0x013B)
    yield "author", _wide(exif, 0x9C9D)


def _wide(exif: Exif, tag: int) -> str:
    """Windows' own tags are UTF-16, whatever the byte order of the block."""
    return clean(exif.raw(exif.main, tag).decode("utf-16-le", "replace").split("\0")[0])


def _user_comment(exif: Exif) -> str:
    raw = exif.raw(exif.details, 0x9286)
    code, body = raw[:8], raw[8:]
    if code == b"UNICODE\0":
        return clean(_utf16(body, exif.order))
    if code == b"JIS\0\0\0\0\0":
        return clean(body.decode("iso2022_jp", "replace"))
    if code not in {b"ASCII\0\0\0", bytes(8)}:
        # No code at all, as some programs have it.
        body = raw
    body = body.strip(b"\0 ")
    return "" if _BINARY.search(body) else clean(decode(body))


def _utf16(body: bytes, order: str) -> str:
    """Of both byte orders the one that makes sense: the block's own is often not the comment's."""
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"} or not body.strip(b"\0 "):
        return decode(body.rstrip(b"\0 "))
    ascii_body = body.strip(b"\0 ")
    if b"\0" not in ascii_body and ascii_body.isascii():
        return ascii_body.decode("ascii")
    own = "utf-16-le" if order == "<" else "utf-16-be"
    other = "utf-16-be" if order == "<" else "utf-16-le"
    body = body[: len(body) // 2 * 2]
    return max((body.decode(encoding, "replace").strip("\0 ") for encoding in (own, other)), key=_sense)


def _sense(text: str) -> float:
    """How much of a text is letters, blanks and marks of the scripts in everyday use."""
    good = sum(
        sign < "\u1000" or "\u2010" <= sign <= "\u206f" or "\u3000" <= sign <= "\u9fff" or "가" <= sign <= "힣"
        for sign in text
    )
    bad = sum(unicodedata.category(sign) in {"Cn", "Co", "Cc", "Cs"} for sign in text)
    # Swapped, a blank or a letter of ASCII becomes a sign whose number ends in 00.
    swapped = sum(ord(sign) & 0xFF == 0 for sign in text)
    return (good - 2 * bad - 2 * swapped) / max(1, len(text))
