"""The observer on real inotify."""

import os
import shutil
import threading
from pathlib import Path

import pytest
from tests.waiting import until
from tests.watching.listening import listening

from glimpsed.watching import directories
from glimpsed.watching import observer as module
from glimpsed.watching.directories import below, count, watch_limit
from glimpsed.watching.ignore import FILE, Ignore
from glimpsed.watching.observer import Observer


def ignore_of(folder: Path, *, follow_symlinks: bool = False) -> Ignore:
    return Ignore(str(folder), (), follow_symlinks=follow_symlinks)


async def test_every_kind_of_change_hints(tmp_path: Path) -> None:
    path, other = tmp_path / "a.jpg", tmp_path / "in" / "b.jpg"
    other.parent.mkdir()
    with listening(tmp_path) as ear:
        path.write_bytes(b"1")
        assert set(await ear.after(tmp_path)) == {str(path)}
        with path.open("ab") as file:
            file.write(b"2")
            file.flush()
            assert await ear.after(tmp_path) == [str(path)]  # while it is still open
        assert set(await ear.after(tmp_path)) == {str(path)}
        os.utime(path, (1, 1))
        assert set(await ear.after(tmp_path)) == {str(path)}
        path.chmod(0o600)
        assert set(await ear.after(tmp_path)) == {str(path)}
        path.rename(other)
        assert set(await ear.after(tmp_path)) == {str(path), str(other)}
        os.link(other, path)
        assert str(path) in await ear.after(tmp_path)
        other.unlink()
        assert str(other) in await ear.after(tmp_path)
        assert ear.losses == []


async def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    directory = f"{tmp_path}/\udcff"
    with listening(tmp_path) as ear:
        os.mkdir(directory)
        await ear.hears(directory)
        os.mknod(f"{directory}/b\udce9.jpg")
        await until(lambda: f"{directory}/b\udce9.jpg" in ear.hints)


async def test_reading_raises_no_hint(tmp_path: Path) -> None:
    path = tmp_path / "in" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"1")
    with listening(tmp_path) as ear:
        for _ in range(3):
            assert path.read_bytes() == b"1"
            assert os.listdir(path.parent) == ["a.jpg"]
            path.stat()
        assert await ear.after(tmp_path) == []


async def test_what_does_not_matter_raises_no_hint(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with listening(tmp_path, patterns=("raw/", "*.gif")) as ear:
        for name in ("a.mp4", ".a.jpg", "a.jpg.part", "a.gif", "raw/a.jpg", "lonely.xmp"):
            (tmp_path / name).touch()
        (tmp_path / ".thumbnails").mkdir()
        (tmp_path / ".thumbnails" / "a.jpg").touch()
        shutil.rmtree(tmp_path / "raw")
        (tmp_path / "link.jpg").symlink_to("a.jpg")
        assert await ear.after(tmp_path) == []


async def test_ignored_directories_get_no_watch(tmp_path: Path) -> None:
    for name in ("a/b", ".git/objects/00", "raw/deep", "a/raw"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    with listening(tmp_path, patterns=("/raw",)) as ear:
        assert ear.observer.watches == kernel_watches() == 4  # the folder, a, a/b, a/raw
        (tmp_path / ".cache" / "deep").mkdir(parents=True)
        (tmp_path / "new" / "deep").mkdir(parents=True)
        await ear.hears(tmp_path / "new")
        await ear.after(tmp_path)
        assert ear.observer.watches == kernel_watches() == 6
        (tmp_path / "a" / FILE).write_text("b\n")
        await until(lambda: str(tmp_path / "a") in ear.hints)
        await ear.after(tmp_path)
        assert ear.observer.watches == kernel_watches() == 5
        (tmp_path / "a" / FILE).unlink()
        await until(lambda: kernel_watches() == 6)
    assert kernel_watches() == 0


def most_queued_events() -> int:
    return int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


def kernel_watches() -> int:
    """As the kernel counts them for this process."""
    found = 0
    for name in os.listdir("/proc/self/fdinfo"):
        try:
            text = Path("/proc/self/fdinfo", name).read_text()
        except OSError:
            continue
        found += text.count("inotify wd:")
    return found


@pytest.mark.parametrize("sidecar", ["a.xmp", "a.jpg.xmp", "a.txt", "a.jpg.txt"])
async def test_a_sidecar_hints_its_picture(tmp_path: Path, sidecar: str) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").touch()
    with listening(tmp_path) as ear:
        (tmp_path / sidecar).write_text("words")
        assert set(await ear.after(tmp_path)) == {str(tmp_path / "a.jpg")}
        (tmp_path / sidecar).unlink()
        assert set(await ear.after(tmp_path)) == {str(tmp_path / "a.jpg")}


async def test_a_tree_that_is_made_at_once(tmp_path: Path) -> None:
    with listening(tmp_path) as ear:
        deep = tmp_path
        for name in "abcdefgh":
            deep = deep / name
            deep.mkdir()
            (deep / "a.jpg").touch()
        await ear.hears(deep / "a.jpg")
        await ear.after(tmp_path)
        (deep / "b.jpg").touch()
        assert str(deep / "b.jpg") in await ear.after(deep)


async def test_trees_that_move(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    (folder / "one" / "deep").mkdir(parents=True)
    outside.mkdir()
    with listening(folder) as ear:
        (folder / "one").rename(folder / "two")
        told = await ear.after(folder)
        assert told == [str(folder / "one"), str(folder / "two")]
        (folder / "two" / "deep" / "a.jpg").touch()
        assert set(await ear.after(folder / "two" / "deep")) == {str(folder / "two" / "deep" / "a.jpg")}

        (folder / "two").rename(outside / "two")
        assert await ear.after(folder) == [str(folder / "two")]
        assert ear.observer.watches == kernel_watches() == 1
        (outside / "two" / "deep" / "b.jpg").touch()
        assert await ear.after(folder) == []

        (outside / "two").rename(folder / "back")
        assert await ear.after(folder) == [str(folder / "back")]
        (folder / "back" / "deep" / "c.jpg").touch()
        assert set(await ear.after(folder / "back" / "deep")) == {str(folder / "back" / "deep" / "c.jpg")}

        shutil.rmtree(folder / "back")
        assert str(folder / "back") in await ear.after(folder)
        assert ear.observer.watches == 1
        assert ear.losses == []


async def test_a_tree_that_moves_from_one_folder_to_another(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    (one / "tree" / "deep").mkdir(parents=True)
    two.mkdir()
    with listening(one, two) as ear:
        (one / "tree").rename(two / "tree")
        await ear.hears(one / "tree", two / "tree")
        (two / "tree" / "deep" / "a.jpg").touch()
        await until(lambda: str(two / "tree" / "deep" / "a.jpg") in ear.hints)
        assert ear.observer.watches == kernel_watches() == 4
        ear.observer.unwatch(str(one))
        (two / "tree" / "deep" / "b.jpg").touch()
        (one / "c.jpg").touch()
        await until(lambda: str(two / "tree" / "deep" / "b.jpg") in ear.hints)
        await ear.after(two)
        assert not ear.told(one)()
        assert ear.observer.watches == kernel_watches() == 3
        ear.observer.unwatch(str(one))


async def test_a_directory_with_a_picture_s_name(tmp_path: Path) -> None:
    with listening(tmp_path) as ear:
        (tmp_path / "x.jpg").mkdir()
        await ear.hears(tmp_path / "x.jpg")
        (tmp_path / "x.jpg" / "a.jpg").touch()
        await until(lambda: str(tmp_path / "x.jpg" / "a.jpg") in ear.hints)
        shutil.rmtree(tmp_path / "x.jpg")
        (tmp_path / "x.jpg").touch()
        assert str(tmp_path / "x.jpg") in await ear.after(tmp_path)
        assert ear.observer.watches == 1


async def test_symlinked_directories(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    (folder / "in").mkdir(parents=True)
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "home").symlink_to(folder)
    (outside / "deep" / "up").symlink_to("..")
    (folder / "loop").symlink_to(".")
    (folder / "a").symlink_to(outside)
    (folder / "b").symlink_to(outside)
    with listening() as ear:
        assert ear.observer.watch(str(folder), ignore_of(folder, follow_symlinks=True)) is None
        assert ear.observer.watches == kernel_watches() == 4  # folder, in, a, a/deep
        (outside / "deep" / "x.jpg").touch()
        assert set(await ear.after(folder)) == {str(folder / "a" / "deep" / "x.jpg")}
        (folder / "a").unlink()
        assert await ear.after(folder) == [str(folder / "a")]
        assert ear.observer.watches == 2
        (folder / "c").symlink_to(outside)
        assert str(folder / "c") in await ear.after(folder)
        assert ear.observer.watches == 4
        (folder / "x.jpg").symlink_to(outside / "deep" / "x.jpg")
        assert await ear.after(folder) == [str(folder / "x.jpg")]


async def test_a_folder_that_is_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real" / "in").mkdir(parents=True)
    (tmp_path / "folder").symlink_to("real")
    with listening(tmp_path / "folder") as ear:
        (tmp_path / "real" / "in" / "a.jpg").touch()
        await ear.hears(tmp_path / "folder" / "in" / "a.jpg")


async def test_a_folder_whose_parent_is_moved_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "parent" / "folder"
    folder.mkdir(parents=True)
    with listening(folder) as ear:
        (tmp_path / "parent").rename(tmp_path / "elsewhere")
        assert ear.observer.dead() == [str(folder)]
        folder.mkdir(parents=True)
        assert ear.observer.dead() == [str(folder)]
        assert ear.observer.watch(str(folder), ignore_of(folder)) is None
        assert ear.observer.dead() == []
        (folder / "a.jpg").touch()
        await ear.hears(folder / "a.jpg")


@pytest.mark.parametrize("how", ["deleted", "moved"])
async def test_a_folder_that_goes_and_comes_back(tmp_path: Path, how: str) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    (folder / "in").mkdir(parents=True)
    other.mkdir()
    with listening(folder, other) as ear:
        ignore = ignore_of(folder)
        assert ear.observer.dead() == []
        if how == "deleted":
            shutil.rmtree(folder)
        else:
            folder.rename(tmp_path / "away")
        await until(lambda: ear.losses)
        assert ear.losses == [(str(folder), "it was deleted, moved away or unmounted")]
        assert ear.observer.dead() == [str(folder)]
        assert ear.observer.watch(str(folder), ignore) == "No such file or directory"
        folder.mkdir()
        assert ear.observer.watch(str(folder), ignore) is None
        assert ear.observer.dead() == []
        (folder / "a.jpg").touch()
        await ear.hears(folder / "a.jpg")
        assert len(ear.losses) == 1


async def test_watching_again_brings_the_watches_up_to_the_disk(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with listening() as ear:
        ignore = ignore_of(tmp_path)
        assert ear.observer.watch(str(tmp_path), ignore) is None
        before = kernel_watches()
        assert ear.observer.watch(str(tmp_path), ignore) is None
        assert kernel_watches() == before == 2
        assert ear.observer.watch(str(tmp_path), Ignore(str(tmp_path), ("in",), follow_symlinks=False)) is None
        assert kernel_watches() == 1
        assert ear.observer.short() == {}


async def test_an_overflow_is_told_and_nothing_stays_unwatched(tmp_path: Path) -> None:
    """A real one: the reader is held up while more happens than the kernel's queue can hold."""
    queue = most_queued_events()
    if queue > 100_000:
        pytest.skip(f"the kernel's queue holds {queue:,} events here: too many to overflow in a test")
    pictures = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path in pictures:
        path.touch()
    with listening(tmp_path) as ear:
        ear.open.clear()
        for number in range(2 * queue):  # by turns, for equal events in a row are one; some are read before it stalls
            os.utime(pictures[number % 2], (number, number))
        (tmp_path / "new" / "deep").mkdir(parents=True)  # its event is lost
        ear.open.set()
        await until(lambda: ear.losses)
        assert ear.losses[0][0] == str(tmp_path)
        assert ear.losses[0][1].startswith("the queue of events overflowed")
        assert ear.observer.watches == kernel_watches() == 3
        (tmp_path / "new" / "deep" / "a.jpg").touch()
        await until(lambda: str(tmp_path / "new" / "deep" / "a.jpg") in ear.hints)
        assert ear.observer.dead() == []


async def test_a_folder_that_goes_during_an_overflow(tmp_path: Path) -> None:
    queue = most_queued_events()
    if queue > 100_000:
        pytest.skip(f"the kernel's queue holds {queue:,} events here: too many to overflow in a test")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.jpg").touch()
    with listening(folder) as ear:
        ear.open.clear()
        for number in range(2 * queue):
            os.utime(folder / f"{'ab'[number % 2]}.jpg", (number, number))
        shutil.rmtree(folder)
        ear.open.set()
        await until(lambda: ear.losses)
        assert ear.losses == [(str(folder), "the queue of events overflowed; No such file or directory")]
        assert ear.observer.dead() == [str(folder)]


async def test_watching_anew_before_the_events_are_read(tmp_path: Path) -> None:
    for name in ("one/deep", "other"):
        (tmp_path / name).mkdir(parents=True)
    with listening() as ear:
        ignore = ignore_of(tmp_path)
        assert ear.observer.watch(str(tmp_path), ignore) is None
        ear.open.clear()
        (tmp_path / "a.jpg").touch()  # the reader stalls at this one
        (tmp_path / "one").rename(tmp_path / "two")
        (tmp_path / "other").rmdir()
        (tmp_path / "other").mkdir()
        (tmp_path / "new").mkdir()
        assert ear.observer.watch(str(tmp_path), ignore) is None
        assert ear.observer.watches == kernel_watches() == 5
        ear.open.set()
        await ear.after(tmp_path)
        assert ear.observer.watches == kernel_watches() == 5
        pictures = [tmp_path / name / "a.jpg" for name in ("two/deep", "other", "new")]
        for path in pictures:
            path.touch()
        await until(lambda: {str(path) for path in pictures} <= set(ear.hints))


async def test_a_reader_that_dies_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    hints: list[str] = []

    def hint(path: str) -> None:
        if "bad" in path:
            raise RuntimeError(path)
        hints.append(path)

    losses: list[str] = []
    with Observer(hint, lambda folder, _: losses.append(folder)) as observer:
        folders = [str(tmp_path / "one"), str(tmp_path / "two")]
        for folder in folders:
            os.mkdir(folder)
            assert observer.watch(folder, ignore_of(tmp_path / folder)) is None
        os.mknod(folders[0] + "/bad.jpg")
        await until(observer.dead)
        assert observer.dead() == folders
        assert observer.watch(folders[1], ignore_of(tmp_path / folders[1])) is None
        assert observer.dead() == folders[:1]
        os.mknod(folders[1] + "/good.jpg")
        await until(lambda: hints)
        assert observer.watch(folders[0], ignore_of(tmp_path / folders[0])) is None
        assert observer.dead() == losses == []
        assert observer.watches == kernel_watches() == 2


def test_stopping_twice_and_without_watching(tmp_path: Path) -> None:
    with listening(tmp_path) as ear:
        ear.observer.stop()
        assert ear.observer.watches == 0
        ear.observer.stop()
    assert kernel_watches() == 0
    with listening() as ear:
        assert ear.observer.dead() == []


def test_a_missing_folder_or_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with listening() as ear:
        for name, reason in {"none": "No such file or directory", "file": "Not a directory"}.items():
            assert ear.observer.watch(f"{tmp_path}/{name}", ignore_of(tmp_path / name)) == reason
        assert ear.observer.watches == 0


def test_counting(tmp_path: Path) -> None:
    for name in ("a/b", "c", ".hidden/d"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "up").symlink_to("..")
    for follow in (False, True):
        assert count(str(tmp_path), ignore_of(tmp_path, follow_symlinks=follow), most=100) == 4
    assert count(str(tmp_path), ignore_of(tmp_path), most=2) == 2
    assert below(f"{tmp_path}/none", ignore_of(tmp_path)) == ([], [])
    assert count(f"{tmp_path}/none", ignore_of(tmp_path / "none", follow_symlinks=True), most=9) == 0
    assert watch_limit() > 0


def test_a_kernel_that_does_not_tell_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "limit").write_text("77\n")
    (tmp_path / "nonsense").write_text("many\n")
    monkeypatch.setattr(directories, "LIMITS", (f"{tmp_path}/none", f"{tmp_path}/nonsense"))
    assert watch_limit() == 8192
    monkeypatch.setattr(directories, "LIMITS", (f"{tmp_path}/none", f"{tmp_path}/limit"))
    assert watch_limit() == 77


def test_a_watchdog_without_the_hooks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HOOKS", ("on_event", "on_something_new"))
    with pytest.raises(ImportError, match="lacks on_something_new"):
        Observer(lambda _: None, lambda *_: None)
