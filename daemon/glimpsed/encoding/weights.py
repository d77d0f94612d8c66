"""Where BGE-M3's files are on this machine, and what they tell before anything heavy is imported.

Reads the layout of the Hugging Face cache itself (https://huggingface.co/docs/hub/local-cache): never the network,
neither torch nor transformers, so that the daemon's own process can ask.
"""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from glimpsed.errors import HeadsMissingError, WeightsMissingError

HEADS: tuple[str, ...] = ("colbert_linear.pt", "sparse_linear.pt")
"""FlagEmbedding takes random ones, in silence, where either is missing."""

WORKING_ROOM = 1 << 30
"""Bytes beside the weights: torch itself or a CUDA context, and the activations of a batch."""

_PUBLISHED = "BAAI/bge-m3"
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
# In the order in which transformers looks for them.
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_TOKENIZERS = ("tokenizer.json", "sentencepiece.bpe.model", "vocab.txt")
_LFS_POINTER = b"version https://git-lfs"
_WEIGHT_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_RECIPE = 1  # goes up when our forward pass makes other vectors of the same files
_SAMPLES, _SAMPLE = 64, 1 << 16  # blocks and bytes of a weight file that its fingerprint reads


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model by its files alone."""

    id: str
    """Equal for equal files wherever they lie, other for other weights, tokenizer, heads or length."""
    dimension: int
    max_tokens: int
    """What was asked for, or fewer where the model takes fewer; special tokens counted."""


def find(model: str, environment: Mapping[str, str] | None = None) -> Path:
    """The folder with the model's files, complete as far as names and sizes tell.

    `model` is a folder (absolute, or beginning with `~` or `.`) or a name such as `BAAI/bge-m3`, looked up in the
    Hugging Face cache. Raises WeightsMissingError or HeadsMissingError, whose hint is the command that fetches them.
    """
    environment = os.environ if environment is None else environment
    if model.startswith(("/", "~", ".")):
        folder = Path(model).expanduser()
        if not folder.is_dir():
            raise WeightsMissingError("there is no such folder", where=model, hint=_command(_PUBLISHED, folder=folder))
        _check(folder, partial(_command, _PUBLISHED, folder=folder))
        return folder
    if not _HUB_NAME.fullmatch(model):
        raise WeightsMissingError(f"{model!r} is neither a folder nor a model's name on the Hugging Face hub")
    cache = _cache(environment)
    first: WeightsMissingError | HeadsMissingError | None = None
    for snapshot in _snapshots(cache / f"models--{model.replace('/', '--')}"):
        try:
            _check(snapshot, partial(_command, model))
        except (WeightsMissingError, HeadsMissingError) as error:
            first = first or error
        else:
            return snapshot
    raise first or WeightsMissingError(f"{model} is not in the Hugging Face cache {cache}", hint=_command(model))


def facts(folder: Path, max_length: int) -> Facts:
    """What the files in `folder` tell of the model; reads some 25 MB. Raises WeightsMissingError."""
    config = _config(folder)
    try:
        dimension, positions = int(config["hidden_size"]), int(config["max_position_embeddings"])
        if "roberta" in str(config.get("model_type", "")):
            positions -= int(config.get("pad_token_id", 1)) + 1  # it counts positions from behind the padding's
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsMissingError(f"config.json does not describe an encoder: {error!r}", where=str(folder)) from error
    max_tokens = min(max_length, positions)
    with _read(folder):
        return Facts(f"bge-m3-{_RECIPE}:{_fingerprint(folder, config)}:{max_tokens}", dimension, max_tokens)


def needs(folder: Path, weight_bytes: int = 4) -> int:
    """Estimated bytes of memory to run the model with so many bytes a weight. Raises WeightsMissingError."""
    config = _config(folder)
    stored = _WEIGHT_BYTES.get(str(config.get("torch_dtype") or config.get("dtype")), 4)
    with _read(folder):
        return sum(path.stat().st_size for path in files(folder)) // stored * weight_bytes + WORKING_ROOM


def files(folder: Path) -> list[Path]:
    """The files that transformers would take; those that an index names need not be there."""
    for name in _WEIGHTS:
        path = folder / name
        if not path.exists():
            continue
        if not name.endswith(".index.json"):
            return [path]
        try:
            shards = json.loads(path.read_bytes())["weight_map"].values()
            return [folder / str(shard) for shard in sorted(set(shards))]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return [path.with_name(name + " (unreadable)")]
    return []


def _command(model: str, *names: str, folder: Path | None = None) -> str:
    """What fetches the files of these names, or all but the ONNX copy, to the cache or to a folder."""
    what = " ".join(names) or "--exclude 'onnx/*'"
    to = f" --local-dir {shlex.quote(str(folder))}" if folder else ""
    return f"hf download {model} {what}{to}"


def _cache(environment: Mapping[str, str]) -> Path:
    """Where huggingface_hub keeps its models, by the same variables in the same order."""

    def get(name: str) -> str | None:
        value = environment.get(name)
        return os.path.expandvars(os.path.expanduser(value)) if value else None

    home = get("HF_HOME") or os.path.join(get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "huggingface")
    return Path(get("HF_HUB_CACHE") or get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub"))


def _snapshots(model: Path) -> Iterator[Path]:
    """A cached model's snapshots: what `main` points to, then the others, newest first."""
    snapshots = model / "snapshots"
    try:
        main = (model / "refs" / "main").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    if main and (snapshots / main).is_dir():
        yield snapshots / main
    try:
        others = [path for path in snapshots.iterdir() if path.is_dir() and path.name != main]
        yield from sorted(others, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    except OSError:
        return


def _check(folder: Path, command: Callable[..., str]) -> None:
    """Raise where a file is missing that loading needs, or is only Git's stand-in for it."""
    lacking = [] if _there(folder / "config.json") else ["config.json"]
    if not any(_there(folder / name) for name in _TOKENIZERS):
        lacking.append(_TOKENIZERS[0])
    if not (named := files(folder)):
        lacking.append(_WEIGHTS[2])
    lacking += [path.name for path in named if not _there(path)]
    if lacking:
        raise WeightsMissingError(f"the model lacks {', '.join(lacking)}", where=str(folder), hint=command())
    heads = tuple(name for name in HEADS if not _there(folder / name))
    if heads:
        raise HeadsMissingError(
            f"the model lacks its head files {', '.join(heads)}",
            where=str(folder),
            hint=command(*heads),
        )


@contextmanager
def _read(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WeightsMissingError(f"cannot be read: {error.strerror}", where=str(error.filename or folder)) from error


def _there(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
    except OSError:
        return False
    return bool(start) and start != _LFS_POINTER


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsMissingError(f"config.json cannot be read: {error}", where=str(folder)) from error
    if not isinstance(config, dict):
        raise WeightsMissingError("config.json holds no object", where=str(folder))
    return config


def _fingerprint(folder: Path, config: Mapping[str, Any]) -> str:
    """Twelve hex digits that change with whatever changes a vector; dates and places of files do not count."""
    digest = hashlib.blake2b(digest_size=6)
    idle = {"transformers_version", "torch_dtype", "dtype", "_name_or_path"}
    digest.update(json.dumps({k: v for k, v in config.items() if k not in idle}, sort_keys=True).encode())
    small = [next((name for name in _TOKENIZERS if _there(folder / name)), _TOKENIZERS[0]), *HEADS]
    for path in (folder / name for name in small):
        data = path.read_bytes()
        digest.update(len(data).to_bytes(8) + data)
    for path in files(folder):
        size = path.stat().st_size
        digest.update(size.to_bytes(8))
        with path.open("rb") as file:
            # Training moves nearly every weight, so blocks spread over the file tell as much as gigabytes.
            for block in range(_SAMPLES):
                file.seek(max(0, size - _SAMPLE) * block // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
