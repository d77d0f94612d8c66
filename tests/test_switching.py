"""A change of encoder in the whole daemon, on small real checkpoints: no search fails, all pictures stay findable."""

import itertools
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests import pictures
from tests.daemons import PATIENCE, Daemon, running
from tests.encoding.checkpoint import build, checkpoint
from tests.waiting import wait_for

from glimpsed.client import Client
from glimpsed.encoding.fallback import FALLBACK_ID

SCENES = ("a steam locomotive", "two sailing boats", "a market in Marrakesh", "a dog on the beach", "a birthday cake")
KNOWN = 60


def word(number: int) -> str:
    """One that no other picture has."""
    return "z" + "".join("badokilumenoparisute"[2 * int(digit) : 2 * int(digit) + 2] for digit in f"{number:04}")


def draw(folder: Path, numbers: range) -> None:
    for number in numbers:
        caption = f"{word(number)} {SCENES[number % len(SCENES)]}"
        pictures.save(folder / f"{number:04}.png", pictures.noisy((24, 16), seed=number), caption=caption)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    draw(folder, range(KNOWN))
    return folder


@contextmanager
def daemon(tmp_path: Path, folder: Path, model: Path, **settings: str) -> Iterator[Daemon]:
    given = {
        "READ_OCR": "false",
        "ENCODE_DEVICE": "cpu",
        "ENCODE_ENCODER": "bge-m3",
        "ENCODE_MODEL": str(model),
        **settings,
    }
    with running(tmp_path / "home", folder, **given) as started:
        yield started


@contextmanager
def asking(started: Daemon) -> Iterator[list[str]]:
    """Asks for one picture after the other as long as the block lasts; what went wrong."""
    faults: list[str] = []
    over = threading.Event()

    def ask() -> None:
        client = Client(str(started.socket))
        for number in itertools.cycle(range(KNOWN)):
            if over.is_set():
                break
            try:
                hits = client.search(f"{word(number)} {SCENES[number % len(SCENES)]}", k=3)["hits"]
            except Exception as error:  # whatever it is, it is one too many
                faults.append(repr(error))
                continue
            if not hits or Path(hits[0]["path"]).name != f"{number:04}.png":
                faults.append(f"{number} is not found: {[hit['path'] for hit in hits]}")
        client.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield faults
    finally:
        over.set()
        thread.join()


def phase(started: Daemon) -> str:
    return str(dict(started.client.status()["encoder"])["phase"])


def chosen(started: Daemon) -> str:
    """The id of the encoder, once it is loaded."""
    wait_for(lambda: phase(started) == "ready", deadline=PATIENCE)
    encoder = started.client.status()["encoder"]
    assert encoder["name"] == "BGE-M3", encoder
    return str(encoder["id"])


def encoders_of(started: Daemon, folder: Path) -> set[str]:
    return {str(started.client.explain(str(path))["encoder"]) for path in folder.iterdir()}


def said(started: Daemon, event: str) -> int:
    return started.log.read_text(encoding="utf-8").count(f'"event": "{event}"')


def test_an_upgrade_is_noticed_by_nobody_though_the_encoder_is_killed(tmp_path: Path, folder: Path) -> None:
    with daemon(tmp_path, folder, checkpoint(), ENCODE_ENCODER="fallback") as started:
        started.idle(KNOWN)
        assert started.client.status()["refresh"] is None
        assert started.stop() == 0
        started.settings["GLIMPSED_ENCODE_ENCODER"] = "bge-m3"
        started.start()
        with asking(started) as faults:
            draw(folder, range(KNOWN, KNOWN + 20))
            encoder = chosen(started)
            wait_for(lambda: said(started, "refresh_started"), deadline=PATIENCE)
            for pid in started.children():
                if b"glimpsed.encoding.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
            started.idle(KNOWN + 20)
        assert faults == []
        assert encoders_of(started, folder) == {encoder}
        assert started.client.status()["refresh"] is None
        wait_for(lambda: said(started, "refresh_finished"))
        assert set(started.client.search("a steam locomotive")["encoders"]) == {FALLBACK_ID, encoder}


def test_unloaded_and_back_and_its_model_gone_and_back(tmp_path: Path, folder: Path) -> None:
    model = build(tmp_path / "model")
    with daemon(tmp_path, folder, model, ENCODE_UNLOAD_AFTER="2 s") as started:
        encoder = chosen(started)
        started.idle(KNOWN)
        wait_for(lambda: phase(started) == "unloaded", deadline=PATIENCE)
        with asking(started) as faults:
            assert chosen(started) == encoder  # the first question has it loaded again
        wait_for(lambda: phase(started) == "unloaded", deadline=PATIENCE)
        model.rename(tmp_path / "elsewhere")
        with asking(started) as more:
            wait_for(lambda: started.client.status()["encoder"]["name"] == "fallback", deadline=PATIENCE)
            draw(folder, range(KNOWN, KNOWN + 3))
            started.idle(KNOWN + 3)
        assert [*faults, *more] == []
        assert started.stop() == 0
        (tmp_path / "elsewhere").rename(model)
        started.start()
        assert chosen(started) == encoder
        started.idle(KNOWN + 3)
        assert encoders_of(started, folder) == {encoder}
        assert started.counter("glimpsed_encoded_texts_total") == 3  # those that came meanwhile; no other anew


def test_another_model_given_up_by_kill_9_half_way_loses_nothing_of_the_first(tmp_path: Path, folder: Path) -> None:
    other = build(tmp_path / "other", weights="bin")
    with daemon(tmp_path, folder, checkpoint()) as started:
        first = chosen(started)
        started.idle(KNOWN)
        assert started.stop() == 0
        started.settings["GLIMPSED_ENCODE_MODEL"] = str(other)
        started.start()
        with asking(started) as faults:
            second = chosen(started)
            assert second != first
            wait_for(lambda: said(started, "refresh_started") == 2, deadline=PATIENCE)
        assert faults == []
        started.stop(signal.SIGKILL)
        started.settings["GLIMPSED_ENCODE_MODEL"] = str(checkpoint())
        started.start()
        assert chosen(started) == first
        with asking(started) as faults:
            started.idle(KNOWN)
        assert faults == []
        if not said(started, "vectors_dropped"):  # else the second was quicker than the kill
            assert started.counter("glimpsed_encoded_texts_total") == 0
        assert encoders_of(started, folder) == {first}
        shutil.rmtree(other)
