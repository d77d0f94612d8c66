"""The async shells: backlog, inbox, scans, thumbnails."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import anyio

from glimpsed.events import Journal
from glimpsed.indexing.backlog import Backlog, Pulse
from glimpsed.indexing.inbox import Inbox
from glimpsed.indexing.scans import Request, Scans
from glimpsed.indexing.thumbnails import Thumbnails
from glimpsed.records import Known
from glimpsed.storing.table import Table
from glimpsed.watching.scan import Difference, Scan
from glimpsed.watching.settle import Settle


class Clock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_pulse_wakes_all_who_wait_and_none_who_come_later() -> None:
    pulse = Pulse()
    woken = []

    async def wait(name: str) -> None:
        await pulse.wait()
        woken.append(name)

    async with anyio.create_task_group() as group:
        group.start_soon(wait, "a")
        group.start_soon(wait, "b")
        await anyio.wait_all_tasks_blocked()
        pulse.beat()
        await anyio.wait_all_tasks_blocked()
        group.start_soon(wait, "late")
        await anyio.wait_all_tasks_blocked()
        assert sorted(woken) == ["a", "b"]
        await pulse.wait(since=0)  # one beat since then: returns at once
        group.cancel_scope.cancel()


async def test_paths_come_out_when_quiet_and_are_waited_for_until_done() -> None:
    clock = Clock()
    backlog = Backlog(Settle(1.0, 10.0), clock=clock)
    backlog.hint("/a.png")
    assert backlog.waiting == 1
    clock.now = 1.0
    assert await backlog.due() == ["/a.png"]
    assert backlog.busy == 1
    drained = False

    async def drain() -> None:
        nonlocal drained
        await backlog.drained({"/a.png"})
        await backlog.calm()
        drained = True

    async with anyio.create_task_group() as group:
        group.start_soon(drain)
        await anyio.wait_all_tasks_blocked()
        assert not drained
        backlog.done("/a.png")
    assert drained
    assert backlog.pending() == frozenset()


async def test_the_refresh_lets_a_scan_and_what_it_found_go_first() -> None:
    clock = Clock()
    backlog = Backlog(Settle(1.0, 10.0), clock=clock)
    expected = True
    backlog.expecting = lambda: expected
    calm = False

    async def wait() -> None:
        nonlocal calm
        await backlog.calm()
        calm = True

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert not calm  # a scan is under way
        backlog.hint("/old.png", mtime=1.0)
        expected = False
        backlog.wake()
        await anyio.wait_all_tasks_blocked()
        assert not calm  # what it found is due
        assert await backlog.due() == ["/old.png"]
        backlog.hint("/new.png")
        backlog.done("/old.png")
    assert calm  # the other one still settles


async def test_an_old_file_that_a_scan_found_is_due_at_once() -> None:
    backlog = Backlog(Settle(60.0, 600.0))
    backlog.hint("/old.png", mtime=1.0)
    with anyio.fail_after(30):
        assert await backlog.due() == ["/old.png"]


async def test_a_full_backlog_holds_hints_back() -> None:
    backlog = Backlog(Settle(0.0, 1.0, limit=2))
    backlog.hint("/a.png")
    backlog.hint("/b.png")
    held = True

    async def hint() -> None:
        nonlocal held
        await backlog.room()
        held = False

    async with anyio.create_task_group() as group:
        group.start_soon(hint)
        await anyio.wait_all_tasks_blocked()
        assert held
        [first, *_] = await backlog.due()
        backlog.done(first)
    assert not held


async def test_hints_from_another_thread_arrive_once_each() -> None:
    inbox = Inbox()

    def hint() -> None:
        for _ in range(3):
            inbox.hint("/a.png")

    thread = threading.Thread(target=hint)
    thread.start()
    hints, losses = await inbox.next(["/p"])
    thread.join()
    if len(inbox):  # the thread went on after the first was taken
        await inbox.next(["/p"])
    assert hints == ["/a.png"]
    assert losses == {}


async def test_too_many_hints_are_a_loss_of_every_folder() -> None:
    inbox = Inbox(limit=2)
    for number in range(3):
        inbox.hint(f"/{number}.png")
    inbox.lost("/q", "overflow")
    hints, losses = await inbox.next(["/p", "/q"])
    assert hints == ["/0.png", "/1.png"]
    assert losses == {"/p": "too many events at once", "/q": "overflow"}
    inbox.hint("/3.png")
    assert await inbox.next(["/p"]) == (["/3.png"], {})


class NoTable:
    """Knows no path."""

    async def known(self, folder: str, *, under: str | None = None) -> dict[str, Known]:
        return {}


def scans(found: Callable[[Request], Scan], made: list[str | None], backlog: Backlog) -> Scans:
    def scan_folder(request: Request, known: Mapping[str, Known], stop: Callable[[], bool]) -> Scan:
        made.append(request.under)
        return found(request)

    return Scans(cast(Table, NoTable()), backlog, Journal(), scan_folder, lambda folder, scan: None)


async def test_requests_are_coalesced_and_all_who_asked_are_told() -> None:
    made: list[str | None] = []
    backlog = Backlog(Settle(0.0, 1.0))
    some = scans(lambda _: Scan(hints=[Difference("/p/x/a.png", 1.0)], pictures=1), made, backlog)
    first = some.ask("/p", under="/p/x/y", why="test")
    second = some.ask("/p", under="/p/x", why="test")  # wider: takes the first's place
    third = some.ask("/p", under="/p/x/z", why="test")  # in the second
    assert some.waiting == 1
    async with anyio.create_task_group() as group:
        group.start_soon(some.run)
        for done in (first, second, third):
            await done.wait()
        group.cancel_scope.cancel()
    assert made == ["/p/x"]
    assert backlog.pending() == {"/p/x/a.png"}


async def test_very_many_parts_of_a_folder_are_the_whole_folder() -> None:
    some = scans(lambda _: Scan(), [], Backlog(Settle(0.0, 1.0)))
    for number in range(1000):
        some.ask("/p", under=f"/p/{number}", why="test")
    assert some.waiting < 300
    some.ask("/p", why="test")
    some.ask("/q", why="test")
    assert some.waiting == 2


async def test_a_closed_scan_hints_at_nothing() -> None:
    backlog = Backlog(Settle(0.0, 1.0))
    some = scans(lambda _: Scan(hints=[Difference("/p/a.png", 1.0)]), [], backlog)
    some.close()
    done = some.ask("/p", why="test")
    async with anyio.create_task_group() as group:
        group.start_soon(some.run)
        await done.wait()
        group.cancel_scope.cancel()
    assert backlog.waiting == 0


def test_thumbnails_are_kept_by_content(tmp_path: Path) -> None:
    thumbnails = Thumbnails(str(tmp_path))
    one = "a" * 64
    assert thumbnails.path(one) is None
    thumbnails.put(one, b"webp")
    thumbnails.put(one, b"same")
    found = thumbnails.path(one)
    assert found is not None
    assert found.read_bytes() == b"webp"
    thumbnails.put(one, b"larger")
    assert found.read_bytes() == b"larger"
    assert thumbnails.path("../" + one) is None
    thumbnails.drop(one)
    thumbnails.drop("../x")
    assert thumbnails.path(one) is None


def test_a_thumbnail_that_cannot_be_kept_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "thumbnails").write_text("a file where the directory should be", encoding="utf-8")
    thumbnails = Thumbnails(str(tmp_path))
    thumbnails.put("b" * 64, b"webp")
    assert thumbnails.path("b" * 64) is None
