"""When work waits: decisions on made-up times and supplies, and a real daemon that is paused."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.daemons import running
from tests.pictures import draw, save
from tests.test_cli import command
from tests.waiting import until, wait_for

from glimpsed.config import Work, load
from glimpsed.errors import StateError
from glimpsed.events import Journal
from glimpsed.indexing.holding import ASKED, BATTERY, BUSY, Held, Hold
from glimpsed.manners import Busy, Times, cores, cpu_times, on_battery

WORK = Work(on_battery=False, give_way=True, stay_paused=True, cpu_share=1.0)


class Machine:
    """Cores whose programs use a share of them for a while."""

    def __init__(self) -> None:
        self.now, self.used, self.whole = 0.0, 0.0, 0.0
        self.busy = Busy()

    def run(self, share: float, seconds: float) -> bool:
        self.now += seconds
        self.whole += 200 * seconds
        self.used += 200 * seconds * share
        return self.busy.look(Times(round(self.used), round(self.whole)), self.now)


def test_work_waits_while_others_use_the_machine() -> None:
    machine = Machine()
    assert not machine.run(1.0, 2)  # one look tells nothing yet
    assert machine.run(1.0, 2)
    assert machine.run(1.0, 0.1)  # too soon for another opinion
    assert machine.run(0.6, 2)  # between: as before
    assert not machine.run(0.3, 2)
    assert not machine.run(0.6, 2)
    assert machine.run(0.8, 2)


def test_on_a_machine_that_is_always_busy_it_gets_its_turn_now_and_then() -> None:
    machine = Machine()
    waits = [machine.run(1.0, 3) for _ in range(4000)]  # 200 minutes
    share = waits.count(False) / len(waits)
    assert 0.04 < share < 0.06  # half a minute of ten and a half
    longest = max(map(len, "".join(".x"[wait] for wait in waits).split(".")))
    assert longest * 3 < 700


def test_an_old_look_says_nothing_of_now() -> None:
    machine = Machine()
    machine.run(1.0, 2)
    assert not machine.run(1.0, 3600)
    assert machine.run(1.0, 2)


def test_what_the_kernel_does_not_tell_holds_nothing(tmp_path: Path) -> None:
    assert Busy().look(None, 1.0) is False
    assert cpu_times(tmp_path / "none") is None
    (tmp_path / "stat").write_text("cpu 1 2\n")
    assert cpu_times(tmp_path / "stat") is None
    (tmp_path / "stat").write_text("cpu  10 200 30 4000 50 6 7 8 0 0\ncpu0 1\n")
    assert cpu_times(tmp_path / "stat") == Times(61, 4311)
    real = cpu_times()
    assert real is not None
    assert 0 < real.used <= real.whole


def supply(root: Path, name: str, **told: str) -> None:
    (root / name).mkdir(parents=True, exist_ok=True)
    for key, value in told.items():
        (root / name / key).write_text(value + "\n")


def test_on_battery(tmp_path: Path) -> None:
    assert not on_battery(tmp_path / "none")  # a desktop without any
    supply(tmp_path, "hidpp_battery_0", type="Battery", status="Discharging", scope="Device")
    assert not on_battery(tmp_path)  # a mouse
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    assert on_battery(tmp_path)
    supply(tmp_path, "AC", type="Mains", online="0")
    assert on_battery(tmp_path)
    supply(tmp_path, "AC", type="Mains", online="1")
    assert not on_battery(tmp_path)  # a weak charger
    supply(tmp_path, "AC", type="Mains", online="0")
    supply(tmp_path, "BAT0", type="Battery", status="Charging")
    assert not on_battery(tmp_path)


async def test_the_second_pass_waits_on_battery_and_goes_on_when_it_is_plugged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glimpsed.indexing.holding._LOOK_AGAIN", {BATTERY: 0.01, BUSY: 0.01})
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    hold = Hold(WORK, str(tmp_path), Journal(), power=tmp_path, stat=tmp_path / "none")
    passed = []

    async def work() -> None:
        await hold.second()
        passed.append(True)

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await until(lambda: hold.held == (Held("second pass", BATTERY),))
        await hold.first()  # new pictures are read all the same
        with hold.urgent():
            await hold.second()  # somebody waits for it
        assert passed == []
        supply(tmp_path, "BAT0", type="Battery", status="Charging")
        await until(lambda: passed)
    assert hold.held == ()
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    await Hold(replace(WORK, on_battery=True), str(tmp_path), Journal(), power=tmp_path).second()


async def test_it_waits_for_programs_that_keep_all_cores_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glimpsed.indexing.holding._LOOK_AGAIN", {BATTERY: 0.01, BUSY: 0.01})
    stat, clock = tmp_path / "stat", Machine()

    def run(share: float) -> float:
        clock.run(share, 2)
        stat.write_text(f"cpu {round(clock.used)} 0 0 {round(clock.whole - clock.used)} 0 0 0 0\n")
        return clock.now

    share = 1.0
    hold = Hold(WORK, str(tmp_path), Journal(), power=tmp_path / "none", stat=stat, clock=lambda: run(share))
    for _ in range(2):
        await hold.second()  # one look tells nothing yet
    async with anyio.create_task_group() as group:
        group.start_soon(hold.second)
        await until(lambda: hold.held == (Held("second pass", BUSY),))
        share = 0.1
    assert hold.held == ()


async def test_a_pause_is_kept_and_can_be_forgotten_by_a_restart(tmp_path: Path) -> None:
    hold = Hold(WORK, str(tmp_path), Journal())
    assert await hold.pause(True)
    assert not await hold.pause(True)
    assert oct((tmp_path / "paused").stat().st_mode)[-3:] == "600"
    assert hold.held == (Held("indexing", ASKED),)
    assert Hold(WORK, str(tmp_path), Journal()).asked
    assert not Hold(replace(WORK, stay_paused=False), str(tmp_path), Journal()).asked
    async with anyio.create_task_group() as group:
        group.start_soon(hold.second)
        await anyio.wait_all_tasks_blocked()
        assert await hold.pause(False)
        assert not await hold.pause(False)
    assert not Hold(WORK, str(tmp_path), Journal()).asked
    with pytest.raises(StateError, match="cannot be kept"):
        await Hold(WORK, str(tmp_path / "none"), Journal()).pause(True)


def test_a_daemon_that_is_paused_answers_and_reads_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    save(folder / "a.png", draw("x"), caption="A red bicycle")

    def glimpse(*arguments: str) -> str:
        told = subprocess.run(
            [*command("glimpse"), "--socket", str(tmp_path / "home" / "socket"), *arguments],
            capture_output=True, check=True, timeout=60, text=True,
        )  # fmt: skip
        return told.stdout

    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        daemon.idle(1)
        assert "indexing is paused" in glimpse("pause")
        status = daemon.client.status()
        assert status["state"] == "paused"
        assert "held      indexing: somebody paused it" in glimpse("status")
        save(folder / "b.png", draw("y"), caption="A green kettle")
        wait_for(lambda: daemon.client.status()["pictures"]["waiting"] == 1)
        assert daemon.first("bicycle") == "a.png"
        assert daemon.stop() == 0
    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        assert daemon.client.status()["state"] == "paused"  # it survived
        answer = daemon.client.search("kettle", sync=True, timeout=0.5)
        assert any("not waited for" in one for one in answer["warnings"])
        assert "b.png" not in daemon.names("kettle")
        assert glimpse("resume") == "indexing goes on\n"
        daemon.idle(2)
        assert daemon.first("kettle") == "b.png"


def test_a_share_of_the_cores() -> None:
    assert cores(1.0, {0, 1, 2, 3}) == {0, 1, 2, 3}
    assert cores(0.5, {0, 1, 2, 3}) == {2, 3}
    assert cores(0.3, {0, 1, 2, 3}) == {2, 3}
    assert cores(0.01, {4, 7}) == {7}
    assert cores(1 / 3, range(3)) == {2}


def test_all_that_a_daemon_starts_stays_on_its_share_of_the_cores(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    save(folder / "a.png", draw("x"), caption="A red bicycle")
    with running(tmp_path / "home", folder, READ_OCR="false", WORK_CPU_SHARE="0.01") as daemon:
        daemon.idle(1)
        assert daemon.process is not None
        for pid in (daemon.process.pid, *daemon.children()):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                assert len(os.sched_getaffinity(int(thread.name))) == 1
        workers = [pid for pid in daemon.children() if b"reading.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert workers
        for pid in workers:
            assert os.sched_getscheduler(pid) == os.SCHED_BATCH
            assert os.getpriority(os.PRIO_PROCESS, pid) >= 10


def test_what_is_shipped() -> None:
    assert load(environment={"HOME": "/home/ada"}).work == WORK
