"""Which directories are disks of their own, from tables of the kernel and real directories."""

from pathlib import Path

import pytest
from tests.watching.confined import confined

from glimpsed.watching import disks
from glimpsed.watching.disks import Disks, holders, look, unlisted, unseen
from glimpsed.watching.filesystem import mounted_below

TABLE = b"""
21 1 8:1 / / rw - ext4 /dev/sda1 rw
30 21 8:2 / /home/me/Pictures rw - ext4 /dev/sdb1 rw
31 30 8:3 / /home/me/Pictures/usb\\040stick rw - vfat /dev/sdc1 rw
32 30 0:40 / /home/me/Pictures/net rw - fuse.sshfs me@there:/ rw
33 32 8:4 / /home/me/Pictures/net rw - ext4 /dev/sdd1 rw
34 21 8:5 / /home/me/Pictures2 rw - ext4 /dev/sde1 rw
none 21 8:5 / /home/me/Pictures/no rw - ext4 /dev/sde1 rw
"""


def test_what_is_mounted_below_a_folder_the_last_over_the_others() -> None:
    found = mounted_below("/home/me/Pictures", mountinfo=TABLE)
    assert {point: (one.number, one.kind) for point, one in found.items()} == {
        "/home/me/Pictures/usb stick": (31, "vfat"),
        "/home/me/Pictures/net": (33, "ext4"),
    }
    assert len(mounted_below("/", mountinfo=TABLE)) == 4


def test_a_folder_that_is_a_link_has_the_paths_that_it_is_known_by(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/home/me/Pictures")
    assert str(link / "usb stick") in mounted_below(str(link), mountinfo=TABLE)


def test_a_disk_that_is_not_mounted_is_away_unless_its_place_is_used(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    for name in ("empty", "used", "file"):
        (tmp_path / name).mkdir() if name != "file" else (tmp_path / name).touch()
    (tmp_path / "used" / "a.jpg").touch()
    remembered = {str(tmp_path / name): device for name in ("empty", "used", "gone", "file")}
    found = look(str(tmp_path), remembered)
    assert found == Disks({}, frozenset(str(tmp_path / name) for name in ("empty", "gone", "file")))
    assert disks.stands(str(tmp_path), str(tmp_path / "used"), device)
    assert not disks.stands(str(tmp_path), str(tmp_path / "used"), device + 1)
    assert not disks.stands(str(tmp_path), str(tmp_path / "empty"), device)
    assert (unlisted(str(tmp_path)), unlisted(str(tmp_path / "gone"))) == (None, "No such file or directory")


@pytest.mark.parametrize(
    ("before", "after", "blind"),
    [
        (Disks({"/a": 1}, frozenset()), Disks({"/a": 1}, frozenset()), set()),
        (Disks({"/a": 1}, frozenset()), Disks({"/a": 2}, frozenset()), {"/a"}),
        (Disks({"/a": 1}, frozenset()), Disks({}, frozenset({"/a"})), {"/a"}),
        (Disks({}, frozenset({"/a"})), Disks({"/a": 1}, frozenset()), {"/a"}),
        (Disks({}, frozenset()), Disks({"/a": 1}, frozenset({"/b"})), {"/a", "/b"}),
    ],
)
def test_nothing_vanished_where_a_disk_changed_during_a_scan(before: Disks, after: Disks, blind: set[str]) -> None:
    assert unseen(before, after) == blind


def test_what_a_path_lies_on() -> None:
    assert holders("/a/b/c.jpg", ["/a/b", "/a", "/a/bb", "/a/b/c.jpg"]) == ["/a/b", "/a", "/a/b/c.jpg"]


REAL = """
import subprocess, sys
from pathlib import Path
from glimpsed.watching.disks import look, stands

point = Path(sys.argv[1], "usb")
point.mkdir()
folder = str(point.parent)
assert look(folder, {}).there == {}
subprocess.run(["mount", "-t", "tmpfs", "none", point], check=True)
assert look(folder, {}).there == {}  # an empty one tells nothing
(point / "a.jpg").touch()
device = point.stat().st_dev
assert look(folder, {}).there == {str(point): device}
(point / "a.jpg").unlink()
assert look(folder, {str(point): device}).away == frozenset()  # emptied: the same disk
assert stands(folder, str(point), device) and not stands(folder, str(point), 1)
assert look(folder, {str(point): 1}).away == {str(point)}  # another, with nothing on it
print("well")
"""


def test_a_real_disk(tmp_path: Path) -> None:
    assert confined(REAL, str(tmp_path)).strip() == "well"
