"""Compare what is read from pictures with what exiftool reads from them: `python bench/metadata.py [DIR…] [--made]`.

For each field, the share of files in which both read the same value, and a list of what differs, with the reason where
it is known. `--made` makes a set of its own with exiftool, exiv2 and Pillow first and compares that, too.
Needs Debian's libimage-exiftool-perl (`exiftool`); `--made` uses `exiv2` where it is installed.
"""

import argparse
import json
import re
import subprocess
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common  # noqa: F401  it puts the tests' drawings on the path
from metadata_sets import disagreeing, make, prompts, wrongly_encoded

from glimpsed.reading import fields, metadata
from glimpsed.reading.blocks import Blocks, blocks

SETS = Path(__file__).parent.parent.parent / "shared" / "data" / "metadata"

SIMPLE = {
    **{f"IFD0:{name}": f"EXIF:{name}" for name in (
        "ImageDescription", "DocumentName", "PageName", "Artist", "Copyright", "Make", "Model", "XPTitle", "XPComment",
        "XPAuthor", "XPKeywords", "XPSubject", "ModifyDate",
    )},
    **{f"ExifIFD:{name}": f"EXIF:{name}" for name in (
        "UserComment", "LensModel", "OwnerName", "DateTimeOriginal", "CreateDate",
    )},
    **{f"IPTC:{name}": f"IPTC:{name}" for name in (
        "Caption-Abstract", "Headline", "ObjectName", "Keywords", "By-line", "City", "Sub-location", "Province-State",
        "Country-PrimaryLocationName", "SpecialInstructions", "Credit", "CopyrightNotice", "SupplementalCategories",
        "ContentLocationName",
    )},
    **{f"XMP-{name}": f"XMP-{name}" for name in (
        "dc:Title", "dc:Description", "dc:Subject", "dc:Creator", "dc:Rights", "dc:Coverage", "photoshop:Headline",
        "photoshop:City", "photoshop:State", "photoshop:Country", "photoshop:DateCreated", "photoshop:Instructions",
        "photoshop:Credit", "photoshop:SupplementalCategories", "iptcCore:Location", "iptcCore:AltTextAccessibility",
        "iptcCore:ExtDescrAccessibility", "iptcExt:PersonInImage", "iptcExt:Event", "lr:HierarchicalSubject",
        "lr:WeightedFlatSubject", "digiKam:TagsList", "microsoft:LastKeywordXMP", "exif:DateTimeOriginal",
        "exif:DateTimeDigitized", "exif:UserComment", "xmp:CreateDate", "xmp:Nickname", "tiff:ImageDescription",
        "tiff:Artist", "tiff:Copyright", "tiff:Make", "tiff:Model", "exifEX:LensModel", "aux:Lens",
    )},
    **{f"PNG:{name}": f"PNG:{name}" for name in (
        "Title", "Author", "Description", "Comment", "Copyright", "CreationTime",
    )},
    "File:Comment": "File:Comment",
}  # fmt: skip
"""exiftool's group and tag, to our source; compared without regard to case, blanks and hyphens."""

_STRUCTURES = {
    "XMP-iptcExt:LocationShown": ("City", "CountryName", "ProvinceState", "Sublocation", "WorldRegion", "LocationName"),
    "XMP-iptcExt:LocationCreated": ("City", "CountryName", "ProvinceState", "Sublocation", "WorldRegion"),
}
_OFFSETS = {"DateTimeOriginal": "Original", "CreateDate": "Digitized", "ModifyDate": ""}
_DATE = re.compile(r"(\d{4})(?:[:-](\d\d))?(?:[:-](\d\d))?(?:[ T](\d\d:\d\d)(:\d\d)?(\.\d+)?)?\s*(Z|[+-]\d\d:\d\d)?")
_NEVER_SET = re.compile(r"[0:\s-]*")


@dataclass(slots=True)
class Compared:
    """What became of one set of files."""

    files: int = 0
    there: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    differing: list[tuple[str, str, list[str], list[str]]] = field(default_factory=list)
    """File, field, exiftool's values, ours."""


def compare(files: Sequence[Path]) -> Compared:
    """Read all with both, field by field."""
    out = Compared(files=len(files))
    for told in _exiftool(files):
        path = Path(told["SourceFile"])
        theirs, ours = _theirs(told), _ours(path)
        for name, values in theirs.items():
            mine = ours.get(_plain(SIMPLE.get(name, name)), [])
            out.there[name] += 1
            if _same(values, mine):
                out.same[name] += 1
            else:
                out.differing.append((path.name, name, values, mine))
    return out


CHOSEN = {
    "Description": ("EXIF:ImageDescription", "XMP-dc:description", "IPTC:Caption-Abstract"),
    "Creator": ("EXIF:Artist", "XMP-dc:creator", "IPTC:By-line"),
    "Copyright": ("EXIF:Copyright", "XMP-dc:rights", "IPTC:CopyrightNotice"),
    "City": ("XMP-photoshop:City", "IPTC:City"),
    "DateTimeOriginal": ("EXIF:DateTimeOriginal", "XMP-photoshop:DateCreated", "IPTC:DateCreated"),
}
"""What exiftool's MWG module chooses from several places, and these."""


def compare_chosen(files: Sequence[Path]) -> Compared:
    """Of places that disagree, whether both believe the same one."""
    out = Compared(files=len(files))
    for told in _exiftool(files, "-use", "MWG", "-MWG:all"):
        path = Path(told["SourceFile"])
        said = metadata.everything(blocks(path.read_bytes()))
        for name, sources in CHOSEN.items():
            value = told.get(f"MWG:{name}", "")
            first = _text(value[0] if isinstance(value, list) else value)
            theirs = compared_date(first) if name == "DateTimeOriginal" else first
            if theirs:
                mine = [one for one in said if one.source in sources]
                chosen = fields.taken(mine) if name == "DateTimeOriginal" else next(iter(mine), None)
                out.there[name] += 1
                if chosen and _text(chosen.text) == theirs:
                    out.same[name] += 1
                else:
                    out.differing.append((path.name, name, [theirs], [chosen.text] if chosen else []))
    return out


def _exiftool(files: Sequence[Path], *options: str) -> Iterator[dict[str, Any]]:
    if not files:
        return
    command = ["exiftool", *options, "-json", "-struct", "-G1", "-n", "-charset", "filename=utf8", "-@", "-"]
    told = subprocess.run(command, input="\n".join(map(str, files)).encode(), capture_output=True, check=False)
    yield from json.loads(told.stdout.decode("utf-8", "replace") or "[]")


def _theirs(told: dict[str, Any]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = defaultdict(list)
    for key, value in told.items():
        name = re.sub(r"-[a-z]{2,3}(-[A-Za-z]{2,4})?$", "", key) if key.startswith("XMP-") else key
        if name in SIMPLE:
            out[name] += [_text(one) for one in (value if isinstance(value, list) else [value])]
        elif name in _STRUCTURES:
            for one in value if isinstance(value, list) else [value]:
                for inner in _STRUCTURES[name]:
                    if isinstance(one, dict) and inner in one:
                        out[f"XMP-iptcExt:{inner}"].append(_text(one[inner]))
    _regions(told, out)
    _dates(told, out)
    if told.get("Composite:GPSLatitude", "") != "" and told.get("Composite:GPSLongitude", "") != "":
        out["position"] = [f"{told['Composite:GPSLatitude']},{told['Composite:GPSLongitude']}"]
    return {name: [value for value in values if value] for name, values in out.items() if any(values)}


def _regions(told: dict[str, Any], out: dict[str, list[str]]) -> None:
    for name, inner, called in (
        ("XMP-mwg-rs:RegionInfo", "RegionList", "Name"), ("XMP-MP:RegionInfoMP", "Regions", "PersonDisplayName"),
    ):  # fmt: skip
        info = told.get(name)
        for one in info.get(inner, []) if isinstance(info, dict) else []:
            if isinstance(one, dict) and one.get("Type", "Face") in {"Face", "Pet"} and one.get(called):
                out[name.partition(":")[0] + ":" + called].append(_text(one[called]))


def _dates(told: dict[str, Any], out: dict[str, list[str]]) -> None:
    """Day, time, parts of a second and offset put together, as the standards have them apart."""
    for name, ending in _OFFSETS.items():
        group = "IFD0" if name == "ModifyDate" else "ExifIFD"
        if f"{group}:{name}" in out:
            second = told.get(f"ExifIFD:SubSecTime{ending}", "")
            when = out.pop(f"{group}:{name}")[0]
            fraction = str(second).strip()
            when += f".{fraction}" if fraction.isdigit() and "." not in when else ""
            out[f"{group}:{name}"] = [compared_date(when + str(told.get(f"ExifIFD:OffsetTime{ending}", "")).strip())]
    if "IPTC:DateCreated" in told:
        when = f"{told['IPTC:DateCreated']} {told.get('IPTC:TimeCreated', '')}".strip()
        out["IPTC:DateCreated"] = [compared_date(when)]
    for name in ("photoshop:DateCreated", "exif:DateTimeOriginal", "exif:DateTimeDigitized", "xmp:CreateDate"):
        if f"XMP-{name}" in out:
            out[f"XMP-{name}"] = [compared_date(value) for value in out[f"XMP-{name}"]]
    if "PNG:CreationTime" in out:
        out["PNG:CreationTime"] = [compared_date(value) for value in out["PNG:CreationTime"]]


def compared_date(text: str) -> str:
    """exiftool's form of a date as ISO 8601; a date that was never set is none."""
    text = text.strip()
    if _NEVER_SET.fullmatch(text):
        return ""
    found = _DATE.fullmatch(text)
    if found is None:
        return text
    year, month, day, minute, second, part, zone = found.groups()
    part = (part or "")[:7].rstrip("0.")
    zone = {"Z": "+00:00"}.get(zone or "", zone or "")
    return f"{year}-{month or '01'}-{day or '01'}T{minute or '00:00'}{second or ':00'}{part}{zone if minute else ''}"


def _ours(path: Path) -> dict[str, list[str]]:
    out: dict[str, list[str]] = defaultdict(list)
    data = path.read_bytes()
    found = Blocks(xmp=[data]) if path.suffix.lower() == ".xmp" else blocks(data)
    for source, label, text in metadata.everything(found):
        name = {"position": "position", "XMP-MP:PersonDisplayName": "XMP-MP:PersonDisplayName"}.get(label, source)
        out[_plain(name)].append(text)
    return out


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _text(value: Any) -> str:
    """Blanks and forms of composition aside: neither is what a person wrote."""
    if isinstance(value, dict):
        return ""
    return unicodedata.normalize("NFC", " ".join(str(value).replace("\0", " ").split()))


def _same(theirs: Sequence[str], ours: Sequence[str]) -> bool:
    if len(theirs) == 1 and re.fullmatch(r"-?[\d.]+,-?[\d.e-]+", theirs[0]):
        return any(_near(theirs[0], one) for one in ours)
    mine = {_text(one) for one in ours}
    return all(_text(one)[:3500] in {text[:3500] for text in mine} for one in theirs)


def _near(theirs: str, ours: str) -> bool:
    try:
        one, other = [[float(part) for part in text.split(",")] for text in (theirs, ours)]
    except ValueError:
        return False
    return all(abs(a - b) < 1e-6 for a, b in zip(one, other, strict=True))


def show(name: str, compared: Compared, limit: int) -> None:
    """The share of each field, then what differs."""
    total, same = compared.there.total(), compared.same.total()
    print(f"\n{name}: {compared.files} files, {total} values, {same / max(1, total):.4f} the same")
    for key, there in sorted(compared.there.items()):
        print(f"  {compared.same[key] / there:7.3f}  {compared.same[key]:5} of {there:5}  {key}")
    for file, key, theirs, ours in compared.differing[:limit]:
        print(f"  differs: {file}  {key}: {reason(key, theirs, ours)}")
        print(f"    exiftool {_short(theirs)}\n    glimpsed {_short(ours)}")


def reason(key: str, theirs: Sequence[str], ours: Sequence[str]) -> str:
    """Why a value differs, where that is known."""
    said, read = " ".join(theirs), " ".join(ours)
    if not ours:
        return "not read here"
    if ":XP" in key and "??" in said and any(sign > "\uffff" for sign in read):
        return "exiftool has no signs beyond U+FFFF in these tags"
    if key.endswith("UserComment") and any(unicodedata.category(sign) == "Co" for sign in said):
        return "UTF-8 that is marked as UNICODE, which exiftool takes at its word"
    if key.startswith("IPTC:") and said != read:
        return "an encoding that no marker names, which exiftool takes for Latin-1"
    if re.fullmatch(r"\d{8} .*", said):
        return "a date that exiftool does not take apart"
    if re.search(r"\d[+-]\d:\d\d", said):
        return "an offset of one digit, which exiftool does not take apart"
    return "unknown"


def _short(values: Sequence[str]) -> str:
    return " | ".join(value[:160].encode("unicode_escape" if not value.isprintable() else "utf-8").decode()
                      for value in values[:6]) or "nothing"  # fmt: skip


def show_written() -> None:
    """Texts in encodings that nothing names, and prompts of picture generators: against what was written."""
    missed = []
    encoded = [(name, text, metadata.everything(blocks(data))) for name, text, data in wrongly_encoded()]
    for name, text, found in encoded:
        if text not in {one.text for one in found}:
            missed.append(f"  {name}: {text!r} read as {[one.text for one in found]}")
    print(f"\nencodings that nothing names: {len(encoded) - len(missed)} of {len(encoded)} as they were written")
    print("\n".join(missed))
    told = [(text, metadata.fields(data).parts) for text, data in prompts()]
    right = sum(any(part.text == text for part in parts) for text, parts in told)
    print(f"prompts of picture generators: {right} of {len(told)} without what was not to be seen")


def pictures(place: Path) -> list[Path]:
    """All files below a directory that may be pictures."""
    suffixes = ["jpg", "jpeg", "tif", "tiff", "png", "webp", "gif", "heic", "heif", "avif", "jp2", "psd", "xmp"]
    return sorted(path for path in place.rglob("*") if path.suffix.lower()[1:] in suffixes)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="*", type=Path, help="directories of pictures; the sample sets unless given")
    parser.add_argument("--made", action="store_true", help="make sets with exiftool, exiv2 and Pillow, too")
    parser.add_argument("--limit", type=int, default=60, help="differing values that are shown")
    given = parser.parse_args()
    for place in given.places or ([SETS] if SETS.is_dir() else []):
        show(str(place), compare(pictures(place)), given.limit)
    if given.made:
        with tempfile.TemporaryDirectory() as made:
            make(Path(made))
            for directory in sorted(Path(made).iterdir()):
                show(f"made by {directory.name}", compare(pictures(directory)), given.limit)
            disagreeing(Path(made) / "disagreeing")
            files = pictures(Path(made) / "disagreeing")
            show("places that disagree, by the Metadata Working Group's order", compare_chosen(files), given.limit)
        show_written()


if __name__ == "__main__":
    main()
