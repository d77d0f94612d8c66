"""Pictures with every field in many scripts, made with exiftool, exiv2 and Pillow: the programs that people use."""

import io
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image
from tests import pictures

TEXTS = {
    "english": ("Ferry to the island", "harbour"), "german": ("Fähre nach Föhr, größer als früher", "Straße"),
    "french": ("L’été à la plage – déjà vu", "forêt"), "polish": ("Zażółć gęślą jaźń", "żółw"),
    "vietnamese": ("Phở bò Hà Nội buổi sáng", "phở"), "greek": ("Ηλιοβασίλεμα στη Σαντορίνη", "θάλασσα"),
    "russian": ("Паром на остров, 3 августа", "пристань"), "hebrew": ("מעבורת אל האי", "נמל"),
    "arabic": ("العبّارة إلى الجزيرة", "ميناء"), "hindi": ("द्वीप के लिए नौका", "बंदरगाह"),
    "thai": ("เรือข้ามฟากไปเกาะ", "ท่าเรือ"), "korean": ("섬으로 가는 배", "항구"),
    "japanese": ("島へのフェリー、夏の夕方", "港"), "chinese": ("去小岛的渡轮", "码头"),
    "traditional": ("去小島的渡輪", "碼頭"), "emoji": ("Ferry 🚢🏝️ 👩‍👩‍👧 ok", "⛴️"),
    "rare": ("𠮷野家 𝒜𝓃𝒶", "𠮷"), "marks": ("A < B & C > \"D\" 'e' ; f | g / h", "R&D"),
}  # fmt: skip
"""A sentence and a word of each."""

FORMATS = {
    "jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tif": "TIFF", "gif": "GIF", "jp2": "JPEG2000", "avif": "AVIF",
}  # fmt: skip


def make(place: Path) -> None:
    """The sets, each in a directory of its own; a file that a program cannot write is left out."""
    by_exiftool(place / "exiftool")
    by_exiv2(place / "exiv2")
    by_pillow(place / "pillow")


def _base(path: Path, number: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pictures.encode(pictures.noisy((48, 32), number), FORMATS[path.suffix[1:]]))
    return path


def by_exiftool(place: Path, formats: Sequence[str] = tuple(FORMATS)) -> None:
    """Every field at once, in each format, script and byte order."""
    commands: list[str] = []
    for form in formats:
        for number, (name, (sentence, word)) in enumerate(TEXTS.items()):
            order = ("II", "MM")[number % 2]
            path = _base(place / f"{name}-{order}.{form}", number)
            commands += [*_written(sentence, word, number), f"-ExifByteOrder={order}"]
            commands += ["-m", "-q", "-overwrite_original", str(path), "-execute"]
    subprocess.run(
        ["exiftool", "-@", "-", "-common_args", "-codedcharacterset=utf8", "-charset", "utf8"],
        input="\n".join(commands) + "\n", text=True, capture_output=True, check=False,
    )  # fmt: skip


def _written(sentence: str, word: str, number: int) -> Iterator[str]:
    for tag in (
        "EXIF:ImageDescription", "EXIF:UserComment", "EXIF:XPTitle", "EXIF:XPComment", "EXIF:XPSubject",
        "IPTC:Caption-Abstract", "IPTC:Headline", "IPTC:SpecialInstructions", "XMP-dc:Description", "XMP-dc:Title",
        "XMP-dc:Title-fr", "XMP-dc:Description-ja", "XMP-photoshop:Headline", "XMP-photoshop:Instructions",
        "XMP-iptcCore:AltTextAccessibility", "XMP-exif:UserComment", "XMP-tiff:ImageDescription", "XMP-dc:Rights",
        "PNG:Title", "PNG:Description", "PNG:Comment", "EXIF:Copyright", "EXIF:DocumentName", "Comment",
    ):  # fmt: skip
        yield f"-{tag}={sentence}, {tag}"
    for tag in (
        "EXIF:Artist", "EXIF:XPAuthor", "EXIF:XPKeywords", "EXIF:LensModel", "EXIF:OwnerName", "IPTC:By-line",
        "IPTC:ObjectName", "IPTC:City", "IPTC:Sub-location", "IPTC:Province-State", "IPTC:Country-PrimaryLocationName",
        "IPTC:Credit", "IPTC:CopyrightNotice", "XMP-photoshop:City", "XMP-photoshop:State", "XMP-photoshop:Country",
        "XMP-photoshop:Credit", "XMP-iptcCore:Location", "XMP-iptcExt:Event", "XMP-tiff:Artist", "XMP-tiff:Make",
        "XMP-tiff:Model", "XMP-aux:Lens", "XMP-exifEX:LensModel", "XMP-iptcExt:LocationShownCity", "PNG:Author",
        "XMP-iptcExt:LocationShownCountryName", "XMP-iptcExt:LocationCreatedSublocation", "XMP-xmp:Nickname",
    ):  # fmt: skip
        yield f"-{tag}={word} {tag.partition(':')[2][:10]}"
    for tag in (
        "IPTC:Keywords", "XMP-dc:Subject", "XMP-dc:Creator", "XMP-iptcExt:PersonInImage", "XMP-digiKam:TagsList",
        "XMP-lr:HierarchicalSubject", "XMP-microsoft:LastKeywordXMP", "XMP-lr:WeightedFlatSubject",
    ):  # fmt: skip
        separator = {"XMP-lr:HierarchicalSubject": "|"}.get(tag, "/")
        yield from (f"-{tag}={word} {tag[-5:]}", f"-{tag}=Places{separator}{word}", f"-{tag}={word}, two")
    face = f"{{Name={word.replace(',', '')} Silva,Type=Face,Area={{X=0.5,Y=0.5,W=0.1,H=0.1,Unit=normalized}}}}"
    yield f"-XMP-mwg-rs:RegionInfo={{RegionList=[{face}]}}"
    yield f"-XMP-MP:RegionInfoMP={{Regions=[{{PersonDisplayName={word} Costa,Rectangle=0.1|0.1|0.1|0.1}}]}}"
    zone = ("+09:00", "-03:30", "Z", "+05:45")[number % 4]
    yield f"-EXIF:DateTimeOriginal=2024:01:{number + 1:02} 10:11:12"
    yield f"-EXIF:SubSecTimeOriginal={number:02}7"
    yield f"-EXIF:OffsetTimeOriginal={zone}"
    yield f"-EXIF:CreateDate=2024:02:{number + 1:02} 10:11:12"
    yield f"-EXIF:ModifyDate=2024:03:{number + 1:02} 10:11:12"
    yield f"-IPTC:DateCreated=2024:04:{number + 1:02}"
    yield f"-IPTC:TimeCreated=10:11:12{zone.replace('Z', '+00:00')}"
    for tag in ("photoshop:DateCreated", "exif:DateTimeOriginal", "xmp:CreateDate"):
        yield f"-XMP-{tag}=2024:05:{number + 1:02} 10:11:12.{number + 1:02}{zone}"
    yield f"-PNG:CreationTime=2024:06:{number + 1:02} 10:11:12"
    yield from ("-EXIF:Make=Canon", f"-EXIF:Model=Canon EOS R{number}")
    north, east = (35.0116 - 4.2 * number, 135.7681 - 16.3 * number)
    yield from (f"-EXIF:GPSLatitude={abs(north)}", f"-EXIF:GPSLatitudeRef={'N' if north >= 0 else 'S'}")
    yield from (f"-EXIF:GPSLongitude={abs(east)}", f"-EXIF:GPSLongitudeRef={'E' if east >= 0 else 'W'}")
    yield from (f"-XMP-exif:GPSLatitude={north}", f"-XMP-exif:GPSLongitude={east}")


_DISAGREEING = {
    "EXIF": ("ImageDescription=by EXIF", "Artist=by EXIF", "Copyright=by EXIF", "DateTimeOriginal=2001:01:01 00:00:00"),
    "XMP": ("dc:Description=by XMP", "dc:Creator=by XMP", "dc:Rights=by XMP", "photoshop:City=by XMP",
            "photoshop:DateCreated=2002:01:01 00:00:00"),
    "IPTC": ("Caption-Abstract=by IPTC", "By-line=by IPTC", "CopyrightNotice=by IPTC", "City=by IPTC",
             "DateCreated=2003:01:01"),
}  # fmt: skip


def disagreeing(place: Path) -> None:
    """Pictures of which EXIF, XMP and IPTC say different things: each two, all three, with and without a digest."""
    commands: list[str] = []
    for number, groups in enumerate(product((False, True), repeat=3)):
        for digest in ("none", "new", "0" * 32):
            path = _base(place / f"{number}-{digest}.jpg", number)
            for group, there in zip(_DISAGREEING, groups, strict=True):
                joint = "-" if group == "XMP" else ":"
                commands += [f"-{group}{joint}{value}" for value in _DISAGREEING[group] if there]
            commands += [] if digest == "none" else [f"-IPTCDigest={digest}"]
            commands += ["-m", "-q", "-overwrite_original", str(path), "-execute"]
    subprocess.run(
        ["exiftool", "-@", "-"], input="\n".join(commands) + "\n", text=True, capture_output=True, check=False
    )


def by_exiv2(place: Path) -> None:
    """What exiv2 writes its own way: comments with their character sets, IPTC, XMP with language alternatives."""
    if not shutil.which("exiv2"):
        return
    for form in ("jpg", "tif", "png"):
        for number, (name, (sentence, word)) in enumerate(TEXTS.items()):
            path = _base(place / f"{name}.{form}", number)
            charset = "Ascii" if sentence.isascii() else "Unicode"
            lines = [
                f"set Exif.Photo.UserComment charset={charset} {sentence}",
                f"set Exif.Image.ImageDescription Ascii {sentence}",
                f"set Exif.Image.Artist Ascii {word}",
                "set Exif.Photo.DateTimeOriginal Ascii 2023:07:09 01:02:03",
                f"set Iptc.Application2.Caption String {sentence}",
                f"add Iptc.Application2.Keywords String {word}",
                f"add Iptc.Application2.Keywords String {word} two",
                f"set Xmp.dc.description lang=x-default {sentence}",
                f"set Xmp.dc.description lang=de-DE {sentence} (de)",
                f"set Xmp.dc.subject XmpBag {word}",
                f"set Xmp.digiKam.TagsList XmpSeq Places/{word}",
            ]
            if not sentence.isascii():
                lines.append("set Iptc.Envelope.CharacterSet String \x1b%G")
            order = path.with_suffix(".txt")
            order.write_text("\n".join(lines), encoding="utf-8")
            subprocess.run(["exiv2", "-m", str(order), str(path)], capture_output=True, check=False)
            order.unlink()


def by_pillow(place: Path, formats: Sequence[str] = ("jpg", "png", "webp", "tif", "avif")) -> None:
    """What Pillow writes, by the drawings of the tests."""
    for form in formats:
        for number, (name, (sentence, word)) in enumerate(TEXTS.items()):
            path = _base(place / f"{name}.{form}", number)
            more: dict[str, Any] = {"png_text": {"Title": sentence, "Author": word}} if form == "png" else {}
            if form == "jpg":
                more["iptc"] = {"caption": sentence, "keywords": [word, f"{word} two"], "city": word}
            data = pictures.encode(
                pictures.noisy((48, 32), number), FORMATS[form], caption=sentence, comment=sentence, title=sentence,
                keywords=(word, "two"), author=word, camera=("Nikon", "Nikon Z6"), taken="2022-02-03T04:05:06",
                offset="-08:00", gps=(-33.8568 + number, 151.2153), xmp=f"<dc:title>{_escaped(sentence)}</dc:title>",
                **more,
            )  # fmt: skip
            path.write_bytes(data)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


LEGACY = {
    "german": ("cp1252", "mac_roman"), "french": ("cp1252",), "russian": ("cp1251", "koi8-r"), "chinese": ("gb18030",),
    "traditional": ("big5",), "korean": ("euc_kr",), "japanese": ("shift_jis", "euc_jp"), "greek": ("cp1253",),
    "polish": ("cp1250",), "arabic": ("cp1256",), "hebrew": ("cp1255",), "thai": ("tis-620",),
}  # fmt: skip


def wrongly_encoded() -> Iterator[tuple[str, str, bytes]]:
    """Name, what was written, and a JPEG that has it in an encoding that its field does not name."""
    for name, encodings in LEGACY.items():
        sentence = TEXTS[name][0].replace("’", "'").replace("–", "-")
        for encoding in encodings:
            try:
                raw = sentence.encode(encoding)
            except UnicodeEncodeError:
                continue
            block = Image.Exif()
            block[0x010E] = raw
            out = io.BytesIO()
            pictures.noisy((48, 32)).save(out, "JPEG", exif=block)
            yield f"EXIF {name} {encoding}", sentence, out.getvalue()
            iptc = pictures.iptc_block({120: [raw]}, utf8=False)
            yield f"IPTC {name} {encoding}", sentence, pictures.segment(_plain_jpeg(), 0xED, iptc)
            yield f"comment {name} {encoding}", sentence, pictures.segment(_plain_jpeg(), 0xFE, raw)
            if encoding in {"shift_jis", "euc_jp"}:
                yield f"JIS {name} {encoding}", sentence, _commented(b"JIS\0\0\0\0\0" + raw)
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-16"):
            yield f"UNICODE {name} {encoding}", sentence, _commented(b"UNICODE\0" + sentence.encode(encoding))


def _plain_jpeg() -> bytes:
    return pictures.encode(pictures.noisy((48, 32)), "JPEG")


def _commented(comment: bytes) -> bytes:
    return pictures.encode(pictures.noisy((48, 32)), "JPEG", comment=comment)


def prompts() -> Sequence[tuple[str, bytes]]:
    """What was to be drawn, and a PNG as a picture generator leaves it."""
    wanted = "a red bicycle, (snow:1.2) on the roof"
    told = "a red bicycle, snow on the roof"
    graph = {
        "3": {"class_type": "KSampler", "inputs": {"positive": ["6", 0], "negative": ["7", 0], "seed": 5}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": wanted, "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "ugly, blurry", "clip": ["4", 1]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "model.safetensors"}},
    }
    settings = f"{wanted}\nNegative prompt: ugly, blurry\nSteps: 20, Sampler: Euler a, Seed: 5, Size: 512x512"
    keyed = (
        {"parameters": settings}, {"prompt": json.dumps(graph)}, {"invokeai_metadata": json.dumps(
            {"positive_prompt": wanted, "negative_prompt": "ugly, blurry"})},
        {"Comment": json.dumps({"prompt": wanted, "uc": "ugly, blurry", "steps": 28}), "Software": "NovelAI"},
        {"parameters": json.dumps({"sui_image_params": {"prompt": wanted, "negativeprompt": "ugly, blurry"}})},
        {"Dream": f'"{wanted}" -s 50 -S 5'},
    )  # fmt: skip
    made = [(told, pictures.encode(pictures.noisy((48, 32)), "PNG", png_text=text)) for text in keyed]
    made.append((told, pictures.encode(pictures.noisy((48, 32)), "JPEG", comment=settings)))
    made.append((told, pictures.encode(pictures.noisy((48, 32)), "WEBP", caption="Prompt: " + json.dumps(graph))))
    return made
