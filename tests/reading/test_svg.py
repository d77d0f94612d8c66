"""Drawings: what is written in them, however they are packed, and what is not let in."""

import gzip

import pytest
from numpy.typing import NDArray

from glimpsed.reading import image, svg
from glimpsed.reading.bounds import USUAL, Bounds
from glimpsed.reading.content import read_content, words
from glimpsed.reading.faults import BadPicture
from glimpsed.records import Content, FaultKind, Part

NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/"'
DRAWING = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<svg {NAMES} width="10cm" height="120pt">
  <title>Fahrplan der Fähre</title><desc>Abfahrten im Sommer</desc>
  <metadata><dc:subject><Bag><li>boat</li><li>timetable</li></Bag></dc:subject>
    <dc:publisher><Agent><dc:title>Open Clip Art</dc:title></Agent></dc:publisher>
    <dc:creator><Agent><dc:title>Ada Lovelace</dc:title></Agent></dc:creator></metadata>
  <text x="1" y="2">Abfahrt <tspan>08:15</tspan><tspan x="1" dy="12">Hafen 京都</tspan><title>no tip</title></text>
</svg>""".encode()


def read(data: bytes, bounds: Bounds = USUAL) -> Content:
    content, thumbnail = read_content(data, "id", max_pixels=1000, bounds=bounds)
    assert thumbnail is None
    assert content.format == "svg"
    return content


@pytest.mark.parametrize(
    "data", [DRAWING, gzip.compress(DRAWING, mtime=0), b"\xef\xbb\xbf \n" + DRAWING.partition(b"?>")[2]]
)
def test_all_that_is_written_in_it(data: bytes) -> None:
    content = read(data)
    assert content.fault is None
    assert (content.width, content.height) == (378, 160)
    assert Part("title", "Fahrplan der Fähre") in content.parts
    assert Part("caption", "Abfahrten im Sommer") in content.parts
    assert not any("Open Clip Art" in part.text for part in content.parts)
    assert Part("keywords", "boat, timetable") in content.parts
    assert Part("author", "Ada Lovelace") in content.parts
    assert Part("ocr", "Abfahrt 08:15\nHafen 京都") in content.parts


def test_the_second_pass_needs_no_pixels() -> None:
    def never(_: NDArray[object]) -> str:  # type: ignore[type-var]  # is not called
        raise AssertionError

    assert words(DRAWING, 0, never, max_pixels=1) == ("Abfahrt 08:15\nHafen 京都", 1)


def test_attributes_tell_too() -> None:
    content = read(f"<svg {NAMES}><metadata dc:title='Ferry' dc:creator='Ada' dc:format='x'/></svg>".encode())
    assert content.parts == (Part("title", "Ferry"), Part("author", "Ada"))


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ("", None), ('width="5"', None), ('viewBox="0 0 30.4 20"', (30, 20)), ('viewBox="0,0,30"', None),
        ('width="100%" height="100%" viewBox="0 0 30 20"', (30, 20)), ('width="1in" height="2pc"', (96, 32)),
        ('width="0" height="0"', None), ('width="1e9" height="1"', None), ('width="x" height="y"', None),
        ('width="100%" height="5" viewBox="a b c d"', None),
    ],
)  # fmt: skip
def test_sizes(attributes: str, size: tuple[int, int] | None) -> None:
    content = read(f"<svg {NAMES} {attributes}/>".encode())
    assert (content.width, content.height) == (size or (None, None))


def test_entities_of_drawing_programs_are_put_in() -> None:
    head = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd" [<!ENTITY ns "http://www.w3.org/2000/svg">'
    assert read(f"{head}<!ENTITY city 'Lyon'>]>\n<svg xmlns='&ns;'><text>&city;!</text></svg>".encode()).parts == (
        Part("ocr", "Lyon!"),
    )


@pytest.mark.parametrize(
    "data",
    [
        # a thousand million laughs
        b'<!DOCTYPE svg [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;">]><svg><text>&b;</text></svg>',
        b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg><text>&a;</text></svg>',
        b'<!DOCTYPE svg [<!ENTITY % a SYSTEM "http://x/y.dtd"> %a;]><svg><text>&a;</text></svg>',
        b"<svg><text>" + b"&nothing;" + b"</text></svg>",
        b"<svg><text>never closed",
        b"<svg><text>" + b"<tspan>" * 20_000 + b"deep" + b"</tspan>" * 20_000 + b"</text></svg>",
        b"<svg>" + b"\xff\xfe\xfd" + b"</svg>",
        gzip.compress(b"<svg><text>cut off</text></svg>" + bytes(9000), mtime=0)[:-20],
        b"<!DOCTYPE svg [" + b'<!ENTITY a "' + b"x" * 900 + b'">' + b"]><svg>" + b"&a;" * 100_000 + b"</svg>",
        b"<!DOCTYPE svg [" + b"".join(b'<!ENTITY a%d "x">' % i for i in range(200)) + b"]><svg/>",
    ],
)
def test_what_is_broken_or_dangerous_is_a_fault(data: bytes) -> None:
    content = read(data, Bounds(inflated=1 << 20))
    assert content.fault is not None
    assert content.fault.kind is FaultKind.BROKEN
    assert content.fault.what.startswith("cannot be read: ")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><svg/></html>",
        b"<?xml version='1.0'?><note/>",
        b"\x1f\x8bxx",
        gzip.compress(b"text", mtime=0),
        b"svg",
    ],
)
def test_what_is_no_drawing(data: bytes) -> None:
    assert not svg.is_svg(data)
    if data[:2] == b"\x1f\x8b":
        with pytest.raises(svg.BadDrawing):
            svg.read(data)


def test_a_drawing_has_no_pixels() -> None:
    with pytest.raises(BadPicture, match="no pixels") as caught:
        image.look(DRAWING, max_pixels=1000)
    assert caught.value.format == "svg"
