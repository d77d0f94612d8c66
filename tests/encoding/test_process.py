"""An encoder in a process of its own: real processes, with the fallback and with an encoder that does as it is told."""

import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import numpy as np
import pytest
from tests.encoding.fakes import DIMENSION as FAKE_DIMENSION
from tests.encoding.fakes import FakeEncoder, probe
from tests.waiting import until

from glimpsed.encoding.batch import Courtesy, Lane, Reach
from glimpsed.encoding.child import BATCHES, Server
from glimpsed.encoding.encoder import Text, UnencodableError, rough_tokens
from glimpsed.encoding.fallback import DIMENSION, FALLBACK_ID, Fallback
from glimpsed.encoding.messages import (
    FAILURES,
    Encoded,
    EncoderSpec,
    Failed,
    Load,
    Loaded,
    Measure,
    Reply,
    Request,
    Unloaded,
    Weights,
    pack_encodings,
    pack_error,
    pack_texts,
    unpack_encodings,
    unpack_error,
)
from glimpsed.encoding.process import EncoderProcess
from glimpsed.errors import DeviceError, EncoderError, ExtraMissingError, HeadsMissingError, WeightsMissingError
from glimpsed.records import Encoding, Sparse

HERE = str(Path(__file__).parent)
ROOT = str(Path(__file__).parents[2])


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary"


@pytest.fixture
async def fake(diary: Path) -> AsyncIterator[EncoderProcess]:
    process = make_fake(diary)
    yield process
    await process.stop()


def make_fake(diary: Path, **environment: str) -> EncoderProcess:
    return EncoderProcess(
        EncoderSpec("bge-m3"),
        module="fakes",
        environment={
            "PYTHONPATH": os.pathsep.join((HERE, ROOT, f"{ROOT}/daemon")),
            "GLIMPSED_FAKE_DIARY": str(diary),
            **environment,
        },
    )


def lines(diary: Path) -> list[str]:
    return diary.read_text().splitlines() if diary.exists() else []


def alone(text: str | Text) -> Encoding:
    [encoding] = FakeEncoder(EncoderSpec("bge-m3")).encode([(text,) if isinstance(text, str) else text], query=False)
    return encoding


def same(one: Encoding | None, other: Encoding) -> bool:
    return one is not None and bool(np.array_equal(one.dense, other.dense)) and one.cut == other.cut


def pid_of(process: EncoderProcess) -> int | None:
    return process.pid


def weight_of(pid: int) -> int | None:
    """The niceness that the kernel gives to the process's session as a whole; None where it does not do that."""
    try:
        return int(Path(f"/proc/{pid}/autogroup").read_text().rpartition(" ")[2])
    except (OSError, ValueError):
        return None


async def test_the_fallback_in_its_process() -> None:
    process = EncoderProcess(EncoderSpec("fallback"))
    try:
        assert pid_of(process) is None
        texts: list[Text] = [("ramen receipt", "Kyoto"), ("火车票",), ("name \udcff",)]
        encodings = await process.encode(texts, query=False)
        assert process.pid is not None
        assert os.sched_getscheduler(process.pid) == os.SCHED_BATCH
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == max(BATCHES, os.getpriority(os.PRIO_PROCESS, 0))
        assert weight_of(process.pid) in (None, os.getpriority(os.PRIO_PROCESS, process.pid))
        info = await process.load()
        assert (info.id, info.dimension, info.device, info.has_sparse) == (FALLBACK_ID, DIMENSION, "cpu", False)
        for encoding, expected in zip(encodings, Fallback().encode(texts, query=False), strict=True):
            assert encoding.dense.dtype == np.float32
            assert float(encoding.dense @ expected.dense) > 0.999
            assert encoding.dense.flags.writeable
        assert await process.encode([], query=False) == []
        assert process.encoded == len(texts)
        batches, *tokens = process.passed
        assert (batches >= 1, tokens) == (True, [0, 0])  # it takes one text after the other: nothing is padded
        await process.encode([("what is asked",)], query=True)
        assert process.passed.batches == batches
    finally:
        await process.stop()
    assert pid_of(process) is None


async def test_encodings_cross_the_pipe_unharmed(fake: EncoderProcess) -> None:
    texts: list[Text] = [("one", "two"), (), ("name \udcff",), ("word " * 100, "word " * 100)]
    encodings = await fake.encode(texts, query=True)
    for text, encoding in zip(texts, encodings, strict=True):
        expected = alone(tuple(part.encode("utf-8", "replace").decode() for part in text))
        assert same(encoding, expected)
        assert encoding.sparse is not None
        assert expected.sparse is not None
        assert np.array_equal(encoding.sparse.tokens, expected.sparse.tokens)
        assert np.array_equal(encoding.sparse.weights, expected.sparse.weights)
    assert encodings[3].cut == 2
    assert fake.encoded == 0  # questions are not counted


async def test_loading_names_the_step_that_is_missing(fake: EncoderProcess) -> None:
    with pytest.raises(DeviceError) as caught:
        await fake.load(EncoderSpec("bge-m3", device="full"))
    assert caught.value.step == "device"
    assert str(caught.value) == "full: out of memory"
    pid = fake.pid
    assert pid is not None  # that is no reason to end the process
    assert (await fake.load(EncoderSpec("bge-m3", device="cpu"))).device == "cpu"
    assert fake.pid == pid


async def test_another_encoder_takes_the_place_of_the_first(fake: EncoderProcess, diary: Path) -> None:
    await fake.load()
    await fake.load()
    assert (await fake.load(EncoderSpec("bge-m3", device="cuda:0"))).id == "fake:cuda:0"
    assert lines(diary) == ["load cpu", "close", "load cuda:0"]


async def test_probe_and_measure(diary: Path) -> None:
    process = make_fake(diary, GLIMPSED_FAKE_DEVICES="cuda:0 cpu")
    try:
        assert [device.name for device in await process.probe()] == ["cuda:0", "cpu"]
        with pytest.raises(EncoderError, match="unloaded"):
            await process.measure()
        await process.load()
        assert await process.measure() > 0
    finally:
        await process.stop()


async def test_a_process_that_was_killed_starts_again(fake: EncoderProcess, diary: Path) -> None:
    await fake.load()
    pid = fake.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    [encoding] = await fake.encode([("hello",)], query=False)
    assert same(encoding, alone("hello"))
    assert fake.pid not in (None, pid)
    assert lines(diary).count("load cpu") == 2


async def test_a_batch_is_tried_again_when_the_process_dies_over_it(fake: EncoderProcess, tmp_path: Path) -> None:
    texts: list[Text] = [("a",), (f"die-once:{tmp_path / 'died'}",), ("b",)]
    encodings = await fake.encode(texts, query=False)
    assert (tmp_path / "died").exists()
    for text, encoding in zip(texts, encodings, strict=True):
        assert same(encoding, alone(text))


async def test_a_text_that_kills_twice_is_named_and_the_others_go_on(fake: EncoderProcess) -> None:
    with pytest.raises(UnencodableError, match=r"1 of 4 texts cannot be encoded: text 2: .*SIGKILL") as caught:
        await fake.encode([("a",), ("b",), ("die",), ("c",)], query=False)
    assert list(caught.value.faults) == [2]
    encodings = caught.value.encodings
    assert encodings[2] is None
    assert all(same(encodings[place], alone(text)) for place, text in [(0, "a"), (1, "b"), (3, "c")])


async def test_a_bug_ends_the_process_and_is_told(fake: EncoderProcess) -> None:
    with pytest.raises(UnencodableError, match="ZeroDivisionError: a bug"):
        await fake.encode([("bug",)], query=False)
    assert same((await fake.encode([("fine",)], query=False))[0], alone("fine"))


async def test_a_process_that_always_dies_is_no_fault_of_the_texts(fake: EncoderProcess) -> None:
    with pytest.raises(EncoderError, match="keeps ending") as caught:
        await fake.encode([("die",)] * 5, query=False)
    assert not isinstance(caught.value, UnencodableError)
    with pytest.raises(EncoderError, match="SIGKILL"):
        await fake.load(EncoderSpec("bge-m3", device="crash"))


async def test_a_lost_device_is_the_calls_error(fake: EncoderProcess) -> None:
    with pytest.raises(DeviceError, match="the device is lost"):
        await fake.encode([("a",), ("lost",)], query=False)


async def test_a_program_that_is_not_there() -> None:
    process = EncoderProcess(EncoderSpec("fallback"), module="glimpsed.no_such_module")
    with pytest.raises(EncoderError, match="No module named"):
        await process.load()
    await process.stop()


def lone(text: str) -> list[Text]:
    return [(text,)]


class Gate:
    """A FIFO at which the fake waits until it is opened."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.word = f"wait:{path}"

    def open(self) -> None:
        threading.Thread(target=self.path.write_bytes, args=(b"",)).start()


async def test_questions_overtake_and_the_first_pass_goes_before_the_second(
    fake: EncoderProcess, diary: Path, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate")
    await fake.load()
    done: list[str] = []

    async def ask(name: str, texts: list[Text], lane: Lane) -> None:
        await fake.encode(texts, query=lane is Lane.QUESTION, lane=lane)
        done.append(name)

    async with anyio.create_task_group() as group:
        # Each of its texts is large enough to be a chunk of its own.
        page: Text = ("word " * 200,)
        group.start_soon(ask, "batch", [(gate.word,), page, page], Lane.FIRST)
        await until(lambda: any(gate.word in line for line in lines(diary)))
        group.start_soon(ask, "refresh", lone("refresh"), Lane.SECOND)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(ask, "question", lone("question"), Lane.QUESTION)
        await anyio.wait_all_tasks_blocked()
        gate.open()
    assert done == ["question", "batch", "refresh"]
    order = [line.split()[0] for line in lines(diary)]
    assert order == ["load", "passages", "query", *["passages"] * (len(order) - 3)]


@pytest.mark.parametrize("started", [True, False])
async def test_a_cancelled_call_does_not_lose_the_process(
    fake: EncoderProcess, diary: Path, tmp_path: Path, started: bool
) -> None:
    gate = Gate(tmp_path / "gate")
    if started:
        await fake.load()
    async with anyio.create_task_group() as group:
        # A large reply, so that the next question finds the rest of it in the pipe.
        group.start_soon(lambda: fake.encode([(gate.word,), *[("a",)] * 200], query=True))
        await until(lambda: any(gate.word in line for line in lines(diary)))
        group.cancel_scope.cancel()
    pid = fake.pid
    gate.open()
    assert same((await fake.encode([("next",)], query=False))[0], alone("next"))
    assert fake.pid == pid


async def test_who_waits_for_a_turn_can_be_cancelled(fake: EncoderProcess, diary: Path, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    await fake.load()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fake.encode([(gate.word,)], query=False))
        await until(lambda: any(gate.word in line for line in lines(diary)))
        async with anyio.create_task_group() as impatient:
            impatient.start_soon(lambda: fake.encode([("never",)], query=True))
            await anyio.wait_all_tasks_blocked()
            impatient.cancel_scope.cancel()
        gate.open()
    assert same((await fake.encode([("next",)], query=False))[0], alone("next"))
    assert not any("never" in line for line in lines(diary))


CANDIDATES: list[tuple[str, Text]] = [(f"id {number}", (f"word{number} " * 40,)) for number in range(8)]


async def scored(process: EncoderProcess, texts: list[tuple[str, Text]], at_most: int | None) -> dict[str, float]:
    scores: dict[str, float] = {}
    await process.score("word1", texts, scores, at_most=at_most)
    return scores


async def test_as_many_candidates_are_scored_as_asked_for(fake: EncoderProcess, diary: Path) -> None:
    assert await scored(fake, CANDIDATES, None) == {}, "nothing is loaded for it"
    await fake.load()
    five = await scored(fake, CANDIDATES, 5)
    assert list(five) == [f"id {number}" for number in range(5)]
    assert max(five, key=five.__getitem__) == "id 1"
    assert await scored(fake, CANDIDATES[:5], None) == five
    assert [sum(f"word{n} " in line for line in lines(diary)) for n in range(5)] == [1, 1, 1, 1, 1]


async def test_a_question_goes_between_the_candidates(fake: EncoderProcess, diary: Path, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    await fake.load()
    page: Text = (gate.word, "word " * 1000)
    async with anyio.create_task_group() as group:
        scores: dict[str, float] = {}
        group.start_soon(lambda: fake.score("q", [("1", page), ("2", ("last",))], scores, at_most=2))
        await until(lambda: any(gate.word in line for line in lines(diary)))
        group.start_soon(lambda: fake.encode([("in between",)], query=True))
        await anyio.wait_all_tasks_blocked()
        gate.open()
    order = [line for line in lines(diary) if "in between" in line or "last" in line]
    assert order == ["query in between", "colbert last"]
    assert scores.keys() == {"1", "2"}


async def test_no_batch_begins_between_a_question_and_its_candidates(
    fake: EncoderProcess, diary: Path, tmp_path: Path
) -> None:
    """A search waits for one batch at most, the one in flight when it came."""
    gate = Gate(tmp_path / "gate")
    await fake.load()
    page: Text = ("word " * 200,)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fake.encode([(gate.word,), page, page], query=False))
        await until(lambda: any(gate.word in line for line in lines(diary)))

        async def search() -> None:
            await fake.encode([("question",)], query=True)
            await anyio.lowlevel.checkpoint()  # its candidates are gathered
            await fake.score("question", [("1", ("candidate",))], {}, at_most=1)

        group.start_soon(search)
        await anyio.wait_all_tasks_blocked()
        gate.open()
    order = [line.split()[0] for line in lines(diary)]
    assert order[:4] == ["load", "passages", "query", "colbert"]
    assert set(order[4:]) == {"passages"}


async def test_a_search_that_does_not_come_back_holds_a_batch_up_for_a_moment_only(
    fake: EncoderProcess, diary: Path
) -> None:
    await fake.load()
    fake._line._courtesy = Courtesy(0.05)
    await fake.encode([("question",)], query=True)
    await fake.encode([("batch",)], query=False)
    assert [line.split()[0] for line in lines(diary)] == ["load", "query", "passages"]


async def test_a_batch_that_stands_aside_can_be_cancelled(fake: EncoderProcess) -> None:
    await fake.load()
    fake._line._courtesy = Courtesy(60.0)
    await fake.encode([("question",)], query=True)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fake.encode([("never",)], query=False))
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert list(await scored(fake, CANDIDATES[:1], 1)) == ["id 0"]
    assert same((await fake.encode([("next",)], query=False))[0], alone("next"))


async def test_without_a_number_only_what_there_is_time_for(fake: EncoderProcess) -> None:
    await fake.load()
    fake._reach = Reach(0.1, start=rough_tokens(CANDIDATES[0][1]) * 3)
    assert list(await scored(fake, CANDIDATES, None)) == ["id 0", "id 1", "id 2"]
    fake._reach = Reach(0.1, start=1)
    assert list(await scored(fake, CANDIDATES, None)) == ["id 0", "id 1", "id 2"], "what is kept costs nothing"
    assert await scored(fake, CANDIDATES[3:], None) == {}


async def test_candidates_that_end_the_process_are_not_tried_again(fake: EncoderProcess) -> None:
    await fake.load()
    with pytest.raises(EncoderError, match="SIGKILL"):
        await scored(fake, [("deadly", ("die",))], None)
    assert await scored(fake, [("deadly", ("die",))], 1) == {}
    await fake.load()
    assert list(await scored(fake, [("deadly", ("die",)), ("fine", ("fine",))], 2)) == ["fine"]


async def test_an_encoder_without_colbert_scores_nothing() -> None:
    process = EncoderProcess(EncoderSpec("fallback"))
    try:
        assert not (await process.load()).has_colbert
        assert await scored(process, CANDIDATES, 3) == {}
    finally:
        await process.stop()


async def test_a_score_that_was_given_up_teaches_and_is_kept(fake: EncoderProcess, diary: Path, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    await fake.load()
    room = fake._reach.room
    candidate: tuple[str, Text] = ("1", (gate.word,))
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: scored(fake, [candidate], None))
        await until(lambda: any(gate.word in line for line in lines(diary)))
        group.cancel_scope.cancel()
    assert fake._reach.room < room
    gate.open()
    assert list(await scored(fake, [candidate], None)) == ["1"]
    assert sum(gate.word in line for line in lines(diary)) == 1


async def test_unused_it_can_be_ended_and_comes_back(fake: EncoderProcess) -> None:
    async with anyio.create_task_group() as group:
        ended: list[int] = []

        async def watch() -> None:
            while True:
                await fake.wait_unused(0.01)
                await fake.stop()
                ended.append(1)

        group.start_soon(watch)
        await fake.encode([("a",)], query=False)
        await until(lambda: ended)
        assert fake.pid is None
        assert same((await fake.encode([("b",)], query=False))[0], alone("b"))
        await until(lambda: len(ended) == 2)
        group.cancel_scope.cancel()


async def test_processes_change_places_after_the_batch_in_flight(
    fake: EncoderProcess, diary: Path, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate")
    other = fake.another()
    try:
        await fake.load()
        await other.load(EncoderSpec("bge-m3", device="cuda:0"))
        before, after = fake.pid, other.pid
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: fake.encode([(gate.word,)], query=False))
            await until(lambda: any(gate.word in line for line in lines(diary)))
            group.start_soon(fake.change_places, other)
            await anyio.wait_all_tasks_blocked()
            assert fake.pid == before, "it is at work"
            gate.open()
        assert (fake.pid, other.pid) == (after, before)
        assert fake.info is not None
        assert (fake.info.device, fake.spec.device, other.spec.device) == ("cuda:0", "cuda:0", "cpu")
        assert same((await fake.encode([("next",)], query=False))[0], alone("next"))
        assert fake.encoded == 2, "what was encoded before still counts"
    finally:
        await other.stop()
    assert fake.pid == after


async def test_it_ends_with_the_daemon(diary: Path, tmp_path: Path) -> None:
    """A daemon killed with -9 leaves no encoder behind, not even one at work."""
    gate = Gate(tmp_path / "gate")
    code = f"""
import anyio, os
from tests.encoding.test_process import make_fake
from pathlib import Path
async def main():
    process = make_fake(Path({str(diary)!r}))
    await process.load()
    print(process.pid, flush=True)
    await process.encode([({gate.word!r},)], query=False)
anyio.run(main)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((ROOT, f"{ROOT}/daemon"))}
    async with await anyio.open_process([sys.executable, "-c", code], env=environment) as daemon:
        assert daemon.stdout is not None
        pid = int(await daemon.stdout.receive())
        await until(lambda: any(gate.word in line for line in lines(diary)))
        daemon.kill()
    await until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ask(server: Server, request: Request) -> Reply:
    reply: Reply = msgspec.msgpack.decode(server.handle(msgspec.msgpack.encode(request)), type=Reply)
    return reply


def test_the_childs_side_by_itself() -> None:
    server = Server(FakeEncoder, probe)
    texts: list[Text] = [("a", "b"), ()]
    assert isinstance(ask(server, pack_texts(texts, query=False)), Unloaded)
    assert isinstance(ask(server, Measure()), Unloaded)
    assert isinstance(ask(server, Load(EncoderSpec("bge-m3"))), Loaded)
    encoded = ask(server, pack_texts(texts, query=False))
    assert isinstance(encoded, Encoded)
    assert len(encoded.dense) == 2 * FAKE_DIMENSION * 4
    assert all(same(one, alone(text)) for one, text in zip(unpack_encodings(encoded), texts, strict=True))
    failed = ask(server, pack_texts([("lost",)], query=False))
    assert failed == Failed("DeviceError", "the device is lost", "fake")
    with pytest.raises(ZeroDivisionError):
        ask(server, pack_texts([("bug",)], query=False))


def test_the_real_child_makes_what_the_spec_says(tmp_path: Path) -> None:
    server = Server()
    loaded = ask(server, Load(EncoderSpec("fallback")))
    assert isinstance(loaded, Loaded)
    assert loaded.info().id == FALLBACK_ID
    pytest.importorskip("FlagEmbedding", reason="the extra bge-m3 is not installed")
    failed = ask(server, Load(EncoderSpec("bge-m3", folder=os.fsencode(tmp_path / "\udcff"))))
    assert isinstance(failed, Failed)
    assert isinstance(unpack_error(failed), WeightsMissingError)


@pytest.mark.parametrize("kind", [EncoderError, ExtraMissingError, WeightsMissingError, HeadsMissingError, DeviceError])
def test_errors_cross_the_pipe(kind: type[EncoderError]) -> None:
    error = unpack_error(pack_error(kind("what \udcff", where="where", hint="hint")))
    assert type(error) is kind
    assert (error.what, error.where, error.hint, error.step) == ("what ?", "where", "hint", kind.step)


def test_an_error_of_tomorrow_crosses_as_its_ancestor() -> None:
    assert "UnencodableError" not in FAILURES
    assert type(unpack_error(pack_error(UnencodableError([None], {0: "why"})))) is EncoderError
    assert type(unpack_error(Failed("Unheard", "of"))) is EncoderError


def test_messages_whose_sizes_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="reshape"):
        unpack_encodings(Encoded(4, b"\0" * 4, [0]))
    with pytest.raises(ValueError, match="differ in number"):
        unpack_encodings(Encoded(1, b"\0" * 4, [0], [Weights(b"", b"\0" * 4)]))
    mixed = [Encoding(np.ones(1, np.float32), Sparse(np.ones(1, np.int32), np.ones(1, np.float32)))]
    mixed.append(Encoding(np.ones(1, np.float32)))
    assert pack_encodings(mixed, 1).sparse is None
