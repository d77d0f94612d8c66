"""The configuration, folders, the state directory, the log and the disk: with faults that are really made."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unprivileged import without_privileges
from tests.watching.confined import confined

from glimpsed.doctor import places
from glimpsed.doctor.findings import Finding, worst

UNPRIVILEGED = """
import json, sys
from dataclasses import asdict
from glimpsed.doctor import places
print(json.dumps([asdict(one) for one in getattr(places, sys.argv[1])(json.loads(sys.argv[2]))]))
"""


def found(check: str, argument: object) -> list[Finding]:
    """What a check of places finds where permissions count."""
    command = [sys.executable, "-c", UNPRIVILEGED, check, json.dumps(argument)]
    done = subprocess.run(without_privileges(command), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Finding(**one) for one in json.loads(done.stdout)]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's configuration is."""
    for name in [name for name in os.environ if name.startswith("GLIMPSED_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    file = tmp_path / "glimpsed" / "config.toml"
    file.parent.mkdir()
    return file


def test_the_configuration(own: Path) -> None:
    config, (said,) = places.configuration()
    assert config is not None
    assert (said.level, str(own) in said.what) == ("ok", True)
    own.write_text('[read]\nocr = "perhaps"\n[wacht]\n')
    config, faults = places.configuration()
    assert config is None
    assert [one.level for one in faults] == ["fault", "fault"]
    assert all(one.mend is not None and str(own) in one.mend for one in faults)
    own.write_text("[read]\nocr = false\n")
    own.chmod(0o666)
    config, (said,) = places.configuration()
    assert config is not None
    assert (said.level, said.mend) == ("warning", f"chmod go-w {own}")
    own.chmod(0o600)
    assert places.configuration()[1][0].level == "ok"


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "there" / "in").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(0)
    names = [str(tmp_path / name) for name in ("there", "gone", "file", "closed")]
    try:
        there, gone, file, closed = found("folders", names)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert there.level == "ok"
    assert (gone.level, gone.mend) == ("warning", f"mkdir -p {names[1]}")
    assert (file.level, file.mend) == ("fault", f"glimpse folder remove {names[2]}")
    assert (closed.level, closed.mend) == ("fault", f"chmod u+rx {names[3]}")
    subprocess.run(["sh", "-c", closed.mend or ""], check=True)
    assert found("folders", names[3:])[0].level == "ok"
    (tmp_path / "there" / "in").chmod(0)
    try:
        (inside,) = found("folders", names[:1])
    finally:
        (tmp_path / "there" / "in").chmod(0o700)
    assert (inside.level, inside.mend) == ("warning", f"chmod u+rx {tmp_path}/there/in")


def test_the_state_directory(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert [(one.level, "first start" in one.what) for one in places.state(str(state))] == [("ok", True)]
    state.mkdir(mode=0o755)
    (open_,) = places.state(str(state))
    assert (open_.level, open_.mend) == ("warning", f"chmod 700 {state}")
    subprocess.run(["sh", "-c", open_.mend or ""], check=True)
    assert [one.level for one in places.state(str(state))] == ["ok"]
    (state / "damaged-1").mkdir()
    (state / "damaged-1" / "data").write_bytes(b"x" * 2000)
    _, aside = places.state(str(state))
    assert aside == Finding("warning", "state", f"{state}/damaged-1 was set aside, 2.0 kB", f"rm -r {state}/damaged-1")
    (tmp_path / "file").touch()
    (no_directory,) = places.state(str(tmp_path / "file"))
    assert (no_directory.level, no_directory.mend) == ("fault", f"mv {tmp_path}/file {tmp_path}/file.aside")


def test_a_state_directory_that_may_not_be_used(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    (told,) = found("state", str(closed))
    assert (told.level, told.mend) == ("fault", f"chmod u+rwx {closed}")
    (above,) = found("state", str(closed / "state"))
    assert (above.level, "cannot be made" in above.what) == ("fault", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_state_directory_of_somebody_else(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    (told,) = places.state(str(tmp_path))
    assert (told.level, told.mend) == ("fault", f"sudo chown -R 0 {tmp_path}")


def test_the_log_file(tmp_path: Path) -> None:
    assert list(places.log(None)) == []
    file = tmp_path / "log"
    assert [one.level for one in places.log(str(file))] == ["ok"]
    file.touch(mode=0o644)
    (told,) = places.log(str(file))
    assert (told.level, told.mend) == ("warning", f"chmod 600 {file}")
    file.chmod(0o400)
    (told,) = found("log", str(file))
    assert (told.level, told.mend) == ("fault", f"chmod u+w {file}")
    (tmp_path / "closed").mkdir(mode=0o500)
    (told,) = found("log", str(tmp_path / "closed" / "log"))
    assert (told.level, told.mend) == ("fault", "see [log] file")


SMALL_DISKS = """
import os, subprocess, sys
from glimpsed.doctor import places
from glimpsed.doctor.findings import worst
place = sys.argv[1]
for options in ("size=8m", "size=200m", "size=4g", "size=4g,nr_inodes=100"):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    print(worst(places.disk(place + "/state")))
    subprocess.run(["umount", place], check=True)
"""


def test_a_disk_without_room(tmp_path: Path) -> None:
    assert confined(SMALL_DISKS, str(tmp_path)).split() == ["fault", "warning", "ok", "fault"]


def test_a_disk_with_room(tmp_path: Path) -> None:
    enough = shutil.disk_usage(tmp_path).free >= places.SCARCE
    assert (worst(places.disk(str(tmp_path))) == "ok") is enough
