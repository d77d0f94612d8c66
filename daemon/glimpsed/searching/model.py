"""What a stronger encoder says of the candidates that have its vector: its own recipe, and their order by it.

    score = (w_dense * cosine + w_sparse * product + w_colbert * ColBERT) / (the sum of the weights that apply)

With the weights 0.4, 0.2 and 0.4 this is what FlagEmbedding's `compute_score` returns. ColBERT is asked for the best
candidates only, and a score with it cannot be compared with one that lacks it. So those that have it are dealt out
anew, in the order of their full score, the places that they held among all; the others keep theirs. Nobody gains or
loses against a candidate that was not looked at, and with all of them scored it is the order of the full score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from glimpsed.records import Row, Sparse
from glimpsed.searching.candidates import SAME
from glimpsed.searching.ports import Weights


@dataclass(frozen=True, slots=True)
class Scored:
    """One candidate in the eyes of the encoder."""

    path: str
    text_id: str
    dense: float | None
    """Its cosine; None where it is none of the nearest: then it counts as the last of them does."""
    sparse: float | None = None
    """The product of the token weights, as FlagEmbedding has it; None where there are none."""
    colbert: float | None = None
    """None where it was not asked for."""
    score: float = 0.0


def in_order(
    rows: Mapping[str, Row], nearest: Mapping[str, float], question: Sparse | None, weights: Weights
) -> list[Scored]:
    """The candidates without ColBERT, best first; those that nothing is known of are left out."""
    least = min(nearest.values(), default=0.0)
    found = []
    for path, row in rows.items():
        dense = nearest.get(path)
        sparse = None if question is None or row.sparse is None else product(question, row.sparse)
        if dense is None and not sparse:
            continue
        made = Scored(path, row.text_id, dense, sparse)
        found.append(replace(made, score=_score(made, least, weights)))
    return sorted(found, key=lambda one: (-one.score, one.path))


def with_colbert(ordered: Sequence[Scored], colbert: Mapping[str, float], weights: Weights) -> list[Scored]:
    """The same candidates with their ColBERT scores (by text id), best first."""
    if not colbert:
        return list(ordered)
    least = min((one.dense for one in ordered if one.dense is not None), default=0.0)
    slots = [place for place, one in enumerate(ordered) if one.text_id in colbert]
    scored = [replace(ordered[place], colbert=colbert[ordered[place].text_id]) for place in slots]
    scored = [replace(one, score=_score(one, least, weights)) for one in scored]
    result = list(ordered)
    for place, one in zip(slots, sorted(scored, key=lambda one: (-one.score, one.path)), strict=True):
        result[place] = one
    return result


def placed(ordered: Sequence[Scored]) -> dict[str, tuple[int, float | None]]:
    """The place of each, from 1, and its cosine; equal scores of one kind share a place, as copies of one text do."""
    result: dict[str, tuple[int, float | None]] = {}
    place, last = 0, None
    for one in ordered:
        same = (
            last is not None and (last.colbert is None) == (one.colbert is None) and abs(last.score - one.score) <= SAME
        )
        place += not same
        result[one.path] = (place, one.dense)
        last = one
    return result


def product(one: Sparse, other: Sparse) -> float:
    """The sum over the tokens that both have of the products of their weights."""
    if not len(one.tokens) or not len(other.tokens):
        return 0.0
    at = np.minimum(np.searchsorted(other.tokens, one.tokens), len(other.tokens) - 1)
    same = other.tokens[at] == one.tokens
    return float(one.weights[same] @ other.weights[at[same]])


def _score(one: Scored, least: float, weights: Weights) -> float:
    total = value = 0.0
    dense = least if one.dense is None else one.dense
    for weight, signal in ((weights.dense, dense), (weights.sparse, one.sparse), (weights.colbert, one.colbert)):
        if signal is not None:
            total += weight
            value += weight * signal
    return value / total if total else 0.0
