"""EXIF blocks (CIPA DC-008): the few tags that say something about a picture, from blocks of any state of repair."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from glimpsed.reading import bounds, containers, dates
from glimpsed.reading.comments import coded
from glimpsed.reading.containers import Directory
from glimpsed.reading.fields import Field, position_text, worded
from glimpsed.reading.texts import clean, decode

_TEXT_LIMIT = 4 << 20
_PAGE_LIMIT = 1 << 14
"""Bytes of one text of a page of a TIFF."""


@dataclass(frozen=True, slots=True)
class Exif:
    """A parsed block: the tags of its directories that were readable."""

    data: bytes = b""
    order: str = "<"
    main: Directory = field(default_factory=lambda: Directory({}))
    details: Directory = field(default_factory=lambda: Directory({}))
    gps: Directory = field(default_factory=lambda: Directory({}))
    pages: tuple[Directory, ...] = ()
    """The main directories behind the first: a thumbnail's in a picture's block, the other pages' in a TIFF."""

    def raw(self, directory: Directory, tag: int, limit: int = _TEXT_LIMIT) -> bytes:
        """The first bytes of a tag, empty where it is not there."""
        entry = directory.entries.get(tag)
        return containers.tiff_bytes(self.data, entry, limit) if entry else b""

    def text(self, directory: Directory, tag: int) -> str:
        """A tag of type ASCII, in whatever encoding it really is."""
        return clean(_ascii(self.raw(directory, tag)))

    def anywhere_raw(self, tag: int) -> bytes:
        """The bytes of a tag, which some programs put into the other directory."""
        return self.raw(self.details if tag in self.details.entries else self.main, tag)

    def anywhere(self, tag: int) -> str:
        """The same as text."""
        return clean(_ascii(self.anywhere_raw(tag)))

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

    def at(place: int) -> Directory:
        return containers.tiff_directory(data, order, place, whole=False) or empty

    main = at(int.from_bytes(data[4:8], "little" if order == "<" else "big"))

    def below(tag: int) -> Directory:
        entry = main.entries.get(tag)
        numbers = containers.tiff_numbers(data, order, entry, 1) if entry and entry[0] in {3, 4, 8, 9, 13} else ()
        return at(int(numbers[0])) if numbers else empty

    pages: list[Directory] = []
    following, seen, most = main.next, set[int](), bounds.now().bounds.pages
    while following and following not in seen and len(pages) + 1 < most:
        seen.add(following)
        pages.append(at(following))
        following = pages[-1].next
    return Exif(data, order, main, below(0x8769), below(0x8825), tuple(pages))


def orientation(exif: Exif) -> int:
    """1 to 8; rubbish is 1."""
    numbers = exif.numbers(exif.main, 0x0112)
    return int(numbers[0]) if numbers and numbers[0] in range(1, 9) else 1


_DATES = (
    (0x9003, "EXIF:DateTimeOriginal", 0x9011, 0x9291),
    (0x9004, "EXIF:CreateDate", 0x9012, 0x9292),
    (0x0132, "EXIF:ModifyDate", 0x9010, 0x9290),
)
"""Tag, name, tag of its offset, tag of its parts of a second."""


def _dates(exif: Exif) -> Iterator[Field]:
    for tag, source, offset, fraction in _DATES:
        when = dates.parse(exif.anywhere(tag), exif.anywhere(offset), exif.anywhere(fraction))
        yield Field(source, "taken", when or "")
    day, clock = exif.text(exif.gps, 29), exif.numbers(exif.gps, 7)
    if day and len(clock) == 3 and all(0 <= part < 61 for part in clock):
        hour, minute, second = clock
        when = f"{day[:10]} {int(hour):02}:{int(minute):02}:{int(second):02}Z"
        yield Field("EXIF:GPSDateTime", "taken", dates.parse(when, None, f"{second % 1:.6f}"[2:]) or "")


_COMPANY = frozenset({
    "corporation", "corp", "corp.", "co.", "ltd", "ltd.", "co.,ltd.", "co.,ltd", "inc", "inc.", "company", "imaging",
    "optical", "ag", "gmbh", "digital",
})  # fmt: skip


def camera_name(make: str, model: str) -> str | None:
    """Make and model as people say them: `NIKON D70`, not `NIKON CORPORATION NIKON D70`."""
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


_TEXTS = (
    (0x010E, "EXIF:ImageDescription", "caption"),
    (0x010D, "EXIF:DocumentName", "title"),
    (0x011D, "EXIF:PageName", "title"),
    (0xA436, "EXIF:ImageTitle", "title"),
    (0x013B, "EXIF:Artist", "author"),
    (0xA437, "EXIF:Photographer", "author"),
    (0xA430, "EXIF:OwnerName", "author"),
    (0x8298, "EXIF:Copyright", "author"),
    (0x010F, "EXIF:Make", "make"),
    (0x0110, "EXIF:Model", "model"),
    (0xA434, "EXIF:LensModel", "lens"),
)
_WIDE = (
    (0x9C9F, "EXIF:XPSubject", "caption"),
    (0x9C9B, "EXIF:XPTitle", "title"),
    (0x9C9E, "EXIF:XPKeywords", "keywords"),
    (0x9C9C, "EXIF:XPComment", "comment"),
    (0x9C9D, "EXIF:XPAuthor", "author"),
)
_PAGE = frozenset({0x010E, 0x010D, 0x011D})
"""Texts that each page of a TIFF has for itself."""


def fields(exif: Exif) -> Iterator[Field]:
    """All that says something to people."""
    for tag, source, label in _TEXTS:
        raw = exif.anywhere_raw(tag)
        yield worded(source, label, _copyright(raw) if tag == 0x8298 else _ascii(raw))
    for page in exif.pages:
        for tag, source, label in _TEXTS:
            if tag in _PAGE:
                yield worded(source, label, _ascii(exif.raw(page, tag, _PAGE_LIMIT)))
        for tag, source, label in _WIDE:
            yield worded(source, label, _wide(exif.raw(page, tag, _PAGE_LIMIT)))
    for tag, source, label in _WIDE:
        yield worded(source, label, _wide(exif.anywhere_raw(tag)))
    yield worded("EXIF:UserComment", "comment", coded(exif.anywhere_raw(0x9286), exif.order))
    yield Field("EXIF:GPSAreaInformation", "place", clean(coded(exif.raw(exif.gps, 28), exif.order)))
    yield from _dates(exif)
    yield Field("EXIF:GPSPosition", "position", position_text(position(exif)))


def _ascii(raw: bytes) -> str:
    """A text of type ASCII, in whatever encoding it really is. It ends at a zero byte, unless it is UTF-16."""
    if 4 * raw.rstrip(b"\0 ").count(0) > len(raw):
        wide = decode(raw[: len(raw) // 2 * 2]).strip("\0 ")
        if wide.isprintable() and wide:
            return wide
    return decode(raw.partition(b"\0")[0].strip(b" "))


def _wide(raw: bytes) -> str:
    """Windows' own tags are UTF-16, whatever the byte order of the block."""
    return raw.decode("utf-16-le", "replace").split("\0")[0]


def _copyright(raw: bytes) -> str:
    """A zero byte parts the photographer's from the editor's."""
    return "\n".join(decode(part) for part in raw.strip(b"\0 ").split(b"\0"))
