"""BGE-M3's path through the whole daemon, on a small real checkpoint in its layout, and what happens without it."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests import pictures
from tests.daemons import PATIENCE, Daemon, running
from tests.encoding.checkpoint import build, cached, checkpoint
from tests.waiting import wait_for

from glimpsed.encoding.fallback import FALLBACK_ID

CAPTIONS = ("Two sailing boats at sunset", "A dentist's bill", "Birthday cake with candles", "A steam locomotive")


@contextmanager
def daemon(tmp_path: Path, folder: Path, **settings: str) -> Iterator[Daemon]:
    """A daemon that may choose BGE-M3; without OCR, which has nothing to do with it."""
    given = {"READ_OCR": "false", "ENCODE_DEVICE": "cpu", "ENCODE_MIN_TEXTS_PER_SECOND": "0.1", **settings}
    with running(tmp_path / "home", folder, **given) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    for number, caption in enumerate(CAPTIONS):
        pictures.save(folder / f"IMG_{number:04}.jpg", pictures.noisy((80, 60), seed=number), caption=caption)
    return folder


def encoder(started: Daemon) -> dict[str, Any]:
    return dict(started.client.status()["encoder"])


def decided(started: Daemon) -> dict[str, Any]:
    """The encoder once it is chosen, loaded or given up."""
    wait_for(lambda: encoder(started)["phase"] not in {"choosing", "loading"}, deadline=PATIENCE)
    return encoder(started)


def fallback_answers(started: Daemon) -> None:
    """Every picture is indexed and found by the fallback."""
    status = started.idle(len(CAPTIONS))
    assert status["pictures"]["fresh"] == len(CAPTIONS)
    answer = started.client.search("Segelboote im Abendrot")
    assert Path(answer["hits"][0]["path"]).name == "IMG_0000.jpg"
    assert answer["encoders"] == [FALLBACK_ID]


def test_rows_get_the_stronger_vectors_and_lose_nothing_when_it_is_taken_away(tmp_path: Path, folder: Path) -> None:
    settings = {"ENCODE_ENCODER": "auto", "ENCODE_MODEL": str(checkpoint())}
    with daemon(tmp_path, folder, **settings) as started:
        chosen = decided(started)
        assert (chosen["name"], chosen["device"], chosen["step"]) == ("BGE-M3", "cpu", None), chosen
        started.idle(len(CAPTIONS))
        rows = [started.client.explain(str(path)) for path in folder.iterdir()]
        assert {row["encoder"] for row in rows} == {chosen["id"]}
        answer = started.client.search("a bill from the dentist")
        assert set(answer["encoders"]) == {FALLBACK_ID, chosen["id"]}
        assert Path(answer["hits"][0]["path"]).name == "IMG_0001.jpg"
        assert set(answer["hits"][0]["signals"]) == {"dense", "sparse", "colbert", "text"}
        assert (answer["hits"][0]["certainty"], answer["nothing_fits"]) == ("sure", False)

        pictures.save(folder / "IMG_0009.jpg", pictures.noisy((80, 60), seed=9), caption="A stork on a chimney")
        wait_for(lambda: started.client.explain(str(folder / "IMG_0009.jpg")).get("encoder") == chosen["id"])
        encoded = started.counter("glimpsed_encoded_texts_total")
        assert encoded == 2 * (len(CAPTIONS) + 1)  # once by each encoder

        assert started.stop() == 0
        started.start()
        assert decided(started)["name"] == "BGE-M3"
        started.idle(len(CAPTIONS) + 1)
        assert started.counter("glimpsed_encoded_texts_total") == 0  # nothing is encoded again after a restart

        assert started.stop() == 0
        started.settings["GLIMPSED_ENCODE_ENCODER"] = "fallback"
        started.start()
        status = started.idle(len(CAPTIONS) + 1)
        assert status["encoder"]["name"] == "fallback"
        assert started.first("stork") == "IMG_0009.jpg"


def test_a_killed_encoder_process_is_replaced_and_nothing_is_lost(tmp_path: Path, folder: Path) -> None:
    with daemon(tmp_path, folder, ENCODE_ENCODER="bge-m3", ENCODE_MODEL=str(checkpoint())) as started:
        assert decided(started)["name"] == "BGE-M3"
        started.idle(len(CAPTIONS))
        for pid in started.children():
            os.kill(pid, signal.SIGKILL)
        for number in range(20, 24):
            place = folder / f"IMG_{number:04}.jpg"
            pictures.save(place, pictures.noisy((80, 60), seed=number), caption=f"A parrot, number {number}")
        assert len(started.names("parrot", sync=True, timeout=PATIENCE, k=4)) == 4
        started.idle(len(CAPTIONS) + 4)


def test_without_weights_the_fallback_takes_over_and_says_so(tmp_path: Path, folder: Path) -> None:
    with daemon(tmp_path, folder, ENCODE_ENCODER="bge-m3", ENCODE_MODEL=str(tmp_path / "nowhere")) as started:
        told = decided(started)
        assert (told["name"], told["step"]) == ("fallback", "weights")
        assert "nowhere" in told["reason"]
        fallback_answers(started)


def test_without_head_files_the_fallback_takes_over_and_names_them(tmp_path: Path, folder: Path) -> None:
    model = build(tmp_path / "model", heads=False)
    with daemon(tmp_path, folder, ENCODE_ENCODER="auto", ENCODE_MODEL=str(model)) as started:
        told = decided(started)
        assert (told["name"], told["step"]) == ("fallback", "head files")
        assert "sparse_linear.pt" in told["reason"]
        fallback_answers(started)


def test_the_hugging_face_cache_is_looked_into(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(tmp_path / "hub", checkpoint())
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with daemon(tmp_path, folder, ENCODE_ENCODER="auto") as started:
        assert decided(started)["name"] == "BGE-M3"
        started.idle(len(CAPTIONS))


def without(tmp_path: Path, code: str) -> str:
    """A PYTHONPATH on which every interpreter, the daemon's children included, runs `code` at its start."""
    place = tmp_path / "site"
    place.mkdir()
    (place / "sitecustomize.py").write_text(code, encoding="utf-8")
    return str(place)


NO_EXTRA = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in ("FlagEmbedding", "torch") else find(name, path, target)
PathFinder.find_spec = find_spec
"""


def test_without_the_extra_the_fallback_takes_over_and_says_so(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", without(tmp_path, NO_EXTRA))
    with daemon(tmp_path, folder, ENCODE_ENCODER="bge-m3", ENCODE_MODEL=str(checkpoint())) as started:
        told = decided(started)
        assert (told["name"], told["step"]) == ("fallback", "extra")
        assert "make bge-m3" in told["reason"]
        fallback_answers(started)


FAKE_GPU = """
import sys
from pathlib import Path
if "glimpsed" in sys.orig_argv:
    from glimpsed.encoding import comeback
    comeback.FIRST = comeback.LONGEST = 0.2
if "glimpsed.encoding.child" in sys.orig_argv and "--batches" not in sys.orig_argv:
    from glimpsed.encoding import bge_m3, devices
    from glimpsed.errors import DeviceError
    GONE = Path(__file__).with_name("gone")
    class Gpu(bge_m3.BgeM3):
        def __init__(self, folder, device, *given, **named):
            super().__init__(folder, "cpu", *given, **named)
            self.device = "cuda:0"
        def _encode(self, texts, **named):
            if GONE.exists():
                raise DeviceError("CUDA error: unspecified launch failure", where="cuda:0")
            self.device = "cpu"
            try:
                return super()._encode(texts, **named)
            finally:
                self.device = "cuda:0"
    def probe():
        return () if GONE.exists() else (devices.Device("cuda:0", "a make-believe GPU", 1 << 40, 4, 1 << 40),)
    devices.probe, bge_m3.BgeM3 = probe, Gpu
"""


def test_a_lost_gpu_gives_way_to_the_fallback_and_is_taken_again(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real encoder that only says that it is on a GPU; nothing is restarted, every search is answered."""
    place = without(tmp_path, FAKE_GPU)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((place, os.environ.get("PYTHONPATH", ""))))
    model = {"ENCODE_MODEL": str(checkpoint()), "ENCODE_DEVICE": "auto"}
    with daemon(tmp_path, folder, ENCODE_ENCODER="bge-m3", **model) as started:
        chosen = decided(started)
        assert (chosen["device"], chosen["lost"]) == ("cuda:0", [])
        started.idle(len(CAPTIONS))

        (Path(place) / "gone").touch()
        assert started.first("a bill from the dentist") == "IMG_0001.jpg"
        wait_for(lambda: encoder(started)["name"] == "fallback", deadline=PATIENCE)
        [lost] = encoder(started)["lost"]
        assert lost["device"] == "cuda:0"
        assert "unspecified launch failure" in lost["reason"]
        pictures.save(folder / "IMG_0009.jpg", pictures.noisy((80, 60), seed=9), caption="A stork on a chimney")
        wait_for(lambda: encoder(started)["lost"][0]["looked"] > 1, deadline=PATIENCE)
        assert started.first("stork") == "IMG_0009.jpg"
        encoded = started.counter("glimpsed_encoded_texts_total")

        (Path(place) / "gone").unlink()
        wait_for(lambda: encoder(started)["id"] == chosen["id"], deadline=PATIENCE)
        told = encoder(started)
        assert (told["device"], told["lost"], told["phase"]) == ("cuda:0", [], "ready")
        started.idle(len(CAPTIONS) + 1)
        assert started.client.explain(str(folder / "IMG_0009.jpg"))["encoder"] == chosen["id"]
        assert started.counter("glimpsed_encoded_texts_total") == encoded + 1, "the others had its vectors already"
        said = [json.loads(line)["event"] for line in started.log.read_text("utf-8").splitlines()]
        heard = [event for event in said if event.startswith("device_")]
        assert (heard[0], heard[-1], set(heard[1:-1])) == ("device_lost", "device_back", {"device_still_lost"})


NO_MEMORY = """
import sys
if "glimpsed.encoding.child" in " ".join(sys.orig_argv):
    import importlib.abc, importlib.machinery
    class Full(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name != "FlagEmbedding.inference.embedder.encoder_only.m3":
                return None
            sys.meta_path.remove(self)
            import torch
            def forward(*given, **named):
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            import transformers.models.bert.modeling_bert as bert
            bert.BertModel.forward = forward
            return None
    sys.meta_path.insert(0, Full())
"""


def test_out_of_memory_on_every_batch_hands_over_to_the_fallback(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", without(tmp_path, NO_MEMORY))
    with daemon(tmp_path, folder, ENCODE_ENCODER="bge-m3", ENCODE_MODEL=str(checkpoint())) as started:
        wait_for(lambda: encoder(started)["step"] == "device", deadline=PATIENCE)
        told = encoder(started)
        assert told["name"] == "fallback"
        assert "memory" in told["reason"]
        fallback_answers(started)
