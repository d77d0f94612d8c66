"""What the status says of each folder, in a real daemon: too few watches, and disks that go and come back."""

from pathlib import Path

from tests.watching.confined import confined

HEAD = """
import subprocess, sys
from pathlib import Path
from tests import pictures
from tests.daemons import PATIENCE, running
from tests.waiting import wait_for

def draw(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures.save(path, pictures.noisy((32, 24), seed=seed))

def states(daemon):
    return {one["path"]: one["state"] for one in daemon.client.status()["folders"]}

def said(daemon, event):
    return daemon.log.read_text("utf-8").count(f'"{event}"')

def mount(source, point):
    point.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", source, point], check=True)

def unmount(point):
    subprocess.run(["umount", point], check=True)

here = Path(sys.argv[1])
folder = here / "Pictures"
"""

WATCHES = """
limit = Path("/proc/sys/user/max_inotify_watches")
instances = Path("/proc/sys/user/max_inotify_instances")
for number in range(30):
    (folder / str(number)).mkdir(parents=True)
draw(folder / "3" / "one.png", 1)
instances.write_text("0")
with running(here / "home", folder, WATCH_RESCAN="1s", READ_OCR="false") as daemon:
    daemon.idle(1)
    assert states(daemon)[str(folder)].startswith("scanning on a timer: it has more directories"), states(daemon)
    draw(folder / "4" / "two.png", 2)
    wait_for(lambda: daemon.client.status()["pictures"]["fresh"] == 2, deadline=PATIENCE)  # by the timer
    limit.write_text("1000")
    expected = "scanning on a timer: inotify instances ran out; raise the sysctl fs.inotify.max_user_instances"
    wait_for(lambda: states(daemon)[str(folder)] == expected, deadline=PATIENCE)
    instances.write_text("100")
    wait_for(lambda: states(daemon)[str(folder)] == "watching", deadline=PATIENCE)
    assert (said(daemon, "folder_on_timer"), said(daemon, "folder_watching")) == (2, 1)
    draw(folder / "5" / "three.png", 3)
    daemon.idle(3)
    limit.write_text("10")
    for number in range(3):
        draw(folder / f"new {number}" / "a.png", 4 + number)
    daemon.idle(6)
    wait_for(lambda: states(daemon)[str(folder)].startswith("scanning on a timer: "), deadline=PATIENCE)
    limit.write_text("1000")
    wait_for(lambda: states(daemon)[str(folder)] == "watching", deadline=PATIENCE)
print("well")
"""


def test_watches_that_run_out_and_are_there_again(tmp_path: Path) -> None:
    assert confined(HEAD + WATCHES, str(tmp_path), watches=40).strip() == "well"


DISKS = """
disk, usb, other = here / "disk", folder / "usb", folder / "usb2"
disk.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)
for number in range(5):
    draw(disk / "2024" / f"harbour {number}.png", number)
draw(folder / "kept.png", 9)
usb.mkdir()
counters = ("glimpsed_encoded_texts_total", "glimpsed_ocr_total")
with running(here / "home", folder, READ_OCR="false") as daemon:
    daemon.idle(1)
    mount(disk, usb)  # no event tells so
    daemon.idle(6)
    assert states(daemon) == {str(folder): "watching"}
    before = [daemon.counter(name) for name in counters]

    unmount(usb)
    wait_for(lambda: str(usb) in states(daemon), deadline=PATIENCE)
    [away] = [one for one in daemon.client.status()["folders"] if one["path"] == str(usb)]
    assert away["state"].startswith("offline since 20") and away["state"].endswith(": its disk is not mounted"), away
    assert away["pictures"] == 5
    daemon.idle(6)
    assert daemon.client.status()["pictures"] == {"fresh": 6, "stale": 0, "missing": 0, "errors": 0, "waiting": 0}
    hits = {hit["path"]: hit["offline"] for hit in daemon.client.search("type:png", k=10)["hits"]}
    assert hits.pop(str(folder / "kept.png")) is False and list(hits.values()) == [True] * 5, hits
    gone = usb / "2024" / "harbour 1.png"
    assert "offline since" in daemon.client.explain(str(gone))["hint"]
    daemon.client.search("harbour", sync=True, timeout=PATIENCE)  # scans everything
    (folder / "kept.png").touch()
    daemon.idle(6)

    daemon.stop()
    daemon.start()  # it is remembered
    daemon.idle(6)
    wait_for(lambda: str(usb) in states(daemon), deadline=PATIENCE)
    assert daemon.client.status()["pictures"]["missing"] == 0
    before = [daemon.counter(name) for name in counters]

    mount(disk, other)  # the same disk elsewhere
    daemon.idle(11)
    new = other / "2024" / "harbour 1.png"
    assert daemon.client.explain(str(new))["state"] == "fresh"
    assert [daemon.counter(name) for name in counters] == before
    unmount(other)
    mount(disk, usb)
    wait_for(lambda: str(other) in states(daemon) and str(usb) not in states(daemon), deadline=PATIENCE)
    (usb / "2024" / "harbour 1.png").unlink()
    wait_for(lambda: daemon.client.explain(str(gone))["state"] in ("missing", "not indexed"), deadline=PATIENCE)
    assert daemon.counter("glimpsed_encoded_texts_total") == before[0]
    for path in (usb / "2024").iterdir():
        path.unlink()
    (usb / "2024").rmdir()  # emptied, and still mounted
    daemon.idle(6)  # those that are away
    log = daemon.log.read_text("utf-8")
    assert log.count('"folder_offline"') == 3 and log.count('"folder_back"') == 1, log
print("well")
"""


def test_a_disk_in_a_folder_goes_and_comes_back(tmp_path: Path) -> None:
    assert confined(HEAD + DISKS, str(tmp_path)).strip() == "well"
