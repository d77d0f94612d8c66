"""A model's files on this machine, and what BGE-M3's tell before anything heavy is imported.

Never the network, neither torch nor transformers, so that the daemon's own process can ask.
"""

import hashlib
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glimpsed.encoding import cache
from glimpsed.errors import EncoderError, HeadsMissingError, WeightsMissingError

PUBLISHED = "BAAI/bge-m3"
"""BGE-M3's name on the hub."""

HEADS: tuple[str, ...] = ("colbert_linear.pt", "sparse_linear.pt")
"""FlagEmbedding takes random ones, in silence, where either is missing."""

TOKENIZERS = ("tokenizer.json", "sentencepiece.bpe.model", "tokenizer.model", "vocab.txt", "vocab.json")
"""The files of which a tokenizer needs one, the one to take first."""

WORKING_ROOM = 1 << 30
"""Bytes beside the weights: torch itself or a CUDA context, and the activations of a batch."""

IDLE: frozenset[str] = frozenset({"transformers_version", "torch_dtype", "dtype", "_name_or_path"})
"""Keys of config.json that change no vector."""

# In the order in which transformers looks for them.
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
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


Check = Callable[[Path, str | None], None]
"""Raises EncoderError where a folder is not whole; gets the command that fetches what is missing, if there is one."""


def check(folder: Path, command: str | None) -> None:
    """Raise where a file of BGE-M3 is missing that loading needs, or is only Git's stand-in for it."""
    lacking = [] if there(folder / "config.json") else ["config.json"]
    lacking += lacks_tokenizer(folder) + lacks_weights(folder, _WEIGHTS[2])
    if lacking:
        raise WeightsMissingError(f"the model lacks {', '.join(lacking)}", where=str(folder), hint=command)
    heads = [name for name in HEADS if not there(folder / name)]
    if heads:
        raise HeadsMissingError(f"the model lacks its head files {', '.join(heads)}", where=str(folder), hint=command)


def find(
    model: str,
    environment: Mapping[str, str] | None = None,
    *,
    check: Check = check,
    published: str | None = PUBLISHED,
) -> Path:
    """The folder with the model's files, complete as far as names and sizes tell.

    `model` is a folder (absolute, or beginning with `~` or `.`) or a name such as `BAAI/bge-m3`, looked up in the
    Hugging Face cache; `published` is the name on the hub of what a folder should hold, if that is known. Raises
    what `check` raises, or WeightsMissingError; the hint is the command that fetches what is missing.
    """
    if cache.is_folder(model):
        folder = Path(model).expanduser()
        command = pull_command(published, folder) if published else None
        if not folder.is_dir():
            raise WeightsMissingError("there is no such folder", where=model, hint=command)
        check(folder, command)
        return folder
    if not cache.is_name(model):
        raise WeightsMissingError(f"{model!r} is neither a folder nor a model's name on the Hugging Face hub")
    first: EncoderError | None = None
    for snapshot in cache.snapshots(model, environment):
        try:
            check(snapshot, pull_command(model))
        except EncoderError as error:
            first = first or error
        else:
            return snapshot
    raise first or WeightsMissingError(
        f"{model} is not in the Hugging Face cache {cache.place(environment)}", hint=pull_command(model)
    )


def facts(folder: Path, max_length: int) -> Facts:
    """What the files in `folder` tell of BGE-M3; reads some 25 MB. Raises WeightsMissingError."""
    config = read_json(folder, "config.json")
    try:
        dimension, most = int(config["hidden_size"]), positions(config)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsMissingError(f"config.json does not describe an encoder: {error!r}", where=str(folder)) from error
    if most is None:
        raise WeightsMissingError("config.json does not tell how long a text may be", where=str(folder))
    max_tokens = min(max_length, most)
    with reading(folder):
        return Facts(f"bge-m3-{_RECIPE}:{_fingerprint(folder, config)}:{max_tokens}", dimension, max_tokens)


def needs(folder: Path, weight_bytes: int = 4) -> int:
    """Estimated bytes of memory to run the model with so many bytes a weight. Raises WeightsMissingError."""
    return held(folder, weight_bytes) + WORKING_ROOM


def held(folder: Path, weight_bytes: int) -> int:
    """Bytes that the weights in one directory take with so many bytes a weight; 0 where there are none.

    Raises WeightsMissingError.
    """
    config = read_json(folder, "config.json") if (folder / "config.json").exists() else {}
    stored = _WEIGHT_BYTES.get(str(config.get("torch_dtype") or config.get("dtype")), 4)
    with reading(folder):
        return sum(path.stat().st_size for path in files(folder)) // stored * weight_bytes


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


def pull_command(model: str, folder: Path | None = None) -> str:
    """What fetches a model's files, to the cache or to a folder."""
    return f"glimpse model pull {model}" + (f" --to {shlex.quote(str(folder))}" if folder else "")


def lacks_weights(folder: Path, usual: str = _WEIGHTS[0]) -> list[str]:
    """The names of the weight files that are missing; `usual` is the one to name where there is none at all."""
    named = files(folder)
    return [path.name for path in named if not there(path)] if named else [usual]


def lacks_tokenizer(folder: Path) -> list[str]:
    """The name of the tokenizer's file where there is none of any kind."""
    return [] if any(there(folder / name) for name in TOKENIZERS) else [TOKENIZERS[0]]


def positions(config: Mapping[str, Any]) -> int | None:
    """How many tokens a transformer takes by its config.json; None where it does not tell. Raises as int() does."""
    if config.get("max_position_embeddings") is None:
        return None
    most = int(config["max_position_embeddings"])
    if "roberta" in str(config.get("model_type", "")):
        most -= int(config.get("pad_token_id", 1)) + 1  # it counts positions from behind the padding's
    return most


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Where files of `folder` are read: an OSError is raised as WeightsMissingError."""
    try:
        yield
    except OSError as error:
        raise WeightsMissingError(f"cannot be read: {error.strerror}", where=str(error.filename or folder)) from error


def there(path: Path) -> bool:
    """Whether a file is there and is neither empty nor Git's stand-in for it."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
    except OSError:
        return False
    return bool(start) and start != _LFS_POINTER


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """The object in a JSON file of the model. Raises WeightsMissingError."""
    try:
        found = json.loads((folder / name).read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsMissingError(f"{name} cannot be read: {error}", where=str(folder)) from error
    if not isinstance(found, dict):
        raise WeightsMissingError(f"{name} holds no object", where=str(folder))
    return found


class Digest:
    """Twelve hex digits that change with whatever changes a vector; dates and places of files do not count."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=6)

    def add(self, value: object) -> None:
        """A value as JSON has it."""
        self._digest.update(json.dumps(value, sort_keys=True).encode())

    def add_whole(self, path: Path) -> None:
        """A small file."""
        data = path.read_bytes()
        self._digest.update(len(data).to_bytes(8) + data)

    def add_sampled(self, path: Path) -> None:
        """A file of weights, by its size and blocks spread over it."""
        size = path.stat().st_size
        self._digest.update(size.to_bytes(8))
        with path.open("rb") as file:
            # Training moves nearly every weight, so blocks tell as much as gigabytes.
            for block in range(_SAMPLES):
                file.seek(max(0, size - _SAMPLE) * block // (_SAMPLES - 1))
                self._digest.update(file.read(_SAMPLE))

    def __str__(self) -> str:
        return self._digest.hexdigest()


def _fingerprint(folder: Path, config: Mapping[str, Any]) -> str:
    digest = Digest()
    digest.add({key: value for key, value in config.items() if key not in IDLE})
    tokenizer = next((name for name in TOKENIZERS if there(folder / name)), TOKENIZERS[0])
    for name in (tokenizer, *HEADS):
        digest.add_whole(folder / name)
    for path in files(folder):
        digest.add_sampled(path)
    return str(digest)
