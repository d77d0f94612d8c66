"""The metadata blocks of a picture, cut out of its container undecoded: so broken pictures keep their words."""

import re
import zlib
from dataclasses import dataclass, field

from glimpsed.reading import bigtiff, bounds, containers, heif, jxl, psd, raw
from glimpsed.reading.containers import Cut
from glimpsed.reading.texts import decode

_MOST = 1_000
"""Texts, or comments, of one picture; no person wrote more."""

_XMP_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF_UUID = b"JpgTiffExif->JP2"
_IPTC_UUID = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_RAW_PROFILE = re.compile(r"Raw profile type (\w+)", re.IGNORECASE)


@dataclass(slots=True)
class Blocks:
    """What a container holds, still in its own encoding; `exif` begins with the TIFF header, or is empty."""

    exif: bytes = b""
    xmp: list[bytes] = field(default_factory=list)
    photoshop: bytes = b""
    """Image resources (`8BIM…`), IPTC among them."""
    iptc: bytes = b""
    """IPTC-IIM data sets that stand alone."""
    texts: list[tuple[str, str]] = field(default_factory=list)
    """Keyword and text, as PNG has them."""
    comments: list[str] = field(default_factory=list)


def blocks(data: bytes) -> Blocks:
    """The blocks of any picture; what is broken in itself or too much is left out, so it never raises."""
    found, spent = _found(data), bounds.now()
    if len(found.exif) < len(data):  # a TIFF, and what is made one, is its own block
        found.exif = spent.metadata(found.exif)
    found.photoshop, found.iptc = spent.metadata(found.photoshop), spent.metadata(found.iptc)
    found.xmp = [packet for one in found.xmp if (packet := spent.metadata(one))]
    found.texts = [pair for pair in found.texts if spent.metadata(_encoded(pair[1]))]
    found.comments = [text for text in found.comments if spent.metadata(_encoded(text))]
    return found


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _found(data: bytes) -> Blocks:
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG"):
        return _png(data)
    if data.startswith(b"RIFF"):
        return _webp(data)
    if data.startswith(b"GIF8"):
        return _gif(data)
    if containers.byte_order(data):
        return _tiff(data)
    if bigtiff.byte_order(data):
        return _tiff(bigtiff.classic(data))
    if data[4:8] == b"jP  ":
        return _jpeg2000(data)
    return _other(data)


def _other(data: bytes) -> Blocks:
    """Of the formats that have modules of their own."""
    camera = raw.kind(data)
    if camera in {"raf", "rw2"} and (found := raw.previews(data)):
        # Fujifilm and Panasonic write all they know into the preview; what comes behind it may be its own thumbnail.
        return _jpeg(raw.jpeg(data, min(found, key=lambda one: one.start)))
    if camera in {"orf", "rw2"}:
        return _tiff(raw.as_tiff(data))
    if camera == "cr3":
        return _of_cut(raw.cut(data))
    if psd.is_psd(data):
        return _of_cut(psd.cut(data))
    if jxl.is_jxl(data):
        return _of_cut(jxl.cut(data))
    return _of_cut(heif.cut(data)) if heif.brand(data) else Blocks()


def _of_cut(found: Cut) -> Blocks:
    return Blocks(exif=found.exif, xmp=list(found.xmp), photoshop=found.photoshop)


def _jpeg(data: bytes) -> Blocks:
    out = Blocks()
    more: dict[bytes, list[tuple[int, bytes]]] = {}
    for kind, start, end in containers.jpeg(data):
        body = data[start:end]
        if kind == b"\xda":
            break
        if kind == b"\xe1" and body.startswith(b"Exif\0") and not out.exif:
            out.exif = body[6:]
        elif kind == b"\xe1" and body.startswith(_XMP_JPEG):
            out.xmp.append(body[len(_XMP_JPEG) :])
        elif kind == b"\xe1" and body.startswith(_XMP_MORE):
            # XMP part 3, 1.1.3.1: digest, length of all, offset of this piece.
            name, rest = body[len(_XMP_MORE) :][:32], body[len(_XMP_MORE) + 32 :]
            more.setdefault(name, []).append((int.from_bytes(rest[4:8], "big"), rest[8:]))
        elif kind == b"\xed" and body.startswith(b"Photoshop 3.0\0"):
            out.photoshop += body[14:]
        elif kind == b"\xfe" and len(out.comments) < _MOST:
            out.comments.append(decode(body.rstrip(b"\0")))
        elif kind == b"\xea" and body.startswith(b"UNICODE\0"):
            out.comments.append(body[8:].decode("utf-16-be", "replace"))  # PhotoStudio's
    # What belongs to no packet here is left over from another one.
    kept = (pieces for name, pieces in more.items() if any(name in packet for packet in out.xmp))
    out.xmp += [b"".join(piece for _, piece in sorted(pieces)) for pieces in kept]
    return out


def _png(data: bytes) -> Blocks:
    out = Blocks()
    for kind, start, end in containers.png(data):
        if kind == b"eXIf":
            out.exif = data[start:end].removeprefix(b"Exif\0\0")
        elif kind in {b"tEXt", b"zTXt", b"iTXt"} and len(out.texts) < _MOST:
            keyword, text = _png_text(kind, data[start:end])
            profile = _RAW_PROFILE.fullmatch(keyword)
            if keyword == "XML:com.adobe.xmp":
                out.xmp.append(text)
            elif profile:
                _raw_profile(out, profile[1].lower(), text)
            elif text:
                # The specification says Latin-1 for two of the three; many programs write UTF-8 all the same.
                out.texts.append((keyword, decode(text)))
    return out


def _png_text(kind: bytes, body: bytes) -> tuple[str, bytes]:
    keyword, _, rest = body.partition(b"\0")
    packed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        _, _, rest = rest[2:].partition(b"\0")
        _, _, rest = rest.partition(b"\0")
    return decode(keyword), _inflated(rest) if packed else rest


def _inflated(packed: bytes) -> bytes:
    spent, stream = bounds.now(), zlib.decompressobj()
    try:
        # One byte more than there is room for tells a text that just fits from one that does not.
        text = stream.decompress(packed, spent.inflatable + 1)
    except zlib.error:
        return b""
    whole = len(text) <= spent.inflatable
    spent.inflated(len(text), whole=whole)
    return text if whole else b""


def _raw_profile(out: Blocks, kind: str, text: bytes) -> None:
    """As ImageMagick hides other containers' blocks in PNG: a line with a name, one with the length, hexadecimal."""
    _, _, rest = text.lstrip().partition(b"\n")
    _, _, digits = rest.lstrip().partition(b"\n")
    try:
        body = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return
    if kind in {"exif", "app1"} and body.startswith(b"Exif\0\0"):
        out.exif = out.exif or body[6:]
    elif kind == "xmp" or body.startswith(_XMP_JPEG):
        out.xmp.append(body.removeprefix(_XMP_JPEG))
    elif kind in {"iptc", "8bim"}:
        out.photoshop += body.removeprefix(b"Photoshop 3.0\0")


def _webp(data: bytes) -> Blocks:
    out = Blocks()
    for kind, start, end in containers.riff(data):
        if kind == b"EXIF":
            out.exif = data[start:end].removeprefix(b"Exif\0\0")
        elif kind == b"XMP ":
            out.xmp.append(data[start:end])
    return out


def _gif(data: bytes) -> Blocks:
    out = Blocks()
    for kind, start, end in containers.gif(data):
        if kind == b"\xfe" and len(out.comments) < _MOST:
            out.comments.append(decode(_joined(data, start, end)))
        elif kind == b"\xff" and data[start + 1 : start + 12] == b"XMP DataXMP":
            # The packet stands there as it is; 258 bytes behind it keep the chain of lengths alive.
            out.xmp.append(data[start + 12 : max(start + 12, end - 258)])
    return out


def _joined(data: bytes, start: int, end: int) -> bytes:
    out, most = b"", bounds.now().block
    while start < end and start < len(data) and data[start] and len(out) < most:
        out += data[start + 1 : start + 1 + data[start]]
        start += 1 + data[start]
    return out


def _tiff(data: bytes) -> Blocks:
    order, most = containers.byte_order(data) or "<", bounds.now().block
    out = Blocks(exif=data)
    pages = list(containers.tiff_chain(data, order, bounds.now().bounds.pages))
    entries = pages[0].entries if pages else {}
    out.xmp += dict.fromkeys(containers.tiff_bytes(data, one.entries[700], most) for one in pages if 700 in one.entries)
    if 33723 in entries:
        out.iptc = containers.tiff_bytes(data, entries[33723], most)
    if 34377 in entries:
        out.photoshop = containers.tiff_bytes(data, entries[34377], most)
    return out


def _jpeg2000(data: bytes) -> Blocks:
    out = Blocks()
    for kind, start, end in containers.boxes(data):
        if kind != b"uuid":
            continue
        name, body = data[start : start + 16], data[start + 16 : min(end, start + 16 + bounds.now().block)]
        if name == _XMP_UUID:
            out.xmp.append(body)
        elif name == _EXIF_UUID:
            out.exif = body.removeprefix(b"Exif\0\0")
        elif name == _IPTC_UUID:
            out.iptc = body
    return out
