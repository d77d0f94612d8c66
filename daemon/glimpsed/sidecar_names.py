"""How programs name the files that they put beside a picture. Names only: nothing here looks at a disk.

Google Takeout, from what its exports hold: the picture's name, `.supplemental-metadata` since 2024, cut at 46
characters, the number of a second picture of that name behind the cut, `.json`. An edited picture has no file of its
own: it goes by its original's.
"""

import os
import re
from itertools import chain

SUFFIXES: tuple[str, ...] = (".xmp", ".json", ".txt", ".md")
"""Of sidecars, in lower case, most telling first."""

_PLAIN = (".xmp", ".txt", ".md")
"""Of those that are named like the picture, with its own suffix or without."""

_TAKEOUT = 46
"""Characters before `.json`."""
_TITLE = 47
"""Characters of a picture's name before its suffix, and before its number."""
_TAIL = ".supplemental-metadata"
_TAILS = ("", *(_TAIL[:length] for length in range(len(_TAIL), 0, -1)))
_EDITED = (
    "-edited", "-bearbeitet", "-modifié", "-editado", "-editada", "-ha editado", "-modificato", "-modificata",
    "-bewerkt", "-redigerad", "-redigeret", "-redigert", "-muokattu", "-edytowane", "-upraveno", "-upravené",
    "-szerkesztett", "-editat", "-düzenlendi", "-изменено", "-відредаговано", "-επεξεργασμένο", "-編集済み", "-已编辑",
    "-已修改", "-已編輯", "-수정됨", "-แก้ไขแล้ว", "-đã chỉnh sửa", "-diedit", "-edicions", "-معدل", "-נערך",
)  # fmt: skip
"""What Google Photos puts behind the name of an edited picture, by language."""
_NUMBER = re.compile(r"\(\d{1,4}\)$")
_VERSIONS = tuple(f"_{number:02}" for number in range(1, 10))
"""What darktable puts behind the name of a picture for its further versions."""
_VERSION = re.compile(r"_0[1-9]$")
APPLE = "._"
"""Before the name of the file that macOS puts beside another one, for the attributes that its disk has no room for."""
ALBUMS = ("metadata.json", "Metadaten.json", "métadonnées.json", "metadatos.json", "metadati.json", "metadados.json")
"""What Google Takeout tells of an album, in the album's directory, by language: it speaks of each picture there."""


def is_sidecar(name: str) -> bool:
    """Whether a file of this name (or path) can belong to a picture."""
    return os.path.splitext(name)[1].lower() in SUFFIXES or is_apple(name)


def is_apple(name: str) -> bool:
    """Whether a file of this name (or path) stands for the attributes of another one, whatever its suffix says."""
    return os.path.basename(name).startswith(APPLE)


def is_album(name: str) -> bool:
    """Whether a file of this name (or path) speaks of all pictures in its directory."""
    return os.path.basename(name) in ALBUMS


def of(name: str) -> tuple[str, ...]:
    """The names that the sidecars of a picture can have, most telling first.

    `a.jpg.xmp`, `a.xmp`, darktable's `a_01.jpg.xmp`, Google Takeout's, `a.jpg.txt`, `a.txt`, `a.jpg.md`, `a.md`,
    `._a.jpg`, and what Takeout tells of the album; `.XMP`, `.TXT` and `.MD` as well.
    """
    stem, suffix = os.path.splitext(name)
    versions = (f"{stem}{version}{suffix}.xmp" for version in _VERSIONS)
    beside = [[base + form for form in (kind, kind.upper()) for base in (name, stem)] for kind in _PLAIN]
    xmp, *texts = beside
    return tuple(
        dict.fromkeys((*xmp, *versions, *_takeout(stem, suffix), *chain.from_iterable(texts), APPLE + name, *ALBUMS))
    )


def owners(name: str, suffixes: frozenset[str]) -> tuple[str, ...] | None:
    """The names of the pictures, with one of the lower-case `suffixes`, that a sidecar of this name would belong to.

    They need not exist. None where the name is cut so short that only a look at what is there can tell: then every
    picture whose name begins with `beginning` has to be asked for what is `of` it. So for an album's.
    """
    if is_apple(name):
        return (name.removeprefix(APPLE),)
    if is_album(name):
        return None
    base, kind = os.path.splitext(name)
    if kind.lower() == ".json":
        return _owners_of_takeout(base, suffixes)
    if not _is_one(base, suffixes):
        return _any_suffix(base, suffixes)
    stem, suffix = os.path.splitext(base)
    if kind.lower() == ".xmp" and _VERSION.search(stem):
        return base, _VERSION.sub("", stem) + suffix
    return (base,)


def beginning(name: str) -> str:
    """What the name of a picture begins with whose sidecar has this cut name; nothing where it is an album's."""
    return "" if is_album(name) else name[: _TAKEOUT - len(_TAIL)]


def _takeout(stem: str, suffix: str) -> list[str]:
    """The picture's own, then, where it bears a number or is edited, those of the name without."""
    bare, number = _numbered(stem)
    pairs = [(stem, ""), *([(bare, number)] if number else ())]
    plain = [base[:_TAKEOUT] + mark for base, mark in pairs]  # a picture that had no suffix when it was uploaded
    for original in _originals(bare):
        inner, inner_number = _numbered(original)
        pairs += [(original, number), (inner, inner_number or number)]
    if number and len(bare) >= _TITLE:
        pairs.append((bare, ""))  # two names of which only what was cut off differs
    names = [(base + suffix + tail)[:_TAKEOUT] + number for base, number in pairs for tail in _TAILS]
    return [name + ".json" for name in (*names, *plain)]


def _numbered(stem: str) -> tuple[str, str]:
    """A name without its number, and that: `IMG_1(2)` as `IMG_1` and `(2)`."""
    found = _NUMBER.search(stem)
    return (stem[: found.start()], found[0]) if found and found.start() else (stem, "")


def _originals(stem: str) -> list[str]:
    """The name that an edited picture had before; the word that says so may be cut itself."""
    found = [stem.removesuffix(word) for word in _EDITED if stem.endswith(word)]
    at = stem.rfind("-")
    if len(stem) == _TITLE and at > 0 and any(word.startswith(stem[at:]) for word in _EDITED):
        found.append(stem[:at])
    return [one for one in dict.fromkeys(found) if one]


def _owners_of_takeout(base: str, suffixes: frozenset[str]) -> tuple[str, ...] | None:
    base, number = _numbered(base)
    names = (base.removesuffix(tail) for tail in _TAILS if base.endswith(tail))
    pictures = [name for name in names if _is_one(name, suffixes)]
    if len(base) >= _TAKEOUT and (not pictures or _may_be_cut(base, suffixes)):
        return None
    if not pictures:
        return _any_suffix(base + number, suffixes)
    found = []
    for stem, suffix in map(os.path.splitext, pictures):
        found.append(stem + number + suffix)
        edited = [stem + word for word in _EDITED]
        found += [one + number + suffix for name in edited for one in (name, name[:_TITLE])]
        found += [stem + number + word + suffix for word in _EDITED if number]
    return tuple(dict.fromkeys(found))


def _is_one(name: str, suffixes: frozenset[str]) -> bool:
    return os.path.splitext(name)[1].lower() in suffixes


def _may_be_cut(name: str, suffixes: frozenset[str]) -> bool:
    """Whether its suffix is one, and also the beginning of a longer one, as `.jpe` is of `.jpeg`."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in suffixes and any(longer != suffix and longer.startswith(suffix) for longer in suffixes)


def _any_suffix(stem: str, suffixes: frozenset[str]) -> tuple[str, ...]:
    # One round of upper case serves cameras (IMG_1.JPG beside IMG_1.xmp).
    return tuple(stem + form for suffix in sorted(suffixes) for form in (suffix, suffix.upper()))
