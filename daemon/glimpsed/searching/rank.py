"""How the signals of a candidate become one score.

    score = 0.9 * base, or 0.9 + 0.1 * base for an exact match
    base  = (w_m * D + w_t * T) / (w_m + w_t)

D = K / (K + place - 1): the place in the encoder's order, as in reciprocal rank fusion (Cormack et al. 2009) but 1
for the first; the scores themselves crowd together and mean something else to each encoder. A row that is no near
neighbour has the D of the first place after them. T = C * C with C = 0.8 * the share of the question that the row
covers + 0.2 * the greatest share that one of its parts covers alone: squared, because half of the words mostly is
another thing ("red car" is no "red bicycle"). w_m is the sum of the weights of the model's signals (`model` makes
one order of them), w_t that of the text; with equal ones a row that holds the whole question in one part is before
any that only means it.
"""

from dataclasses import dataclass

from glimpsed.searching.ports import Weights

K = 5.0
"""How fast places lose: the sixth neighbour has half the first one's D."""
TOGETHER = 0.2
"""The share of T that is for words which stand together in one part."""
EXACT = 0.1
"""The part of the scale that is kept for exact matches: they always come first."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for one candidate."""

    place: int
    """In the encoder's order, from 1; for a row that is no near neighbour, the place after the last one."""
    covered: float
    """Share of the question that the whole row covers, 0 to 1."""
    covered_together: float
    """The greatest share that one part covers."""
    exact: bool = False
    """Whether a name, title, keyword or line is the question itself, or a phrase in quotes is there."""


def nearness(place: int) -> float:
    """D of a place from 1: 1 for the first, going to 0."""
    return K / (K + place - 1)


def score(signals: Signals, weights: Weights, *, strong: bool = False) -> float:
    """0 to 1; to be compared within one answer only. `strong`: an encoder with more than dense vectors took part."""
    meaning = weights.dense + weights.sparse + weights.colbert if strong or weights.dense else 0.0
    text = ((1 - TOGETHER) * signals.covered + TOGETHER * signals.covered_together) ** 2
    total = meaning + weights.text
    base = (meaning * nearness(signals.place) + weights.text * text) / total if total else 0.0
    return 1 - EXACT + EXACT * base if signals.exact and weights.text else (1 - EXACT) * base
