"""Camera RAW files as far as they matter here: directories, metadata, a sensor's data of no sense, previews inside."""

import io
import struct
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image
from tests import pictures

Value = tuple[int, int, bytes]
"""Type, count and value of an entry."""


def jpeg(size: tuple[int, int], *, colour: str = "red", exif: bytes | None = None) -> bytes:
    """A preview: of one colour, but for its right half."""
    image = Image.new("RGB", size, colour)
    image.paste("blue", (size[0] // 2, 0, *size))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, **({"exif": exif} if exif else {}))
    return out.getvalue()


def text(value: str) -> Value:
    data = value.encode() + b"\0"
    return 2, len(data), data


def short(value: int, order: str = "<") -> Value:
    return 3, 1, struct.pack(order + "H", value)


def long(*values: int, order: str = "<") -> Value:
    return 4, len(values), struct.pack(f"{order}{len(values)}I", *values)


def directory(entries: Mapping[int, Value], at: int, following: int = 0, order: str = "<") -> bytes:
    """A TIFF directory that stands at `at`, with its values right behind it."""
    rows = sorted(entries.items())
    values = at + 2 + 12 * len(rows) + 4
    table, store = struct.pack(order + "H", len(rows)), b""
    for tag, (kind, count, value) in rows:
        table += struct.pack(order + "HHI", tag, kind, count)
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", values + len(store))
            store += value + b"\0" * (len(value) % 2)
    return table + struct.pack(order + "I", following) + store


def camera(
    make: str = "NIKON CORPORATION",
    *,
    model: str = "D70",
    orientation: int = 1,
    size: tuple[int, int] = (640, 480),
    previews: Sequence[bytes] = (),
    compression: int = 34713,
    photometric: int = 32803,
    sensor: bytes = bytes(range(256)) * 40,
    extra: Mapping[int, Value] | None = None,
    deeper: Mapping[int, Value] | None = None,
) -> bytes:
    """A RAW made of TIFF directories: the first with a thumbnail's size, one below it with the sensor's data."""
    details = directory({0x9003: text("2024:03:05 10:11:12")}, 2000)
    below = {
        256: long(size[0]), 257: long(size[1]), 259: short(compression), 262: short(photometric),
        273: long(4000), 279: long(len(sensor)), **(deeper or {}),
    }  # fmt: skip
    first = {
        256: long(160), 257: long(120), 271: text(make), 272: text(model), 274: short(orientation),
        330: long(3000), 0x8769: long(2000), 0x010E: text("A heron at dusk"), **(extra or {}),
    }  # fmt: skip
    out = (b"II*\0" + struct.pack("<I", 8) + directory(first, 8)).ljust(2000, b"\0")
    out = (out + details).ljust(3000, b"\0")
    out = (out + directory(below, 3000)).ljust(4000, b"\0")
    return out + sensor + b"".join(previews)


def box(kind: bytes, *bodies: bytes) -> bytes:
    """A box of an ISO base media file."""
    body = b"".join(bodies)
    return struct.pack(">I", 8 + len(body)) + kind + body


def cr3(*previews: bytes, orientation: int = 1, gps: bool = True) -> bytes:
    """A Canon CR3: each of its blocks is a TIFF of its own."""

    def block(entries: Mapping[int, Value]) -> bytes:
        return b"II*\0" + struct.pack("<I", 8) + directory(entries, 8)

    degrees = (5, 3, struct.pack("<6I", 48, 1, 30, 1, 0, 1))
    position = {1: text("N"), 2: degrees, 3: text("E"), 4: degrees}
    canon = box(
        b"uuid",
        bytes.fromhex("85c0b687820f11e08111f4ce462b6a48"),
        box(b"CMT1", block({256: long(6000), 257: long(4000), 271: text("Canon"), 272: text("Canon EOS M50"),
                            274: short(orientation)})),
        box(b"CMT2", block({0x9003: text("2024:03:05 10:11:12")})),
        box(b"CMT4", block(position if gps else {})),
    )  # fmt: skip
    xmp = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    packet = pictures.xmp_packet("<dc:description><rdf:Alt><rdf:li>Swans</rdf:li></rdf:Alt></dc:description>")
    return (
        box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", canon) + box(b"uuid", xmp, packet)
        + box(b"mdat", bytes(500), *previews)
    )  # fmt: skip


def raf(preview: bytes, sensor: bytes = bytes(range(256)) * 8) -> bytes:
    """A Fujifilm RAF: a header that says where its parts are."""
    start = 148
    head = b"FUJIFILMCCD-RAW 0201FF389501FinePix".ljust(84, b"\0")
    head += struct.pack(">6I", start, len(preview), start + len(preview), 16, start + len(preview) + 16, len(sensor))
    return head.ljust(start, b"\0") + preview + bytes(16) + sensor


def olympus(preview: bytes, **more: object) -> bytes:
    """An ORF: a TIFF with a magic number of its own."""
    made = camera("OLYMPUS IMAGING CORP.", model="E-M5", previews=[preview], compression=1, **more)  # type: ignore[arg-type]  # the same names
    return b"IIRO" + made[4:]


def panasonic(preview: bytes) -> bytes:
    """An RW2: likewise; what it knows of the picture stands in the preview."""
    made = camera("Panasonic", model="DMC-LX3", previews=[preview], compression=34316)
    return b"IIU\0" + made[4:]


def negative(size: tuple[int, int] = (320, 240), *, orientation: int = 1, previews: Sequence[bytes] = ()) -> bytes:
    """A DNG that can be developed: its left quarter is red, the rest blue, of 16 bits a pixel."""
    sensor = np.full((size[1], size[0]), 400, dtype="<u2")
    quarter = size[0] // 4
    sensor[0::2, 0:quarter:2] = sensor[1::2, quarter + 1 :: 2] = 60_000

    def fractions(*values: int) -> Value:
        return 10, len(values), b"".join(struct.pack("<ii", value, 1) for value in values)

    return camera(
        "Example",
        model="One",
        orientation=orientation,
        size=size,
        previews=previews,
        compression=1,
        sensor=sensor.tobytes(),
        extra={
            50706: (1, 4, b"\1\4\0\0"), 50707: (1, 4, b"\1\1\0\0"), 50708: text("Example One"),
            50721: fractions(1, 0, 0, 0, 1, 0, 0, 0, 1), 50778: short(21),
        },
        deeper={
            254: long(0), 258: short(16), 277: short(1), 278: long(size[1]),
            33421: (3, 2, b"\2\0\2\0"), 33422: (1, 4, b"\0\1\1\2"), 50714: short(400), 50717: long(65535),
        },
    )  # fmt: skip
