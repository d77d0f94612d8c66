"""BGE-M3 (Chen et al. 2024, arXiv:2402.03216): loaded by FlagEmbedding, driven by our own forward pass.

`BGEM3FlagModel.encode` computes its first batch twice on every call, shrinks it to nothing on any RuntimeError and
forces float32 on a CPU; so of FlagEmbedding only the loading and the modules are used. Lives in the encoder process.
"""

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glimpsed.encoding import weights
from glimpsed.encoding.encoder import JOINT, Text, fit, rough_tokens
from glimpsed.encoding.forward import first_line, free, is_out_of_memory, quiet
from glimpsed.encoding.heads import Heads, Vectors
from glimpsed.encoding.loading import check_heads, load
from glimpsed.encoding.passes import Budget, one_ahead, windows
from glimpsed.encoding.precision import precision
from glimpsed.errors import DeviceError, EncoderError
from glimpsed.records import Encoding

SHORT = 64
"""Tokens that a device has to have the memory for; a longer text that does not fit is cut instead."""

_ENOUGH = {"cpu": 512}
"""Tokens that keep a device busy; others take all that the budget allows."""


class BgeM3:
    """A `ColbertEncoder`: dense vectors (dimension 1,024 with the published weights), token weights, ColBERT.

    Dense is the first token's state, normalised. Sparse is relu of a linear head a token, the maximum over a
    token's repeats, special tokens dropped. ColBERT is a linear head a token without the first, normalised.
    fp16 on a GPU, on a CPU bf16 where that is measured to be quicker, else float32.
    """

    name = "BGE-M3"
    has_sparse = True
    has_colbert = True

    def __init__(
        self, folder: Path, device: str, max_length: int, max_tokens_per_batch: int, *, exact: bool = False
    ) -> None:
        """Load the model from `folder` (see `weights.find`) to `device` (`cpu`, `cuda:0`).

        `max_length` is the longest text in tokens, `max_tokens_per_batch` counts padding, `exact` means float32 on
        any device and of any vector. Raises ExtraMissingError, HeadsMissingError, WeightsMissingError where the
        files cannot be loaded or are not BGE-M3's, or DeviceError where the device cannot hold the model.
        """
        facts = weights.facts(folder, max_length)
        check_heads(folder, facts.dimension)
        self.id = facts.id
        self.dimension = facts.dimension
        self.max_tokens = facts.max_tokens
        self.device = device
        exactly = precision(device, exact=exact)
        self.precision: str = exactly
        self.budget = Budget(max_tokens_per_batch, _ENOUGH.get(device))
        with quiet():
            self._embedder = load(folder, device, exactly)
        tokenizer = self._embedder.tokenizer
        self._tokenizer: Any = tokenizer
        self._tokenizing = threading.Lock()
        special = (tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
        self._heads: Any = Heads(
            self._embedder.model,
            int(tokenizer.pad_token_id or 0),
            [token for token in special if token is not None],
            exact=exact,
        )

    @property
    def transformer(self) -> Any:
        """The `torch.nn.Module` that does the work, for hooks."""
        return self._embedder.model.model

    def encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        """One encoding a text, in order, without ColBERT vectors, which nobody keeps; a query is a text like any.

        A text for which the device has not the memory is cut like one that is too long. Raises DeviceError when
        the device is lost, or has no room even for a short text alone.
        """
        return self._encode(texts, colbert=False)

    def encode_all(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        """As `encode`, with ColBERT vectors from the same pass."""
        return self._encode(texts, colbert=True)

    def close(self) -> None:
        """Give the memory back; the encoder is not used after."""
        self._embedder = self._tokenizer = self._heads = None
        free()

    def _encode(self, texts: Sequence[Text], *, colbert: bool) -> list[Encoding]:
        encodings: dict[int, Encoding] = {}
        waiting: list[_Item] = []
        shares = windows([rough_tokens(text) for text in texts], self.budget.most)
        with closing(one_ahead(lambda share: self._prepare(texts, share), shares)) as prepared:
            for items in prepared:
                waiting = _longest_first(waiting + items)
                while self._next(waiting) < len(waiting):  # what is left may fill a batch with those to come
                    waiting = self._pass(waiting, encodings, colbert=colbert)
        while waiting:
            waiting = self._pass(waiting, encodings, colbert=colbert)
        return [encodings[place] for place in range(len(texts))]

    def _prepare(self, texts: Sequence[Text], places: Sequence[int]) -> list["_Item"]:
        """The texts at these places as token ids, within the limit."""
        clean = [tuple(part.encode("utf-8", "replace").decode() for part in texts[place]) for place in places]
        tokens = self._tokens([JOINT.join(text) for text in clean])
        items = [_Item(place, text, ids) for place, text, ids in zip(places, clean, tokens, strict=True)]
        return [self._within(item, self.max_tokens) if len(item.ids) > self.max_tokens else item for item in items]

    def _within(self, item: "_Item", limit: int) -> "_Item":
        """The same text with as much as fits `limit` tokens."""
        short = fit(item.text, lambda string: len(self._tokens([string])[0]), limit)
        return _Item(item.place, item.text, self._tokens([short.text])[0], short.cut)

    def _tokens(self, strings: list[str]) -> list[list[int]]:
        with self._tokenizing:  # the tokenizer is not made for two threads
            return list(self._tokenizer(strings, return_attention_mask=False)["input_ids"])

    def _next(self, waiting: Sequence["_Item"]) -> int:
        return self.budget.take([len(item.ids) for item in waiting])

    def _pass(self, waiting: list["_Item"], encodings: dict[int, Encoding], *, colbert: bool) -> list["_Item"]:
        """Encode the next batch of those that wait, longest first; what waits then.

        Where memory runs out that is all of them again: the batch will be smaller, or its only text shorter.
        """
        count = self._next(waiting)
        batch, rest = waiting[:count], waiting[count:]
        made = self._try([item.ids for item in batch], colbert=colbert)
        if made is not None:
            self.budget.passed([len(item.ids) for item in batch])
            for item, (dense, sparse, many) in zip(batch, made, strict=True):
                encodings[item.place] = Encoding(dense, sparse, item.cut, many)
            return rest
        longest = len(batch[0].ids)
        if count > 1:
            self.budget.halve(count * longest)
            return waiting
        if longest <= SHORT:
            raise DeviceError(f"out of memory at a single text of {longest} tokens", where=self.device)
        return _longest_first([self._within(batch[0], max(SHORT, longest // 2)), *rest])

    def _try(self, batch: list[list[int]], *, colbert: bool) -> list[Vectors] | None:
        """The vectors of texts as token ids; None where the device has not enough memory."""
        try:
            with quiet():
                made: list[Vectors] = self._heads.forward(batch, self.device, colbert=colbert)
        except Exception as error:
            if not is_out_of_memory(error):
                kind = DeviceError if isinstance(error, RuntimeError) else EncoderError
                raise kind(f"the forward pass failed: {first_line(error)}", where=self.device) from error
        else:
            if not all(np.isfinite(vectors.dense).all() for vectors in made):
                raise DeviceError("gives numbers that are not finite", where=self.device)
            return made
        free()  # only here is the failed pass's memory unreferenced
        return None


@dataclass(frozen=True, slots=True)
class _Item:
    """A text on its way through."""

    place: int
    """Among the texts of the call."""
    text: Text
    ids: list[int]
    cut: int = 0
    """How many of the parts are not, or not wholly, in `ids`."""


def _longest_first(items: list[_Item]) -> list[_Item]:
    return sorted(items, key=lambda item: -len(item.ids))
