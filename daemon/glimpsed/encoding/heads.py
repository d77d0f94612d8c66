"""From the transformer's hidden states to BGE-M3's three kinds of vectors, as FlagEmbedding makes them.

Source: Chen et al. 2024, arXiv:2402.03216, section 3.2. For the encoder process only.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpsed.encoding import devices
from glimpsed.records import Sparse


class Vectors(NamedTuple):
    """Of one text."""

    dense: NDArray[np.float32]
    """The first token's state, of unit length, shape (dimension,)."""
    sparse: Sparse
    colbert: NDArray[np.floating[Any]] | None
    """A vector of unit length for each token but the first, shape (tokens - 1, dimension); None if not asked for."""


class Heads:
    """The linear heads beside a transformer."""

    def __init__(self, model: Any, pad: int, special: Sequence[int], *, exact: bool) -> None:
        """`model` is FlagEmbedding's, `special` the tokens that have no weight; ColBERT is float32 if `exact`."""
        self._model = model
        self._pad = pad
        self._special = np.array(sorted(special), dtype=np.int32)
        self._exact = exact

    def forward(self, batch: Sequence[Sequence[int]], device: str, *, colbert: bool) -> list[Vectors]:
        """The vectors of texts given as token ids, in order, from one pass.

        The ColBERT head is a product as wide as the model itself and a kilobyte or two a token, so it is computed
        only where somebody keeps what it gives.
        """
        torch = devices.load_torch()
        lengths = np.array([len(tokens) for tokens in batch])
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, self._pad, dtype=np.int64)
        ids[mask] = np.concatenate([np.asarray(tokens, dtype=np.int64) for tokens in batch])
        with torch.inference_mode():
            hidden = self._model.model(
                input_ids=torch.from_numpy(ids).to(device),
                attention_mask=torch.from_numpy(mask.astype(np.int64)).to(device),
                return_dict=True,
            ).last_hidden_state
            dense = torch.nn.functional.normalize(hidden[:, 0].float(), dim=-1)
            weight = torch.relu(self._model.sparse_linear(hidden)).squeeze(-1).float()
            many = self._colbert(hidden, mask) if colbert else [None] * len(batch)
            weights = weight.cpu().numpy()[mask]
            sparse = sparse_of(ids[mask].astype(np.int32), weights, lengths, self._special)
            return [Vectors(*each) for each in zip(dense.cpu().numpy(), sparse, many, strict=True)]

    def _colbert(self, hidden: Any, mask: NDArray[np.bool_]) -> list[NDArray[np.floating[Any]] | None]:
        """Of each text, without its first token and without padding; float16 for keeping, float32 if exact."""
        torch = devices.load_torch()
        kept = mask.copy()
        kept[:, 0] = False
        tokens = hidden[torch.from_numpy(kept).to(hidden.device)]  # padding costs the head nothing
        many = torch.nn.functional.normalize(self._model.colbert_linear(tokens).float(), dim=-1)
        flat = (many if self._exact else many.half()).cpu().numpy()
        # Copies: a view would keep the whole batch alive as long as one of its texts is cached.
        return [part.copy() for part in np.split(flat, np.cumsum(kept.sum(axis=1))[:-1])]


def sparse_of(
    tokens: NDArray[np.int32], weights: NDArray[np.float32], lengths: NDArray[np.int64], special: NDArray[np.int32]
) -> list[Sparse]:
    """Of texts laid end to end (`lengths` tokens each): a token's largest weight, where it is above 0.

    Token ids ascend; those in `special` are left out.
    """
    text = np.repeat(np.arange(len(lengths)), lengths)
    kept = (weights > 0) & ~np.isin(tokens, special)
    text, tokens, weights = text[kept], tokens[kept], weights[kept]
    order = np.lexsort((-weights, tokens, text))
    text, tokens, weights = text[order], tokens[order], weights[order]
    first = np.ones(len(text), dtype=bool)
    first[1:] = (text[1:] != text[:-1]) | (tokens[1:] != tokens[:-1])
    text, tokens, weights = text[first], tokens[first], weights[first]
    ends = np.searchsorted(text, np.arange(len(lengths) + 1))
    return [Sparse(tokens[a:b].copy(), weights[a:b].copy()) for a, b in pairwise(ends)]
