"""Files that no program would write, made from valid ones: the same for the same seed."""

import gzip
import io
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests import documents, raws
from tests.pictures import draw, encode, exif, iptc_block, noisy, segment, xmp_packet

CRASHES = Path(__file__).parent / "crashes"
"""Files that once killed a worker or hung it, each of which is read again by every run of the tests."""

HOSTILE = Path(__file__).parents[2].parent / "shared" / "data" / "hostile"
"""More of them, where a checkout has them beside it."""

SUFFIXES = {
    "JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "TIFF": "tif", "BMP": "bmp", "ICO": "ico",
    "AVIF": "avif", "JPEG2000": "jp2", "PPM": "ppm", "TGA": "tga", "MPO": "jpg",
}  # fmt: skip

_TELLING: dict[str, Any] = {
    "caption": "A receipt 領収書 🍜", "comment": "über", "title": "Lunch", "keywords": ["ramen", "Kyoto"],
    "author": "Ada", "camera": ("Canon", "EOS R5"), "taken": "2024-06-01T12:00:00", "offset": "+09:00",
    "gps": (35.01, 135.76), "orientation": 6,
}  # fmt: skip
_XMP = (
    "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Lunch</rdf:li></rdf:Alt></dc:title>"
    "<dc:subject><rdf:Bag><rdf:li>ramen</rdf:li></rdf:Bag></dc:subject><photoshop:City>Kyoto</photoshop:City>"
)

_SVG = (
    b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY where 'Kyoto'>]><svg xmlns='http://www.w3.org/2000/svg'"
    b" width='160' height='60'><title>Lunch</title><desc>A receipt</desc><text>Ramen in &where;</text></svg>"
)


@cache
def seeds() -> tuple[tuple[str, bytes], ...]:
    """Suffix and bytes of valid pictures, small, of every format that can be written here, with words in them.

    Which these are depends on the extras that are installed.
    """
    picture = draw("Ramen", size=(160, 60), margin=8)
    made: list[tuple[str, bytes]] = []

    def add(form: str, image: Image.Image = picture, **more: Any) -> None:
        made.append((SUFFIXES[form], encode(image, form, **more)))

    for form in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        add(form, xmp=_XMP, **_TELLING)
    add("JPEG", options={"progressive": True}, iptc={"caption": "A receipt", "city": "Kyoto", "keywords": ["a", "b"]})
    add("JPEG", picture.convert("CMYK"))
    add("JPEG", picture.convert("L"), options={"icc_profile": bytes(300)})
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        add("PNG", picture.convert("L").convert(mode), png_text={"Description": "A receipt", "parameters": "x" * 400})
    add("PNG", options={"interlace": 1, "compress_level": 0})
    add("WEBP", options={"lossless": True})
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits", "group4"):
        image = picture.convert("1") if compression == "group4" else picture
        add("TIFF", image, options={"compression": compression, "big_tiff": compression == "packbits"})
    others = [noisy((48, 32), seed) for seed in range(3)]
    for form in ("GIF", "PNG", "WEBP", "TIFF", "MPO", "AVIF"):
        add(form, others[0], options={"save_all": True, "append_images": others[1:]})
    add("GIF", xmp=_XMP, options={"comment": b"A receipt"})
    for form in ("BMP", "ICO", "JPEG2000", "PPM", "TGA"):
        add(form)
    add("BMP", picture.convert("P"))
    add("TGA", options={"compression": "tga_rle"})
    made.append(("jpg", segment(made[0][1], 0xE1, b"Exif\0\0" + _big_endian())))
    return (*made, *_documents(picture), *_raws(), *_of_extras(picture))


def _documents(picture: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Photoshop's, and drawings."""
    planes = np.moveaxis(np.asarray(picture.convert("RGB")), 2, 0)
    for packing in (0, 1, 2, 3):
        yield "psd", documents.document(planes, packing=packing)
    yield "psb", documents.document(planes, packing=1, large=True)
    yield "svg", _SVG
    yield "svgz", gzip.compress(_SVG, mtime=0)


def _raws() -> Iterator[tuple[str, bytes]]:
    preview = raws.jpeg((96, 64), exif=exif(**_TELLING).tobytes())
    yield "nef", raws.camera(previews=[preview])
    yield "cr3", raws.cr3(preview)
    yield "raf", raws.raf(preview)
    yield "orf", raws.olympus(preview)
    yield "rw2", raws.panasonic(preview)
    yield "dng", raws.negative((64, 48))


def _of_extras(picture: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Of the formats whose libraries are installed."""
    told = {"exif": exif(**_TELLING).tobytes(), "xmp": xmp_packet(_XMP)}
    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
        yield "heic", _saved(picture, "HEIF", **told)
    with suppress(ImportError):
        from pillow_jxl import JpegXLImagePlugin  # noqa: F401  it registers itself

        yield "jxl", _saved(picture, "JXL", **told)
        yield "jxl", _saved(picture, "JXL", compress_metadata=True, **told)


def _saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def _big_endian() -> bytes:
    entries = struct.pack(">HHI4sHHI4s", 0x0112, 3, 1, b"\0\6\0\0", 0x010E, 2, 4, b"Ada\0")
    return b"MM\0*\0\0\0\x08\0\x02" + entries + bytes(4)


def blocks() -> list[bytes]:
    """Valid metadata blocks, for the parsers of our own."""
    return [exif(**_TELLING).tobytes(), xmp_packet(_XMP), iptc_block({120: [b"A receipt"]}), _big_endian()]


_INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 16, 65, 4096)


def mutated(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """The bytes after one to eight changes."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        if not made:
            break
        chance.choice(_CHANGES)(made, others, chance)
    return bytes(made[: 1 << 22])


def _span(made: bytearray, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(made))
    return start, min(len(made), start + chance.choice((1, 2, 4, 16, 100, 1000)))


def _flip(made: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    for _bit in range(chance.choice((1, 4, 40))):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)


def _number(made: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    """A length, a count or an offset that means something."""
    # Most headers stand at the beginning.
    at = chance.randrange(min(len(made), chance.choice((64, 512, len(made)))))
    size = chance.choice((1, 2, 4))
    value = chance.choice((*_INTERESTING, len(made), len(made) - 1)) & ((1 << 8 * size) - 1)
    made[at : at + size] = value.to_bytes(size, chance.choice(("big", "little")))


def _cut(made: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(made, chance)
    del made[start:end]


def _end(made: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    del made[chance.randrange(len(made)) :]


def _again(made: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(made, chance)
    made[start:start] = made[start:end] * chance.choice((1, 1, 2, 50))


def _move(made: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(made, chance)
    piece = made[start:end]
    del made[start:end]
    place = chance.randrange(len(made) + 1)
    made[place:place] = piece


def _noise(made: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(made, chance)
    made[start:end] = chance.randbytes(end - start)


def _fill(made: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(made, chance)
    made[start:end] = chance.choice((b"\0", b"\xff", b"A")) * (end - start)


def _splice(made: bytearray, others: Sequence[bytes], chance: random.Random) -> None:
    """The beginning of one and the end of another."""
    other = chance.choice(others)
    made[chance.randrange(len(made)) :] = other[chance.randrange(len(other)) :]


def _graft(made: bytearray, others: Sequence[bytes], chance: random.Random) -> None:
    other = chance.choice(others)
    start = chance.randrange(len(other))
    place = chance.randrange(len(made) + 1)
    made[place:place] = other[start : start + chance.choice((4, 16, 100, 1000))]


_CHANGES: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    _flip, _number, _number, _number, _cut, _end, _again, _move, _noise, _fill, _splice, _graft,
)  # fmt: skip


def files(count: int, seed: int) -> list[tuple[str, bytes]]:
    """Name and bytes of `count` mutated pictures; a name tells how to make its file anew."""
    every = seeds()
    others = [data for _, data in every]
    made = []
    for number in range(count):
        chance = random.Random(f"{seed}-{number}")
        suffix, data = every[number % len(every)]
        made.append((f"{seed}-{number}.{suffix}", mutated(data, others, chance)))
    return made
