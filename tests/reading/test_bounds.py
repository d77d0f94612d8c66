"""More of something than the bounds allow: read as far as they go, and said with the key that helps."""

import gzip
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.pictures import draw, encode, noisy, xmp_packet

from glimpsed.reading import bounds, counting, image, xmp
from glimpsed.reading.bounds import Bounds, bounded
from glimpsed.reading.content import read_content
from glimpsed.reading.faults import BadPicture
from glimpsed.reading.messages import Explain, Explained, Got, Read
from glimpsed.reading.worker import Worker
from glimpsed.records import Content, FaultKind, Part


def read(data: bytes, limits: Bounds) -> tuple[Content, bytes | None]:
    return read_content(data, "0" * 64, max_pixels=1_000_000, bounds=limits)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*more: bytes) -> bytes:
    """A picture of 8 x 8 with more chunks in front of its pixels."""
    whole = encode(Image.new("RGB", (8, 8), "red"), "PNG")
    return whole[:33] + b"".join(more) + whole[33:]


def packed(keyword: bytes, text: bytes) -> bytes:
    return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(text, 9))


def tiff(pages: int) -> bytes:
    out = io.BytesIO()
    first, *others = [Image.new("L", (4, 4), shade) for shade in range(pages)]
    first.save(out, "TIFF", save_all=True, append_images=others)
    return out.getvalue()


def said(content: Content) -> str:
    assert content.fault is not None
    assert content.fault.kind is FaultKind.TOO_LARGE
    return content.fault.what


def test_what_is_within_the_bounds_has_no_fault() -> None:
    content, thumbnail = read(png(packed(b"Title", b"A bicycle")), Bounds())
    assert (content.parts, content.fault) == ((Part("title", "A bicycle"),), None)
    assert thumbnail is not None


def test_metadata() -> None:
    caption = chunk(b"tEXt", b"Description\0" + b"x" * 3000)
    content, thumbnail = read(png(chunk(b"tEXt", b"Title\0A bicycle"), caption), Bounds(metadata=2000))
    assert content.parts == (Part("title", "A bicycle"),)
    assert said(content) == "3,000 bytes of metadata; at most 2,000 are read ([read] max_metadata)"
    assert thumbnail is not None
    assert read(png(caption), Bounds(metadata=3000))[0].fault is None


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_metadata_of_all_blocks_together(form: str) -> None:
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b" " * 3000 + b"</x:xmpmeta>"
    plain = encode(noisy((64, 64)), form, caption="A receipt")
    out = io.BytesIO()
    Image.open(io.BytesIO(plain)).save(out, form, xmp=packet, exif=Image.open(io.BytesIO(plain)).info["exif"])
    content, _ = read(out.getvalue(), Bounds(metadata=3000))
    assert Part("caption", "A receipt") in content.parts
    assert said(content).endswith("bytes of metadata; at most 3,000 are read ([read] max_metadata)")


def test_a_bomb_of_packed_text() -> None:
    bomb = packed(b"Comment", bytes(40_000_000))
    assert len(bomb) < 50_000
    content, thumbnail = read(png(bomb), Bounds(inflated=1_000_000))
    assert said(content) == "text that unpacks to more bytes; at most 1,000,000 are read ([read] max_inflated)"
    assert thumbnail is None
    assert content.format is None


def test_many_packed_texts_have_one_bound() -> None:
    three = [packed(b"Comment", bytes([65 + number]) * 1000) for number in range(3)]
    with bounded(Bounds(inflated=2500)) as spent:
        from glimpsed.reading.blocks import blocks

        assert [text for _, text in blocks(png(*three)).texts] == ["A" * 1000, "B" * 1000]
        assert spent.fault is not None


def test_a_bomb_in_a_colour_profile_is_within_pillows_hands() -> None:
    profile = chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(40_000_000), 9))
    content, _ = read(png(profile), Bounds(inflated=1_000_000))
    assert content.fault is None or content.fault.kind is FaultKind.TOO_LARGE


def test_a_broken_stream_is_no_bomb() -> None:
    content, _ = read(png(chunk(b"zTXt", b"Title\0\0" + b"nothing that was packed")), Bounds())
    assert content.fault is None or content.fault.kind is not FaultKind.TOO_LARGE


def test_text() -> None:
    words = PngInfo()
    for number in range(5):
        words.add_text("Comment", f"{number} " + "é" * 200)
    out = io.BytesIO()
    Image.new("L", (9, 9)).save(out, "PNG", pnginfo=words)
    content, _ = read(out.getvalue(), Bounds(text=1000))
    assert [part.text[0] for part in content.parts] == ["0", "1"]
    assert said(content) == "more bytes of text; at most 1,000 are read ([read] max_text)"


def test_text_of_sidecars(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "a.txt").write_text("x" * 2000)
    got = Worker(1_000_000, Bounds(text=1000)).answer(Read(os.fsencode(tmp_path / "a.png"), frozenset()))
    assert isinstance(got, Got)
    assert got.sidecar_parts == ()
    assert got.content is not None
    assert got.content.fault is None  # it is not the picture's
    assert got.sidecar_content is not None
    assert got.sidecar_content.fault is not None
    assert got.sidecar_content.fault.what == (
        "a sidecar has more bytes of text; at most 1,000 are read ([read] max_text)"
    )


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_frames(form: str) -> None:
    out = io.BytesIO()
    first, *others = [noisy((16, 16), seed) for seed in range(5)]
    first.save(out, form, save_all=True, append_images=others)
    data = out.getvalue()
    assert counting.count(data, 100) == 5
    assert counting.count(data, 3) == 4
    content, thumbnail = read(data, Bounds(frames=3))
    assert said(content) == "more frames or pages; at most 3 are read ([read] max_frames)"
    assert thumbnail is not None
    assert read(data, Bounds(frames=5))[0].fault is None


def test_pages_that_are_read_for_words() -> None:
    with bounded(Bounds(frames=3)):
        assert image.page(tiff(9), 2, max_pixels=1000).pages == 3
    assert image.page(tiff(9), 0, max_pixels=1000).pages == 9


@pytest.mark.parametrize("form", ["GIF", "TIFF"])
def test_pillow_does_not_count_what_may_be_endless(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    first, *others = [noisy((16, 16), seed) for seed in range(5)]
    first.save(out, form, save_all=True, append_images=others)

    def known(opened: Any) -> int:
        assert opened._n_frames is not None  # else Pillow goes through all of them now
        return int(opened._n_frames)

    with Image.open(io.BytesIO(out.getvalue())) as opened:
        monkeypatch.setattr(type(opened), "n_frames", property(known))
    assert image.look(out.getvalue(), max_pixels=1000).frames == 5
    assert image.page(out.getvalue(), 0, max_pixels=1000).pages == (5 if form == "TIFF" else 3)


def test_a_bomb_that_is_a_drawing() -> None:
    whole = b"<svg xmlns='http://www.w3.org/2000/svg'><title>Lunch</title>" + b" " * 40_000_000 + b"</svg>"
    content, _ = read(gzip.compress(whole), Bounds(inflated=1_000_000))
    assert said(content) == "text that unpacks to more bytes; at most 1,000,000 are read ([read] max_inflated)"
    assert content.format == "svg"
    assert read(gzip.compress(whole), Bounds())[0].parts == (Part("title", "Lunch"),)


def test_a_drawing_with_too_many_words() -> None:
    content, _ = read(b"<svg xmlns='http://www.w3.org/2000/svg'><title>%s</title></svg>" % (b"x" * 99), Bounds(text=9))
    assert content.parts == ()
    assert said(content).endswith("([read] max_text)")


def test_a_reading_anew_has_the_same_bounds(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(packed(b"Title", b"x" * 3000)))
    request = Explain(os.fsencode(tmp_path / "a.png"), pixels=False, drawn=False)
    told = Worker(1_000_000, Bounds(inflated=1000)).answer(request)
    assert isinstance(told, Explained)
    assert said(told.content).endswith("([read] max_inflated)")
    told = Worker(1_000_000, Bounds()).answer(request)
    assert isinstance(told, Explained)
    assert told.content.fault is None


def test_pages_that_lead_back_to_the_first_are_counted_once() -> None:
    data = bytearray(tiff(2))
    first = int.from_bytes(data[4:8], "little")
    place = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    data[place : place + 4] = data[4:8]
    assert counting.count(bytes(data), 1000) == 1


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\0", b"II*\0\xff\xff\xff\xff"])
def test_what_has_no_frames_counts_as_one(data: bytes) -> None:
    assert counting.count(data, 10) == 1


def tiled(side: int) -> bytes:
    """A TIFF of 64 x 64 that claims tiles of that side, packed."""
    tile = zlib.compress(bytes(64 * 64))
    tags = [(256, 64), (257, 64), (258, 8), (259, 8), (262, 1), (277, 1), (322, side), (323, side), (324, 8)]
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in [*tags, (325, len(tile))]]
    body = b"II*\0" + struct.pack("<I", 8 + len(tile)) + tile
    return body + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def test_tiles_larger_than_the_picture() -> None:
    assert image.look(tiled(64), max_pixels=1_000_000).format == "tiff"
    with pytest.raises(BadPicture) as bad:
        image.look(tiled(60_000), max_pixels=1_000_000)
    assert bad.value.fault.kind is FaultKind.TOO_LARGE
    assert bad.value.fault.what == "60000 x 60000 pixels in one tile; at most 1000000 are read ([read] max_pixels)"


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "%s">%s]>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>%s</dc:title></rdf:Description>
</rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize(
    ("packet", "allowed", "title"),
    [
        (LAUGHS % (b"ha", b"", b"&a;"), 0, None),
        (LAUGHS % (b"ha", b"", b"&a;"), 1, "ha"),
        (LAUGHS % (b"ha", b'<!ENTITY b "ho">', b"&a;&b;"), 1, None),
        (LAUGHS % (b"ha", b'<!ENTITY b SYSTEM "file:///etc/passwd">', b"&b;"), 9, None),
    ],
)
def test_entities(packet: bytes, allowed: int, title: str | None) -> None:
    with bounded(Bounds(xml_entities=allowed)) as spent:
        assert xmp.read(packet).texts == ((("title", title),) if title else ())
    if title:
        assert spent.fault is None
    else:
        assert spent.fault is not None
        assert spent.fault.what == (f"XMP that declares entities; at most {allowed} are read ([read] max_xml_entities)")


def test_a_billion_laughs_end() -> None:
    more = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    packet = LAUGHS % (b"ha", b'<!ENTITY a0 "ha">' + more, b"&a11;")
    with bounded(Bounds(xml_entities=1000)):
        assert xmp.read(packet).texts == ()  # expat's own bound on what they become


def test_packets_and_values() -> None:
    title = "<dc:title>Lunch</dc:title>" + " " * 3_000
    made: dict[str, Any] = {"xmp": title, "iptc": {"caption": "Soup", "keywords": ["a", "b", "c"]}}
    whole = encode(Image.new("RGB", (8, 8)), "JPEG", **made)
    content, _ = read(whole, Bounds(packet=2_000))
    assert content.fault is not None
    assert content.fault.what == "an XMP packet of more bytes; at most 2,000 are read ([read] max_packet)"
    assert [part.text for part in content.parts if part.label != "date"] == ["Soup", "a, b, c"]
    content, _ = read(whole, Bounds(values=2))
    assert content.fault is not None
    assert content.fault.what == "more values in an IPTC block; at most 2 are read ([read] max_values)"
    bag = "".join(f"<rdf:li>{name}</rdf:li>" for name in "abc")
    with bounded(Bounds(values=2)) as spent:
        packet = xmp_packet(f"<dc:subject><rdf:Bag>{bag}</rdf:Bag></dc:subject>")
        assert xmp.read(packet).texts == (("keywords", "a"),)  # and whom the packet is about
    assert spent.fault is not None
    assert spent.fault.what == "more values in an XMP packet; at most 2 are read ([read] max_values)"


def test_ancestors_without_end_are_no_trouble() -> None:
    packet = b"<photoshop:DocumentAncestors>" * 200_000
    with bounded(Bounds()) as spent:
        assert xmp.read(packet).texts == ()
    assert spent.fault is not None


def test_a_large_drawing() -> None:
    content, _ = read(b"<svg xmlns='http://www.w3.org/2000/svg'><title>Lunch</title></svg>", Bounds(inflated=60))
    assert content.fault is not None
    assert content.fault.what == "a drawing of 66 bytes; at most 60 are read ([read] max_inflated)"


def test_outside_of_a_reading_the_defaults_hold() -> None:
    assert bounds.now().bounds == Bounds()


def test_what_is_told_twice_is_said_once() -> None:
    with bounded(Bounds()) as spent:
        for _ in range(2):
            spent.entities()
        spent.frames(20_000)
    assert spent.fault is not None
    assert spent.fault.what.count("([read] max_") == 2


def test_drawn_pictures_are_far_from_any_bound() -> None:
    for form in ("JPEG", "PNG", "WEBP", "GIF", "TIFF"):
        assert read(encode(draw("Hello"), form), Bounds())[0].fault is None
