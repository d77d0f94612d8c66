"""Sentence Transformers models through the whole daemon: loading never blocks, and nothing is ever downloaded."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import pictures
from tests.daemons import PATIENCE, Daemon, running
from tests.hub_server import Hub, hub
from tests.waiting import wait_for

pytest.importorskip("sentence_transformers", reason="the extra bge-m3 is not installed")

from tests.encoding.sentence_models import CODE, PROMPTS, sentence_model, with_code

from glimpsed.encoding.fallback import FALLBACK_ID

CAPTIONS = ("Two sailing boats at sunset", "A dentist's bill", "Birthday cake with candles")
NAME = "thenlper/gte-tiny"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    for number, caption in enumerate(CAPTIONS):
        pictures.save(folder / f"IMG_{number:04}.jpg", pictures.noisy((80, 60), seed=number), caption=caption)
    return folder


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    with hub() as one:
        monkeypatch.setenv("HF_ENDPOINT", one.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        one.models[NAME] = sentence_model(tmp_path / "published", settings={"prompts": PROMPTS})
        yield one


def settings(encoder: object, **more: str) -> dict[str, str]:
    return {"READ_OCR": "false", "ENCODE_DEVICE": "cpu", "ENCODE_ENCODER": str(encoder), **more}


def phase(started: Daemon) -> str:
    return str(dict(started.client.status()["encoder"])["phase"])


def reaches(started: Daemon, *phases: str) -> None:
    wait_for(lambda: phase(started) in phases, deadline=PATIENCE)


def let(gate: Path) -> None:
    """One load goes on."""
    with gate.open("w"):
        pass


def test_loading_never_blocks_at_start_and_after_an_idle_unload(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    monkeypatch.setenv("TEST_GATE", str(gate))
    model = with_code(tmp_path / "my-model")
    waiting = CODE.replace("return cls()", "import os; open(os.environ['TEST_GATE']).read(); return cls()")
    (model / "turned.py").write_text(waiting, "utf-8")
    given = settings(model, ENCODE_TRUST_REMOTE_CODE="true", ENCODE_UNLOAD_AFTER="4 s")
    with running(tmp_path / "home", folder, **given) as started:
        reaches(started, "loading")
        wait_for(lambda: started.client.status()["pictures"]["stale"] == len(CAPTIONS), deadline=PATIENCE)
        answer = started.client.search("Segelboote im Abendrot")
        assert Path(answer["hits"][0]["path"]).name == "IMG_0000.jpg"
        assert answer["encoders"] == [FALLBACK_ID]
        assert phase(started) == "loading"

        let(gate)
        reaches(started, "ready", "unloaded")
        told = started.client.status()["encoder"]
        assert (told["name"], told["device"], told["step"]) == ("my-model", "cpu", None)
        wait_for(lambda: started.client.status()["pictures"]["fresh"] == len(CAPTIONS), deadline=PATIENCE)
        assert started.client.explain(str(folder / "IMG_0001.jpg"))["encoder"] == told["id"]

        reaches(started, "unloaded")
        assert started.client.search("Zahnarztrechnung")["encoders"] == [FALLBACK_ID]
        reaches(started, "loading")
        assert started.client.search("Geburtstagskuchen")["encoders"] == [FALLBACK_ID]
        assert phase(started) == "loading"

        let(gate)
        gate.unlink()
        gate.touch()  # from now on every load goes on
        both = {FALLBACK_ID, told["id"]}
        wait_for(lambda: set(started.client.search("candles on a cake")["encoders"]) == both, deadline=PATIENCE)
        answer = started.client.search("candles on a cake")
        assert Path(answer["hits"][0]["path"]).name == "IMG_0002.jpg"


def test_code_that_is_not_trusted_is_not_run(tmp_path: Path, folder: Path) -> None:
    model = with_code(tmp_path / "model")
    (model / "turned.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n{CODE}", "utf-8")
    with running(tmp_path / "home", folder, **settings(model)) as started:
        reaches(started, "failed")
        told = started.client.status()["encoder"]
        assert (told["name"], told["step"]) == ("fallback", "trust")
        assert "turned.Turned" in told["reason"]
        assert "trust_remote_code = true" in told["reason"]
        started.idle(len(CAPTIONS))
        assert started.first("Segelboote im Abendrot") == "IMG_0000.jpg"
    assert not (tmp_path / "ran").exists()


def test_only_pull_asks_the_hub(tmp_path: Path, folder: Path, served: Hub) -> None:
    given = settings(NAME, ENCODE_TRUST_REMOTE_CODE="true")
    with running(tmp_path / "home", folder, **given) as started:
        reaches(started, "failed")
        told = started.client.status()["encoder"]
        assert (told["name"], told["step"]) == ("fallback", "weights")
        assert f"glimpse model pull {NAME}" in told["reason"]
        started.idle(len(CAPTIONS))
        assert started.first("Segelboote im Abendrot") == "IMG_0000.jpg"
        assert served.asked == []

        command = [sys.executable, "-c", "from glimpsed.cli import glimpse; glimpse()", "model", "pull", NAME]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        assert served.asked
        served.asked.clear()

        assert started.stop() == 0
        started.start()
        reaches(started, "ready")
        assert started.client.status()["encoder"]["name"] == NAME
        started.idle(len(CAPTIONS))
        answer = started.client.search("candles on a cake")
        assert Path(answer["hits"][0]["path"]).name == "IMG_0002.jpg"
        assert len(answer["encoders"]) == 2
        assert served.asked == []
