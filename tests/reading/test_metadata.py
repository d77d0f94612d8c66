"""What people and cameras write into pictures, in the forms in which they do."""

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests import pictures

from glimpsed.reading import blocks, exif, iptc, metadata, xmp
from glimpsed.reading.fields import Field
from glimpsed.records import CONTENT_LABELS, Content, Part

PICTURE = pictures.noisy((48, 32))


def by_label(content: Content) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for part in content.parts:
        out.setdefault(part.label, []).append(part.text)
    return out


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_in_every_container(form: str) -> None:
    data = pictures.encode(
        PICTURE,
        form,
        caption="Ramen in 京都",
        comment="very good",
        title="Lunch",
        keywords=("noodles", "日本"),
        author="Ana",
        camera=("NIKON CORPORATION", "NIKON D70"),
        taken="2024-03-05T12:30:01",
        offset="+09:00",
        gps=(35.0116, -135.7681),
    )
    content = metadata.fields(data)
    assert content.taken_at == "2024-03-05T12:30:01+09:00"
    assert content.camera == "NIKON D70"
    assert (content.latitude, content.longitude) == (35.0116, -135.7681)
    assert content.parts == (
        Part("caption", "Ramen in 京都"),
        Part("title", "Lunch"),
        Part("keywords", "noodles, 日本"),
        Part("author", "Ana"),
        Part("comment", "very good"),
        Part("date", "2024-03-05 5 March 2024 Tuesday"),
        Part("camera", "NIKON D70"),
    )
    assert {part.label for part in content.parts} <= set(CONTENT_LABELS)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
def test_xmp_in_every_container(form: str) -> None:
    data = pictures.encode(PICTURE, form, xmp="<dc:description>A red bicycle</dc:description>")
    assert by_label(metadata.fields(data)) == {"caption": ["A red bicycle"]}


def test_xmp_in_jpeg_2000() -> None:
    data = pictures.encode(PICTURE, "JPEG2000")
    packet = pictures.xmp_packet("<dc:title>Boxed</dc:title>")
    body = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + packet
    assert by_label(metadata.fields(data + struct.pack(">I4s", 8 + len(body), b"uuid") + body)) == {"title": ["Boxed"]}


def test_xmp_says_all_it_can() -> None:
    packet = pictures.xmp_packet(
        """
        <dc:title><rdf:Alt>
          <rdf:li xml:lang="x-default">Boat</rdf:li><rdf:li xml:lang="es">Barco</rdf:li></rdf:Alt></dc:title>
        <dc:description rdf:parseType="Literal">On the lake</dc:description>
        <dc:subject><rdf:Bag><rdf:li>water</rdf:li><rdf:li>summer</rdf:li></rdf:Bag></dc:subject>
        <dc:creator><rdf:Seq><rdf:li>Ana</rdf:li></rdf:Seq></dc:creator>
        <digiKam:TagsList><rdf:Seq><rdf:li>Places/Italy/Como</rdf:li><rdf:li>water</rdf:li></rdf:Seq></digiKam:TagsList>
        <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Italy</rdf:li></rdf:Bag></lr:hierarchicalSubject>
        <photoshop:Headline>Regatta</photoshop:Headline>
        <Iptc4xmpCore:Location>Harbour</Iptc4xmpCore:Location>
        <photoshop:City>Como</photoshop:City><photoshop:Country>Italy</photoshop:Country>
        <exif:DateTimeOriginal>2022-08-01T10:00:00.50+02:00</exif:DateTimeOriginal>
        <xmp:CreateDate>2023-01-01</xmp:CreateDate>
        <tiff:Make>Canon</tiff:Make><tiff:Model>Canon EOS R5</tiff:Model>
        <exif:GPSLatitude>45,48,36N</exif:GPSLatitude><exif:GPSLongitude>9,5.1E</exif:GPSLongitude>
        <mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>
          <rdf:li><rdf:Description mwg-rs:Name="Alice" mwg-rs:Type="Face"/></rdf:li>
          <rdf:li rdf:parseType="Resource"><mwg-rs:Name>Bob</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type></rdf:li>
          <rdf:li><rdf:Description mwg-rs:Name="AF" mwg-rs:Type="Focus"/></rdf:li>
        </rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>
        <Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>Bob</rdf:li><rdf:li>Carol</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>
        """
    )
    content = metadata.of_blocks(blocks.Blocks(xmp=[packet]))
    assert by_label(content) == {
        "caption": ["On the lake", "Regatta"],
        "title": ["Boat", "Barco"],
        "keywords": ["water, summer, Places, Italy, Como"],
        "people": ["Bob, Carol, Alice"],
        "place": ["Harbour, Como, Italy"],
        "author": ["Ana"],
        "date": ["2022-08-01 1 August 2022 Monday"],
        "camera": ["Canon EOS R5"],
    }
    assert content.taken_at == "2022-08-01T10:00:00.5+02:00"
    assert (content.latitude, content.longitude) == (45.81, 9.085)


@pytest.mark.parametrize("ancestors", [30_000, 100_000])
def test_what_photoshop_hands_down_hides_no_words(ancestors: int) -> None:
    numbers = "".join(f"<rdf:li>xmp.did:{number:036x}</rdf:li>" for number in range(ancestors))
    packet = pictures.xmp_packet(
        f"<photoshop:DocumentAncestors><rdf:Bag>{numbers}</rdf:Bag></photoshop:DocumentAncestors>"
        "<photoshop:Headline>A heron</photoshop:Headline>"
    )
    assert xmp.read(packet).texts == (("caption", "A heron"),)


def test_properties_as_attributes() -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:City="Como" p:DateCreated="2020-02"/>'
        b"</rdf:RDF></x:xmpmeta>\0\0"
    )
    found = xmp.read(packet)
    assert found.texts == (("place", "Como"),)
    assert found.taken == "2020-02-01T00:00:00"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"no xml",
        b"<a><b></a>",
        b'<!DOCTYPE a [<!ENTITY x "boom">]><a>&x;</a>',
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"\xff\xfe<\0",
        pictures.xmp_packet("<exif:GPSLatitude>north</exif:GPSLatitude><exif:GPSLongitude>x,yE</exif:GPSLongitude>"),
    ],
)
def test_packets_that_say_nothing(packet: bytes) -> None:
    assert xmp.read(packet) == xmp.Xmp()


def test_iptc() -> None:
    data = pictures.encode(
        PICTURE,
        "JPEG",
        iptc={"caption": "Tour de São Paulo", "headline": "Race", "keywords": ["bike", "rain"], "by-line": "Ana",
              "city": "São Paulo", "country": "Brasil"},
    )  # fmt: skip
    assert by_label(metadata.fields(data)) == {
        "caption": ["Tour de São Paulo"],
        "title": ["Race"],
        "keywords": ["bike, rain"],
        "place": ["São Paulo, Brasil"],
        "author": ["Ana"],
    }


def test_iptc_without_a_character_set() -> None:
    block = pictures.iptc_block(
        {120: ["Fête à Genève".encode("cp1252")], 55: [b"20240305"], 60: [b"101112+0100"]}, utf8=False
    )
    content = metadata.of_blocks(blocks.Blocks(photoshop=block.removeprefix(b"Photoshop 3.0\0")))
    assert content.parts[0] == Part("caption", "Fête à Genève")
    assert content.taken_at == "2024-03-05T10:11:12+01:00"


def test_iptc_that_is_broken() -> None:
    assert list(iptc.fields(b"\x1c\x02\x78\xff\xff")) == []
    assert list(iptc.fields(b"\x1c\x02\x78\0\x09ab")) == [Field("IPTC:Caption-Abstract", "caption", "ab")]
    assert iptc.from_photoshop(b"8BIM\x04\x04") == b""
    assert iptc.from_photoshop(b"8BIM\x03\xed\0\0\0\0\0\x01x\0") == b""
    assert iptc.from_photoshop(b"\x1c\x02") == b"\x1c\x02"


def test_png_texts() -> None:
    data = pictures.encode(
        PICTURE,
        "PNG",
        png_text={"Title": "Zug", "Author": "Ana", "Comment": "Created with GIMP", "Creation Time": "2021-05-06",
                  "parameters": "a castle on a hill\nNegative prompt: ugly", "Software": "x"},
    )  # fmt: skip
    content = metadata.fields(data)
    assert by_label(content) == {
        "title": ["Zug"],
        "author": ["Ana"],
        "comment": ["a castle on a hill"],
        "date": ["2021-05-06 6 May 2021 Thursday"],
    }


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes) -> bytes:
    plain = pictures.encode(PICTURE)
    return plain[:33] + b"".join(chunks) + plain[33:]


def test_png_texts_of_all_kinds_and_profiles() -> None:
    packet = pictures.xmp_packet("<dc:title>Raw</dc:title>")
    block = pictures.exif(caption="Hidden").tobytes()
    photoshop = pictures.iptc_block({90: [b"Bern"]})
    data = png_with(
        chunk(b"tEXt", b"Description\0Caf\xe9"),
        chunk(b"zTXt", b"Author\0\0" + zlib.compress(b"Ana")),
        chunk(b"zTXt", b"Comment\0\0broken"),
        chunk(b"iTXt", b"Title\0\1\0es\0T\0" + zlib.compress("Año".encode())),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n  9\n" + block.hex().encode())),
        chunk(b"tEXt", b"Raw profile type xmp\0" + b"\nxmp\n  9\n" + packet.hex().encode()),
        chunk(b"tEXt", b"Raw profile type iptc\0" + b"\niptc\n  9\n" + photoshop.hex().encode()),
        chunk(b"tEXt", b"Raw profile type icc\0\nicc\n 9\nzz"),
    )
    assert by_label(metadata.fields(data)) == {
        "caption": ["Hidden", "Café"],
        "title": ["Raw", "Año"],
        "place": ["Bern"],
        "author": ["Ana"],
    }


def test_comments() -> None:
    jpeg = pictures.segment(pictures.encode(PICTURE, "JPEG"), 0xFE, "Grüße".encode("latin-1") + b"\0")
    assert by_label(metadata.fields(jpeg)) == {"comment": ["Grüße"]}
    gif = pictures.encode(PICTURE, "GIF", options={"comment": ("long " * 100).encode()})
    assert by_label(metadata.fields(gif)) == {"comment": [("long " * 100).strip()]}


def test_iptc_and_photoshop_in_tiff() -> None:
    block = Image.Exif()
    photoshop = pictures.iptc_block({120: [b"In a tag"]}).removeprefix(b"Photoshop 3.0\0")
    block[34377] = photoshop
    block[33723] = iptc.from_photoshop(pictures.iptc_block({101: [b"Chile"]}).removeprefix(b"Photoshop 3.0\0"))
    out = io.BytesIO()
    PICTURE.save(out, "TIFF", exif=block)
    assert by_label(metadata.fields(out.getvalue())) == {"caption": ["In a tag"]}


@pytest.mark.parametrize(
    "text",
    [
        "OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "DCIM", "KONICA MINOLTA DIGITAL CAMERA", "Screenshot", "cof",
        "Exif_JPEG_PICTURE", "Created with GIMP", "<Digimax i50 MP3, Samsung #1 MP3>", "_", "a5cb" * 16,
        "CREATOR: gd-jpeg v1.0 (using IJG JPEG v80), quality = 85", "  ",
    ],
)  # fmt: skip
def test_what_cameras_and_programs_write_is_no_caption(text: str) -> None:
    assert metadata.parts([("caption", text), ("comment", text)]) == ()


@pytest.mark.parametrize(
    "text", ["My first digital camera", "Created with love by Ana", "Sony", "Adobe house in Santa Fe", "2024"]
)
def test_what_people_write_is_one(text: str) -> None:
    assert metadata.parts([("caption", text)]) == (Part("caption", text),)


def test_boilerplate_takes_no_time_on_long_text() -> None:
    assert metadata.boilerplate("_" * 199 + "a" + "_") is False
    assert metadata.boilerplate("." * 10_000) is False


def test_the_same_text_counts_once() -> None:
    data = pictures.encode(
        PICTURE, "JPEG", caption="Ramen", title="RAMEN", xmp="<dc:description>Ramen</dc:description>"
    )
    assert metadata.fields(data).parts == (Part("caption", "Ramen"),)


def test_date_precedence() -> None:
    block = Image.Exif()
    block[0x0132] = "2024:01:01 00:00:00"
    out = io.BytesIO()
    PICTURE.save(out, "JPEG", exif=block)
    assert metadata.fields(out.getvalue()).taken_at == "2024-01-01T00:00:00"
    block.get_ifd(0x8769)[0x9004] = "2023:01:01 00:00:00"
    block.get_ifd(0x8769)[0x9012] = "-03:30"
    out = io.BytesIO()
    PICTURE.save(out, "JPEG", exif=block, xmp=pictures.xmp_packet("<xmp:CreateDate>2022-01-01</xmp:CreateDate>"))
    assert metadata.fields(out.getvalue()).taken_at == "2023-01-01T00:00:00-03:30"


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (b"ASCII\0\0\0plain", "plain"),
        (b"UNICODE\0" + "東京の夜".encode("utf-16-be"), "東京の夜"),
        (b"UNICODE\0" + "東京の夜".encode("utf-16-le"), "東京の夜"),
        (b"UNICODE\0" + "night train".encode("utf-16-be"), "night train"),
        (b"UNICODE\0\xff\xfe" + "дача".encode("utf-16-le"), "дача"),
        (b"UNICODE\0night train", "night train"),
        (b"JIS\0\0\0\0\0" + "東京".encode("iso2022_jp"), "東京"),
        (bytes(8) + b"any code", "any code"),
        (b"no code at all", "no code at all"),
        (b"ASCII\0\0\0Sc\x01\x02", ""),
        (b"UNICODE\0" + bytes(20), ""),
    ],
)
def test_user_comments(comment: bytes, expected: str) -> None:
    found = by_label(metadata.fields(pictures.encode(PICTURE, "JPEG", comment=comment)))
    assert found.get("comment", [""]) == [expected]


@pytest.mark.parametrize(("make", "model", "expected"), [
    ("Canon", "Canon EOS R5", "Canon EOS R5"), ("OLYMPUS IMAGING CORP.", "E-M10", "OLYMPUS E-M10"), ("", "X", "X"),
    ("EASTMAN KODAK COMPANY", "KODAK CX7530", "KODAK CX7530"), ("", "", None), ("Apple", "iPhone 8", "Apple iPhone 8"),
])  # fmt: skip
def test_camera_names(make: str, model: str, expected: str | None) -> None:
    assert exif.camera_name(make, model) == expected


@pytest.mark.parametrize("position", [(0.0, 0.0), (91.0, 5.0), (5.0, 181.0), (float("nan"), 1.0)])
def test_positions_that_cannot_be(position: tuple[float, float]) -> None:
    assert exif.on_earth(*position) is None


def test_rubbish_in_exif() -> None:
    block = bytearray(pictures.exif(caption="x", gps=(1.5, 2.5), orientation=6).tobytes().removeprefix(b"Exif\0\0"))
    assert exif.orientation(exif.parse(bytes(block))) == 6
    for value in (0, 9, 36865):
        at = block.index(b"\x01\x12" if block[:2] == b"MM" else b"\x12\x01")
        struct.pack_into(">H" if block[:2] == b"MM" else "<H", block, at + 8, value)
        assert exif.orientation(exif.parse(bytes(block))) == 1
    assert exif.position(exif.parse(b"II*\0\x08\0\0\0")) is None
    assert exif.parse(b"II*\0") == exif.Exif()
    assert exif.parse(b"") == exif.Exif()


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_no_damage_makes_it_fail(data: st.DataObject) -> None:
    whole = bytearray(_rich(data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, min(len(whole), 2500) - 1))] = data.draw(st.integers(0, 255))
    content = metadata.fields(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    for part in content.parts:
        part.text.encode("utf-8")


_KEPT: dict[str, bytes] = {}


def _rich(form: str) -> bytes:
    if form not in _KEPT:
        _KEPT[form] = pictures.encode(
            PICTURE, form, caption="x", comment="y", keywords=("a", "b"), taken="2024-03-05T12:30:01", gps=(1.5, 2.5),
            xmp="<dc:title>k</dc:title>", png_text={"Title": "t"}, iptc={"city": "c"} if form == "JPEG" else None,
        )  # fmt: skip
    return _KEPT[form]
