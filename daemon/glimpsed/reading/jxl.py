"""JPEG XL: size and metadata, found without decoding it. Its decoder takes the memory for all pixels as it opens.

Source: ISO/IEC 18181-1 annex D.2 (SizeHeader), ISO/IEC 18181-2 (boxes).
"""

from glimpsed.reading import bounds, containers
from glimpsed.reading.containers import Cut

_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def is_jxl(data: bytes) -> bool:
    """Whether these bytes are one, alone or in boxes."""
    return data.startswith((b"\xff\x0a", _CONTAINER))


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height as stored, before any turn; None where the header is not whole."""
    stream = _codestream(data)
    if not stream.startswith(b"\xff\x0a") or len(stream) < 4:
        return None
    bits = _Bits(int.from_bytes(stream[2:32], "little"))
    small = bits.take(1)
    height = _dimension(bits, small=bool(small))
    ratio = bits.take(3)
    if ratio == 0:
        return _dimension(bits, small=bool(small)), height
    above, below = _RATIOS[ratio - 1]
    return height * above // below, height


def cut(data: bytes) -> Cut:
    """EXIF (from its TIFF header on) and XMP; never raises. Packed boxes need the module `brotli`."""
    exif, packets = b"", []
    for kind, start, end in containers.boxes(data) if data.startswith(_CONTAINER) else ():
        body = data[start : min(end, start + bounds.now().block)]
        if kind == b"brob":
            kind, body = body[:4], _inflated(body[4:])  # noqa: PLW2901  the box that it stands for
        if kind == b"Exif" and not exif:
            # The distance to the TIFF header comes first; some programs leave it out.
            start = 0 if containers.byte_order(body) else 4 + int.from_bytes(body[:4], "big")  # noqa: PLW2901
            exif = body[start:]
        elif kind == b"xml ":
            packets.append(body)
    return Cut(exif, tuple(packets))


def is_a_jpeg(data: bytes) -> bool:
    """Whether it holds the parts of a JPEG that is put together again: that one's EXIF says how it is turned."""
    return data.startswith(_CONTAINER) and any(piece.kind == b"jbrd" for piece in containers.boxes(data))


def _codestream(data: bytes) -> bytes:
    """The first bytes of the compressed picture."""
    if not data.startswith(_CONTAINER):
        return data[:64]
    for kind, start, _ in containers.boxes(data):
        if kind == b"jxlc":
            return data[start : start + 64]
        if kind == b"jxlp":  # a part, behind its number
            return data[start + 4 : start + 68]
    return b""


class _Bits:
    def __init__(self, value: int) -> None:
        self._value = value

    def take(self, count: int) -> int:
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        return taken


def _dimension(bits: _Bits, *, small: bool) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1


def _inflated(packed: bytes) -> bytes:
    try:
        import brotli  # noqa: PLC0415  of the extra, and seldom needed
    except ImportError:
        return b""
    spent = bounds.now()
    try:
        out: bytes = brotli.Decompressor().process(packed, output_buffer_limit=spent.inflatable + 1)
    except brotli.error:
        return b""
    whole = len(out) <= spent.inflatable
    spent.inflated(len(out), whole=whole)
    return out if whole else b""
