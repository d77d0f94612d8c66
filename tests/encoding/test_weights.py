"""Finding BGE-M3's files without the network and without heavy imports."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.encoding.checkpoint import DIMENSION, MAX_TOKENS, build, cached, checkpoint

from glimpsed.encoding import weights
from glimpsed.errors import HeadsMissingError, WeightsMissingError

NAME = "BAAI/bge-m3"
FETCH = f"glimpse model pull {NAME}"


def published(folder: Path, **config: object) -> Path:
    """Files named as BAAI/bge-m3 has them, with its configuration and a stand-in for its weights."""
    folder.mkdir(parents=True)
    settings = {
        "model_type": "xlm-roberta",
        "architectures": ["XLMRobertaModel"],
        "hidden_size": 1024,
        "max_position_embeddings": 8194,
        "pad_token_id": 1,
        "torch_dtype": "float32",
        **config,
    }
    (folder / "config.json").write_text(json.dumps(settings))
    for name in ("tokenizer.json", "sentencepiece.bpe.model", "colbert_linear.pt", "sparse_linear.pt"):
        (folder / name).write_bytes(name.encode())
    with (folder / "pytorch_model.bin").open("wb") as file:
        file.write(b"PK")
        file.truncate(2_271_145_830)  # takes no room
    return folder


def test_a_folder_is_taken_as_it_is() -> None:
    assert weights.find(str(checkpoint())) == checkpoint()


def test_a_folder_below_home_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    published(tmp_path / "models" / "m3")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.find("~/models/m3") == tmp_path / "models" / "m3"


@pytest.mark.parametrize(
    "environment",
    [
        lambda home: {"HF_HOME": str(home)},
        lambda home: {"HF_HUB_CACHE": str(home / "hub"), "HF_HOME": "/nowhere"},
        lambda home: {"HUGGINGFACE_HUB_CACHE": str(home / "hub")},
        lambda home: {"HF_HUB_CACHE": "", "HF_HOME": str(home)},
    ],
)
def test_a_name_is_found_in_the_cache(tmp_path: Path, environment: Callable[[Path], dict[str, str]]) -> None:
    snapshot = cached(tmp_path, checkpoint())
    assert weights.find(NAME, environment(tmp_path)) == snapshot


def test_the_cache_follows_the_xdg_variable(tmp_path: Path) -> None:
    snapshot = cached(tmp_path / "huggingface", checkpoint())
    assert weights.find(NAME, {"XDG_CACHE_HOME": str(tmp_path)}) == snapshot


@pytest.mark.parametrize(
    "variables", [{}, {"HF_HOME": "~/a"}, {"HF_HUB_CACHE": "$HOME/b/hub"}, {"XDG_CACHE_HOME": "c"}]
)
def test_the_cache_is_where_huggingface_hub_has_it(tmp_path: Path, variables: dict[str, str]) -> None:
    def run(program: str) -> Path:
        environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **variables}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path)
        return tmp_path / done.stdout.strip()

    hub = run("from huggingface_hub import constants; print(constants.HF_HUB_CACHE)")
    snapshot = cached(hub.parent, checkpoint())
    assert run(f"from glimpsed.encoding import weights; print(weights.find({NAME!r}))") == snapshot


def test_without_main_the_newest_complete_snapshot_is_taken(tmp_path: Path) -> None:
    old = cached(tmp_path, checkpoint(), revision="1" * 40)
    new = cached(tmp_path, checkpoint(), revision="2" * 40)
    os.utime(old, (1, 1))
    newest = cached(tmp_path, checkpoint(), revision="3" * 40)
    (newest / "model.safetensors").unlink()
    (tmp_path / "hub" / "models--BAAI--bge-m3" / "refs" / "main").unlink()
    assert weights.find(NAME, {"HF_HOME": str(tmp_path)}) == new


def test_main_goes_first_but_only_if_complete(tmp_path: Path) -> None:
    other = cached(tmp_path, checkpoint(), revision="1" * 40)
    main = cached(tmp_path, checkpoint(), revision="2" * 40)
    os.utime(main, (1, 1))
    environment = {"HF_HOME": str(tmp_path)}
    assert weights.find(NAME, environment) == main
    (main / "config.json").unlink()
    assert weights.find(NAME, environment) == other


def test_a_name_that_is_not_there_tells_the_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError) as caught:
        weights.find(NAME, {"HF_HOME": str(tmp_path)})
    assert caught.value.step == "weights"
    assert caught.value.hint == FETCH
    assert str(tmp_path / "hub") in str(caught.value)


def test_a_folder_that_is_not_there_tells_the_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError) as caught:
        weights.find(str(tmp_path / "my models"))
    assert caught.value.hint == f"{FETCH} --to '{tmp_path / 'my models'}'"


@pytest.mark.parametrize("model", ["", "a/b/c", "BAAI/bge m3", "../../etc", "https://example.org/x"])
def test_nonsense_is_no_model(model: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError):
        weights.find(model, {"HF_HOME": str(tmp_path)})


@pytest.mark.parametrize("names", [("colbert_linear.pt",), ("sparse_linear.pt",), weights.HEADS])
def test_missing_heads_are_named(tmp_path: Path, names: tuple[str, ...]) -> None:
    folder = published(tmp_path / "m3")
    for name in names:
        (folder / name).unlink()
    with pytest.raises(HeadsMissingError) as caught:
        weights.find(str(folder))
    assert caught.value.step == "head files"
    assert caught.value.hint == f"{FETCH} --to {folder}"
    assert all((name in caught.value.what) == (name in names) for name in weights.HEADS)


def test_missing_heads_in_the_cache_are_fetched_there(tmp_path: Path) -> None:
    snapshot = cached(tmp_path, checkpoint())
    (snapshot / "sparse_linear.pt").unlink()
    with pytest.raises(HeadsMissingError) as caught:
        weights.find(NAME, {"HF_HOME": str(tmp_path)})
    assert caught.value.hint == FETCH


@pytest.mark.parametrize("name", ["config.json", "pytorch_model.bin"])
def test_missing_files_are_named(tmp_path: Path, name: str) -> None:
    folder = published(tmp_path / "m3")
    (folder / name).unlink()
    with pytest.raises(WeightsMissingError, match=name):
        weights.find(str(folder))


def test_either_tokenizer_file_will_do(tmp_path: Path) -> None:
    folder = published(tmp_path / "m3")
    (folder / "tokenizer.json").unlink()
    assert weights.find(str(folder)) == folder
    (folder / "sentencepiece.bpe.model").unlink()
    with pytest.raises(WeightsMissingError, match=r"tokenizer\.json"):
        weights.find(str(folder))
    with pytest.raises(WeightsMissingError, match="cannot be read"):
        weights.facts(folder, 512)


def test_a_git_lfs_pointer_or_an_empty_file_is_not_there(tmp_path: Path) -> None:
    folder = published(tmp_path / "m3")
    (folder / "pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:b5e0\nsize 2\n")
    with pytest.raises(WeightsMissingError, match=r"pytorch_model\.bin"):
        weights.find(str(folder))
    (folder / "pytorch_model.bin").write_bytes(b"PK")
    (folder / "sparse_linear.pt").write_bytes(b"")
    with pytest.raises(HeadsMissingError, match=r"sparse_linear\.pt"):
        weights.find(str(folder))


def test_a_dangling_link_is_not_there(tmp_path: Path) -> None:
    folder = published(tmp_path / "m3")
    (folder / "pytorch_model.bin").unlink()
    (folder / "pytorch_model.bin").symlink_to(tmp_path / "gone")
    with pytest.raises(WeightsMissingError, match=r"pytorch_model\.bin"):
        weights.find(str(folder))


def test_every_shard_has_to_be_there(tmp_path: Path) -> None:
    folder = published(tmp_path / "m3")
    (folder / "pytorch_model.bin").unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(
        json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors", "c": "one.safetensors"}})
    )
    (folder / "one.safetensors").write_bytes(b"x" * 1000)
    with pytest.raises(WeightsMissingError, match=r"lacks two\.safetensors"):
        weights.find(str(folder))
    with pytest.raises(WeightsMissingError, match=r"two\.safetensors"):
        weights.needs(folder)
    (folder / "two.safetensors").write_bytes(b"x" * 1000)
    assert weights.find(str(folder)) == folder
    assert weights.needs(folder) == 2000 + weights.WORKING_ROOM
    index.write_text("[]")
    with pytest.raises(WeightsMissingError, match="unreadable"):
        weights.find(str(folder))


def test_the_published_model_takes_8192_tokens_and_fits_a_small_gpu(tmp_path: Path) -> None:
    folder = published(tmp_path / "m3")
    found = weights.facts(folder, 100_000)
    assert (found.dimension, found.max_tokens) == (1024, 8192)
    assert 3.0e9 < weights.needs(folder) < 4.0e9
    assert 2.0e9 < weights.needs(folder, 2) < 2.5e9


def test_the_memory_needed_does_not_depend_on_how_weights_are_stored(tmp_path: Path) -> None:
    half = published(tmp_path / "half", torch_dtype=None, dtype="float16")
    os.truncate(half / "pytorch_model.bin", 1_000_000)
    assert weights.needs(half) == 2_000_000 + weights.WORKING_ROOM


def test_the_small_checkpoint_takes_512_tokens() -> None:
    found = weights.facts(checkpoint(), 8192)
    assert (found.dimension, found.max_tokens) == (DIMENSION, MAX_TOKENS)
    assert weights.facts(checkpoint(), 128).max_tokens == 128


def test_equal_files_have_one_id_wherever_they_lie(tmp_path: Path) -> None:
    here = build(tmp_path / "here")
    there = cached(tmp_path, here)
    os.utime(here / "tokenizer.json", (1, 1))
    config = json.loads((here / "config.json").read_bytes())
    assert weights.facts(here, 512) == weights.facts(there, 512) == weights.facts(checkpoint(), 512)
    (here / "config.json").write_text(json.dumps({**config, "transformers_version": "9.0"}, indent=4))
    assert weights.facts(here, 512) == weights.facts(checkpoint(), 512)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "sparse_linear.pt", "colbert_linear.pt", "tokenizer.json"])
def test_other_files_have_another_id(tmp_path: Path, name: str) -> None:
    folder = published(tmp_path / "m3")
    before = weights.facts(folder, 512).id
    with (folder / name).open("r+b") as file:
        file.write(b"other")
    assert weights.facts(folder, 512).id != before


def test_the_length_belongs_to_the_id() -> None:
    ids = {weights.facts(checkpoint(), length).id for length in (128, 512, 8192)}
    assert len(ids) == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"hidden_size": 1, "max_position_embeddings": null}'])
def test_a_broken_config_is_an_error(tmp_path: Path, content: str) -> None:
    folder = published(tmp_path / "m3")
    (folder / "config.json").write_text(content)
    with pytest.raises(WeightsMissingError, match=r"config\.json"):
        weights.facts(folder, 512)


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    program = f"""
import sys
from glimpsed.encoding import choose, devices, weights
weights.facts(weights.find({str(checkpoint())!r}), 512)
devices.missing_extra()
print(*sorted({{"torch", "transformers", "FlagEmbedding", "huggingface_hub", "onnxruntime"}} & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout.strip() == ""
