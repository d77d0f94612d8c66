"""Watches that run out, and disks that are unmounted."""

from pathlib import Path

from tests.watching.confined import confined

HEAD = """
import os, subprocess, sys, time
from pathlib import Path
from glimpsed.watching.ignore import Ignore
from glimpsed.watching.observer import Observer
from glimpsed.watching.scan import scan

def ignore_of(folder):
    return Ignore(str(folder), (), follow_symlinks=False)

def until(state):
    end = time.monotonic() + 60
    while not state():
        assert time.monotonic() < end, (hints, losses)
        time.sleep(0.01)

hints, losses = [], []
here = Path(sys.argv[1])
"""

TOO_MANY = """
with Observer(hints.append, lambda *loss: losses.append(loss), share=0.5) as observer:
    print(observer.watch(str(here / "large"), ignore_of(here / "large")))
    assert observer.watches == 0
    assert observer.watch(str(here / "small"), ignore_of(here / "small")) is None
    assert observer.watches == 10
    print(observer.watch(str(here / "other"), ignore_of(here / "other")))
    assert observer.watches == 10
    assert observer.watch(str(here / "small"), ignore_of(here / "small")) is None
    (here / "small" / "5" / "a.jpg").touch()
    until(lambda: hints)
    assert set(hints) == {str(here / "small" / "5" / "a.jpg")}, hints
    assert observer.short() == {}
"""


def test_directories_are_counted_beforehand(tmp_path: Path) -> None:
    for name, directories in {"large": 40, "small": 9, "other": 11}.items():
        for number in range(directories):
            (tmp_path / name / str(number)).mkdir(parents=True)
    out = confined(HEAD + TOO_MANY, str(tmp_path), watches=40).splitlines()
    assert out == [
        f"it has more directories than the {room} that may be watched; raise the sysctl fs.inotify.max_user_watches"
        for room in (20, 10)
    ]


RUN_OUT = """
with Observer(hints.append, lambda *loss: losses.append(loss), share=100.0) as observer:
    print(observer.watch(str(here / "large"), ignore_of(here / "large")))
    assert observer.watches == 0
    assert observer.watch(str(here / "small"), ignore_of(here / "small")) is None
    assert observer.watches == 10
"""


def test_others_may_have_taken_the_watches(tmp_path: Path) -> None:
    """Counting says yes, and the kernel no."""
    for name, directories in {"large": 40, "small": 9}.items():
        for number in range(directories):
            (tmp_path / name / str(number)).mkdir(parents=True)
    out = confined(HEAD + RUN_OUT, str(tmp_path), watches=20)
    assert out.strip() == "inotify watches ran out; raise the sysctl fs.inotify.max_user_watches"


GROWS = """
share = float(sys.argv[2])
with Observer(hints.append, lambda *loss: losses.append(loss), share=share) as observer:
    ignore = ignore_of(here)
    assert observer.watch(str(here), ignore) is None
    for number in range(30):
        (here / str(number)).mkdir()
    until(lambda: str(here) in hints)
    reason = "inotify watches ran out; raise the sysctl fs.inotify.max_user_watches"
    assert losses == [(str(here), reason)], losses
    assert observer.short() == {str(here): reason}
    assert 1 < observer.watches <= 20
    (here / "a.jpg").touch()
    until(lambda: str(here / "a.jpg") in hints)
    assert len(losses) == 1
    for number in range(15, 30):
        (here / str(number)).rmdir()
    until(lambda: str(here / "29") in hints)
    assert observer.watch(str(here), ignore) is None
    assert observer.short() == {}
    print(observer.watches)
"""


def test_a_folder_that_outgrows_the_watches(tmp_path: Path) -> None:
    for share in ("100", "0.5"):
        folder = tmp_path / share
        folder.mkdir()
        watches = 20 if share == "100" else 40
        assert confined(HEAD + GROWS, str(folder), share, watches=watches).strip() == "16"


INSTANCES = """
Path("/proc/sys/user/max_inotify_instances").write_text("0")
with Observer(hints.append, lambda *loss: losses.append(loss)) as observer:
    print(observer.watch(str(here), ignore_of(here)))
"""


def test_no_inotify_instance_to_be_had(tmp_path: Path) -> None:
    out = confined(HEAD + INSTANCES, str(tmp_path))
    assert out.strip() == "inotify instances ran out; raise the sysctl fs.inotify.max_user_instances"


UNMOUNTED = """
def mount(path):
    subprocess.run(["mount", "-t", "tmpfs", "none", path], check=True)

folder, inner = here / "folder", here / "other" / "inner"
for path in (folder, inner):
    path.mkdir(parents=True)
    mount(path)
    (path / "in").mkdir()
    (path / "in" / "a.jpg").touch()
with Observer(hints.append, lambda *loss: losses.append(loss)) as observer:
    ignores = {path: ignore_of(path) for path in (folder, here / "other")}
    for path, ignore in ignores.items():
        assert observer.watch(str(path), ignore) is None
    first = scan(str(folder), ignores[folder], {}, stop=lambda: False)
    known = {hint.path: KNOWN for hint in first.hints}
    assert len(known) == 1 and first.device is not None

    subprocess.run(["umount", folder], check=True)
    until(lambda: losses)
    assert losses == [(str(folder), "it was deleted, moved away or unmounted")], losses
    assert observer.dead() == [str(folder)]
    gone = scan(str(folder), ignores[folder], known, device=first.device, stop=lambda: False)
    assert gone.offline == "empty, and not the disk it was" and gone.hints == [], gone

    subprocess.run(["umount", inner], check=True)
    until(lambda: str(inner) in hints)
    assert len(losses) == 1 and observer.dead() == [str(folder)]
    (inner / "b.jpg").touch()
    until(lambda: str(inner / "b.jpg") in hints)

    assert observer.watch(str(folder), ignores[folder]) is None
    assert observer.dead() == []
    mount(folder)  # no event tells so
    assert observer.dead() == [str(folder)]
    (folder / "c.jpg").touch()
    assert observer.watch(str(folder), ignores[folder]) is None
    back = scan(str(folder), ignores[folder], known, device=gone.device, stop=lambda: False)
    assert back.offline is None and len(back.hints) == 2, back
    (folder / "d.jpg").touch()
    until(lambda: str(folder / "d.jpg") in hints)
    print("well")
"""


def test_disks_that_are_unmounted(tmp_path: Path) -> None:
    known = "from glimpsed.records import Known, Stamp\nKNOWN = Known(Stamp(0, 0, 0, 0), '', False)\n"
    assert confined(HEAD + known + UNMOUNTED, str(tmp_path)).strip() == "well"
