"""The configured folders: there, gone, back, unwatchable, inside one another."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from tests import pictures
from tests.indexing.house import Said, config, house
from tests.waiting import until

from glimpsed.events import Event
from glimpsed.indexing.backlog import Backlog
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.inbox import Inbox
from glimpsed.indexing.scans import Request, Scans
from glimpsed.records import Known, Stamp
from glimpsed.storing.table import Table
from glimpsed.watching import filesystem
from glimpsed.watching.ignore import Ignore
from glimpsed.watching.observer import Observer
from glimpsed.watching.scan import Scan
from glimpsed.watching.settle import Settle

KNOWN = Known(Stamp(1, 2, 3, 4), "", False)


def draw(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=f"about {path.stem}")
    return path


class Told:
    """An observer that is told how it is with each folder."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.ended: list[str] = []
        self.outgrown: dict[str, str] = {}
        self.watched: set[str] = set()
        self.calls: list[str] = []

    def watch(self, folder: str, ignore: Ignore) -> str | None:
        self.calls.append(f"watch {Path(folder).name}")
        reason = self.reasons.get(folder)
        self.outgrown.pop(folder, None)
        (self.watched.discard if reason else self.watched.add)(folder)
        return reason

    def unwatch(self, folder: str) -> None:
        self.calls.append(f"unwatch {Path(folder).name}")
        self.watched.discard(folder)
        self.ended = [one for one in self.ended if one != folder]

    def dead(self) -> list[str]:
        return self.ended

    def short(self) -> dict[str, str]:
        return self.outgrown

    def stop(self) -> None:
        self.calls.append("stop")


class Empty:
    """A table that knows nothing."""

    async def known(self, folder: str, *, under: str | None = None) -> dict[str, Known]:
        return {}


class Watch:
    """Folders with an observer that is told what to say, and scans that are counted."""

    def __init__(self, home: Path, *names: Path, **settings: object) -> None:
        self.observer, self.journal, self.inbox = Told(), Said(), Inbox()
        self.folders = Folders(
            config(home, *names, **settings), self.inbox, cast(Observer, self.observer), self.journal
        )
        self.changes = 0
        self.folders.changed = self.change
        self.scans = Scans(
            cast(Table, Empty()),
            Backlog(Settle(0.1, 1.0)),
            self.journal,
            self.folders.scan,
            self.folders.scanned,
        )

    def change(self) -> None:
        self.changes += 1

    async def look(self, name: Path) -> None:
        """One look after a folder, and the scan that it may ask for."""
        one = self.folders._folders[str(name)]
        await self.folders._look_after(str(name), one, self.scans)
        async with anyio.create_task_group() as group:
            group.start_soon(self.scans.run)
            await until(lambda: not self.scans.waiting)
            group.cancel_scope.cancel()

    def state(self, name: Path) -> str:
        [state] = [state.state for state in self.folders.states if state.path == str(name)]
        return state

    def whys(self) -> list[object]:
        return [said["why"] for said in self.journal.of(Event.SCAN_STARTED)]


async def test_a_folder_that_is_there_is_watched_then_scanned(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder / "a.png")
    (tmp_path / "state").mkdir()
    watch = Watch(tmp_path, folder)
    assert watch.folders.unseen() == (str(folder),)
    assert not watch.folders.there(str(folder), str(folder / "a.png"))
    await watch.look(folder)
    assert watch.state(folder) == "watching"
    assert watch.observer.watched == {str(folder)}
    assert watch.whys() == ["start"]
    assert watch.folders.unseen() == ()
    assert watch.folders.there(str(folder), str(folder / "a.png"))
    assert watch.changes == 1
    await watch.look(folder)
    assert watch.whys() == ["start"]  # nothing is due
    assert json.loads((tmp_path / "state" / "folders.json").read_text()) == {str(folder): folder.stat().st_dev}


async def test_a_missing_folder_is_watched_when_it_comes(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    watch = Watch(tmp_path, folder)
    await watch.look(folder)
    await watch.look(folder)
    assert watch.state(folder).startswith("offline since")
    assert "No such file" in watch.state(folder)
    assert len(watch.journal.of(Event.FOLDER_OFFLINE)) == 1
    assert watch.folders.online() == []
    folder.mkdir()
    await watch.look(folder)
    assert watch.state(folder) == "watching"
    assert len(watch.journal.of(Event.FOLDER_BACK)) == 1
    assert watch.folders.online() == [str(folder)]
    folder.rmdir()
    await watch.look(folder)
    assert watch.observer.watched == set()
    assert watch.folders.unseen() == (str(folder),)


async def test_a_watch_that_ended_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    watch = Watch(tmp_path, folder)
    await watch.look(folder)
    watch.observer.ended = [str(folder)]
    await watch.look(folder)
    assert watch.observer.calls == ["watch Pictures", "unwatch Pictures", "watch Pictures"]
    assert watch.whys() == ["start", "its watch was made anew"]
    assert len(watch.journal.of(Event.WATCH_FAILED)) == 1
    assert watch.state(folder) == "watching"


async def test_a_disk_that_was_away_for_a_moment_is_scanned_again(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    watch = Watch(tmp_path, folder)
    await watch.look(folder)
    watch.folders._folders[str(folder)].seen = 12345  # what a scan of a directory met at that moment
    await watch.look(folder)
    assert watch.whys() == ["start", "a disk was mounted or unmounted in it"]
    await watch.look(folder)
    assert len(watch.whys()) == 2


async def test_a_folder_that_cannot_be_watched_is_scanned_on_a_timer(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    watch = Watch(tmp_path, folder)
    reason = "inotify watches ran out; raise the sysctl fs.inotify.max_user_watches"
    watch.observer.reasons[str(folder)] = reason
    await watch.look(folder)
    assert watch.state(folder) == f"scanning on a timer: {reason}"
    assert watch.whys() == ["start"]
    [said] = watch.journal.of(Event.FOLDER_ON_TIMER)
    assert said["reason"] == reason
    await watch.look(folder)
    assert watch.whys() == ["start"]
    watch.folders._folders[str(folder)].scanned -= 301
    await watch.look(folder)
    assert watch.whys() == ["start", "timer"]
    watch.observer.reasons.clear()  # others gave theirs back
    watch.folders._folders[str(folder)].scanned -= 301
    await watch.look(folder)
    assert watch.state(folder) == "watching"
    assert len(watch.journal.of(Event.FOLDER_ON_TIMER)) == 1


async def test_a_folder_that_outgrows_the_watches_is_scanned_on_a_timer(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    watch = Watch(tmp_path, folder)
    await watch.look(folder)
    watch.observer.outgrown[str(folder)] = watch.observer.reasons[str(folder)] = "inotify watches ran out"
    await watch.look(folder)
    assert watch.state(folder) == "scanning on a timer: inotify watches ran out"
    assert watch.observer.watched == set()


async def test_a_watched_folder_is_scanned_now_and_then_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    watch = Watch(tmp_path, folder, watch__rescan=100.0)
    await watch.look(folder)
    watch.folders._folders[str(folder)].scanned -= 101
    await watch.look(folder)
    assert watch.whys() == ["start", "timer"]
    assert watch.observer.calls == ["watch Pictures"]


def found(watch: Watch, folder: Path, known: Mapping[str, Known]) -> Scan:
    return watch.folders.scan(Request(str(folder), None, "test"), known, lambda: False)


async def test_an_empty_place_on_another_disk_is_no_emptied_folder(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "folders.json").write_text(json.dumps({str(folder): 12345}))
    watch = Watch(tmp_path, folder)
    known = {str(folder / "a.png"): Known(Stamp(1, 2, 3, 4), "", False)}
    away = found(watch, folder, known)
    assert away.offline is not None
    watch.folders.scanned(str(folder), away)
    assert watch.folders.online() == []
    await watch.folders._look_after(str(folder), watch.folders._folders[str(folder)], watch.scans)
    assert watch.journal.of(Event.FOLDER_BACK) == []  # not before a scan has seen it
    assert watch.folders.online() == []
    assert watch.state(folder).startswith("offline since")

    draw(folder / "a.png")
    watch.folders.scanned(str(folder), found(watch, folder, known))
    assert watch.folders.online() == [str(folder)]
    assert watch.state(folder) == "watching"
    (folder / "a.png").unlink()
    emptied = found(watch, folder, known)
    assert emptied.offline is None  # the disk is known now
    assert [difference.path for difference in emptied.hints] == [str(folder / "a.png")]


async def test_the_disk_of_pictures_that_came_after_the_scan_is_remembered(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    (tmp_path / "state").mkdir()
    watch = Watch(tmp_path, folder)
    await watch.look(folder)
    assert not (tmp_path / "state" / "folders.json").exists()  # an empty place tells nothing
    picture = draw(folder / "a.png")
    await watch.look(folder)
    picture.unlink()
    later = Watch(tmp_path, folder)
    emptied = found(later, folder, {str(picture): Known(Stamp(1, 2, 3, 4), "", False)})
    assert emptied.offline is None
    assert len(emptied.hints) == 1


async def test_a_memory_that_cannot_be_kept_or_read_is_done_without(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    draw(folder / "a.png")
    watch = Watch(tmp_path, folder)  # there is no state directory to write to
    await watch.look(folder)
    assert watch.state(folder) == "watching"
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "folders.json").write_text("{")
    assert Watch(tmp_path, folder).folders._folders[str(folder)].device is None


async def test_paths_belong_to_the_deepest_folder(tmp_path: Path) -> None:
    outer, inner = tmp_path / "Pictures", tmp_path / "Pictures" / "phone"
    inner.mkdir(parents=True)
    watch = Watch(tmp_path, outer, inner, watch__ignore=["private"])
    assert watch.folders.folder_of(str(outer / "a.png")) == str(outer)
    assert watch.folders.folder_of(str(inner / "a.png")) == str(inner)
    assert watch.folders.folder_of(str(outer / "private" / "a.png")) is None
    assert watch.folders.folder_of(str(outer / "a.mp4")) is None
    assert watch.folders.folder_of("/elsewhere/a.png") is None
    assert not watch.folders.there("/elsewhere", "/elsewhere/a.png")  # asked for one that was configured a moment ago
    assert watch.folders.directory_folder(str(outer)) == str(outer)
    assert watch.folders.directory_folder(str(inner / "2024")) == str(inner)
    assert watch.folders.directory_folder(str(outer / "private")) is None
    assert watch.folders.directory_folder("/elsewhere") is None


async def test_the_outer_folders_scan_says_nothing_of_the_inner_ones_rows(tmp_path: Path) -> None:
    outer, inner = tmp_path / "Pictures", tmp_path / "Pictures" / "phone"
    draw(outer / "a.png")
    draw(inner / "b.png", 1)
    watch = Watch(tmp_path, outer, inner)
    known = {str(path): Known(Stamp(1, 2, 3, 4), "", False) for path in (inner / "b.png", outer / "gone.png")}
    assert {difference.path for difference in found(watch, outer, known).hints} == {
        str(outer / "a.png"),
        str(outer / "gone.png"),
    }


async def test_the_whole_with_one_folder_inside_another(tmp_path: Path) -> None:
    outer, inner = tmp_path / "Pictures", tmp_path / "Pictures" / "phone"
    draw(outer / "a.png")
    draw(inner / "b.png", 1)
    async with house(tmp_path, outer, inner) as one, one.running():
        assert (await one.idle()).fresh == 2
        assert (await one.row(inner / "b.png")).folder == str(inner)
        looks = one.table.calls["by_identity"]
        rows = one.table.calls["rows"]
        await one.scans.ask(str(outer), why="asked for").wait()
        await one.idle()
        assert not one.journal.of(Event.PICTURE_MISSING)
        assert (one.table.calls["by_identity"], one.table.calls["rows"]) == (looks, rows)  # no hint came of it
        away: Callable[[], Any] = lambda: one.folders.online() == [str(outer)]  # noqa: E731
        inner.rename(tmp_path / "away")
        await one.scans.ask(str(inner), why="asked for").wait()
        await until(away)
        await one.idle()
        assert (await one.row(inner / "b.png")).missing_since is None


async def test_a_network_disk_in_a_folder_has_the_whole_scanned_on_a_timer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Pictures"
    (folder / "net").mkdir(parents=True)
    table = tmp_path / "mountinfo"
    table.write_text(f"30 21 0:40 / {folder}/net rw - fuse.sshfs me@there:/ rw\n")
    monkeypatch.setattr(filesystem, "MOUNTINFO", str(table))
    watch = Watch(tmp_path, folder)
    await watch.look(folder)
    assert watch.state(folder) == (
        f"scanning on a timer: {folder}/net: fuse.sshfs tells nothing of changes made elsewhere"
    )
    assert watch.observer.watched == {str(folder)}  # the rest tells what happens
    watch.folders._folders[str(folder)].scanned -= 301
    await watch.look(folder)
    table.write_text("")
    await watch.look(folder)
    assert watch.state(folder) == "watching"
    assert watch.whys() == ["start", "timer", "a disk was mounted or unmounted in it"]


async def test_the_disks_of_a_folder_are_remembered_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    usb = folder / "usb"
    usb.mkdir(parents=True)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "disks.json").write_text(json.dumps({str(folder): {str(usb): 12345}}))
    watch = Watch(tmp_path, folder)
    known = {str(usb / "a.png"): Known(Stamp(1, 2, 3, 4), "", False), str(folder / "b.png"): KNOWN}
    away = found(watch, folder, known)
    assert [difference.path for difference in away.hints] == [str(folder / "b.png")]
    watch.folders.scanned(str(folder), away)
    watch.folders.scanned(str(folder), found(watch, folder, known))
    assert watch.folders.away() == (str(usb),)
    [_, told] = watch.folders.states
    assert (told.path, told.pictures, told.reason) == (str(usb), 1, "its disk is not mounted")
    assert watch.folders.offline(str(folder), str(usb / "a.png"))
    assert not watch.folders.offline(str(folder), str(folder / "b.png"))
    assert watch.folders.state_of(str(folder), str(usb / "a.png")).startswith("offline since")
    assert watch.folders.state_of(str(folder), str(folder / "b.png")) == "starting"
    assert not watch.folders.there(str(folder), str(usb / "a.png"))
    assert watch.folders.there(str(folder), str(folder / "b.png"))
    draw(usb / "c.png")  # it is used as a directory like any other now
    used = found(watch, folder, known)
    assert {difference.path for difference in used.hints} == {str(usb / "a.png"), str(usb / "c.png"), *list(known)[1:]}
    watch.folders.scanned(str(folder), used)
    assert (watch.folders.away(), json.loads((tmp_path / "state" / "disks.json").read_text())) == ((), {})
    for event in (Event.FOLDER_OFFLINE, Event.FOLDER_BACK):
        assert [said["folder"] for said in watch.journal.of(event)] == [str(usb)]


async def test_a_folder_says_how_far_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    watch = Watch(tmp_path, folder)
    await watch.look(folder)
    watch.folders.catching_up = lambda name: (120, 2000)
    assert watch.state(folder) == "catching up 120 of 2,000"
    watch.folders.scanned(str(folder), Scan(offline="gone"))
    assert watch.state(folder).startswith("offline since")
