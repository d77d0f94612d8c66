"""BGE-M3's texts a second by our own passes against FlagEmbedding's `encode`: same model, texts and device, in turns.

    python bench/encoding.py          # a small real checkpoint, float32 on both sides
    python bench/encoding.py full     # a model of BGE-M3's full size with random weights (2.3 GB on disk, 6 GB of RAM)

Both run with all three heads; ours also without ColBERT, as texts are indexed. A call is as many texts as fit one of
FlagEmbedding's batches. On a GPU both sides use fp16; tokens a second and the share of its peak are printed, too.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common import machine
from tests.encoding.checkpoint import build, xlm_roberta

from glimpsed.encoding.bge_m3 import BgeM3
from glimpsed.encoding.devices import load_torch
from glimpsed.encoding.encoder import Text
from glimpsed.encoding.precision import QUICKER, measure

PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40": 181e12, "A10": 125e12, "4090": 165e12, "T4": 65e12}
"""Dense fp16 operations a second, by what is in a GPU's name: from NVIDIA's data sheets."""

WORDS = (
    *("receipt", "ramen", "Kyoto", "cash", "train", "ticket", "Beijing", "sailing", "boats", "sunset", "dentist"),
    *("invoice", "total", "hotel", "concert", "poster", "harbour", "bridge", "garden", "winter", "meeting", "notes"),
    *("error", "warning", "login", "settings", "map", "museum", "recipe", "12.40", "2024-02-03", "IMG_2041"),
)
"""Of names, captions and screenshots."""


def texts_of(count: int, lengths: str, rng: random.Random) -> list[str]:
    """Texts as pictures have them (a name, a caption, now and then OCR text), or all of about one length."""
    if lengths == "equal":
        return [" ".join(rng.choices(WORDS, k=24)) for _ in range(count)]
    return [" ".join(rng.choices(WORDS, k=min(200, 2 + int(rng.lognormvariate(2.7, 0.8))))) for _ in range(count)]


def full_size(folder: Path) -> Path:
    """BGE-M3's shape (XLM-R large, 8,194 positions, 250,002 tokens) of random weights; tokens are letters."""
    torch = load_torch()
    from transformers import XLMRobertaConfig, XLMRobertaModel

    xlm_roberta(folder)
    config = XLMRobertaConfig(
        vocab_size=250_002,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        max_position_embeddings=8194,
        type_vocab_size=1,
        architectures=["XLMRobertaModel"],
    )
    config.save_pretrained(folder)
    torch.manual_seed(1)
    torch.save(XLMRobertaModel(config).state_dict(), folder / "pytorch_model.bin")
    for name, width in (("colbert_linear.pt", 1024), ("sparse_linear.pt", 1)):
        torch.save(torch.nn.Linear(1024, width).state_dict(), folder / name)
    return folder


def in_turns(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, all of them in every round: what else runs on the machine meets them alike."""
    took: dict[str, list[float]] = {name: [] for name in sides}
    for work in sides.values():
        work()  # the first call allocates
    for _ in range(rounds):
        for name, work in sides.items():
            before = time.perf_counter()
            work()
            took[name].append(time.perf_counter() - before)
    return {name: statistics.median(seconds) for name, seconds in took.items()}


def compare(ours: BgeM3, theirs: Any, strings: list[str], rounds: int) -> dict[str, float]:
    """Seconds a call of each side."""
    texts: Sequence[Text] = [(string,) for string in strings]
    kinds = {"return_dense": True, "return_sparse": True, "return_colbert_vecs": True}
    return in_turns(
        {
            # Larger by one than the call, so that their progress bars keep quiet; it is one batch all the same.
            "theirs": lambda: theirs.encode(strings, batch_size=len(strings) + 1, max_length=ours.max_tokens, **kinds),
            "ours": lambda: ours.encode_all(texts, query=False),
            "ours without ColBERT": lambda: ours.encode(texts, query=False),
        },
        rounds,
    )


def share_of_peak(ours: BgeM3, tokens: int, seconds: float) -> None:
    """On a GPU: tokens a second, and what part of its peak their products and attention's need."""
    torch = load_torch()
    title = torch.cuda.get_device_name(ours.device)
    peak = next((peak for name, peak in PEAKS.items() if name in title), None)
    layers = sum(one.numel() for name, one in ours.transformer.named_parameters() if "layer." in name)
    operations = 2 * (layers + ours.dimension * (ours.dimension + 1)) * tokens / seconds
    share = f", {operations / peak:.0%} of the peak of {title}" if peak else f" on {title}"
    print(f"  {tokens / seconds:,.0f} tokens/s, {operations / 1e12:.1f} Tops{share}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", nargs="?", choices=["small", "full"], default="small")
    parser.add_argument("--texts", type=int, nargs="+", help="texts a call (64 and 256; at full size 16 and 64)")
    parser.add_argument("--rounds", type=int, default=0, help="of the comparison (9; at full size 3)")
    parser.add_argument("--exact", action="store_true", help="float32 at full size, too")
    asked = parser.parse_args()
    full = asked.size == "full"
    warnings.simplefilter("ignore")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch = load_torch()
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    machine()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {device}")
    if device == "cpu":
        seconds = measure()
        told = ", ".join(f"{name} {took * 1000:.1f} ms" for name, took in seconds.items())
        print(f"one product: {told}; another than float32 is taken from {QUICKER} times its speed on")
    exact = not full or asked.exact
    with tempfile.TemporaryDirectory() as name:
        folder = full_size(Path(name) / "m3") if full else build(Path(name) / "m3")
        layers = json.loads((folder / "config.json").read_bytes())["num_hidden_layers"]
        ours = BgeM3(folder, device, 512, 8192, exact=exact and device == "cpu")
        from FlagEmbedding import BGEM3FlagModel

        theirs = BGEM3FlagModel(str(folder), use_fp16=device != "cpu", devices=device)
        print(f"{layers} layers of {ours.dimension}; ours in {ours.precision}, theirs in {theirs.model.model.dtype}")
        rng = random.Random(5)
        for count in asked.texts or ([16, 64] if full else [64, 256]):
            for lengths in ("equal", "mixed"):
                strings = texts_of(count, lengths, rng)
                tokens = sum(map(len, ours._tokens(strings)))
                took = compare(ours, theirs, strings, asked.rounds or (3 if full else 9))
                rates = ", ".join(f"{side} {count / seconds:.1f} texts/s" for side, seconds in took.items())
                print(f"{count} texts of {lengths} lengths, {tokens} tokens: {rates}; ", end="")
                print(f"ratio {took['theirs'] / took['ours']:.2f}", end=", ")
                print(f"without ColBERT {took['theirs'] / took['ours without ColBERT']:.2f}", flush=True)
                if device != "cpu":
                    share_of_peak(ours, tokens, took["ours"])


if __name__ == "__main__":
    main()
