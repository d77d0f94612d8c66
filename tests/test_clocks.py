"""A real daemon whose clock was a year ahead and is set back, and one that is carried around the world."""

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests import pictures
from tests.clocks import YEAR, library, set_clock
from tests.daemons import Daemon
from tests.indexing.test_refusals import Powerless
from tests.waiting import wait_for


def draw(path: Path, seed: int, caption: str = "") -> Path:
    path.parent.mkdir(exist_ok=True)
    pictures.save(path, pictures.noisy((64, 48), seed=seed), caption=caption or f"ramen {path.stem}")
    return path


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "home").mkdir()
    made = Powerless(tmp_path / "home", tmp_path / "p", settings={"GLIMPSED_READ_OCR": "false"})
    try:
        yield made
    finally:
        if made.process is not None:
            made.stop()


def said(daemon: Daemon, event: str) -> int:
    return daemon.log.read_text(encoding="utf-8").count(f'"event": "{event}"')


def test_a_clock_that_was_a_year_ahead(daemon: Daemon) -> None:
    library()
    folder = daemon.folders[0]
    for number in range(3):
        draw(folder / f"{number}.jpg", number)
    bad = draw(folder / "bad.jpg", 9)
    gone = draw(folder / "gone.jpg", 10)
    bad.chmod(0)
    set_clock(daemon, YEAR)
    daemon.start()
    daemon.idle(5)
    gone.unlink()
    wait_for(lambda: daemon.client.status()["pictures"]["missing"] == 1)
    (failed,) = daemon.client.errors()["errors"] or [None]
    assert failed is not None
    assert datetime.fromisoformat(failed["retry_at"]).timestamp() > time.time() + YEAR - 86_400
    assert daemon.stop() == 0
    known = said(daemon, "picture_indexed")

    set_clock(daemon, 0)
    daemon.start()
    # What was to be tried in a year is tried now, and then in a minute.
    retried = wait_for(lambda: [one for one in daemon.client.errors()["errors"] if one["attempts"] == 2])
    assert datetime.fromisoformat(retried[0]["retry_at"]).timestamp() < time.time() + 86_400
    status = daemon.idle(4)
    assert status["pictures"] == {"fresh": 3, "stale": 0, "missing": 1, "errors": 1, "waiting": 0}
    assert said(daemon, "picture_indexed") == known
    assert said(daemon, "picture_read_again") == said(daemon, "picture_forgotten") == 0
    assert daemon.counter("glimpsed_encoded_texts_total") == 0
    draw(folder / "new.jpg", 11, caption="a lighthouse")
    assert daemon.first("lighthouse", sync=True) == "new.jpg"
    assert {"0.jpg", "1.jpg", "2.jpg"} <= set(daemon.names("ramen"))
    bad.chmod(0o600)
    daemon.idle(5)
    wait_for(lambda: daemon.client.errors()["total"] == 0)
    assert daemon.client.verify(full=True)["state"] == "equal"
    assert daemon.stop() == 0


def test_a_daemon_that_is_carried_around_the_world(daemon: Daemon) -> None:
    folder = daemon.folders[0]
    dated = folder / "dated.jpg"
    folder.mkdir()
    pictures.save(dated, pictures.noisy((64, 48), seed=1), caption="ramen", taken="2023-06-12")
    undated = draw(folder / "undated.jpg", 2)
    west, east = ZoneInfo("America/Anchorage"), ZoneInfo("Pacific/Kiritimati")
    noon = datetime(2024, 3, 1, 12, tzinfo=east)  # still the 29th of February in Anchorage
    os.utime(undated, (noon.timestamp(),) * 2)
    for zone in (east, west):
        daemon.settings["TZ"] = zone.key
        daemon.start()
        daemon.idle(2)
        day = noon.astimezone(zone).date()
        assert daemon.names(f"on:{day}") == ["undated.jpg"]
        assert daemon.names("after:2024-03") == (["undated.jpg"] if zone is east else [])
        assert daemon.names("on:2023-06-12") == ["dated.jpg"]
        assert sorted(daemon.names("ramen")) == ["dated.jpg", "undated.jpg"]
        assert daemon.client.verify(full=True)["state"] == "equal"
        if zone is west:
            assert daemon.counter("glimpsed_encoded_texts_total") == 0
        assert daemon.stop() == 0
    assert (said(daemon, "picture_indexed"), said(daemon, "picture_read_again")) == (2, 0)
