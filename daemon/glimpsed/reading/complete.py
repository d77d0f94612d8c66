"""Whether a file's end is missing: what tells a half-written picture from a broken one."""

from glimpsed.reading import containers

_SIGNATURES = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"RIFF", b"II*\0", b"MM\0*", b"BM",
    b"\xff\x4f\xff\x51", b"\0\0\1\0", b"\0\0\0\x0cjP  \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n",
)  # fmt: skip
_BOXED = frozenset({b"jP  \r\n\x87\n", b"JXL \r\n\x87\n"})
_PIXEL_BOXES = frozenset({b"mdat", b"jp2c", b"jxlc", b"jxlp"})
_NO_DATA = 256
"""So many zeros end no compressed data."""
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325


def shortfall(data: bytes, *, decoded: bool = False) -> str | None:
    """What is missing at the end of these bytes, in words; None where nothing is, or where the format does not tell.

    With `decoded` its pixels were had in full. Then a missing end mark, or a size in a header that many programs get
    wrong, is forgiven; missing frames, text behind the pixels, or room that was only reserved are not.
    """
    if data and not any(data[:64]) and not data.strip(b"\0"):
        return f"all of its {len(data)} bytes are zero"
    if len(data) < 12 and (any(sign.startswith(data) for sign in _SIGNATURES) or data[4:8] == b"ftyp"):
        return f"ends after {len(data)} bytes"
    for signature, judge in _JUDGES:
        if data.startswith(signature):
            return judge(data, decoded)
    if data[4:8] == b"ftyp" or data[4:12] in _BOXED:
        return _boxes(data, decoded)
    return None


def _reserved(data: bytes, at: int) -> str | None:
    """Downloads that reserve room first leave zeros where the rest will come."""
    rest = memoryview(data)[at:]
    return f"only zeros after byte {at}" if len(rest) and not any(rest[:64]) and not bytes(rest).strip(b"\0") else None


def _jpeg(data: bytes, decoded: bool) -> str | None:
    at, scanned = 2, False
    for piece in containers.jpeg(data):
        if piece.kind == b"\xd9":
            return None
        if piece.end > len(data):
            return "ends inside a header"
        at, scanned = piece.end, scanned or piece.kind == b"\xda"
    if ends_in_zeros(data):
        return "ends in zeros, without an end mark"
    # Before the first scan, anything but a marker is rubbish that no end would heal.
    return "no end mark" if not decoded and (scanned or at + 2 > len(data)) else None


def _png(data: bytes, decoded: bool) -> str | None:
    at = 8
    for piece in containers.png(data):
        at = piece.end + 4
        if piece.end + 4 > len(data):
            return f"ends inside a {piece.kind.decode('ascii')} chunk"
        if piece.kind == b"IEND":
            return None
    return "ends without its last chunk" if at + 8 > len(data) else _reserved(data, at)


def _webp(data: bytes, decoded: bool) -> str | None:
    size = 8 + int.from_bytes(data[4:8], "little")
    if len(data) < size:
        return f"has {len(data)} of {size} bytes"
    return "ends in zeros" if data.endswith(bytes(_NO_DATA), 0, size) else None


def _gif(data: bytes, decoded: bool) -> str | None:
    at = containers.gif_start(data)
    for piece in containers.gif(data):
        if piece.kind == b";":
            return None
        if piece.end > len(data):
            return "ends inside a frame" if piece.kind == b"," else "ends inside a header"
        at = piece.end
    if at >= len(data):
        return None if decoded else "no end mark"
    return _reserved(data, at - 1)


def _tiff(data: bytes, decoded: bool) -> str | None:
    order = containers.byte_order(data)
    if order is None or len(data) < 8:
        return None if order is None else "ends inside its header"
    at = int.from_bytes(data[4:8], "little" if order == "<" else "big")
    seen: set[int] = set()
    while at >= 8 and at not in seen and len(seen) < 4096:
        directory = containers.tiff_directory(data, order, at)
        # Of what was decoded, only the first page is known to be all there.
        sure = decoded and not seen
        seen.add(at)
        if directory is None or (directory.cut and not sure):
            return "a directory lies beyond its end"
        if _outside(data, order, directory, sure):
            return f"the pixels of page {len(seen)} lie beyond its end"
        at = directory.next
    return None


def _outside(data: bytes, order: str, directory: containers.Directory, sure: bool) -> bool:
    for places, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
        if not sure and places in directory.entries and sizes in directory.entries:
            starts = containers.tiff_numbers(data, order, directory.entries[places])
            lengths = containers.tiff_numbers(data, order, directory.entries[sizes])
            if any(start + length > len(data) for start, length in zip(starts, lengths, strict=False)):
                return True
    return False


def _bmp(data: bytes, decoded: bool) -> str | None:
    size = int.from_bytes(data[2:6], "little")
    return f"has {len(data)} of {size} bytes" if len(data) < size and not decoded else None


def _boxes(data: bytes, decoded: bool) -> str | None:
    at, pixels = 0, False
    for piece in containers.boxes(data):
        at, pixels = piece.end, pixels or piece.kind in _PIXEL_BOXES
        if piece.end > len(data):
            return f"ends inside its {piece.kind.decode('latin-1').strip()} box"
    if not decoded and (at < len(data) < at + 8 or (at == len(data) and not pixels)):
        return "ends before its pixels"
    return "ends in zeros" if data.endswith(bytes(_NO_DATA)) else None


def _codestream(data: bytes, decoded: bool) -> str | None:
    return None if decoded or data.endswith(b"\xff\xd9") else "no end mark"


def _icon(data: bytes, decoded: bool) -> str | None:
    for at in range(6, 6 + 16 * int.from_bytes(data[4:6], "little"), 16):
        length, start = (int.from_bytes(data[at + i : at + i + 4], "little") for i in (8, 12))
        if at + 16 > len(data) or start + length > len(data):
            return None if decoded else "ends inside a picture"
    return None


_JUDGES = (
    (b"\xff\xd8\xff", _jpeg), (b"\x89PNG\r\n\x1a\n", _png), (b"GIF8", _gif), (b"RIFF", _webp), (b"II*\0", _tiff),
    (b"MM\0*", _tiff), (b"BM", _bmp), (b"\xff\x4f\xff\x51", _codestream), (b"\0\0\1\0", _icon),
)  # fmt: skip


def ends_in_zeros(data: bytes) -> bool:
    """Whether a picture begins here for whose rest room is only reserved; no proof where pixels are not compressed."""
    return any(data.startswith(sign) for sign in _SIGNATURES) and data.endswith(bytes(_NO_DATA))


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height that a WebP's header declares (RFC 9649 sections 2.5 to 2.7)."""
    kind, body = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def kind_of(data: bytes) -> str:
    """What bytes that no picture begins with seem to be, for people."""
    start = data[:512].lstrip().lower()
    for mark, what in _OTHERS:
        if start.startswith(mark):
            return f"no picture: looks like {what}"
    try:
        data[:512].decode()
    except UnicodeDecodeError as fault:
        if fault.start < 508:
            return "no picture of a known format"
    return "no picture: looks like text" if b"\0" not in data[:512] else "no picture of a known format"


_OTHERS = (
    (b"<svg", "an SVG drawing"), (b"<?xml", "XML"), (b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"),
    (b"%pdf", "a PDF"), (b"pk\x03\x04", "a ZIP archive"), (b"{", "JSON"), (b"8bps", "a Photoshop document"),
    (b"#!", "a script"), (b"version https://git-lfs", "a Git LFS pointer"),
)  # fmt: skip
