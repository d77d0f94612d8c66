"""BGE-M3 (Chen et al. 2024, arXiv:2402.03216): loaded by FlagEmbedding, driven by our own forward pass.

`BGEM3FlagModel.encode` computes its first batch twice on every call, shrinks it to nothing on any RuntimeError and
forces float32 on a CPU; so of FlagEmbedding only the loading and the modules are used. Lives in the encoder process.
"""

import gc
import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpsed.encoding import devices, weights
from glimpsed.encoding.encoder import JOINT, Text, fit
from glimpsed.errors import DeviceError, EncoderError, ExtraMissingError, WeightsMissingError
from glimpsed.records import Encoding, Sparse

_CLEAN_BATCHES = 64  # without trouble, before a budget that was halved is doubled again
_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed")


class Budget:
    """How many padded tokens go into one batch: halved when memory runs out, and by and by grown again."""

    def __init__(self, tokens: int) -> None:
        self.most = tokens
        self.tokens = tokens
        self._clean = 0

    def take(self, lengths: Sequence[int]) -> int:
        """How many of the next texts (tokens each, longest first) make a batch; one at least."""
        return max(1, min(len(lengths), self.tokens // max(1, lengths[0])))

    def halve(self, padded: int) -> None:
        """A batch of so many padded tokens did not fit."""
        self.tokens = max(1, min(self.tokens, padded) // 2)
        self._clean = 0

    def passed(self) -> None:
        """A batch went through."""
        self._clean += 1
        if self._clean >= _CLEAN_BATCHES and self.tokens < self.most:
            self.tokens, self._clean = min(self.most, self.tokens * 2), 0


class BgeM3:
    """An `Encoder`: dense vectors (dimension 1,024 with the published weights) and sparse token weights.

    Dense is the first token's state, normalised. Sparse is relu of a linear head a token, the maximum over a
    token's repeats, special tokens dropped. fp16 on a GPU, bf16 on a CPU that has it, else float32.
    """

    name = "BGE-M3"
    has_sparse = True

    def __init__(
        self, folder: Path, device: str, max_length: int, max_tokens_per_batch: int, *, exact: bool = False
    ) -> None:
        """Load the model from `folder` (see `weights.find`) to `device` (`cpu`, `cuda:0`).

        `max_length` is the longest text in tokens, `max_tokens_per_batch` counts padding, `exact` means float32 on
        any device. Raises ExtraMissingError, WeightsMissingError where the files cannot be loaded, or DeviceError
        where the device cannot hold the model.
        """
        facts = weights.facts(folder, max_length)
        self.id = facts.id
        self.dimension = facts.dimension
        self.max_tokens = facts.max_tokens
        self.device = device
        self.budget = Budget(max_tokens_per_batch)
        with _quiet():
            self._embedder = _load(folder, device, exact=exact)
        tokenizer = self._embedder.tokenizer
        self._tokenizer: Any = tokenizer
        self._pad = int(tokenizer.pad_token_id or 0)
        special = (tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
        self._special = np.array(sorted({token for token in special if token is not None}), dtype=np.int32)

    @property
    def transformer(self) -> Any:
        """The `torch.nn.Module` that does the work, for hooks."""
        return self._embedder.model.model

    def encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        """One encoding a text, in order; BGE-M3 treats a query like any other text.

        Raises DeviceError when the device is lost, or has no room even for one text alone.
        """
        fitted = self._fit(texts)
        order = sorted(range(len(fitted)), key=lambda i: -len(fitted[i][0]))
        lengths = [len(fitted[i][0]) for i in order]
        encodings: dict[int, Encoding] = {}
        done = 0
        while done < len(order):
            count = self.budget.take(lengths[done:])
            batch = order[done : done + count]
            outcome = self._try([fitted[i][0] for i in batch])
            if outcome is None:
                if count == 1:
                    raise DeviceError(f"out of memory at a single text of {lengths[done]} tokens", where=self.device)
                self.budget.halve(count * lengths[done])
                continue
            self.budget.passed()
            for i, (dense, sparse) in zip(batch, outcome, strict=True):
                encodings[i] = Encoding(dense, sparse, fitted[i][1])
            done += count
        return [encodings[i] for i in range(len(fitted))]

    def close(self) -> None:
        """Give the memory back; the encoder is not used after."""
        self._embedder = self._tokenizer = None
        _free()

    def _fit(self, texts: Sequence[Text]) -> list[tuple[list[int], int]]:
        """The token ids of each text within the limit, and how many parts were cut for that."""
        clean = [tuple(part.encode("utf-8", "replace").decode() for part in text) for text in texts]
        tokens = self._tokens([JOINT.join(text) for text in clean])
        fitted = []
        for text, ids in zip(clean, tokens, strict=True):
            cut, kept = 0, ids
            if len(ids) > self.max_tokens:
                short = fit(text, lambda string: len(self._tokens([string])[0]), self.max_tokens)
                cut, kept = short.cut, self._tokens([short.text])[0]
            fitted.append((kept, cut))
        return fitted

    def _tokens(self, strings: list[str]) -> list[list[int]]:
        return list(self._tokenizer(strings, return_attention_mask=False)["input_ids"]) if strings else []

    def _try(self, batch: list[list[int]]) -> list[tuple[NDArray[np.float32], Sparse]] | None:
        """The dense and sparse vectors of texts as token ids; None where the device has not enough memory."""
        try:
            with _quiet():
                dense, weight = self._forward(batch)
        except Exception as error:
            if not _is_out_of_memory(error):
                kind = DeviceError if isinstance(error, RuntimeError) else EncoderError
                raise kind(f"the forward pass failed: {_first_line(error)}", where=self.device) from error
        else:
            if not np.isfinite(dense).all():
                raise DeviceError("gives numbers that are not finite", where=self.device)
            rows = zip(batch, dense, weight, strict=True)
            return [(vector, self._sparse(ids, row)) for ids, vector, row in rows]
        _free()  # only here is the failed pass's memory unreferenced
        return None

    def _forward(self, batch: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One pass: dense (texts, dimension) of unit length and token weights (texts, longest)."""
        torch = devices.load_torch()
        longest = max(map(len, batch))
        ids = np.full((len(batch), longest), self._pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        model = self._embedder.model
        with torch.inference_mode():
            hidden = model.model(
                input_ids=torch.from_numpy(ids).to(self.device),
                attention_mask=torch.from_numpy(mask).to(self.device),
                return_dict=True,
            ).last_hidden_state
            dense = torch.nn.functional.normalize(hidden[:, 0].float(), dim=-1)
            weight = torch.relu(model.sparse_linear(hidden)).squeeze(-1).float()
            return dense.cpu().numpy(), weight.cpu().numpy()

    def _sparse(self, ids: list[int], weight: NDArray[np.float32]) -> Sparse:
        tokens, place = np.unique(np.asarray(ids, dtype=np.int32), return_inverse=True)
        most = np.zeros(len(tokens), dtype=np.float32)
        np.maximum.at(most, place, weight[: len(ids)])
        kept = (most > 0) & ~np.isin(tokens, self._special)
        return Sparse(tokens[kept], most[kept])


def _load(folder: Path, device: str, *, exact: bool) -> Any:
    """A BGEM3FlagModel on the device, ready for inference, from local files only."""
    # Read when the libraries are imported; a folder that exists is never looked up, this makes sure of the rest.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    torch = devices.load_torch()
    try:
        from FlagEmbedding import BGEM3FlagModel  # noqa: PLC0415  heavy
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415  heavy
    except Exception as error:
        raise ExtraMissingError(f"cannot be imported: {_first_line(error)}", hint=devices.EXTRA_HINT) from error
    for library in ("FlagEmbedding", "transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    gpu = device != "cpu"
    try:
        embedder = BGEM3FlagModel(
            str(folder.resolve()),
            use_fp16=gpu and not exact,
            use_bf16=not gpu and not exact and devices.runs_bf16(),
            devices=device,
            trust_remote_code=False,
        )
        lacking = set(embedder.model.model.state_dict()) - _names_in(folder)
    except Exception as error:
        if _is_out_of_memory(error):
            raise DeviceError("out of memory while loading", where=device) from error
        raise WeightsMissingError(
            f"cannot be loaded, fetch them anew: {_first_line(error)}", where=str(folder)
        ) from error
    if lacking:  # transformers would go on with random ones
        raise WeightsMissingError(f"lacks {len(lacking)} tensors, such as {min(lacking)}", where=str(folder))
    try:
        embedder.model.to(torch.device(device)).eval()
    except Exception as error:
        raise DeviceError(f"cannot hold the model: {_first_line(error)}", where=device) from error
    return embedder


def _names_in(folder: Path) -> set[str]:
    """The names of the tensors in the weight files, as the bare model calls them; the unused pooler's in any case."""
    torch = devices.load_torch()
    names = {"pooler.dense.weight", "pooler.dense.bias"}
    for path in weights.files(folder):
        if path.suffix == ".safetensors":  # a JSON object with its length before it
            with path.open("rb") as file:
                names |= json.loads(file.read(int.from_bytes(file.read(8), "little"))).keys()
        else:
            names |= torch.load(path, map_location="meta", weights_only=True).keys()
    # Saved with a head on top, the bare model's names follow a prefix such as `roberta.`.
    return names | {name.partition(".")[2] for name in names}


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: torch has one error for GPUs and only a message for the CPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    message = str(error).lower()
    return any(
        words in message
        for words in ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed")
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0]


def _free() -> None:
    gc.collect()
    with suppress(ExtraMissingError, RuntimeError):
        torch = devices.load_torch()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@contextmanager
def _quiet() -> Iterator[None]:
    """The libraries' warnings are for their developers; what matters to ours are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
