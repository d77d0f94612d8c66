"""Scans of real directories: what differs, what is offline, and what must not be told as vanished."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from glimpsed import files
from glimpsed.records import Known
from glimpsed.watching.ignore import FILE, Ignore
from glimpsed.watching.scan import Difference, Scan, scan


def never() -> bool:
    return False


def scanned(
    folder: Path | str,
    known: dict[str, Known] | None = None,
    *patterns: str,
    under: str | None = None,
    device: int | None = None,
    follow_symlinks: bool = False,
) -> Scan:
    ignore = Ignore(str(folder), patterns, follow_symlinks=follow_symlinks)
    return scan(str(folder), ignore, known or {}, under=under, device=device, stop=never)


def known_of(*paths: Path | str) -> dict[str, Known]:
    """What the table would know after reading these."""
    known = {}
    for path in map(str, paths):
        stamp = files.look(path)
        assert stamp is not None
        known[path] = Known(stamp, files.beside(path), missing=False)
    return known


def picture(path: Path, content: str = "x", *, age: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    if age:
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return path


def paths_of(found: Scan) -> list[str]:
    return [difference.path for difference in found.hints]


def test_new_pictures_newest_first_and_everything_counted(tmp_path: Path) -> None:
    old = picture(tmp_path / "old.JPG", age=300)
    new = picture(tmp_path / "in" / "new.png", age=100)
    middle = picture(tmp_path / "in" / "deep" / "middle.webp", age=200)
    picture(tmp_path / "notes.txt")
    picture(tmp_path / "movie.mp4")
    picture(tmp_path / ".hidden.jpg")
    picture(tmp_path / ".thumbnails" / "a.jpg")
    found = scanned(tmp_path)
    assert paths_of(found) == [str(new), str(middle), str(old)]
    assert found.hints[0].mtime == new.stat().st_mtime_ns / 1e9
    assert (found.pictures, found.directories, found.passed_over, found.ignored) == (3, 3, 2, 2)
    assert (found.offline, found.unreadable, found.stopped) == (None, [], False)
    assert found.device == tmp_path.stat().st_dev


def test_what_is_known_as_it_is_is_no_difference(tmp_path: Path) -> None:
    a = picture(tmp_path / "a.jpg")
    picture(tmp_path / "a.xmp")
    b = picture(tmp_path / "in" / "b.jpg")
    found = scanned(tmp_path, known_of(a, b))
    assert found.hints == []
    assert found.pictures == 2


@pytest.mark.parametrize("field", ["mtime_ns", "ctime_ns", "size", "inode"])
def test_each_part_of_the_stamp_counts(tmp_path: Path, field: str) -> None:
    path = str(picture(tmp_path / "a.jpg"))
    known = known_of(path)[path]
    stamp = known.stamp._replace(**{field: getattr(known.stamp, field) + 1})
    assert paths_of(scanned(tmp_path, {path: known._replace(stamp=stamp)})) == [path]


@pytest.mark.parametrize("sidecar", ["a.xmp", "a.jpg.xmp", "a.txt", "a.jpg.txt"])
def test_sidecar_changes_are_differences_of_the_picture(tmp_path: Path, sidecar: str) -> None:
    path = str(picture(tmp_path / "a.jpg"))
    known = known_of(path)
    picture(tmp_path / sidecar, "new")
    assert paths_of(scanned(tmp_path, known)) == [path]
    known = known_of(path)
    assert scanned(tmp_path, known).hints == []
    picture(tmp_path / sidecar, "changed")
    assert paths_of(scanned(tmp_path, known)) == [path]
    known = known_of(path)
    (tmp_path / sidecar).unlink()
    assert paths_of(scanned(tmp_path, known)) == [path]


def test_what_is_no_sidecar_changes_nothing(tmp_path: Path) -> None:
    path = str(picture(tmp_path / "a.jpg"))
    (tmp_path / "a.xmp").mkdir()
    picture(tmp_path / "b.txt")
    picture(tmp_path / "A.TXT")  # other than a.txt where case counts
    assert scanned(tmp_path, known_of(path)).hints == []


def test_vanished_comes_last_and_missing_is_not_told_again(tmp_path: Path) -> None:
    a, b, c = (picture(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.jpg"))
    known = known_of(a, b, c)
    known[str(c)] = known[str(c)]._replace(missing=True)
    a.unlink()
    c.unlink()
    picture(tmp_path / "new.jpg", age=10)
    found = scanned(tmp_path, known)
    assert paths_of(found) == [str(tmp_path / "new.jpg"), str(a)]
    assert found.hints[-1] == Difference(str(a), None)


def test_missing_that_is_back(tmp_path: Path) -> None:
    path = str(picture(tmp_path / "a.jpg"))
    known = {path: known_of(path)[path]._replace(missing=True)}
    assert paths_of(scanned(tmp_path, known)) == [path]


def test_known_that_is_ignored_now_is_gone(tmp_path: Path) -> None:
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "raw" / "b.jpg")
    known = known_of(a, b)
    assert scanned(tmp_path, known, "raw/").hints == [Difference(str(b), None)]
    (tmp_path / FILE).write_text("*.jpg")
    assert {difference.mtime for difference in scanned(tmp_path, known).hints} == {None}


def test_rules_that_changed_since_the_last_scan(tmp_path: Path) -> None:
    path = str(picture(tmp_path / "a.jpg"))
    ignore = Ignore(str(tmp_path), (), follow_symlinks=False)
    assert len(scan(str(tmp_path), ignore, {}, stop=never).hints) == 1
    (tmp_path / FILE).write_text("a.jpg")
    found = scan(str(tmp_path), ignore, known_of(path), stop=never)
    assert found.hints == [Difference(path, None)]


def test_a_directory_with_a_picture_s_name(tmp_path: Path) -> None:
    path = str(picture(tmp_path / "x.jpg"))
    known = known_of(path)
    os.unlink(path)
    inner = picture(tmp_path / "x.jpg" / "a.jpg")
    found = scanned(tmp_path, known)
    assert found.hints == [Difference(str(inner), inner.stat().st_mtime_ns / 1e9), Difference(path, None)]
    assert found.directories == 2


def test_no_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        directory = os.open(tmp_path, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{directory}/s.jpg")
        os.close(directory)
        found = scanned(tmp_path)
    assert (found.hints, found.pictures, found.passed_over) == ([], 0, 2)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    os.mkdir(bytes(tmp_path) + b"/\xff\xfe")
    with open(bytes(tmp_path) + b"/\xff\xfe/b\xe9b\xe9.jpg", "wb"):
        pass
    with open(bytes(tmp_path) + b"/\xff\xfe/b\xe9b\xe9.txt", "wb"):
        pass
    path = f"{tmp_path}/\udcff\udcfe/b\udce9b\udce9.jpg"
    assert paths_of(scanned(tmp_path)) == [path]
    assert scanned(tmp_path, known_of(path)).hints == []


def test_symlinks_are_passed_over_unless_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    picture(tmp_path / "out" / "b.jpg")
    real = str(picture(folder / "a.jpg"))
    (folder / "link.jpg").symlink_to("a.jpg")
    (folder / "dangling.jpg").symlink_to("nothing")
    (folder / "out").symlink_to("../out")
    found = scanned(folder)
    assert paths_of(found) == [real]
    assert (found.directories, found.ignored) == (1, 3)
    found = scanned(folder, follow_symlinks=True)
    assert set(paths_of(found)) == {real, f"{folder}/link.jpg", f"{folder}/out/b.jpg"}
    assert (found.directories, found.passed_over) == (2, 1)


def test_symlink_loops_are_walked_once(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    real = str(picture(folder / "in" / "a.jpg"))
    picture(tmp_path / "out" / "deep" / "b.jpg")
    (folder / "in" / "up").symlink_to("..")
    (folder / "in" / "self").symlink_to("self")
    (folder / "again.jpg").symlink_to("again.jpg")
    (folder / "also in").symlink_to("in")
    (folder / "z").symlink_to(tmp_path / "out")
    (folder / "y").symlink_to(tmp_path / "out")
    (tmp_path / "out" / "deep" / "back").symlink_to("..")
    (tmp_path / "out" / "home").symlink_to(folder)
    found = scanned(folder, follow_symlinks=True)
    expected = {real, f"{folder}/y/deep/b.jpg"}
    assert set(paths_of(found)) == {*expected, f"{folder}/again.jpg"}  # the last has a row with an error
    assert found.unreadable == [f"{folder}/again.jpg"]
    known = known_of(*expected)
    part = scanned(folder, known, under=f"{folder}/in", follow_symlinks=True)
    assert part.hints == []
    assert part.pictures == 1
    assert scanned(folder, known, under=f"{folder}/in/up/in", follow_symlinks=True).pictures == 0
    assert scanned(folder, known, under=f"{folder}/y", follow_symlinks=True).pictures == 1


def test_the_folder_may_be_a_symlink(tmp_path: Path) -> None:
    picture(tmp_path / "real" / "in" / "a.jpg")
    (tmp_path / "folder").symlink_to("real")
    found = scanned(tmp_path / "folder")
    assert paths_of(found) == [f"{tmp_path}/folder/in/a.jpg"]
    assert scanned(tmp_path / "folder", under=f"{tmp_path}/folder/in").pictures == 1


@pytest.mark.parametrize(
    "under", ["in", "in/deep", "in/b.jpg", "in/deep/c.jpg", "gone", "gone/d.jpg", "", "in/d.xmp", "in/d.txt"]
)
def test_a_part_is_scanned_like_the_whole(tmp_path: Path, under: str) -> None:
    for name in ("a.jpg", "in/b.jpg", "in/deep/c.jpg", "gone/d.jpg", "in/d.jpg"):
        picture(tmp_path / name)
    known = known_of(*(tmp_path / name for name in ("in/d.jpg", "gone/d.jpg", "in/deep/c.jpg")))
    picture(tmp_path / "in" / "d.xmp")
    picture(tmp_path / "in" / "deep" / "c.jpg", "changed")
    shutil.rmtree(tmp_path / "gone")
    start = str(tmp_path / under)
    whole = [hint for hint in scanned(tmp_path, known).hints if files.inside(hint.path, start)]
    if files.is_sidecar(start):  # stands for its picture, there or not
        whole = [hint for hint in scanned(tmp_path, known).hints if hint.path == f"{tmp_path}/in/d.jpg"]
    assert whole
    assert scanned(tmp_path, known, under=start).hints == whole


def test_a_part_that_is_ignored_or_behind_a_link(tmp_path: Path) -> None:
    hidden = picture(tmp_path / "raw" / "deep" / "a.jpg")
    (tmp_path / "link").symlink_to("raw/deep")
    known = known_of(hidden, tmp_path / "link" / "a.jpg")
    for under in ("raw", "raw/deep", "raw/deep/a.jpg", "link", "link/a.jpg"):
        start = str(tmp_path / under)
        expected = [Difference(path, None) for path in known if files.inside(path, start)]
        assert scanned(tmp_path, known, "raw", under=start).hints == expected
    other = picture(tmp_path / "notes.pdf")
    found = scanned(tmp_path, under=str(other))
    assert (found.hints, found.passed_over) == ([], 1)


def test_a_part_must_be_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in"):
        scanned(tmp_path / "a", under=str(tmp_path / "ab"))


def test_missing_folder_is_offline(tmp_path: Path) -> None:
    path = str(picture(tmp_path / "folder" / "a.jpg"))
    known = known_of(path)
    shutil.rmtree(tmp_path / "folder")
    found = scanned(tmp_path / "folder", known, device=7)
    assert (found.offline, found.hints, found.device) == ("does not exist", [], 7)
    (tmp_path / "folder").write_text("a file")
    assert scanned(tmp_path / "folder", known).offline == "not a directory"
    assert scanned(tmp_path / "folder" / "below", known).offline == "does not exist"
    found = scanned(tmp_path / "folder", known, under=path)
    assert (found.offline, found.hints) == ("not a directory", [])


def test_an_empty_mount_point_is_offline_but_an_emptied_folder_is_not(tmp_path: Path) -> None:
    path = str(picture(tmp_path / "folder" / "a.jpg"))
    known = known_of(path)
    device = tmp_path.stat().st_dev
    os.unlink(path)
    folder = tmp_path / "folder"
    assert scanned(folder, known, device=device).hints == [Difference(path, None)]
    for other in (device + 1, None):
        found = scanned(folder, known, device=other)
        assert found.offline == "empty, and not the disk it was"
        assert (found.hints, found.device) == ([], other)
    # Nothing can be lost where nothing is known, and a disk with pictures is welcome whatever its number.
    assert scanned(folder, device=device + 1).offline is None
    missing = {path: known[path]._replace(missing=True)}
    assert scanned(folder, missing, device=device + 1).offline is None
    new = picture(folder / "new.jpg")
    found = scanned(folder, known, device=device + 1)
    assert paths_of(found) == [str(new), path]
    assert found.device == device


def test_unmounted_while_it_is_scanned(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    known = known_of(picture(folder / "a.jpg"), picture(folder / "b.jpg"))

    def pull_the_plug() -> bool:
        if folder.exists():
            folder.rename(tmp_path / "away")
        return False

    ignore = Ignore(str(folder), (), follow_symlinks=False)
    found = scan(str(folder), ignore, known, device=5, stop=pull_the_plug)
    assert (found.offline, found.hints, found.device) == ("does not exist", [], 5)


def test_stopped_early_tells_nothing_as_vanished(tmp_path: Path) -> None:
    known = {f"{tmp_path}/gone.jpg": known_of(picture(tmp_path / "gone.jpg"))[f"{tmp_path}/gone.jpg"]}
    (tmp_path / "gone.jpg").unlink()
    for number in range(600):
        (tmp_path / f"{number}.jpg").touch()
    ignore = Ignore(str(tmp_path), (), follow_symlinks=False)
    asked = iter([False, True])
    found = scan(str(tmp_path), ignore, known, stop=lambda: next(asked))
    assert found.stopped
    assert 0 < found.pictures < 600
    assert all(difference.mtime is not None for difference in found.hints)
    found = scan(str(tmp_path), ignore, known, stop=lambda: True)
    assert (found.stopped, found.pictures, found.hints) == (True, 0, [])


UNPRIVILEGED = """
import json, sys
from tests.watching.test_scan import known_of, scanned
folder, under, mode, forbidden = sys.argv[1], sys.argv[2] or None, int(sys.argv[3]), sys.argv[4:]
known = known_of(*json.load(sys.stdin))
import os
for path in forbidden:
    os.chmod(path, mode)
found = scanned(folder, known, under=under)
print(json.dumps([found.hints, sorted(found.unreadable), found.offline, found.pictures]))
for path in reversed(forbidden):
    os.chmod(path, 0o700)
"""


def without_privileges(
    folder: Path, known: list[Path], *forbidden: Path, under: str = "", mode: int = 0
) -> list[object]:
    """What a scan finds when permissions count, also where the tests run as root."""
    command = [sys.executable, "-c", UNPRIVILEGED, str(folder), under, str(mode), *map(str, forbidden)]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root, and no setpriv: permissions do not count")
        command = [setpriv, "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all", *command]
    done = subprocess.run(
        command, input=json.dumps([str(path) for path in known]), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout)
    return found


def test_nothing_below_an_unreadable_directory_vanishes(tmp_path: Path) -> None:
    known = [picture(tmp_path / name) for name in ("in/a.jpg", "in/deep/b.jpg", "c.jpg")]
    new = picture(tmp_path / "new.jpg", age=50)
    found = without_privileges(tmp_path, known, tmp_path / "in")
    assert found == [[[str(new), new.stat().st_mtime_ns / 1e9]], [f"{tmp_path}/in"], None, 2]
    for under in (f"{tmp_path}/in", f"{tmp_path}/in/deep", f"{tmp_path}/in/a.jpg"):
        assert without_privileges(tmp_path, known, tmp_path / "in", under=under)[0] == []


def test_an_unreadable_folder_is_offline(tmp_path: Path) -> None:
    known = [picture(tmp_path / "folder" / "a.jpg")]
    found = without_privileges(tmp_path / "folder", known, tmp_path / "folder")
    assert found == [[], [], "cannot be listed: Permission denied", 0]


def test_pictures_that_may_be_listed_but_not_looked_at(tmp_path: Path) -> None:
    a, b = picture(tmp_path / "in" / "a.jpg"), picture(tmp_path / "in" / "b.jpg")
    found = without_privileges(tmp_path, [a], tmp_path / "in", mode=0o400)
    assert found == [[[str(b), 0.0]], [str(a), str(b)], None, 0]


def test_a_changed_file_of_the_group_or_its_sidecar_hints_at_the_picture(tmp_path: Path) -> None:
    jpeg, raw = picture(tmp_path / "IMG_1.JPG"), picture(tmp_path / "IMG_1.CR2")
    takeout = picture(tmp_path / "IMG_1.JPG.supplemental-met.json")
    other = picture(tmp_path / "IMG_2.JPG")
    known = known_of(jpeg, other)
    raw_known = known_of(raw) if files.is_picture(str(raw)) else {}
    assert paths_of(scanned(tmp_path, known | raw_known)) == []
    picture(raw, "another")
    assert str(jpeg) in paths_of(scanned(tmp_path, known | raw_known))
    known = known_of(jpeg, other)
    takeout.unlink()
    assert str(jpeg) in paths_of(scanned(tmp_path, known | raw_known))
    assert str(other) not in paths_of(scanned(tmp_path, known | raw_known))


def test_attributes_alone_are_no_difference(tmp_path: Path) -> None:
    """Their change is told by the file's ctime; asking every picture for them would cost."""
    one = picture(tmp_path / "a.jpg")
    try:
        os.setxattr(one, "user.xdg.comment", b"a comment")
    except OSError as error:
        pytest.skip(f"no extended attributes where the tests write: {error}")
    known = known_of(one)
    assert files.files_of(known[str(one)].beside) == ""
    assert paths_of(scanned(tmp_path, known)) == []
    os.setxattr(one, "user.xdg.comment", b"another")
    assert paths_of(scanned(tmp_path, known)) == [str(one)]
