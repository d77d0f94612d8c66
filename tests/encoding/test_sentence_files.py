"""What the files of Sentence Transformers models tell, without the library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.encoding.checkpoint import cached
from tests.encoding.sentence_models import DIMENSION, MAX_TOKENS, PROMPTS, edit, sentence_model, with_code, write

from glimpsed.encoding import candidate, sentence_files, weights
from glimpsed.encoding.sentence_files import Prompts
from glimpsed.errors import EncoderError, OwnCodeError, WeightsMissingError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return sentence_model(tmp_path / "model", settings={"prompts": PROMPTS})


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


def checked(folder: Path, *, trusted: bool = False) -> None:
    sentence_files.check(folder, "fetch it", trusted=trusted)


def test_a_whole_model_is_taken(model: Path) -> None:
    checked(model)
    found = sentence_files.facts(model, 8192)
    assert (found.dimension, found.max_tokens) == (DIMENSION, MAX_TOKENS)
    assert sentence_files.held(model) == pytest.approx(22_700_000, rel=0.01)  # as its card says


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json", "modules.json"]
)
def test_what_is_missing_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    (model / "vocab.txt").unlink()
    with pytest.raises(WeightsMissingError, match=name.replace(".", r"\.")) as caught:
        checked(model)
    assert caught.value.hint == "fetch it"


@pytest.mark.parametrize("listed", ["", "{}", "[]", "[3]", '[{"type": "a"}]'])
def test_a_broken_list_of_modules_is_told(model: Path, listed: str) -> None:
    (model / "modules.json").write_text(listed or " ")
    with pytest.raises(WeightsMissingError, match=r"modules\.json"):
        checked(model)


@pytest.mark.parametrize("path", ["../other", "/etc", "a/../../b"])
def test_a_module_outside_of_the_folder_is_refused(model: Path, path: str) -> None:
    write(model / "modules.json", [{"type": "sentence_transformers.models.Transformer", "path": path}])
    with pytest.raises(WeightsMissingError, match="outside"):
        checked(model)


def test_other_kinds_of_models_are_refused(model: Path) -> None:
    edit(model / "config_sentence_transformers.json", model_type="SparseEncoder")
    with pytest.raises(WeightsMissingError, match="SparseEncoder"):
        checked(model)


def test_code_is_named_and_taken_when_trusted(tmp_path: Path) -> None:
    folder = with_code(tmp_path / "code")
    edit(folder / "config.json", auto_map={"AutoConfig": "configuration.C", "AutoModel": ["modeling.M", None]})
    with pytest.raises(OwnCodeError, match=r"turned\.Turned, auto_map in config\.json") as caught:
        checked(folder)
    assert caught.value.step == "trust"
    checked(folder, trusted=True)
    before = sentence_files.facts(folder, 512).id
    (folder / "turned.py").write_text("# other code\n")
    assert sentence_files.facts(folder, 512).id != before


def test_code_of_another_model_has_to_be_here(model: Path, tmp_path: Path) -> None:
    edit(model / "config.json", auto_map={"AutoModel": "org/code--modeling.Model"})
    with pytest.raises(WeightsMissingError, match="org/code") as caught:
        checked(model, trusted=True)
    assert caught.value.hint == "glimpse model pull org/code"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "modeling.py").write_text("")
    cached(tmp_path / "hf", tmp_path / "code", name="org/code")
    checked(model, trusted=True)


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("e5-base-v2", None, Prompts("query: ", "passage: ")),
        ("multilingual-e5-large", {"prompts": {}}, Prompts("query: ", "passage: ")),
        ("multilingual-e5-large", {"prompts": {"query": "mine: "}}, Prompts("mine: ", "")),
        ("gte-base", None, Prompts("", "")),
        ("my-e5-large-tuned", None, Prompts("", "")),
        ("x", {"prompts": {"passage": "P", "corpus": "C"}}, Prompts("", "P")),
        ("x", {"prompts": {"query": "Q", "a": "A"}, "default_prompt_name": "a"}, Prompts("Q", "A")),
        ("x", {"prompts": {"query": None}}, Prompts("", "")),
        ("x", {"prompts": 3}, Prompts("", "")),
    ],
)
def test_prompts(tmp_path: Path, name: str, settings: dict[str, object] | None, expected: Prompts) -> None:
    folder = tmp_path / name
    folder.mkdir()
    if settings is not None:
        write(folder / "config_sentence_transformers.json", settings)
    assert sentence_files.prompts(folder) == expected


def test_the_instruction_of_a_family_is_known_in_the_cache(tmp_path: Path) -> None:
    name = "intfloat/multilingual-e5-large-instruct"
    snapshot = cached(tmp_path, sentence_model(tmp_path / "any"), name=name)
    assert sentence_files.prompts(snapshot).query.startswith("Instruct: ")
    assert sentence_files.prompts(snapshot).document == ""


@pytest.mark.parametrize(
    ("sentence", "tokenizer", "config", "expected"),
    [
        ({"max_seq_length": 128}, {}, {}, 128),
        ({"max_seq_length": None}, {"model_max_length": 300}, {}, 300),
        ({}, {"model_max_length": 10**30}, {}, 512),
        ({}, {"model_max_length": None}, {"model_type": "xlm-roberta", "max_position_embeddings": 514}, 510),
        ({}, {"model_max_length": 10**30}, {"max_position_embeddings": None}, 8192),
        ({"max_seq_length": 32768}, {}, {"max_position_embeddings": 131072}, 8192),
    ],
)
def test_the_length(
    model: Path, sentence: dict[str, object], tokenizer: dict[str, object], config: dict[str, object], expected: int
) -> None:
    write(model / "sentence_bert_config.json", sentence)
    edit(model / "tokenizer_config.json", **tokenizer)
    edit(model / "config.json", **config, pad_token_id=3)
    assert sentence_files.facts(model, 8192).max_tokens == expected


def test_a_length_that_is_none_is_told(model: Path) -> None:
    write(model / "sentence_bert_config.json", {"max_seq_length": "long"})
    with pytest.raises(WeightsMissingError, match="do not describe an encoder"):
        sentence_files.facts(model, 8192)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"embedding_dimension": 64, "pooling_mode": "cls"}, 64),
        ({"embedding_dimension": 64, "pooling_mode": ["cls", "max", "mean"]}, 192),
        ({"word_embedding_dimension": 64, "pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}, 128),
        ({"word_embedding_dimension": 64}, 64),
        ({"out_features": 7}, 7),
        ({}, DIMENSION),
    ],
)
def test_the_dimension(model: Path, pooling: dict[str, object], expected: int) -> None:
    write(model / "1_Pooling" / "config.json", pooling)
    assert sentence_files.facts(model, 512).dimension == expected


def test_a_dimension_that_nobody_tells(model: Path) -> None:
    write(model / "1_Pooling" / "config.json", {})
    config = json.loads((model / "config.json").read_bytes())
    write(model / "config.json", {key: value for key, value in config.items() if key != "hidden_size"})
    with pytest.raises(WeightsMissingError, match="length of its vectors"):
        sentence_files.facts(model, 512)
    edit(model / "config.json", text_config={"hidden_size": 99})
    assert sentence_files.facts(model, 512).dimension == 99


def test_what_lies_behind_a_router_counts(model: Path) -> None:
    inside = model / "query_0"
    (model / "1_Pooling").rename(model / "document_1")
    inside.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (inside / name).symlink_to((model / name).resolve())
    prefix = "sentence_transformers.base.modules"
    write(model / "modules.json", [{"type": f"{prefix}.router.Router", "path": ""}])
    types = {"query_0": f"{prefix}.transformer.Transformer", "document_1": f"{prefix}.pooling.Pooling"}
    write(model / "router_config.json", {"types": types, "structure": {}})
    checked(model)
    assert sentence_files.facts(model, 512).dimension == DIMENSION
    types["document_1"] = "evil.Module"
    write(model / "router_config.json", {"types": types, "structure": {}})
    with pytest.raises(OwnCodeError, match=r"evil\.Module"):
        checked(model)


def test_the_id_follows_what_changes_a_vector_and_nothing_else(model: Path, tmp_path: Path) -> None:
    def now() -> str:
        return sentence_files.facts(model, 8192).id

    same = now()
    snapshot = cached(tmp_path, model, name="org/model")
    assert sentence_files.facts(snapshot, 8192).id == same
    edit(model / "config.json", transformers_version="9", torch_dtype="float16")
    (model / "README.md").write_text("new")
    os.utime(model / "tokenizer.json", (1, 1))
    assert now() == same
    seen = {same}
    changes: dict[str, dict[str, object]] = {
        "config_sentence_transformers.json": {"prompts": {"query": "other: "}},
        "tokenizer_config.json": {"do_lower_case": False},
        "1_Pooling/config.json": {"pooling_mode_max_tokens": True},
        "sentence_bert_config.json": {"do_lower_case": True},
        "config.json": {"hidden_act": "relu"},
    }
    for name, change in changes.items():
        edit(model / name, **change)
        seen.add(now())
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").write_bytes(b"other")
    seen.add(now())
    assert len(seen) == 7
    assert sentence_files.facts(model, 64).id not in seen


class Settings:
    encoder = "auto"
    model = "/nowhere"
    trust_remote_code = False
    max_length = 512


def test_the_candidate_is_what_the_configuration_names(tmp_path: Path, model: Path) -> None:
    settings = Settings()
    assert candidate.asked_for(settings) == ("bge-m3", "/nowhere")
    assert candidate.name_of(settings) == "BGE-M3"
    settings.encoder = weights.PUBLISHED
    assert candidate.asked_for(settings) == ("bge-m3", weights.PUBLISHED)
    settings.encoder = str(model)
    found = candidate.find(settings)
    assert (found.kind, found.name, found.folder) == ("sentence", "model", model)
    assert found.needs(2) == found.weights * 2 + weights.WORKING_ROOM
    settings.encoder = "org/model"
    with pytest.raises(WeightsMissingError, match="glimpse model pull org/model"):
        candidate.find(settings)
    snapshot = cached(tmp_path / "hf", model, name="org/model")
    assert candidate.find(settings).folder == snapshot
    assert candidate.name_of(settings) == candidate.find(settings).name == "org/model"
    settings.encoder = str(tmp_path / "none")
    with pytest.raises(EncoderError, match="there is no such folder"):
        candidate.find(settings)


def test_nothing_heavy_is_imported(model: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from glimpsed.encoding import candidate, inventory, sentence_files
sentence_files.check(Path({str(model)!r}), None, trusted=False)
sentence_files.facts(Path({str(model)!r}), 512)
heavy = {{"torch", "transformers", "sentence_transformers", "huggingface_hub", "safetensors"}}
print(*sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
