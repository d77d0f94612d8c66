"""What is passed over, compared with git itself."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glimpsed.watching import ignore as module
from glimpsed.watching.ignore import FILE, Ignore


def ignore_of(folder: Path, *patterns: str, follow_symlinks: bool = False, nested: tuple[str, ...] = ()) -> Ignore:
    return Ignore(str(folder), patterns, follow_symlinks=follow_symlinks, nested=nested)


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg",
        "A.JPG",
        "a.xmp",
        "a.jpg.xmp",
        "notes.txt",
        "part.jpg",
        "2024/summer trip/a.png",
        "a~b.jpg",
        "100%.jpg",
        "ra\udcfftsel.jpg",
        "new\nline.jpg",
    ],
)
def test_pictures_and_sidecars_matter(tmp_path: Path, name: str) -> None:
    assert ignore_of(tmp_path).file(f"{tmp_path}/{name}")


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg.part",
        "a.jpg.crdownload",
        "a.jpg~",
        "movie.mp4",
        "jpg",
        ".hidden.jpg",
        ".a.jpg.Xy12Zw",
        "._a.jpg",
        "~$a.jpg",
        "~syncthing~a.jpg",
        ".thumbnails/a.jpg",
        "@eaDir/a.jpg/thumb.jpg",
        "$RECYCLE.BIN/a.jpg",
        "a.jpg.download/a.jpg",
        "deep/.git/a.jpg",
        "lost+found/a.jpg",
        "backup~/a.jpg",
    ],
)
def test_hidden_and_unfinished_files_do_not(tmp_path: Path, name: str) -> None:
    assert not ignore_of(tmp_path).file(f"{tmp_path}/{name}")


def test_the_folder_itself_is_never_ignored(tmp_path: Path) -> None:
    folder = tmp_path / ".pictures.part"
    ignore = ignore_of(folder, "*.part", ".*")
    assert ignore.directory(str(folder))
    assert ignore.file(f"{folder}/a.jpg")
    assert not ignore.directory(str(tmp_path))
    assert not ignore.directory(f"{folder}-not")
    assert not ignore.file(f"{tmp_path}/a.jpg")


def test_configured_patterns(tmp_path: Path) -> None:
    ignore = ignore_of(tmp_path, "*.gif", "/raw/", "**/cache/*.png", "!cache/keep.png")
    assert not ignore.file(f"{tmp_path}/a.gif")
    assert not ignore.directory(f"{tmp_path}/raw")
    assert not ignore.file(f"{tmp_path}/raw/a.jpg")
    assert ignore.file(f"{tmp_path}/2024/raw/a.jpg")
    assert not ignore.file(f"{tmp_path}/cache/a.png")
    assert ignore.file(f"{tmp_path}/cache/keep.png")


def test_deeper_files_win(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / FILE).write_text("*.png\r\n# a comment\r\n")
    (tmp_path / "in" / FILE).write_text("\ufeff!*.png\n/deep/no.png\n", encoding="utf-8")
    ignore = ignore_of(tmp_path, "!*.png")
    assert not ignore.file(f"{tmp_path}/a.png")
    assert ignore.file(f"{tmp_path}/in/a.png")
    assert ignore.file(f"{tmp_path}/in/deep/a.png")
    assert not ignore.file(f"{tmp_path}/in/deep/no.png")
    assert ignore.file(f"{tmp_path}/in/no.png")


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"b\xe9b\xe9*.jpg\n")
    ignore = ignore_of(tmp_path)
    assert not ignore.file(f"{tmp_path}/b\udce9b\udce9 1.jpg")
    assert ignore.file(f"{tmp_path}/bébé 1.jpg")


def test_new_rules_are_read_on_refresh(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    ignore = ignore_of(tmp_path)
    deep, picture = f"{tmp_path}/in/deep", f"{tmp_path}/in/deep/a.jpg"
    assert not ignore.refresh(f"{tmp_path}/in")  # nothing was asked of it yet
    assert ignore.file(picture)
    assert not ignore.refresh(f"{tmp_path}/in")
    (tmp_path / "in" / FILE).write_text("deep/\n")
    assert ignore.directory(deep)
    assert ignore.refresh(f"{tmp_path}/in")
    assert not ignore.directory(deep)
    assert not ignore.file(picture)
    (tmp_path / "in" / FILE).unlink()
    assert ignore.refresh(f"{tmp_path}/in")
    assert ignore.file(picture)
    (tmp_path / FILE).write_text("in\n\\\n")
    assert ignore.refresh(str(tmp_path))
    assert not ignore.file(picture)
    assert len(ignore.faults) == 1
    (tmp_path / FILE).unlink()
    assert ignore.refresh(str(tmp_path))
    assert ignore.faults == []


def test_only_so_many_directories_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    (tmp_path / FILE).write_text("raw\n")
    ignore = ignore_of(tmp_path)
    for number in range(20):
        assert ignore.file(f"{tmp_path}/{number}/in/a.jpg")
        assert not ignore.file(f"{tmp_path}/{number}/raw/a.jpg")


def test_bad_patterns_are_named_and_the_others_hold(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("*.gif\n[z-a]x\n")
    ignore = ignore_of(tmp_path, "*.png", "!")
    assert not ignore.file(f"{tmp_path}/a.png")
    assert not ignore.file(f"{tmp_path}/a.gif")
    assert ignore.file(f"{tmp_path}/a.jpg")
    assert [fault.rpartition(": ")[0].partition(": ")[0] for fault in ignore.faults] == [
        "ignore:2",
        f"{tmp_path}/{FILE}:2",
    ]


def test_whatever_else_stands_in_place_of_the_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    (tmp_path / "in" / FILE).mkdir(parents=True)
    ignore = ignore_of(tmp_path)
    assert ignore.file(f"{tmp_path}/a.jpg")
    assert ignore.file(f"{tmp_path}/in/a.jpg")
    assert len(ignore.faults) == 1


def test_nested_folders_are_left_to_themselves(tmp_path: Path) -> None:
    ignore = ignore_of(tmp_path, nested=(f"{tmp_path}/inner", str(tmp_path)))
    assert not ignore.directory(f"{tmp_path}/inner")
    assert not ignore.file(f"{tmp_path}/inner/a.jpg")
    assert ignore.file(f"{tmp_path}/a.jpg")


def test_links_to_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    assert not ignore_of(tmp_path).file(f"{tmp_path}/link.jpg")
    assert ignore_of(tmp_path).named(f"{tmp_path}/link.jpg")
    assert ignore_of(tmp_path, follow_symlinks=True).file(f"{tmp_path}/link.jpg")


def test_links_to_directories(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "real").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (tmp_path / "out").mkdir()
    for name, target in {"in": "real", "up": ".", "out": "../out", "hidden": ".hidden"}.items():
        (folder / name).symlink_to(target)
    ignore = ignore_of(folder, "ignored", follow_symlinks=True)
    assert ignore.follows(f"{folder}/out")
    assert ignore.follows(f"{folder}/hidden")  # what is there has no other path
    assert not ignore.follows(f"{folder}/in")
    assert not ignore.follows(f"{folder}/up")
    assert not ignore.follows(f"{folder}/ignored")
    assert not ignore_of(folder).follows(f"{folder}/out")


def test_as_deep_as_paths_go(tmp_path: Path) -> None:
    deep = str(tmp_path) + "/d" * 2000
    assert ignore_of(tmp_path).file(deep + "/a.jpg")
    assert not ignore_of(tmp_path, "e").file(deep + "/e/a.jpg")


NAMES = ("a", "b", "ab", "x.jpg")
PATHS = tuple(
    "/".join((*above, name))
    for above in ((), ("a",), ("b",), ("a", "b"), ("b", "a"), ("a", "b", "ab"), ("ab", "a"))
    for name in ("x.jpg", "y.png", "ab.jpg")
)
segment = st.sampled_from((*NAMES, "*", "**", "?", "a*", "*.jpg", "[ab]", "[!a]", "y.png", "\\a"))
pattern = st.builds(
    lambda bang, root, segments, tail: bang + root + "/".join(segments) + tail,
    st.sampled_from(("", "", "!")),
    st.sampled_from(("", "", "/")),
    st.lists(segment, min_size=1, max_size=3),
    st.sampled_from(("", "", "/", "/**", "  ")),
)
files = st.dictionaries(st.sampled_from(("", "a", "a/b", "b")), st.lists(pattern, min_size=1, max_size=4), max_size=3)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed: nothing to compare with")
@settings(deadline=None, max_examples=60)
@given(st.lists(pattern, max_size=3), files)
@example(["a/", "!a/"], {"": ["*.jpg", "!a/"], "a": ["!x.jpg"]})
@example(["a/*", "!a/b/"], {})
@example(["a/**", "!a/b/", "!a/b/x.jpg"], {})
def test_judges_like_git(configured: list[str], files: Mapping[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path in PATHS:
            os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
            Path(folder, path).touch()
        for where, lines in files.items():
            for name in (FILE, ".gitignore"):
                Path(folder, where, name).write_text("\n".join(lines))
        git = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run(["git", "init", "--quiet", "--template=", folder], env=git, check=True)
        Path(folder, ".git", "info").mkdir()
        Path(folder, ".git", "info", "exclude").write_text("\n".join(configured))
        asked = subprocess.run(
            ["git", "-C", folder, "check-ignore", "--no-index", "-z", "--stdin"],
            input="\0".join(PATHS),
            env=git,
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode in (0, 1), asked.stderr
        ignore = Ignore(folder, configured, follow_symlinks=False)
        mine = {path for path in PATHS if not ignore.file(f"{folder}/{path}")}
        assert mine == set(filter(None, asked.stdout.split("\0")))
        assert ignore.faults == []


def test_why_names_the_rule(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / FILE).write_text("\n# raws\n*.tif\n!good.tif\n")
    (tmp_path / "a" / "link.jpg").symlink_to("x.jpg")
    (tmp_path / "a" / "linked").symlink_to(tmp_path.parent)
    ignore = ignore_of(tmp_path, "*.bmp", "old/", nested=(str(tmp_path / "own"),))
    said = {
        "a/x.jpg": None,
        "a/good.tif": None,
        "a/x.jpg.xmp": None,
        "a/x.odt": "its name is not that of a picture",
        "a/x.tif": f"*.tif (line 3 of {tmp_path}/a/{FILE})",
        "a/x.bmp": "*.bmp ([watch] ignore)",
        "a/old/b/x.jpg": f"the directory {tmp_path}/a/old is left out: old/ ([watch] ignore)",
        "own/x.jpg": f"{tmp_path}/own is a folder for itself",
        ".hidden/x.jpg": f"the directory {tmp_path}/.hidden is left out: "
        "its name is that of something hidden or unfinished",
        "a/~$x.jpg": "its name is that of something hidden or unfinished",
        "a/link.jpg": "it is a symlink, which [watch] follow_symlinks = false leaves out",
    }
    for name, why in said.items():
        assert ignore.why(str(tmp_path / name)) == why, name
        assert ignore.file(str(tmp_path / name)) == (why is None), name
    assert ignore.not_followed(str(tmp_path / "a" / "x.jpg")) is None
    assert ignore.not_followed(str(tmp_path / "a" / "linked" / "x.jpg")) == str(tmp_path / "a" / "linked")
    followed = ignore_of(tmp_path, follow_symlinks=True)
    assert followed.why(str(tmp_path / "a" / "link.jpg")) is None
