"""Sentence Transformers models: the same vectors as the library's, and everything around them."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.encoding.sentence_models import DIMENSION, MAX_TOKENS, PROMPTS, edit, sentence_model, with_code, write

from glimpsed.encoding import sentence
from glimpsed.encoding.encoder import JOINT, Text
from glimpsed.errors import DeviceError, EncoderError, OwnCodeError, WeightsMissingError

pytest.importorskip("sentence_transformers", reason="the extra bge-m3 is not installed")

from glimpsed.encoding.sentence import Sentence

TEXTS: tuple[Text, ...] = (
    ("Receipt from a ramen shop in Kyoto", "2 bowls of shoyu ramen 1,960 yen"),
    ("a",),
    (),
    ("上海虹桥 开 北京南",),
    ("🚲🚲🚲", "red bicycle red bicycle red"),
    ("تذكرة قطار", "Zugfahrkarte", "билет на поезд"),
    ("a longer text of some two hundred tokens " * 25,),
)


@pytest.fixture(autouse=True, scope="module")
def as_it_was() -> Iterator[None]:
    """An encoder process keeps itself from the network; other tests of this one may want it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentence_model(tmp_path_factory.mktemp("models") / "plain", settings={"prompts": PROMPTS})


@pytest.fixture(scope="module")
def encoder(plain: Path) -> Iterator[Sentence]:
    one = exact(plain)
    yield one
    one.close()


def exact(folder: Path, *, max_length: int = 8192, tokens: int = 4096, trusted: bool = False) -> Sentence:
    return Sentence(folder, "cpu", max_length, tokens, exact=True, trust_remote_code=trusted)


def by_the_library(folder: Path, texts: tuple[Text, ...], **given: Any) -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    strings = [JOINT.join(text) for text in texts]
    return model.encode(strings, normalize_embeddings=True, batch_size=1, show_progress_bar=False, **given)


def ours(encoder: Sentence, texts: tuple[Text, ...], *, query: bool) -> Any:
    return np.stack([one.dense for one in encoder.encode(texts, query=query)])


def vectors_equal(one: Any, other: Any) -> None:
    assert np.abs(one - other).max() < 1e-4


@pytest.mark.parametrize("query", [True, False])
def test_vectors_are_those_of_the_library_with_its_prompts(plain: Path, encoder: Sentence, *, query: bool) -> None:
    prompt = PROMPTS["query" if query else "document"]
    vectors_equal(ours(encoder, TEXTS, query=query), by_the_library(plain, TEXTS, prompt=prompt))


@pytest.mark.parametrize(
    ("settings", "query", "document"),
    [
        (None, "", ""),
        ({"prompts": {"query": "Q: ", "passage": "P: "}}, "Q: ", "P: "),
        ({"prompts": {"query": "Q: "}}, "Q: ", ""),
        ({"prompts": {"all": "A: "}, "default_prompt_name": "all"}, "A: ", "A: "),
        ({"prompts": {"query": "Q: ", "document": "", "all": "A: "}, "default_prompt_name": "all"}, "Q: ", "A: "),
    ],
)
def test_every_kind_of_prompts_is_used(
    tmp_path: Path, settings: dict[str, Any] | None, query: str, document: str
) -> None:
    folder = sentence_model(tmp_path / "model", pooling="cls", normalize=False, settings=settings)
    encoder = exact(folder)
    vectors_equal(ours(encoder, TEXTS, query=True), by_the_library(folder, TEXTS, prompt=query))
    vectors_equal(ours(encoder, TEXTS, query=False), by_the_library(folder, TEXTS, prompt=document))


def test_a_family_without_published_prompts_gets_those_of_its_card(tmp_path: Path) -> None:
    folder = sentence_model(tmp_path / "multilingual-e5-small")
    encoder = exact(folder)
    vectors_equal(ours(encoder, TEXTS, query=True), by_the_library(folder, TEXTS, prompt="query: "))
    vectors_equal(ours(encoder, TEXTS, query=False), by_the_library(folder, TEXTS, prompt="passage: "))


def test_other_poolings_are_other_vectors(tmp_path: Path, encoder: Sentence) -> None:
    cls = exact(sentence_model(tmp_path / "cls", pooling="cls"))
    assert float(ours(cls, TEXTS[:1], query=False)[0] @ ours(encoder, TEXTS[:1], query=False)[0]) < 0.99


def test_a_dense_module_and_a_cut_dimension_count(tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from sentence_transformers.sentence_transformer.modules import Dense

    folder = sentence_model(tmp_path / "dense", settings={"truncate_dim": 32})
    (folder / "2_Dense").mkdir()
    dense = Dense(DIMENSION, 64)
    dense.save(str(folder / "2_Dense"))
    modules = json.loads((folder / "modules.json").read_bytes())
    modules[2] = {**modules[2], "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    write(folder / "modules.json", modules)
    encoder = exact(folder)
    assert encoder.dimension == 32
    vectors_equal(ours(encoder, TEXTS, query=False), by_the_library(folder, TEXTS))
    save_file({"linear.weight": dense.linear.weight * 2}, folder / "2_Dense" / "model.safetensors")
    assert exact_id(folder) != encoder.id


def exact_id(folder: Path) -> str:
    from glimpsed.encoding import sentence_files

    return sentence_files.facts(folder, 8192).id


def test_a_table_of_words_is_a_model_too(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(sentence_model(tmp_path / "model") / "tokenizer.json"))
    weights = np.random.default_rng(1).normal(size=(tokenizer.get_vocab_size(), 24)).astype(np.float32)
    folder = tmp_path / "static"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, weights)], device="cpu").save(str(folder))
    encoder = exact(folder, max_length=512)
    assert (encoder.dimension, encoder.max_tokens) == (24, 512)
    some = tuple(text for text in TEXTS if text)
    vectors_equal(ours(encoder, some, query=False), by_the_library(folder, some))
    [nothing] = encoder.encode([()], query=False)
    assert np.linalg.norm(nothing.dense) == pytest.approx(1)


def test_it_says_what_it_is(encoder: Sentence) -> None:
    assert (encoder.name, encoder.device, encoder.dimension) == ("plain", "cpu", DIMENSION)
    assert encoder.max_tokens == MAX_TOKENS
    assert encoder.id.startswith("sentence-1:")
    assert encoder.id.endswith(f":{MAX_TOKENS}")


def test_the_prompt_belongs_to_the_length(plain: Path) -> None:
    encoder = exact(plain, max_length=32)
    assert encoder.max_tokens == encoder.model.max_seq_length == 32
    [fits, cut] = encoder.encode([("word " * 28,), ("word " * 29,)], query=False)  # [CLS] passage : … [SEP]
    assert (fits.cut, cut.cut) == (0, 1)
    assert np.abs(fits.dense - cut.dense).max() < 1e-5


def test_code_of_its_own_is_refused_unless_trusted(
    tmp_path: Path, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Read at the first import; an encoder process sets the variable before.
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "copies"))
    folder = with_code(tmp_path / "model")
    with pytest.raises(OwnCodeError, match=r"turned\.Turned") as caught:
        exact(folder)
    assert "trust_remote_code = true" in str(caught.value)
    trusted = exact(folder, trusted=True)
    vectors_equal(ours(trusted, TEXTS, query=False), -by_the_library(plain, TEXTS, prompt=""))


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_map_to_code_for_transformers_is_refused(tmp_path: Path, name: str) -> None:
    folder = sentence_model(tmp_path / "model")
    edit(folder / name, auto_map={"AutoModel": "modeling.Model"})
    with pytest.raises(OwnCodeError, match=f"auto_map in {name}"):
        exact(folder)


def test_bf16_is_near(plain: Path, encoder: Sentence, monkeypatch: pytest.MonkeyPatch) -> None:
    from glimpsed.encoding.devices import runs_bf16

    if not runs_bf16():
        pytest.skip("this CPU has no bfloat16")
    monkeypatch.setattr(sentence, "precision", lambda device, *, exact: "bfloat16")  # wherever it is quicker
    half = Sentence(plain, "cpu", 512, 4096)
    assert "bfloat16" in str(half.model.dtype)
    near = np.sum(ours(half, TEXTS, query=False) * ours(encoder, TEXTS, query=False), axis=1)
    assert near.min() > 0.995


def test_batches_are_by_tokens_and_halve_when_memory_runs_out(plain: Path, encoder: Sentence) -> None:
    torch = pytest.importorskip("torch")
    other = exact(plain, tokens=512)
    sizes: list[int] = []

    def small(module: Any, given: tuple[dict[str, Any]]) -> None:
        rows, longest = given[0]["input_ids"].shape
        sizes.append(rows * longest)
        if rows * longest > 256:
            raise torch.OutOfMemoryError("CUDA out of memory")

    other.model.register_forward_pre_hook(small)
    texts = TEXTS * 3
    vectors_equal(ours(other, texts, query=False), ours(encoder, texts, query=False))
    assert 256 < max(sizes) <= 512
    assert sizes[-1] <= 256
    assert other.budget.tokens <= 256


def test_no_room_for_a_single_text_is_the_devices_fault(plain: Path) -> None:
    encoder = exact(plain)

    def full(module: Any, given: Any) -> None:
        raise MemoryError

    hook = encoder.model.register_forward_pre_hook(full)
    with pytest.raises(DeviceError, match="out of memory at a single text"):
        encoder.encode(TEXTS, query=False)
    hook.remove()
    assert len(encoder.encode(TEXTS, query=False)) == len(TEXTS)


@pytest.mark.parametrize(
    ("raised", "kind"), [(RuntimeError("CUDA error\nmore"), DeviceError), (ValueError("odd"), EncoderError)]
)
def test_other_failures_are_told(plain: Path, raised: Exception, kind: type[EncoderError]) -> None:
    encoder = exact(plain)

    def fail(module: Any, given: Any) -> None:
        raise raised

    encoder.model.register_forward_pre_hook(fail)
    with pytest.raises(kind, match="the forward pass failed: ") as caught:
        encoder.encode(TEXTS, query=False)
    assert "more" not in str(caught.value)


def test_numbers_that_are_none_are_an_error(plain: Path) -> None:
    torch = pytest.importorskip("torch")
    encoder = exact(plain)
    with torch.no_grad():
        encoder.model.transformers_model.embeddings.LayerNorm.weight.fill_(float("nan"))
    with pytest.raises(DeviceError, match="not finite"):
        encoder.encode(TEXTS, query=False)


def test_a_wrong_dimension_is_an_error(tmp_path: Path) -> None:
    folder = sentence_model(tmp_path / "model")
    edit(folder / "1_Pooling" / "config.json", pooling_mode_cls_token=True)  # two side by side
    encoder = exact(folder)
    assert encoder.dimension == 2 * DIMENSION
    encoder.dimension = DIMENSION
    with pytest.raises(EncoderError, match="shape"):
        encoder.encode(TEXTS, query=False)


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    folder = sentence_model(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(b"\x10" * 100)
    with pytest.raises(WeightsMissingError, match="cannot be loaded"):
        exact(folder)


def test_weights_of_another_model_are_told(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch = pytest.importorskip("torch")
    folder = sentence_model(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    save_file({"something.else": torch.ones(3)}, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsMissingError, match=r"lacks \d+ tensors"):
        exact(folder)


def test_closing_gives_the_memory_back(plain: Path) -> None:
    import weakref

    encoder = exact(plain)
    model = weakref.ref(encoder.model)
    encoder.close()
    gc.collect()
    assert model() is None


def test_the_network_is_not_asked(plain: Path, tmp_path: Path) -> None:
    """Not by a model whose optional files are missing either; with a home that holds nothing."""
    program = f"""
import socket
def refuse(*given):
    raise AssertionError(f"the network was asked for: {{given}}")
socket.socket.connect = socket.getaddrinfo = refuse
from pathlib import Path
from glimpsed.encoding.sentence import Sentence
encoder = Sentence(Path({str(plain)!r}), "cpu", 512, 4096)
print(len(encoder.encode([("a",), ("b",)], query=True)))
"""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
