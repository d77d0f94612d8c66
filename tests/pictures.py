"""Real pictures to test with: drawn text, saved with the metadata that cameras and editors write."""

import io
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

CJK = ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc")
WIDE = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/freefont/FreeSans.ttf")
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF"}
WITHOUT_EXIF = frozenset({"GIF", "BMP", "PPM", "ICO", "TGA", "JPEG2000"})

IPTC = {"headline": 105, "caption": 120, "keywords": 25, "by-line": 80, "city": 90, "state": 95, "country": 101}
"""Data sets of record 2 by name; `title` is 5."""


def font(text: str = "", size: int = 32, path: str | None = None) -> Font:
    """A font that has the signs of `text`; LookupError where this machine has none (see `can_draw`)."""
    if path is not None:
        return ImageFont.truetype(path, size)
    if all(ord(sign) < 0x250 for sign in text):
        return ImageFont.load_default(size)
    wide = all(ord(sign) < 0x2E80 for sign in text)
    for place in (WIDE if wide else ()) + CJK:
        if Path(place).exists():
            return ImageFont.truetype(place, size)
    raise LookupError(f"no font here for {text!r}")


def can_draw(text: str) -> bool:
    """Whether this machine has a font for these signs."""
    try:
        font(text)
    except LookupError:
        return False
    return True


def draw(
    lines: Sequence[str] | str,
    *,
    size: tuple[int, int] = (640, 400),
    text_size: int = 32,
    font_path: str | None = None,
    colours: tuple[str, str] = ("white", "black"),
    margin: int = 24,
) -> Image.Image:
    """An RGB picture with these lines of text; `colours` are ground and ink."""
    ground, ink = colours
    image = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(image)
    height = margin
    for line in [lines] if isinstance(lines, str) else lines:
        pen.text((margin, height), line, fill=ink, font=font(line, text_size, font_path))
        height += round(text_size * 1.5)
    return image


def noisy(size: tuple[int, int] = (640, 400), seed: int = 0) -> Image.Image:
    """A picture without words whose bytes differ by `seed` and do not compress to nothing."""
    width, height = size
    small = Image.effect_noise((max(1, width // 8), max(1, height // 8)), 60 + seed % 40)
    ground = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (small.resize(size), ground, ground.rotate(seed % 360)))


def exif(
    *,
    caption: str | None = None,
    comment: str | bytes | None = None,
    title: str | None = None,
    keywords: Sequence[str] = (),
    author: str | None = None,
    camera: tuple[str, str] | None = None,
    taken: str | None = None,
    offset: str | None = None,
    gps: tuple[float, float] | None = None,
    orientation: int | None = None,
) -> Image.Exif:
    """An EXIF block. `taken` as ISO 8601 or EXIF wants it, `gps` in degrees, `comment` as bytes with its own code."""
    block = Image.Exif()
    main: dict[int, Any] = {0x010E: caption and caption.encode(), 0x013B: author and author.encode()}
    if camera:
        main[0x010F], main[0x0110] = camera
    if title:
        main[0x9C9B] = title.encode("utf-16-le") + b"\0\0"
    if keywords:
        main[0x9C9E] = ";".join(keywords).encode("utf-16-le") + b"\0\0"
    main[0x0112] = orientation
    block.update({tag: value for tag, value in main.items() if value})
    details: dict[int, Any] = {}
    if taken:
        date, _, time = taken.replace("T", " ").partition(" ")
        details[0x9003] = f"{date.replace('-', ':')} {time or '00:00:00'}"
    if offset:
        details[0x9011] = offset
    if isinstance(comment, str):
        comment = b"UNICODE\0" + comment.encode("utf-16-le")
    if comment:
        details[0x9286] = comment
    block.get_ifd(0x8769).update(details)
    if gps:
        block.get_ifd(0x8825).update(_gps(*gps))
    return block


def _gps(latitude: float, longitude: float) -> dict[int, Any]:
    def degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
        whole, rest = divmod(round(abs(value) * 3_600_000), 3_600_000)
        minutes, rest = divmod(rest, 60_000)
        return IFDRational(whole), IFDRational(minutes), IFDRational(rest, 1000)

    return {
        1: "N" if latitude >= 0 else "S",
        2: degrees(latitude),
        3: "E" if longitude >= 0 else "W",
        4: degrees(longitude),
    }


def xmp_packet(inner: str, *, wrap: bool = True) -> bytes:
    """An XMP packet around RDF properties; the usual namespaces are bound."""
    names = {
        "dc": "http://purl.org/dc/elements/1.1/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "lr": "http://ns.adobe.com/lightroom/1.0/",
        "digiKam": "http://www.digikam.org/ns/1.0/",
        "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    }
    bound = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in names.items())
    body = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {bound}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )
    if wrap:
        body = f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{body}<?xpacket end="w"?>'
    return body.encode()


def iptc_block(fields: Mapping[int, Sequence[bytes]], *, utf8: bool = True) -> bytes:
    """The Photoshop block of an APP13 segment with IPTC-IIM data sets of record 2."""
    data = b"\x1c\x01\x5a\x00\x03\x1b%G" if utf8 else b""
    for number, values in fields.items():
        for value in values:
            data += struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value
    padded = data + b"\0" * (len(data) % 2)
    return b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(data)) + padded


def segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """The JPEG with one more segment behind its first marker."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def encode(
    image: Image.Image,
    form: str = "PNG",
    *,
    xmp: bytes | str | None = None,
    png_text: Mapping[str, str] | None = None,
    iptc: Mapping[str, str | Sequence[str]] | None = None,
    quality: int = 90,
    options: Mapping[str, Any] | None = None,
    **fields: Any,
) -> bytes:
    """The file's bytes in Pillow's format `form`; `fields` are those of `exif`, `xmp` a packet or what is in one."""
    more: dict[str, Any] = dict(options or {})
    if form in {"JPEG", "WEBP", "AVIF"}:
        more.setdefault("quality", quality)
    if fields and any(fields.values()) and form not in WITHOUT_EXIF:
        more["exif"] = exif(**fields)
    packet = xmp_packet(xmp) if isinstance(xmp, str) else xmp
    text = PngInfo()
    if form == "PNG":
        for key, value in (png_text or {}).items():
            text.add_itxt(key, value)
        if packet:
            text.add_itxt("XML:com.adobe.xmp", packet.decode())
        more["pnginfo"] = text
    elif form == "TIFF" and packet:
        more.setdefault("exif", Image.Exif())[700] = packet
    elif packet and form != "GIF":
        more["xmp"] = packet
    if form == "TIFF" and isinstance(more.get("exif"), Image.Exif):
        # Only a block that was written once names its inner directories, which Pillow asks for here; texts that it
        # reads back are Latin-1 to it.
        block = Image.Exif()
        block.load(more["exif"].tobytes())
        block.update({tag: value for tag, value in more["exif"].items() if isinstance(value, bytes)})
        more["exif"] = block
    out = io.BytesIO()
    image.save(out, form, **more)
    data = out.getvalue()
    if packet and form == "GIF":
        # XMP part 3, 1.1.2: the packet as it is, then 258 bytes that bring any reader to the end of the chain.
        magic = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
        data = data[:-1] + b"\x21\xff\x0bXMP DataXMP" + packet + magic + b";"
    if iptc:
        values = {
            IPTC[key]: [v.encode() for v in ([value] if isinstance(value, str) else value)]
            for key, value in iptc.items()
        }
        data = segment(data, 0xED, iptc_block(values))
    return data


def save(path: "str | os.PathLike[str] | bytes", image: Image.Image, **fields: Any) -> str:
    """Writes the picture in the format of its suffix; keywords as for `encode` and `exif`:

    caption, comment, title, keywords, author, camera=(make, model), taken, offset, gps=(latitude, longitude),
    orientation, xmp, png_text, iptc, quality. Returns the path as text.
    """
    place = os.fsdecode(path)
    suffix = os.path.splitext(place)[1].lower()
    form = FORMATS.get(suffix) or Image.registered_extensions()[suffix]
    with open(place, "wb") as file:
        file.write(encode(image, form, **fields))
    return place
