"""What the files of a Sentence Transformers model tell before anything heavy is imported.

The layout is the library's own: modules.json lists the modules and their directories, each has its configuration
(https://sbert.net/docs/sentence_transformer/usage/custom_models.html).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glimpsed.encoding import cache, weights
from glimpsed.encoding.weights import (
    IDLE,
    TOKENIZERS,
    Digest,
    Facts,
    files,
    lacks_tokenizer,
    lacks_weights,
    positions,
    pull_command,
    read_json,
    reading,
    there,
)
from glimpsed.errors import OwnCodeError, WeightsMissingError

_OURS = "sentence_transformers."
_RECIPE = 1  # goes up when we make other vectors of the same files
_SETTINGS = "config_sentence_transformers.json"
_MODES = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
# Where the modules that have no width of their own (Pooling, Normalize …) do not tell it.
_WIDTHS = ("hidden_size", "d_model", "n_embd", "dim")
_SENTENCE_CONFIG = "sentence_*config.json"  # sentence_bert_config.json, sentence_xlm-roberta_config.json …
_CODE = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")
_TELLING = ("config.json", "tokenizer_config.json", "router_config.json", "wordembedding_config.json")
_TOKENS = ("special_tokens_map.json", "added_tokens.json", "chat_template.jinja")

_INSTRUCTION = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
_FAMILIES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    # Trained with prompts that their cards ask for and their published settings lack (Wang et al. 2022,
    # arXiv:2212.03533; 2024, arXiv:2402.05672): without them the vectors are another model's.
    (re.compile(r"(?:multilingual-)?e5-(?:small|base|large)(?:-v2|-unsupervised)?"), "query: ", "passage: "),
    (re.compile(r"multilingual-e5-large-instruct"), _INSTRUCTION, ""),
)


@dataclass(frozen=True, slots=True)
class Module:
    """One step of a Sentence Transformers model."""

    type: str
    """Its class, dotted."""
    folder: Path


@dataclass(frozen=True, slots=True)
class Prompts:
    """What stands before a text, for the model to know what it is."""

    query: str
    document: str


def modules(folder: Path) -> list[Module]:
    """The modules in the order in which a text passes them; those below a router too. Raises WeightsMissingError."""
    try:
        listed = json.loads((folder / "modules.json").read_bytes())
        found = [Module(str(one["type"]), folder / str(one["path"])) for one in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsMissingError(f"modules.json cannot be read: {error!r}", where=str(folder)) from error
    inside = [one for one in found if one.folder.is_relative_to(folder)]
    if not found or inside != found or any(".." in one.folder.relative_to(folder).parts for one in found):
        raise WeightsMissingError("modules.json names no module, or one outside of the folder", where=str(folder))
    return [below for one in found for below in _opened(one)]


def check(folder: Path, command: str | None, *, trusted: bool) -> None:
    """Raise where a file is missing that loading needs, or where the model brings code of its own.

    WeightsMissingError with `command` as the hint, or OwnCodeError unless the code is `trusted`.
    """
    where = str(folder)
    if not there(folder / "modules.json"):
        raise WeightsMissingError("is no Sentence Transformers model: it lacks modules.json", where=where, hint=command)
    settings = _settings(folder)
    if (kind := settings.get("model_type", "SentenceTransformer")) != "SentenceTransformer":
        raise WeightsMissingError(f"makes no dense vectors: it is a {kind}", where=where)
    passed = modules(folder)
    if (code := _own_code(folder, passed)) and not trusted:
        raise OwnCodeError(
            f"the model brings code of its own ({', '.join(code)})",
            where=where,
            hint="read it, then set [encode] trust_remote_code = true to run it",
        )
    lacking = []
    for module in passed:
        place = module.folder.relative_to(folder)
        lacking += [str(place / one) for one in _lacks(module)]
    if lacking:
        raise WeightsMissingError(f"the model lacks {', '.join(dict.fromkeys(lacking))}", where=where, hint=command)
    for name in sorted(_other_models(passed)):
        if next(cache.snapshots(name), None) is None:
            raise WeightsMissingError(f"its code is that of {name}, which is not here", hint=pull_command(name))


def facts(folder: Path, max_length: int) -> Facts:
    """What the files in `folder` tell of the model; reads some 25 MB. Raises WeightsMissingError."""
    passed = modules(folder)
    most = _max_tokens(next(module for module in passed if not _routes(module)).folder)
    max_tokens = max_length if most is None else min(max_length, most)
    settings = _settings(folder)
    dimension = _dimension(passed, settings)
    if dimension is None:
        raise WeightsMissingError("its files do not tell the length of its vectors", where=str(folder))
    with reading(folder):
        return Facts(f"sentence-{_RECIPE}:{_fingerprint(folder, passed, settings)}:{max_tokens}", dimension, max_tokens)


def held(folder: Path) -> int:
    """How many numbers the model is made of. Raises WeightsMissingError."""
    return sum(weights.held(place, 1) for place in dict.fromkeys(module.folder for module in modules(folder)))


def prompts(folder: Path) -> Prompts:
    """The model's own prompts; for families known to publish none, those of their cards."""
    settings = _settings(folder)
    told = settings.get("prompts")
    named = {str(key): str(value) for key, value in told.items() if value} if isinstance(told, dict) else {}
    default = named.get(str(settings.get("default_prompt_name")), "")
    # The library's own `encode_document` never gets as far as "passage": it gives every model an empty "document".
    document = next((named[name] for name in ("document", "passage", "corpus") if name in named), default)
    query = named.get("query", default)
    if not named:
        last = cache.name_of(folder).rpartition("/")[2].lower()
        for name, query_, document_ in _FAMILIES:
            if name.fullmatch(last):
                return Prompts(query_, document_)
    return Prompts(query, document)


def _opened(module: Module) -> Iterator[Module]:
    """A module, and what a router hides."""
    yield module
    if _routes(module):
        routed = read_json(module.folder, "router_config.json")
        types = routed.get("types")
        for name, kind in types.items() if isinstance(types, dict) else ():
            yield from _opened(Module(str(kind), module.folder / str(name)))


def _routes(module: Module) -> bool:
    return module.type.startswith(_OURS) and module.type.endswith((".Router", ".Asym"))


def _settings(folder: Path) -> dict[str, Any]:
    return read_json(folder, _SETTINGS) if there(folder / _SETTINGS) else {}


def _lacks(module: Module) -> list[str]:
    """The files that a module of the library's own cannot do without; of others nothing is known."""
    kind = module.type.rpartition(".")[2] if module.type.startswith(_OURS) else ""
    lacking = []
    if kind in {"Transformer", "Pooling", "Dense"} and not there(module.folder / "config.json"):
        lacking.append("config.json")
    if kind in {"Transformer", "StaticEmbedding"}:
        lacking += lacks_tokenizer(module.folder)
    if kind in {"Transformer", "StaticEmbedding", "Dense"}:
        lacking += lacks_weights(module.folder)
    return lacking


def _own_code(folder: Path, passed: list[Module]) -> list[str]:
    """What of the model is code that would be run: classes of modules, and files that name some for transformers."""
    classes = [module.type for module in passed if not module.type.startswith(_OURS)]
    places = dict.fromkeys(module.folder for module in passed)
    named = [
        f"auto_map in {(place / name).relative_to(folder)}"
        for place in places
        for name in _CODE
        if there(place / name) and read_json(place, name).get("auto_map")
    ]
    return list(dict.fromkeys(classes + named))


def _other_models(passed: list[Module]) -> set[str]:
    """The models on the hub that code is taken from, as in `org/name--modeling.Model`."""
    others: set[str] = set()
    for place in dict.fromkeys(module.folder for module in passed):
        for name in _CODE:
            mapped = read_json(place, name).get("auto_map") if there(place / name) else None
            for value in mapped.values() if isinstance(mapped, dict) else ():
                for one in value if isinstance(value, list) else [value]:
                    repository, dashes, _ = str(one).partition("--")
                    if dashes and cache.is_name(repository):
                        others.add(repository)
    return others


def _max_tokens(folder: Path) -> int | None:
    """How many tokens the first module takes; None where it does not tell or takes any number."""
    lengths = [read_json(folder, path.name).get("max_seq_length") for path in folder.glob(_SENTENCE_CONFIG)]
    try:
        told = [int(length) for length in lengths if length is not None]
        if not told and there(folder / "tokenizer_config.json"):
            # What transformers writes for "any length" is 1e30.
            told.append(int(read_json(folder, "tokenizer_config.json").get("model_max_length") or 10**30))
        if there(folder / "config.json") and (most := positions(read_json(folder, "config.json"))) is not None:
            told.append(most)
    except (TypeError, ValueError, OverflowError) as error:
        raise WeightsMissingError(f"its files do not describe an encoder: {error!r}", where=str(folder)) from error
    most = min(told, default=10**30)
    return most if most < 10**9 else None


def _dimension(passed: list[Module], settings: Mapping[str, Any]) -> int | None:
    found = next((width for module in reversed(passed) if (width := _width(module)) is not None), None)
    cut = settings.get("truncate_dim")
    return found if found is None or not isinstance(cut, int) else min(found, cut)


def _width(module: Module) -> int | None:
    """The length of the vectors that leave a module; None where its files do not tell."""
    if module.type.endswith(".StaticEmbedding"):
        return _table_width(module.folder)
    if not there(module.folder / "config.json"):
        return None
    config = read_json(module.folder, "config.json")
    if isinstance(out := config.get("out_features"), int):
        return out
    if isinstance(width := config.get("embedding_dimension", config.get("word_embedding_dimension")), int):
        return width * _pools(config)
    text = config.get("text_config")
    told = [*(config.get(name) for name in _WIDTHS), text.get("hidden_size") if isinstance(text, dict) else None]
    return next((width for width in told if isinstance(width, int)), None)


def _pools(config: Mapping[str, Any]) -> int:
    """How many vectors a pooling lays side by side."""
    mode = config.get("pooling_mode")
    if mode is not None:
        return len(mode) if isinstance(mode, list) else 1
    return max(1, sum(bool(config.get(f"pooling_mode_{name}")) for name in _MODES))


def _table_width(folder: Path) -> int | None:
    """The width of the one table that a safetensors file holds: a JSON object with its length stands before it."""
    try:
        with (folder / "model.safetensors").open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return next(int(one["shape"][1]) for name, one in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, IndexError, StopIteration):
        return None


def _fingerprint(folder: Path, passed: list[Module], settings: Mapping[str, Any]) -> str:
    digest = Digest()
    said = prompts(folder)
    digest.add([[module.type, str(module.folder.relative_to(folder))] for module in passed])
    digest.add([said.query, said.document, settings.get("truncate_dim")])
    for place in dict.fromkeys(module.folder for module in passed):
        for path in [place / name for name in _TELLING] + sorted(place.glob(_SENTENCE_CONFIG)):
            if there(path):
                config = read_json(place, path.name)
                digest.add([path.name, {key: value for key, value in config.items() if key not in IDLE}])
        tokenizer = next((name for name in TOKENIZERS if there(place / name)), TOKENIZERS[0])
        for path in [place / name for name in (tokenizer, *_TOKENS)]:
            if there(path):
                digest.add_whole(path)
        for path in files(place):
            digest.add_sampled(path)
    if _own_code(folder, passed):
        for path in sorted(folder.rglob("*.py")):
            digest.add_whole(path)
    return str(digest)
