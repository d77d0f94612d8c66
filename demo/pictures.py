"""The dozen pictures that the demo drops: drawn here, so that what they say is known."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

_FONT = Path(__file__).parent / "fonts" / "NotoSansCJKsc-demo.otf"
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825

Colour = tuple[int, int, int]


def _page(lines: list[str], *, size: tuple[int, int], ink: Colour, paper: Colour, height: int = 34) -> Image.Image:
    image = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((40, 36 + number * height * 1.5), line, fill=ink, font=ImageFont.truetype(str(_FONT), height))
    return image


def receipt(folder: Path) -> Path:
    """A receipt: only its pixels say what it is."""
    lines = ["RAMEN SHOP KYOTO", "Table 7      2024-11-02", "", "Shoyu ramen           980 yen"]
    lines += ["Gyoza dumplings       450 yen", "Green tea             200 yen", "", "TOTAL                1630 yen"]
    place = folder / "scan0001.png"
    _page(lines, size=(560, 520), ink=(40, 40, 40), paper=(250, 248, 240)).save(place)
    return place


def ticket(folder: Path) -> Path:
    """A Chinese train ticket."""
    lines = [
        "中国铁路电子客票",
        "北京南站 → 上海虹桥",
        "G123次列车   二等座",
        "2024年12月5日 10:05开",
        "¥553.0元   检票口 12",
    ]
    place = folder / "IMG_20241205_081500.png"
    _page(lines, size=(760, 380), ink=(20, 30, 90), paper=(225, 238, 250), height=40).save(place)
    return place


def traceback(folder: Path) -> Path:
    """A screenshot of a terminal."""
    lines = ["$ python shop.py", "Traceback (most recent call last):", '  File "shop.py", line 42, in checkout']
    lines += ["    average = total / len(items)", "ZeroDivisionError: division by zero", "$"]
    place = folder / "Screenshot from 2024-09-17.png"
    _page(lines, size=(1280, 800), ink=(220, 220, 220), paper=(28, 28, 34), height=32).save(place)
    return place


def poster(folder: Path) -> Path:
    """A Spanish poster."""
    lines = ["GRAN NOCHE DE FLAMENCO", "Guitarra, cante y baile", "Plaza de España, Sevilla"]
    lines += ["Sábado 14 de junio, 21 h", "Entrada libre"]
    place = folder / "cartel.jpg"
    _page(lines, size=(800, 600), ink=(150, 20, 20), paper=(255, 225, 120), height=46).save(place, quality=90)
    return place


def garden(folder: Path) -> Path:
    """No words in it: an EXIF caption and GPS say what it shows."""
    image = Image.new("RGB", (1200, 900), (120, 180, 235))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 520, 1200, 900), fill=(70, 140, 60))
    for x in range(60, 1200, 90):
        pen.line((x, 800, x, 650), fill=(40, 100, 40), width=8)
        pen.ellipse((x - 28, 590, x + 28, 670), fill=(215, 40, 60))
    exif = Image.Exif()
    exif[0x010E] = "My grandmother's garden, tulips in spring"
    exif[0x010F], exif[0x0110] = "FUJIFILM", "X-T30"
    details = exif.get_ifd(_EXIF_IFD)
    details[0x9003], details[0x9011] = "2023:04:16 11:32:05", "+02:00"
    gps = exif.get_ifd(_GPS_IFD)
    gps[1], gps[2], gps[3], gps[4] = "N", (52.0, 16.0, 12.0), "E", (4.0, 32.0, 46.0)
    place = folder / "DSCF1187.jpg"
    image.save(place, exif=exif, quality=90)
    return place


def harbour(folder: Path) -> Path:
    """An XMP sidecar, as photo managers write them, says what it shows."""
    image = Image.linear_gradient("L").resize((1200, 800)).rotate(180).convert("RGB")
    sky = Image.blend(image, Image.new("RGB", image.size, (255, 130, 40)), 0.6)
    pen = ImageDraw.Draw(sky)
    pen.ellipse((520, 380, 680, 540), fill=(255, 240, 190))
    for x in (250, 860):
        pen.polygon([(x, 560), (x, 360), (x + 110, 560)], fill=(30, 30, 50))
    place = folder / "DSC_0042.jpg"
    # The sidecar comes first, as a photo manager that exports both writes them.
    Path(f"{place}.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
        '<rdf:li xml:lang="x-default">Two sailing boats in the harbour at sunset</rdf:li></rdf:Alt></dc:description>'
        "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>holiday</rdf:li></rdf:Bag></dc:subject>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>",
        encoding="utf-8",
    )
    sky.save(place, quality=90)
    return place


def cake(folder: Path) -> Path:
    """No words at all; the demo renames it after a while."""
    image = Image.new("RGB", (900, 700), (250, 230, 235))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((200, 320, 700, 600), 30, fill=(200, 120, 140))
    for x in range(270, 680, 90):
        pen.rectangle((x, 230, x + 14, 320), fill=(90, 140, 220))
        pen.ellipse((x - 4, 195, x + 18, 232), fill=(255, 190, 40))
    place = folder / "IMG_4711.png"
    image.save(place)
    return place


def invoice(folder: Path) -> Path:
    """A German bill."""
    lines = ["ZAHNARZTPRAXIS DR. WEBER", "Lindenstraße 8, Köln", "", "RECHNUNG Nr. 2024-118"]
    lines += ["Professionelle Zahnreinigung", "Betrag: 94,50 €", "Zahlbar bis 31.01.2025"]
    place = folder / "scan0002.png"
    _page(lines, size=(900, 620), ink=(10, 10, 10), paper=(255, 255, 255), height=36).save(place)
    return place


def dog(folder: Path) -> Path:
    """Keywords in the file, as photo managers write them."""
    image = Image.new("RGB", (1000, 700), (150, 205, 240))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 430, 1000, 700), fill=(235, 215, 160))
    pen.ellipse((400, 400, 600, 520), fill=(110, 70, 40))
    pen.ellipse((570, 350, 650, 430), fill=(110, 70, 40))
    exif = Image.Exif()
    exif[0x9C9E] = "dog;beach;Brittany".encode("utf-16-le") + b"\0\0"
    place = folder / "P1030555.jpg"
    image.save(place, exif=exif, quality=88)
    return place


def wifi(folder: Path) -> Path:
    """A photo of a note."""
    lines = ["Guest network", "Wi-Fi: Blue House", "Password: kiwi-lantern-88"]
    place = folder / "note.webp"
    _page(lines, size=(760, 360), ink=(30, 60, 30), paper=(245, 250, 200), height=44).save(place, quality=90)
    return place


def whiteboard(folder: Path) -> Path:
    """A whiteboard after a meeting."""
    lines = ["ROADMAP Q3", "1. ship search in every language", "2. hire a designer", "3. move the servers"]
    place = folder / "2024-07-01 meeting" / "whiteboard.jpg"
    place.parent.mkdir()
    _page(lines, size=(1000, 560), ink=(20, 20, 140), paper=(240, 244, 246), height=44).save(place, quality=85)
    return place


def diagram(folder: Path) -> Path:
    """A drawing whose author wrote a description into the PNG."""
    image = Image.new("RGB", (800, 600), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    for x, y in ((80, 80), (480, 80), (280, 380)):
        pen.rectangle((x, y, x + 240, y + 130), outline=(0, 0, 0), width=4)
    pen.line((320, 145, 480, 145), fill=(0, 0, 0), width=4)
    pen.line((600, 210, 460, 380), fill=(0, 0, 0), width=4)
    told = PngInfo()
    told.add_itxt("Description", "How water runs through the espresso machine: pump, boiler, valve")
    place = folder / "Untitled-3.png"
    image.save(place, pnginfo=told)
    return place


DRAWN: tuple[Callable[[Path], Path], ...] = (
    receipt, ticket, traceback, poster, garden, harbour, cake, invoice, dog, wifi, whiteboard, diagram,
)  # fmt: skip
