"""How good a ranking is: recall, nDCG, reciprocal rank, and what a threshold would cost and save.

A ranking is the ids of the pictures found, best first, each once; an id stands for a picture's content, so that
copies of one file are one answer.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def recall(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """The share of the relevant pictures among the first `k`, of as many as there is room for there.

    With three relevant ones, recall@1 is 1 where any of them is first. Raises ValueError where nothing is relevant.
    """
    possible = min(k, len(_some(relevant)))
    return len(set(ranking[:k]) & set(relevant)) / possible


def ndcg(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Normalized discounted cumulative gain of the first `k`, with gains of 1 (Järvelin and Kekäläinen 2002).

    1 where all relevant pictures come first. Raises ValueError where nothing is relevant.
    """
    best = sum(_discount(place) for place in range(1, 1 + min(k, len(_some(relevant)))))
    return sum(_discount(place) for place, one in enumerate(ranking[:k], 1) if one in relevant) / best


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str]) -> float:
    """One through the place of the first relevant picture; 0 where there is none."""
    return next((1 / place for place, one in enumerate(ranking, 1) if one in relevant), 0.0)


def _discount(place: int) -> float:
    return 1 / math.log2(place + 1)


def _some(relevant: Collection[str]) -> Collection[str]:
    if not relevant:
        raise ValueError("a question without an answer has no recall")
    return relevant


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of one question, or their means over several."""

    recall_1: float
    recall_10: float
    ndcg_10: float
    mrr: float


NAMES = {"recall_1": "recall@1", "recall_10": "recall@10", "ndcg_10": "nDCG@10", "mrr": "MRR"}
"""Fields of `Measures` as they are printed."""


def measure(ranking: Sequence[str], relevant: Collection[str]) -> Measures:
    """All measures of one ranking."""
    return Measures(
        recall(ranking, relevant, 1),
        recall(ranking, relevant, 10),
        ndcg(ranking, relevant, 10),
        reciprocal_rank(ranking, relevant),
    )


def mean(many: Iterable[Measures]) -> Measures | None:
    """The mean over questions; None of none."""
    every = list(many)
    return Measures(*(sum(getattr(one, name) for one in every) / len(every) for name in NAMES)) if every else None


@dataclass(frozen=True, slots=True)
class Judged:
    """What one answer says of how sure it is."""

    answerable: bool
    good: tuple[bool, ...]
    """For each hit, best first, whether it is relevant."""
    scores: tuple[float, ...]
    sure: tuple[bool, ...] | None
    """For each hit; None where the daemon does not tell."""
    nothing_fits: bool | None
    """None where the daemon does not tell."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What it would cost and save to show only what passes a test."""

    name: str
    lost_1: float | None
    """Share of the answerable questions whose first hit was right, and would be gone."""
    lost_10: float | None
    """The same for a right hit among the first ten."""
    saved: float | None
    """Share of the questions without an answer that would get no hit at all; None where none was asked."""


def costs(answers: Sequence[Judged], thresholds: Sequence[float] = THRESHOLDS) -> list[Cost]:
    """A line a threshold of the score, and one for showing only hits that are told to be sure, if any are."""
    lines = [_cost(f"score >= {least:.1f}", answers, [[s >= least for s in one.scores] for one in answers])
             for least in thresholds]  # fmt: skip
    if answers and all(one.sure is not None for one in answers):
        lines.append(_cost("sure only", answers, [list(one.sure or ()) for one in answers]))
    return lines


def _cost(name: str, answers: Sequence[Judged], passes: Sequence[Sequence[bool]]) -> Cost:
    def lost(k: int) -> float | None:
        before = after = 0
        for one, kept in zip(answers, passes, strict=True):
            if one.answerable:
                before += any(one.good[:k])
                after += any(good and keep for good, keep in zip(one.good[:k], kept[:k], strict=True))
        return _share(before - after, sum(one.answerable for one in answers))

    silent = [not any(kept) for one, kept in zip(answers, passes, strict=True) if not one.answerable]
    return Cost(name, lost(1), lost(10), _share(sum(silent), len(silent)))


def nothing_fits(answers: Iterable[Judged], *, answerable: bool) -> float | None:
    """The share of these questions of which the daemon says that nothing fits; None where it does not tell."""
    told = [one.nothing_fits for one in answers if one.answerable == answerable]
    return None if None in told else _share(sum(map(bool, told)), len(told))


def _share(some: int, every: int) -> float | None:
    return some / every if every else None
