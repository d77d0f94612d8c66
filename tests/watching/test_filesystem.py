"""Network file systems are told from local ones."""

from pathlib import Path

import pytest

from glimpsed.watching import filesystem
from glimpsed.watching.filesystem import network

TABLE = rb"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /net/pictures rw,relatime shared:2 - nfs4 server:/pictures rw
31 30 8:2 / /net/pictures/local rw - ext4 /dev/sdb1 rw
32 21 0:41 / /mnt/with\040blank rw - fuse.sshfs me@there:/ rw
33 21 0:42 / /mnt/covered rw - cifs //server/share rw
34 33 8:3 / /mnt/covered rw - ext4 /dev/sdc1 rw
35 21 0:43 / /mnt/usb rw - fuseblk /dev/sdd1 rw
a damaged line
36 21 0:44 / /mnt/host rw master:1 propagate_from:2 - 9p host rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/net/pictures", "nfs4"),
        ("/net/pictures/2024/a.jpg", "nfs4"),
        ("/net/pictures/local/a.jpg", None),
        ("/net/pictures-not", None),
        ("/mnt/with blank/x", "fuse.sshfs"),
        ("/mnt/covered/x", None),
        ("/mnt/usb/x", None),
        ("/mnt/host", "9p"),
        ("/", None),
    ],
)
def test_kind_of_file_system(path: str, kind: str | None) -> None:
    reason = network(path, mountinfo=TABLE)
    assert (reason is None) == (kind is None)
    assert kind is None or (reason or "").startswith(kind + " ")


def test_a_symlink_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    remote, link = tmp_path / "remote", tmp_path / "link"
    remote.mkdir()
    link.symlink_to(remote)
    table = TABLE + b"40 21 0:50 / " + bytes(remote) + b" rw - cifs //server/share rw\n"
    assert network(str(link / "a.jpg"), mountinfo=table) is not None
    assert network(str(tmp_path), mountinfo=table) is None


def test_this_machine_answers(tmp_path: Path) -> None:
    assert network("/proc/self") is None
    assert network(str(tmp_path / "not there")) == network(str(tmp_path))


def test_without_a_table_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "MOUNTINFO", str(tmp_path / "none"))
    assert network(str(tmp_path)) is None
