"""The line that hides a path hides it, and its neighbours stay."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpsed.watching.hiding import hiding
from glimpsed.watching.ignore import FILE, Ignore

_NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]) | st.sampled_from("*?[]!#\\ \n\udcff\x1b"),
    min_size=1,
    max_size=12,
).filter(lambda name: name not in (".", "..") and not name.startswith((".", "~")) and not name.endswith("~"))


def ignore(folder: Path, line: str) -> Ignore:
    (folder / FILE).write_bytes(line.encode("utf-8") + b"\n")
    return Ignore(str(folder), (), follow_symlinks=True)


@given(name=_NAMES, directory=_NAMES)
def test_a_file_is_hidden_and_others_are_not(
    tmp_path_factory: pytest.TempPathFactory, name: str, directory: str
) -> None:
    folder = tmp_path_factory.mktemp("p")
    for path in (f"{folder}/{name}.jpg", f"{folder}/{directory}/{name}.jpg"):
        if not ignore(folder, "").named(path):
            continue  # passed over anyway
        hidden = ignore(folder, hiding(path, str(folder), directory=False))
        assert hidden.faults == []
        assert not hidden.named(path)
        assert hidden.named(f"{folder}/x{name}.jpg")
        assert hidden.named(f"{folder}/other/{name}.jpg") or directory == "other"


@given(name=_NAMES)
def test_a_directory_is_hidden_with_all_below(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("p")
    path = f"{folder}/a/{name}"
    if ignore(folder, "").directory(path):
        hidden = ignore(folder, hiding(path, str(folder), directory=True))
        assert not hidden.directory(path)
        assert not hidden.named(f"{path}/b/c.jpg")
        assert hidden.directory(f"{folder}/a/x{name}")


def test_lines_as_people_write_them() -> None:
    assert hiding("/p/a/b.jpg", "/p", directory=False) == "/a/b.jpg"
    assert hiding("/p/a [1]", "/p", directory=True) == "/a \\[1\\]/"
