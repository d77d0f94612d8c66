"""Which place is believed where several say something, and that each field names its place."""

import hashlib
import struct

import pytest
from tests import pictures

from glimpsed.reading import blocks, fields, metadata, xmp
from glimpsed.reading.fields import Field
from glimpsed.records import Part

PICTURE = pictures.noisy((48, 32))


def sources(data: bytes) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for field in metadata.everything(blocks.blocks(data)):
        out.setdefault(field.source, []).append(field.text)
    return out


def test_each_value_names_its_place() -> None:
    data = pictures.encode(
        PICTURE, "JPEG", caption="A lake", comment="cold", title="Lake", keywords=("water",), author="Ana",
        camera=("Canon", "Canon R5"), taken="2024-03-05T10:11:12", gps=(35.0, -135.5),
        xmp="<dc:title>Ein See</dc:title><dc:subject><rdf:Bag><rdf:li>Wasser</rdf:li></rdf:Bag></dc:subject>",
        iptc={"city": "Como", "keywords": ["lake", "boat"]},
    )  # fmt: skip
    assert sources(data) == {
        "EXIF:ImageDescription": ["A lake"],
        "EXIF:UserComment": ["cold"],
        "EXIF:XPTitle": ["Lake"],
        "EXIF:XPKeywords": ["water"],
        "EXIF:Artist": ["Ana"],
        "EXIF:Make": ["Canon"],
        "EXIF:Model": ["Canon R5"],
        "EXIF:DateTimeOriginal": ["2024-03-05T10:11:12"],
        "EXIF:GPSPosition": ["35.0,-135.5"],
        "XMP-dc:title": ["Ein See"],
        "XMP-dc:subject": ["Wasser"],
        "IPTC:City": ["Como"],
        "IPTC:Keywords": ["lake", "boat"],
    }


def photoshop(data: bytes, digest: bytes | None) -> bytes:
    """The resources with the digest of the IPTC block, as Photoshop has it: 0x0425."""
    block = pictures.iptc_block({120: [data], 55: [b"20210101"]}).removeprefix(b"Photoshop 3.0\0")
    if digest is not None:
        block += b"8BIM" + struct.pack(">HHI", 0x0425, 0, 16) + digest
    return b"Photoshop 3.0\0" + block


def digest_of(data: bytes) -> bytes:
    block = photoshop(data, None).removeprefix(b"Photoshop 3.0\0")
    size = int.from_bytes(block[8:12], "big")
    return hashlib.md5(block[12 : 12 + size], usedforsecurity=False).digest()


@pytest.mark.parametrize(
    ("digest", "captions", "taken"),
    [
        (None, ["by XMP", "by IPTC"], "2022-02-02T00:00:00"),
        (digest_of(b"by IPTC"), ["by XMP", "by IPTC"], "2022-02-02T00:00:00"),
        (bytes(16), ["by IPTC", "by XMP"], "2021-01-01T00:00:00"),
    ],
    ids=["no digest", "in step", "changed alone"],
)
def test_iptc_goes_before_xmp_only_where_it_was_changed_alone(
    digest: bytes | None, captions: list[str], taken: str
) -> None:
    said = "<dc:description>by XMP</dc:description><photoshop:DateCreated>2022-02-02</photoshop:DateCreated>"
    plain = pictures.encode(PICTURE, "JPEG", xmp=said)
    content = metadata.fields(pictures.segment(plain, 0xED, photoshop(b"by IPTC", digest)))
    assert [part.text for part in content.parts if part.label == "caption"] == captions
    assert content.taken_at == taken


def test_exif_goes_before_all() -> None:
    said = "<dc:description>by XMP</dc:description><exif:DateTimeOriginal>2022-02-02</exif:DateTimeOriginal>"
    data = pictures.encode(
        PICTURE, "JPEG", caption="by EXIF", taken="2020-01-01T00:00:00", xmp=said, iptc={"caption": "by IPTC"}
    )
    content = metadata.fields(data)
    assert [part.text for part in content.parts if part.label == "caption"] == ["by EXIF", "by XMP", "by IPTC"]
    assert (content.taken_at, content.taken_from) == ("2020-01-01T00:00:00", "EXIF:DateTimeOriginal")


DATED = [
    "EXIF:DateTimeOriginal", "EXIF:CreateDate", "XMP-photoshop:DateCreated", "XMP-xmp:CreateDate",
    "PNG:Creation Time", "EXIF:ModifyDate",
]  # fmt: skip


@pytest.mark.parametrize("first", range(len(DATED)))
def test_the_order_of_dates(first: int) -> None:
    there = [Field(source, "taken", f"20{number:02}-01-01") for number, source in enumerate(DATED)][first:]
    found = fields.taken(reversed(there))
    assert found is not None
    assert found.source == DATED[first]


def test_no_date_at_all() -> None:
    assert fields.taken([Field("EXIF:Make", "make", "Canon"), Field("EXIF:CreateDate", "taken", "")]) is None


def test_levels_of_keywords_are_words_and_other_slashes_are_not() -> None:
    said = [
        Field("XMP-dc:subject", "keywords", "AC/DC"),
        Field("XMP-digiKam:TagsList", "keywords", "Places/Italy/Como"),
        Field("XMP-lr:hierarchicalSubject", "keywords", "Animals|Cats/Dogs"),
        Field("XMP-lr:hierarchicalSubject", "keywords", "darktable|exported"),
        Field("XMP-acdsee:categories", "keywords", '<Categories><Category Assigned="1">Trips</Category></Categories>'),
    ]
    assert metadata.parts(fields.pairs(said)) == (
        Part("keywords", "AC/DC, Places, Italy, Como, Animals, Cats/Dogs, Trips"),
    )


def test_a_text_cut_by_iptcs_length_is_not_said_twice() -> None:
    whole = "A long caption that goes on beyond what the old field could hold"
    assert metadata.parts([("caption", whole), ("caption", whole[:40])]) == (Part("caption", whole),)
    assert len(metadata.parts([("caption", "A long caption"), ("caption", "A long")])) == 2


def test_the_lens_is_words() -> None:
    content = metadata.of_blocks(blocks.Blocks(xmp=[pictures.xmp_packet("<tiff:Model>X100</tiff:Model>")]))
    assert content.parts == (Part("camera", "X100"),)
    aux = b'xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"'
    packet = pictures.xmp_packet("<aux:Lens>23mm F2</aux:Lens>").replace(b"xmlns:tiff", aux + b" xmlns:tiff")
    assert metadata.of_blocks(blocks.Blocks(xmp=[packet])).parts == (Part("camera", "23mm F2"),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "latin-1"])
def test_a_packet_in_any_encoding(encoding: str) -> None:
    text = pictures.xmp_packet("<dc:title>Fähre</dc:title>", wrap=False).decode()
    assert xmp.read(text.encode(encoding)).texts == (("title", "Fähre"),)


def test_a_careless_packet_is_mended() -> None:
    whole = pictures.xmp_packet("<dc:title>Salt & Pepper</dc:title><exif:TIFF/EP>1</exif:TIFF/EP>", wrap=False)
    assert xmp.read(b"\x01 junk" + whole + b"</x:xmpmeta> old rest").texts == (("title", "Salt & Pepper"),)
    assert xmp.read(b'<!DOCTYPE a [<!ENTITY x "boom">]>' + whole) == xmp.Xmp()


def test_what_is_said_of_the_pictures_it_was_made_from_is_not_said_of_it() -> None:
    inner = (
        '<xmpMM:Pantry xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"><rdf:Bag><rdf:li rdf:parseType="Resource">'
        "<dc:title>Another</dc:title></rdf:li></rdf:Bag></xmpMM:Pantry><dc:title>This</dc:title>"
    )
    assert xmp.read(pictures.xmp_packet(inner)).texts == (("title", "This"),)


def test_a_packet_in_two_pieces() -> None:
    name = b"0123456789ABCDEF" * 2
    main = pictures.xmp_packet(
        '<xmpNote:HasExtendedXMP xmlns:xmpNote="http://ns.adobe.com/xmp/note/">' + name.decode() +
        "</xmpNote:HasExtendedXMP><dc:title>Main</dc:title>"
    )  # fmt: skip
    more = pictures.xmp_packet("<dc:description>" + "long " * 20 + "</dc:description>", wrap=False)
    data = pictures.encode(PICTURE, "JPEG", xmp=main)
    for guid in (name, b"f" * 32):
        for start in (50, 0):
            end = len(more) if start else 50
            body = b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", len(more), start)
            data = pictures.segment(data, 0xE1, body + more[start:end])
    assert sources(data)["XMP-dc:description"] == [("long " * 20).strip()]


@pytest.mark.parametrize(
    ("marker", "encoding"), [(b"\x1b%G", "utf-8"), (b"\x1b-L", "iso8859-5"), (b"\x1b.F", "iso8859-7"), (b"\x1bX", None)]
)
def test_iptcs_marker_names_the_encoding(marker: bytes, encoding: str | None) -> None:
    text = "Море" if encoding != "iso8859-7" else "Θάλασσα"
    value = text.encode(encoding or "utf-8")
    block = b"\x1c\x01\x5a" + struct.pack(">H", len(marker)) + marker
    block += b"\x1c\x02\x78" + struct.pack(">H", len(value)) + value
    assert metadata.parts(fields.pairs(metadata.everything(blocks.Blocks(iptc=block)))) == (Part("caption", text),)


def test_iptc_of_more_than_32_kib() -> None:
    value = b"word " * 10_000
    block = b"\x1c\x02\x78\x80\x04" + struct.pack(">I", len(value)) + value + b"\x1c\x02\x5a\0\x04Como"
    found = sources_of(blocks.Blocks(iptc=block))
    assert found["IPTC:City"] == ["Como"]
    assert found["IPTC:Caption-Abstract"][0].startswith("word word")
    assert sources_of(blocks.Blocks(iptc=b"\x1c\x02\x78\x80\x09" + block)) == {}


def sources_of(found: blocks.Blocks) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for field in metadata.everything(found):
        out.setdefault(field.source, []).append(field.text)
    return out


def test_png_texts_of_imagemagick() -> None:
    texts = [("exif:DateTimeOriginal", "2020:01:02 03:04:05"), ("tiff:Make", "Canon"), ("exif:Model", "EOS R5"),
             ("Model", "dreamlike-v2"), ("Location", "Como"), ("unheard of", "x")]  # fmt: skip
    content = metadata.of_blocks(blocks.Blocks(texts=texts))
    assert (content.taken_at, content.taken_from) == ("2020-01-02T03:04:05", "PNG:exif:DateTimeOriginal")
    assert content.camera == "Canon EOS R5"
    assert [part for part in content.parts if part.label == "place"] == [Part("place", "Como")]


def test_packets_that_are_made_to_be_slow_are_not() -> None:
    for text in ("<x:RDF " * 100_000, "<a&" * 200_000, "<a:b/c" * 100_000, "</RDF" * 100_000 + "<RDF>"):
        assert xmp.read(text.encode()) == xmp.Xmp()


def test_more_texts_than_anybody_writes_are_passed_over() -> None:
    segment = b"\xff\xfe\0\x06some"
    found = blocks.blocks(b"\xff\xd8" + segment * 5_000)
    assert len(found.comments) == 1_000
    sets = b"\x1c\x02\x19\0\x02hi" * 30_000
    assert len(metadata.everything(blocks.Blocks(iptc=sets))) == 20_000
    packet = pictures.xmp_packet("<dc:subject><rdf:Bag>" + "<rdf:li>a</rdf:li>" * 30_000 + "</rdf:Bag></dc:subject>")
    assert 10_000 < len(xmp.read(packet).fields) <= 20_000


def test_exif_and_iptc_in_jpeg_2000() -> None:
    exif = pictures.exif(caption="A lake").tobytes()
    iptc = b"\x1c\x02\x5a\0\x04Como"
    data = pictures.encode(PICTURE, "JPEG2000")
    for body in (b"JpgTiffExif->JP2" + exif, bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38") + iptc):
        data += struct.pack(">I4s", 8 + len(body), b"uuid") + body
    assert sources(data) == {"EXIF:ImageDescription": ["A lake"], "IPTC:City": ["Como"]}


def test_comments_of_photostudio() -> None:
    data = pictures.segment(pictures.encode(PICTURE, "JPEG"), 0xEA, b"UNICODE\0" + "Fähre".encode("utf-16-be"))
    assert sources(data) == {"File:Comment": ["Fähre"]}


def test_a_marker_that_is_not_true() -> None:
    block = b"\x1c\x01\x5a\0\x03\x1b%G\x1c\x02\x5a\0\x06" + "Zürich".encode("latin-1")
    assert sources_of(blocks.Blocks(iptc=block)) == {"IPTC:City": ["Zürich"]}


@pytest.mark.parametrize(
    ("north", "east", "expected"),
    [
        ("35,0.696N", "135,46.08W", (35.0116, -135.768)),
        ("35,0,41.76S", "135,46,4.8E", (-35.0116, 135.768)),
        ("35.0116", "-135.768", (35.0116, -135.768)),
        ("35.0116", "far", None),
    ],
)
def test_positions_in_xmp(north: str, east: str, expected: tuple[float, float] | None) -> None:
    said = f"<exif:GPSLatitude>{north}</exif:GPSLatitude><exif:GPSLongitude>{east}</exif:GPSLongitude>"
    assert xmp.read(pictures.xmp_packet(said)).position == expected
