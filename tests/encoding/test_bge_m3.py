"""BGE-M3's path on a small real checkpoint in its layout, against FlagEmbedding's own figures."""

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.encoding.checkpoint import DIMENSION, MAX_TOKENS, build, checkpoint, xlm_roberta

from glimpsed.encoding import bge_m3, devices, weights
from glimpsed.encoding.bge_m3 import BgeM3
from glimpsed.encoding.encoder import Encoder, Text, fit
from glimpsed.encoding.loading import check_heads
from glimpsed.encoding.passes import Budget
from glimpsed.encoding.scoring import colbert_score, vectors_of
from glimpsed.errors import DeviceError, EncoderError, ExtraMissingError, HeadsMissingError, WeightsMissingError
from glimpsed.records import Encoding

SCRIPTS = {
    "latin": "Ramen receipt from Kyoto, paid in cash",
    "chinese": "上海虹桥到北京南的高铁车票",
    "japanese": "京都のラーメン屋のレシート",
    "korean": "서울역 기차표 두 장",
    "cyrillic": "Билет на поезд Москва — Казань",
    "greek": "Εισιτήριο πλοίου για τη Σαντορίνη",
    "arabic": "تذكرة قطار من القاهرة إلى الإسكندرية",
    "hebrew": "כרטיס רכבת לתל אביב",
    "devanagari": "दिल्ली से आगरा की रेल टिकट",
    "thai": "ตั๋วรถไฟไปเชียงใหม่",
    "tamil": "சென்னை ரயில் டிக்கெட்",
    "vietnamese": "Vé tàu từ Hà Nội đến Huế",
}
ODD = {
    "empty": "",
    "blank": " \n\t ",
    "one token": "cat",
    "one sign": "猫",
    "repeats": "cat cat cat dog cat cat",
    "emoji": "🎉🎂 party 👩‍👩‍👧‍👦 🇯🇵",
    "specials": "[CLS] [SEP] [PAD] [UNK] <s> </s> <mask>",
    "control": "a\x00b\x07c\u200bd\ufeff",
    "digits": "1960 20240203 0x7f IMG_2041.JPG",
    "traceback": "Traceback (most recent call last):\n  File \"main.py\", line 12\nKeyError: 'name'",
    "long": "the ramen shop near the station in Kyoto where we had lunch " * 30,
}
TEXTS: list[Text] = [(text,) for text in (*SCRIPTS.values(), *ODD.values())]


@pytest.fixture(scope="module")
def encoder() -> Iterator[BgeM3]:
    one = BgeM3(checkpoint(), "cpu", 8192, 1024, exact=True)
    yield one
    one.close()


@contextmanager
def flag_embedding(folder: Path) -> Iterator[Any]:
    """FlagEmbedding's own model on the same files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from FlagEmbedding import BGEM3FlagModel

        yield BGEM3FlagModel(
            str(folder), use_fp16=False, devices="cpu", query_max_length=MAX_TOKENS, passage_max_length=MAX_TOKENS
        )


@pytest.fixture(scope="module")
def reference() -> Iterator[Any]:
    with flag_embedding(checkpoint()) as model:
        yield model


def weights_of(encoding: Encoding) -> dict[int, float]:
    assert encoding.sparse is not None
    return dict(zip(encoding.sparse.tokens.tolist(), encoding.sparse.weights.tolist(), strict=True))


def same(one: Encoding, other: Encoding) -> None:
    np.testing.assert_allclose(one.dense, other.dense, atol=1e-5)
    assert weights_of(one) == pytest.approx(weights_of(other), abs=1e-5)
    assert one.cut == other.cut


def test_it_fulfils_the_contract(encoder: BgeM3) -> None:
    promised: Encoder = encoder
    assert (promised.name, promised.dimension, promised.device) == ("BGE-M3", DIMENSION, "cpu")
    assert (promised.has_sparse, promised.max_tokens) == (True, MAX_TOKENS)
    assert promised.id == weights.facts(checkpoint(), 8192).id
    assert promised.encode([], query=False) == []


def test_dense_and_sparse_equal_flag_embeddings(encoder: BgeM3, reference: Any) -> None:
    expected = reference.encode([text for (text,) in TEXTS], max_length=MAX_TOKENS, return_sparse=True)
    encodings = encoder.encode(TEXTS, query=False)
    for encoding, dense, lexical in zip(encodings, expected["dense_vecs"], expected["lexical_weights"], strict=True):
        np.testing.assert_allclose(encoding.dense, dense, atol=1e-4)
        theirs = {int(token): float(weight) for token, weight in lexical.items()}
        assert weights_of(encoding) == pytest.approx(theirs, abs=1e-4)
    assert sum(len(weights_of(one)) for one in encodings) > 100, "heads whose weights are all zero compare nothing"


def test_scores_equal_flag_embeddings(encoder: BgeM3, reference: Any) -> None:
    questions, texts = list(SCRIPTS.values()), list(reversed(SCRIPTS.values()))
    pairs = list(zip(questions, texts, strict=True))
    expected = reference.compute_score(pairs, weights_for_different_modes=[0.4, 0.2, 0.4])
    ours = encoder.encode([(text,) for text in questions], query=True)
    others = encoder.encode([(text,) for text in texts], query=False)
    for i, (one, other) in enumerate(zip(ours, others, strict=True)):
        assert float(one.dense @ other.dense) == pytest.approx(expected["dense"][i], abs=1e-4)
        here, there = weights_of(one), weights_of(other)
        sparse = sum(weight * there.get(token, 0.0) for token, weight in here.items())
        assert sparse == pytest.approx(expected["sparse"][i], abs=1e-4)


def test_vectors_are_float32_of_unit_length_and_tokens_ascend(encoder: BgeM3) -> None:
    for encoding in encoder.encode(TEXTS, query=False):
        assert encoding.dense.dtype == np.float32
        assert encoding.dense.shape == (DIMENSION,)
        assert np.linalg.norm(encoding.dense) == pytest.approx(1, abs=1e-5)
        assert encoding.sparse is not None
        assert encoding.sparse.tokens.dtype == np.int32
        assert encoding.sparse.weights.dtype == np.float32
        assert (np.diff(encoding.sparse.tokens) > 0).all()
        assert (encoding.sparse.weights > 0).all()


def test_an_encoding_does_not_depend_on_its_company(encoder: BgeM3) -> None:
    together = encoder.encode(TEXTS, query=False)
    for text, encoding in zip(TEXTS, together, strict=True):
        same(encoding, encoder.encode([text], query=True)[0])


def test_parts_are_joined_and_an_empty_text_has_an_encoding(encoder: BgeM3) -> None:
    joined, apart, none, empty = encoder.encode([("ramen\nKyoto",), ("ramen", "Kyoto"), (), ("",)], query=False)
    same(joined, apart)
    same(none, empty)
    assert len(weights_of(none)) == 0


def test_a_long_text_keeps_its_first_whole_parts(encoder: BgeM3) -> None:
    short, long = "a receipt from Kyoto", "cat " * 400
    cut, kept = encoder.encode([(short, long, long, "noodles"), (short, long, "noodles")], query=False)
    assert (cut.cut, kept.cut) == (1, 0)
    (whole,) = encoder.encode([(short, long, "noodles")], query=False)
    np.testing.assert_allclose(cut.dense, whole.dense, atol=1e-5)


def test_a_first_part_too_long_is_cut_itself(encoder: BgeM3) -> None:
    (encoding,) = encoder.encode([("ramen shop " * 5000,)], query=False)
    assert encoding.cut == 1
    assert np.isfinite(encoding.dense).all()


def test_names_that_are_no_utf8_do_no_harm(encoder: BgeM3) -> None:
    broken, clean = encoder.encode([("photo\udce9 of a cat",), ("photo? of a cat",)], query=False)
    same(broken, clean)


def test_published_as_pickled_weights_it_is_the_same_model(encoder: BgeM3, tmp_path: Path) -> None:
    other = BgeM3(build(tmp_path, weights="bin"), "cpu", 8192, 1024, exact=True)
    for one, two in zip(encoder.encode(TEXTS[:4], query=False), other.encode(TEXTS[:4], query=False), strict=True):
        same(one, two)


def test_the_kinds_of_files_that_bge_m3_is_published_as(tmp_path: Path) -> None:
    folder = weights.find(str(xlm_roberta(tmp_path / "m3")))
    one = BgeM3(folder, "cpu", 100_000, 4096, exact=True)
    assert one.max_tokens == 8192
    texts = [("cat dog",), ("京都の猫",), ("",), ("cat dog " * 400,)]
    with flag_embedding(folder) as reference:
        expected = reference.encode([text for (text,) in texts], max_length=8192, return_sparse=True)
    encodings = one.encode(texts, query=False)
    for encoding, dense, lexical in zip(encodings, expected["dense_vecs"], expected["lexical_weights"], strict=True):
        np.testing.assert_allclose(encoding.dense, dense, atol=1e-4)
        theirs = {int(token): float(weight) for token, weight in lexical.items()}
        assert weights_of(encoding) == pytest.approx(theirs, abs=1e-4)
        assert not weights_of(encoding).keys() & {0, 1, 2, 3}
    with batches(one) as seen:  # the last of 8,192 tokens has a position still
        assert [found.cut for found in one.encode([("cat " * 9000,)], query=False)] == [1]
    assert seen == [8192]


def test_bf16_says_nearly_the_same(encoder: BgeM3, monkeypatch: pytest.MonkeyPatch) -> None:
    if not devices.runs_bf16():
        pytest.skip("this CPU has no bf16")
    monkeypatch.setattr(bge_m3, "precision", lambda device, *, exact: "bfloat16")
    half = BgeM3(checkpoint(), "cpu", 8192, 1024)
    assert str(next(half.transformer.parameters()).dtype) == "torch.bfloat16"
    assert half.precision == "bfloat16"
    assert half.id == encoder.id, "another precision makes no row stale"
    exact, rough = (one.encode_all(TEXTS, query=False) for one in (encoder, half))
    for one, two in zip(exact, rough, strict=True):
        assert two.colbert is not None
        assert two.colbert.dtype == np.float16
        assert colbert_score(two.colbert, vectors_of(one)) > 0.98
        assert two.dense.dtype == np.float32
        assert np.linalg.norm(two.dense) == pytest.approx(1, abs=1e-5)
        assert float(one.dense @ two.dense) > 0.99
        here, there = weights_of(one), weights_of(two)
        assert max((abs(here.get(t, 0) - there.get(t, 0)) for t in here | there), default=0.0) < 0.1


def test_it_is_measured(encoder: BgeM3) -> None:
    assert devices.measure(encoder, seconds=0) > 0


def test_loading_and_encoding_are_silent(capfd: pytest.CaptureFixture[str]) -> None:
    loaded = BgeM3(checkpoint(), "cpu", 8192, 1024)
    loaded.encode([("ramen " * 2000,)], query=False)
    loaded.close()
    assert capfd.readouterr() == ("", "")


@contextmanager
def batches(encoder: BgeM3, fits: float = float("inf"), error: type[Exception] | None = None) -> Iterator[list[int]]:
    """The padded tokens of each forward pass; those above `fits` raise inside the real transformer."""
    import torch

    seen: list[int] = []

    def before(_module: Any, _positional: Any, named: dict[str, Any]) -> None:
        seen.append(named["input_ids"].numel())
        if seen[-1] > fits:
            raise (error or torch.OutOfMemoryError)("CUDA out of memory. Tried to allocate 20.00 MiB")

    hook = encoder.transformer.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield seen
    finally:
        hook.remove()
        encoder.budget = Budget(encoder.budget.most)


def test_each_text_is_computed_once_in_batches_within_the_budget(encoder: BgeM3) -> None:
    with batches(encoder) as seen:
        encoder.encode(TEXTS * 3, query=False)
    assert all(padded <= 1024 for padded in seen)
    assert len(seen) < len(TEXTS)
    with batches(encoder) as seen:
        encoder.encode([("cat",)] * 100, query=False)
    assert seen == [300]


def test_out_of_memory_halves_the_batch_and_loses_no_text(encoder: BgeM3) -> None:
    texts = [text for text in TEXTS if text != (ODD["long"],)] * 3
    expected = encoder.encode(texts, query=False)
    with batches(encoder, fits=200) as seen:
        found = encoder.encode(texts, query=False)
        assert encoder.budget.tokens < 1024
    assert seen[0] > 200
    assert sum(padded > 200 for padded in seen) <= 4, "each failure has to teach the later batches"
    for one, other in zip(expected, found, strict=True):
        same(one, other)


@pytest.mark.parametrize("error", [MemoryError, RuntimeError])
def test_out_of_memory_comes_in_several_kinds(encoder: BgeM3, error: type[Exception]) -> None:
    with batches(encoder, fits=200, error=error) as seen:
        assert len(encoder.encode(TEXTS[:6] * 20, query=False)) == 120
    assert max(seen) > 200


def test_real_lack_of_memory_is_recognised(encoder: BgeM3) -> None:
    import torch

    def before(*_: Any) -> None:
        torch.empty(1 << 50, dtype=torch.uint8)

    hook = encoder.transformer.register_forward_pre_hook(before)
    try:
        with pytest.raises(DeviceError, match="out of memory at a single text"):
            encoder.encode([("ramen",)], query=False)
    finally:
        hook.remove()
        encoder.budget = Budget(encoder.budget.most)


def test_a_text_for_which_there_is_no_memory_is_cut_and_that_is_recorded(encoder: BgeM3) -> None:
    text = ("a receipt from Kyoto", "noodles", "cat " * 400)
    with batches(encoder, fits=128) as seen:
        [found] = encoder.encode([text], query=False)
    assert found.cut == 1
    whole, half, quarter = seen
    assert whole > half > 128 >= quarter > 64
    kept = fit(text, lambda string: len(encoder._tokens([string])[0]), quarter)
    assert kept.text.startswith("a receipt from Kyoto\nnoodles\ncat")
    [expected] = encoder.encode([(kept.text,)], query=False)
    np.testing.assert_allclose(found.dense, expected.dense, atol=1e-5)


def test_a_text_that_is_cut_for_memory_costs_the_others_nothing(encoder: BgeM3) -> None:
    with batches(encoder, fits=128):
        found = encoder.encode([("ramen",), ("cat " * 400,), ("a receipt from Kyoto",)], query=False)
    assert [one.cut for one in found] == [0, 1, 0]
    same(found[0], encoder.encode([("ramen",)], query=False)[0])


def test_no_room_for_a_short_text_is_a_device_error(encoder: BgeM3) -> None:
    texts: list[Text] = [("ramen",), ("receipt from Kyoto",), ("cat " * 400,)]
    with batches(encoder, fits=2) as seen, pytest.raises(DeviceError) as caught:
        encoder.encode(texts, query=False)
    assert caught.value.step == "device"
    assert "cpu: out of memory at a single text of 64 tokens" in str(caught.value)
    assert seen[-1] == 64
    assert len(encoder.encode([("ramen",)], query=False)) == 1, "it can be tried again"


@pytest.mark.parametrize(("error", "kind"), [("CUDA error: device-side assert", DeviceError), (None, EncoderError)])
def test_a_lost_device_is_a_device_error_at_once(encoder: BgeM3, error: str | None, kind: type[EncoderError]) -> None:
    calls = []

    def before(*_: Any) -> None:
        calls.append(1)
        raise RuntimeError(error) if error else IndexError("index out of range in self")

    hook = encoder.transformer.register_forward_pre_hook(before)
    try:
        with pytest.raises(EncoderError) as caught:
            encoder.encode(TEXTS, query=False)
    finally:
        hook.remove()
    assert type(caught.value) is kind
    assert len(calls) == 1


def test_numbers_that_are_none_never_leave(encoder: BgeM3) -> None:
    def after(_module: Any, _given: Any, output: Any) -> Any:
        output.last_hidden_state[0, 0] = float("nan")
        return output

    hook = encoder.transformer.register_forward_hook(after)
    try:
        with pytest.raises(DeviceError, match="not finite"):
            encoder.encode([("ramen",)], query=False)
    finally:
        hook.remove()


def test_a_device_that_is_not_there_is_a_device_error() -> None:
    import torch

    absent = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(DeviceError) as caught:
        BgeM3(checkpoint(), absent, 8192, 1024)
    assert caught.value.where == absent


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "sparse_linear.pt", "tokenizer.json"])
def test_damaged_files_are_an_error_of_the_weights(tmp_path: Path, name: str) -> None:
    folder = build(tmp_path / "m3", weights="bin" if name.endswith(".bin") else "safetensors")
    whole = (folder / name).read_bytes()
    (folder / name).unlink()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsMissingError, match="cannot be loaded"):
        BgeM3(folder, "cpu", 8192, 1024)


@pytest.mark.parametrize("name", weights.HEADS)
def test_heads_of_another_size_are_an_error_that_names_the_file(tmp_path: Path, name: str) -> None:
    folder = build(tmp_path)
    [other] = set(weights.HEADS) - {name}
    shutil.copy(folder / other, folder / name)
    with pytest.raises(WeightsMissingError, match=f"{name}: is not BGE-M3's"):
        BgeM3(folder, "cpu", 8192, 1024)


@pytest.mark.parametrize("holds", [{"weight": (1, 384)}, {"weight": (1, 768), "bias": (1,)}, {"kernel": (1, 384)}])
def test_heads_that_are_no_heads_are_an_error_that_names_the_file(
    tmp_path: Path, holds: dict[str, tuple[int, ...]]
) -> None:
    import torch

    folder = build(tmp_path)
    torch.save({name: torch.zeros(shape) for name, shape in holds.items()}, folder / "sparse_linear.pt")
    with pytest.raises(WeightsMissingError, match=r"sparse_linear\.pt: is not BGE-M3's"):
        BgeM3(folder, "cpu", 8192, 1024)


def test_heads_that_vanish_before_loading_are_never_random_ones(tmp_path: Path) -> None:
    folder = build(tmp_path)
    (folder / "colbert_linear.pt").unlink()
    with pytest.raises(HeadsMissingError, match=r"colbert_linear\.pt"):
        check_heads(folder, DIMENSION)


def test_tensors_that_are_not_there_are_never_random_ones(tmp_path: Path) -> None:
    import torch

    folder = build(tmp_path, weights="bin")
    kept = torch.load(folder / "pytorch_model.bin", weights_only=True)
    kept = {name: tensor for name, tensor in kept.items() if not name.startswith("encoder.layer.3.output.dense")}
    torch.save(kept, folder / "pytorch_model.bin")
    with pytest.raises(WeightsMissingError, match=r"lacks 2 tensors, such as encoder\.layer\.3\.output\.dense\.bias"):
        BgeM3(folder, "cpu", 8192, 1024)


def test_weights_saved_below_another_model_and_in_shards_are_found(encoder: BgeM3, tmp_path: Path) -> None:
    import torch

    folder = build(tmp_path, weights="bin")
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    (folder / "pytorch_model.bin").unlink()
    named = {f"bert.{name}": tensor for name, tensor in tensors.items() if not name.startswith("pooler.")}
    shards: dict[str, str] = {}
    for i, names in enumerate((list(named)[::2], list(named)[1::2])):
        torch.save({name: named[name] for name in names}, folder / f"{i}.bin")
        shards |= dict.fromkeys(names, f"{i}.bin")
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": shards}))
    other = BgeM3(weights.find(str(folder)), "cpu", 8192, 1024, exact=True)
    same(encoder.encode([("ramen",)], query=False)[0], other.encode([("ramen",)], query=False)[0])


def test_without_flag_embedding_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "FlagEmbedding", None)
    with pytest.raises(ExtraMissingError) as caught:
        BgeM3(checkpoint(), "cpu", 8192, 1024)
    assert caught.value.step == "extra"
    assert "make bge-m3" in str(caught.value)
