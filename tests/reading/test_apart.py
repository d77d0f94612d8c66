"""What stands apart from where it is looked for: later pages, 64-bit offsets, RDF nodes, other files."""

import io
import plistlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin
from tests import pictures

from glimpsed import files, sidecar_names
from glimpsed.reading import appledouble, bigtiff, counting, image, metadata, sidecar, xmp
from glimpsed.reading.blocks import blocks
from glimpsed.reading.bounds import Bounds, bounded
from glimpsed.records import Content, Part


def wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def scan(*pages: dict[int, object], big: bool = False, order: str = "<") -> bytes:
    """A TIFF with these tags on its pages."""
    out = io.BytesIO()
    made = [Image.new("RGB", (64, 48), (40 * number, 0, 0)) for number in range(len(pages))]
    for one, tags in zip(made, pages, strict=True):
        info = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II" if order == "<" else b"MM")
        for tag, value in tags.items():
            info[tag] = value
            if isinstance(value, bytes):
                info.tagtype[tag] = 1
        one.encoderinfo = {"tiffinfo": info}
    made[0].save(
        out, "TIFF", save_all=True, append_images=made[1:], big_tiff=big, tiffinfo=made[0].encoderinfo["tiffinfo"]
    )
    return out.getvalue()


@pytest.mark.parametrize("big", [False, True])
def test_words_of_every_page(big: bool) -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    packet += (
        b'<rdf:Description xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Headline="Tide"/></rdf:RDF>'
    )
    data = scan(
        {270: "A heron at dusk", 285: "First sheet"},
        {270: "The reeds in autumn", 40091: wide("Zwölf Reiher"), 700: packet + b"</x:xmpmeta>"},
        {285: "Last sheet", 40092: wide("鷺")},
        big=big,
    )
    said = metadata.fields(data)
    texts = {part.text for part in said.parts}
    assert {
        "A heron at dusk",
        "First sheet",
        "The reeds in autumn",
        "Zwölf Reiher",
        "Last sheet",
        "鷺",
        "Tide",
    } <= texts
    with bounded(Bounds(pages=2)):
        assert "Last sheet" not in {part.text for part in metadata.fields(data).parts}
    assert counting.count(data, 100) == 3
    assert counting.count(data, 1) == 2
    assert image.page(data, 2, max_pixels=10_000).pages == 3


def big_block(order: str) -> bytes:
    """A BigTIFF with a directory of EXIF below the first; both orders of bytes."""

    def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
        return struct.pack(order + "HHQ", tag, kind, count) + value.ljust(8, b"\0")

    sign = b"II+\0" if order == "<" else b"MM\0+"
    head = sign + struct.pack(order + "HHQ", 8, 0, 16)
    first = [
        entry(0x010F, 2, 12, struct.pack(order + "Q", 300)),
        entry(0x0112, 3, 1, struct.pack(order + "H", 6)),
        entry(0x8769, 18, 1, struct.pack(order + "Q", 200)),
        entry(0x9999, 7, 2**60, struct.pack(order + "Q", 10)),
    ]
    below = [entry(0x9003, 2, 20, struct.pack(order + "Q", 320))]

    def directory(entries: list[bytes]) -> bytes:
        return struct.pack(order + "Q", len(entries)) + b"".join(entries) + bytes(8)

    data = (head + directory(first)).ljust(200, b"\0") + directory(below)
    return data.ljust(300, b"\0") + b"Ricoh Corp.\0".ljust(20, b"\0") + b"2024:03:05 10:11:12\0"


@pytest.mark.parametrize("order", ["<", ">"])
def test_details_of_a_bigtiff(order: str) -> None:
    found = blocks(big_block(order))
    said = metadata.of_blocks(found)
    assert (said.taken_at, said.taken_from) == ("2024-03-05T10:11:12", "EXIF:DateTimeOriginal")
    assert metadata.everything(found)[0].text == "Ricoh Corp."
    with bounded(Bounds(metadata=20)):
        assert metadata.fields(big_block(order)).taken_at is None


@given(st.binary(max_size=120), st.integers(0, 400))
def test_no_bigtiff_is_too_broken(noise: bytes, at: int) -> None:
    whole = big_block("<")
    for data in (whole[:at], whole[:at] + noise + whole[at + len(noise) :], b"II+\0\x08\0\0\0" + noise):
        assert len(bigtiff.classic(data)) < 10_000
        assert bigtiff.pages(data, 5) <= 5
        metadata.fields(data)


RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">{}</rdf:RDF>'
)


def texts(body: str) -> tuple[tuple[str, str], ...]:
    return xmp.read(RDF.format(body).encode()).texts


def test_nodes_are_told_where_they_are_meant() -> None:
    apart = '<rdf:Bag rdf:nodeID="b"><rdf:li>heron</rdf:li><rdf:li>reeds</rdf:li></rdf:Bag>'
    meaning = '<rdf:Description><dc:subject rdf:nodeID="b"/></rdf:Description>'
    for body in (apart + meaning, meaning + apart):
        assert texts(body) == (("keywords", "heron"), ("keywords", "reeds"))
    place = '<rdf:Description rdf:nodeID="p" e:City="Kyoto"/>'
    assert texts(f'<rdf:Description><e:LocationShown rdf:nodeID="p"/></rdf:Description>{place}') == (
        ("place", "Kyoto"),
    )
    # What only the history means is not of this picture; what nothing means is told as it stands.
    assert texts(f'<rdf:Description><xmpMM:History rdf:nodeID="p"/></rdf:Description>{place}') == ()
    assert texts(place) == (("place", "Kyoto"),)


def test_nodes_in_a_circle_end() -> None:
    body = (
        '<rdf:Description rdf:nodeID="a"><dc:subject rdf:nodeID="b"/><dc:title>One</dc:title></rdf:Description>'
        '<rdf:Description rdf:nodeID="b"><dc:subject rdf:nodeID="a"/><dc:title>Two</dc:title></rdf:Description>'
        '<rdf:Description><dc:relation rdf:nodeID="a"/></rdf:Description>'
    )
    assert {text for _, text in texts(body)} == {"One", "Two"}


def apple(attributes: dict[str, bytes], comment: bytes = b"") -> bytes:
    """An AppleDouble file as macOS writes it."""
    rows, values = b"", b""
    size = sum(-(-(11 + len(name) + 1) // 4) * 4 for name in attributes)
    start = 26 + 24 + 34 + 36 + size
    for name, value in attributes.items():
        row = struct.pack(">IIHB", start + len(values), len(value), 0, len(name) + 1) + name.encode() + b"\0"
        rows += row + bytes(-len(row) % 4)
        values += value
    attr = struct.pack(">4sIIII12xHH", b"ATTR", 0, 0, start, len(values), 0, len(attributes)) + rows + values
    finder = bytes(34) + attr
    head = bytes.fromhex("0005160700020000") + b"Mac OS X        " + struct.pack(">H", 2)
    parts = struct.pack(">IIIIII", 9, 50, len(finder), 4, 50 + len(finder), len(comment))
    return head + parts + finder + comment


def finder(value: str | list[str]) -> bytes:
    return plistlib.dumps(value, fmt=plistlib.FMT_BINARY)


def test_what_macos_puts_beside_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "IMG_1.jpg"
    pictures.save(path, pictures.noisy((64, 48), 1))
    beside = tmp_path / "._IMG_1.jpg"
    beside.write_bytes(
        apple(
            {
                "com.apple.metadata:kMDItemFinderComment": finder("The heron by the weir"),
                "com.apple.metadata:_kMDItemUserTags": finder(["Birds\n6", "Water\n4"]),
                "com.apple.quarantine": b"0081;5f",
            },
            "Grüße".encode("mac-roman"),
        )
    )
    parts, _ = sidecar.read(str(path))
    assert {part.text for part in parts} == {"The heron by the weir", "Birds, Water", "Grüße"}
    assert not files.is_picture(str(beside))
    assert files.is_sidecar(str(beside))
    assert [one for one in files.owners(str(beside)) if Path(one).exists()] == [str(path)]
    assert "._IMG_1.jpg" in files.beside(str(path))
    beside.write_bytes(pictures.encode(pictures.noisy((64, 48), 2), "JPEG"))
    assert sidecar.read(str(path)) == ((), None)


@given(st.binary(max_size=60), st.integers(0, 400))
def test_no_appledouble_is_too_broken(noise: bytes, at: int) -> None:
    whole = apple({"com.apple.metadata:kMDItemKeywords": finder(["a"])}, b"old")
    for data in (whole[:at], whole[:at] + noise + whole[at + len(noise) :], noise):
        appledouble.attributes(data)


ALBUM = '{"title": "Summer by the weir", "description": "With Ada", "access": "protected", "date": {"timestamp": "1"}}'


def test_what_takeout_tells_of_an_album(tmp_path: Path) -> None:
    one, other, album = tmp_path / "a.png", tmp_path / "b.JPG", tmp_path / "metadata.json"
    for number, path in enumerate((one, other)):
        path.write_bytes(pictures.encode(pictures.noisy((64, 48), number), "PNG"))
    album.write_text(ALBUM)
    for path in (one, other):
        assert sidecar.read(str(path)) == (
            (Part("sidecar", "With Ada"), Part("sidecar", "Summer by the weir")),
            None,
        )
    assert sorted(files.owners(str(album))) == sorted(map(str, (one, other)))
    notes = '{"albumData": {"title": "T", "enrichments": [{"narrativeEnrichment": {"text": "Then it rained"}}, 7]}}'
    album.write_text(notes)
    assert {part.text for part in sidecar.read(str(one))[0]} == {"T", "Then it rained"}
    for stranger in ('{"title": "a package", "version": 1}', "[]", "{", '{"albumData": 3}', '{"title": 4, "date": 1}'):
        album.write_text(stranger)
        assert sidecar.read(str(one)) == ((), None)
    assert all(map(sidecar_names.is_album, sidecar_names.ALBUMS))


def test_the_picture_of_an_album_keeps_its_own_date(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(pictures.encode(pictures.noisy((64, 48), 1), "PNG"))
    (tmp_path / "metadata.json").write_text(ALBUM)
    (tmp_path / "a.png.json").write_text('{"photoTakenTime": {"timestamp": "1709633472"}, "description": "Mine"}')
    parts, content = sidecar.read(str(path))
    assert {part.text for part in parts} == {"Mine", "With Ada", "Summer by the weir"}
    assert isinstance(content, Content)
    assert (content.taken_at or "").startswith("2024-03-05")
