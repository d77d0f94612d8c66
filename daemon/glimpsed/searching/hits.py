"""From candidates and their rows to hits: weighed, best first, one a picture, each with its reason."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glimpsed import files
from glimpsed.records import Row, Sparse
from glimpsed.searching import rank, why
from glimpsed.searching.candidates import Candidate
from glimpsed.searching.coverage import Asked
from glimpsed.searching.ports import Hit, Weights


@dataclass(frozen=True, slots=True)
class _Weighed:
    order: tuple[float, int, int, str]
    """Best first."""
    score: float
    signals: dict[str, float]
    candidate: Candidate
    row: Row
    match: why.Match


def by_score(
    asked: Asked, sparse: Sparse | None, found: Sequence[tuple[Candidate, Row]], weights: Weights
) -> list[Hit]:
    """The candidates as hits. Equal scores: the better full-text match first, then the newer file."""
    after_last = 1 + max((one.dense_place or 0 for one, _ in found), default=0)
    shares = _sparse_shares(sparse, [row for _, row in found])
    weighed = []
    for one, row in found:
        matched = why.match(asked, row.description, files.shown(os.path.basename(row.path)))
        share = shares.get(row.path)
        place = one.dense_place or after_last
        total = rank.score(
            rank.Signals(place, matched.covered, matched.covered_together, share, matched.exact), weights
        )
        order = (-round(total, 9), one.text_place or len(found) + 1, -row.mtime_ns, row.path)
        weighed.append(_Weighed(order, total, _shown(one, share, matched), one, row, matched))
    weighed.sort(key=lambda one: one.order)
    hits = []
    for first, *others in _by_content(weighed):
        text = why.snippet(asked, first.match)
        reason = why.why(asked, first.match, first.signals, first.candidate.dense_place)
        hits.append(_hit(first, text, reason, others))
    return hits


def by_date(rows: Sequence[Row]) -> list[Hit]:
    """The rows as hits in the order they come in, for a question without words."""
    nothing = Asked("", (), ())
    weighed = [
        _Weighed((0.0, 0, 0, ""), 1.0, {}, Candidate(row.path), row, why.match(nothing, row.description, ""))
        for row in rows
    ]
    return [
        _hit(first, why.snippet(nothing, first.match), "by date, newest first", others)
        for first, *others in _by_content(weighed)
    ]


def _by_content(weighed: Sequence[_Weighed]) -> list[list[_Weighed]]:
    """One group a picture; a file whose bytes could never be read is one for itself."""
    groups: dict[str, list[_Weighed]] = {}
    for one in weighed:
        groups.setdefault(one.row.content_id or "\0" + one.row.path, []).append(one)
    return list(groups.values())


def _hit(one: _Weighed, snippet: str, reason: str, others: Sequence[_Weighed]) -> Hit:
    row = one.row
    return Hit(
        id=row.content_id,
        path=row.path,
        folder=row.folder,
        score=round(one.score, 4),
        signals=one.signals,
        label=one.match.part.label if one.match.part else "",
        snippet=snippet,
        why=reason,
        taken_at=row.taken_at,
        width=row.width,
        height=row.height,
        also=tuple(other.row.path for other in others),
    )


def _shown(one: Candidate, sparse: float | None, matched: why.Match) -> dict[str, float]:
    """The signals that apply, 0 to 1."""
    told = {"dense": one.dense, "sparse": sparse, "text": matched.covered or None}
    return {name: round(min(1.0, max(0.0, value)), 4) for name, value in told.items() if value is not None}


def _sparse_shares(question: Sparse | None, rows: Sequence[Row]) -> dict[str, float]:
    """The sparse product of the question with each row that has weights, as a share of the greatest."""
    if question is None:
        return {}
    products = {row.path: _product(question, row.sparse) for row in rows if row.sparse is not None}
    greatest = max(products.values(), default=0.0)
    return {path: product / greatest if greatest > 0 else 0.0 for path, product in products.items()}


def _product(one: Sparse, other: Sparse) -> float:
    _, ours, theirs = np.intersect1d(one.tokens, other.tokens, assume_unique=True, return_indices=True)
    return float(one.weights[ours] @ other.weights[theirs])
