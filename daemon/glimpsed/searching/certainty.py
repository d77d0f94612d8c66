"""Whether a hit is what was asked for, as far as that can be told: sure, or maybe.

No cosine tells it for all questions: without any answer the fallback's nearest neighbour is as near as many a right
one. What tells it together: the question's own words, whole, in the row; the cosine, where it is far above what
questions without an answer reach; and the lead that the nearest has over the next other text. The thresholds are
measured for each family of encoders by `bench/certainty.py`, which prints what each costs in recall and saves in
false answers. An encoder that nobody has measured is only believed where the words say so too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from glimpsed.searching.coverage import Asked
from glimpsed.searching.hits import Weighed

_NEVER = 2.0  # no cosine is as great

_SAME_TEXT = 1e-4
"""Cosines that differ by less are those of copies: the lead is that over another text."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one hit."""

    path: str
    exact: bool
    """Whether a name, title, keyword, code or line is the question itself."""
    covered: float
    """Share of the question whose words the row has, whole, 0 to 1."""
    contents: float
    """How many words of content the question has; a pair of characters is half a word."""
    place: int | None
    """In the encoder's order, from 1; None where it is no near neighbour."""
    cosine: float
    lead: float
    """How much nearer it is than the next other text; 0 unless it is the nearest."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The thresholds of one family of encoders; a hit that reaches any of them is sure."""

    covered: float = 0.8
    """Words alone."""
    covered_near: float = 0.5
    """Words of one of the nearest."""
    nearest: int = 3
    """Which of them these are."""
    cosine: float = _NEVER
    """Nearness alone."""
    lead: float = _NEVER
    """Lead of the nearest, where its cosine is at least `lead_cosine`."""
    lead_cosine: float = 0.0

    def sure(self, asked: Asked, found: Sequence[Weighed]) -> frozenset[str]:
        """The paths of the hits that are sure; `found` are all candidates."""
        return frozenset(one.path for one in evidence(asked, found) if self.is_sure(one))

    def is_sure(self, one: Evidence) -> bool:
        """Whether one is."""
        near = one.place is not None and one.place <= self.nearest
        return (
            one.exact
            or (one.contents > 0 and one.covered >= (self.covered_near if near else self.covered))
            or one.cosine >= self.cosine
            or (one.lead >= self.lead and one.cosine >= self.lead_cosine)
        )


def evidence(asked: Asked, found: Sequence[Weighed]) -> list[Evidence]:
    """What speaks for each candidate."""
    near = sorted(
        (
            (one.candidate.dense_place, one.candidate.dense, one.row.encoder)
            for one in found
            if one.candidate.dense_place
        ),
        key=lambda one: one[0] or 0,
    )
    lead = 0.0
    if near and (first := near[0][1]) is not None:
        # Cosines of different encoders cannot be compared.
        others = [cosine for _, cosine, encoder in near if cosine is not None and encoder == near[0][2]]
        lead = next((first - cosine for cosine in others if first - cosine > _SAME_TEXT), 0.0)
    return [
        Evidence(
            one.row.path,
            one.match.exact,
            one.match.surely,
            asked.contents,
            one.candidate.dense_place,
            one.candidate.dense or 0.0,
            lead if one.candidate.dense_place == 1 else 0.0,
        )
        for one in found
    ]


UNMEASURED = Judge()

_JUDGES = {
    # By the beginning of the encoder's id. With these two, by the vector alone, 171 questions without an answer among
    # 950 stamps are answered surely in 2 to 7 of 100 cases; of 11,000 questions in twelve languages whose right stamp
    # is first 80 are sure, and of those with another first, mostly of the same thing, 24. A cosine of 0.56 alone would
    # be reached by 67 and 33, a lead of 0.05 from 0.4 on by 49 and 2, but by 8 of those without an answer.
    "multilingual-e5-small-q4/": Judge(cosine=0.58, lead=0.03, lead_cosine=0.46),
}


def judge(encoder: str | None) -> Judge:
    """The thresholds for an encoder's hits; None where only words were searched for."""
    for head, measured in _JUDGES.items():
        if encoder is not None and encoder.startswith(head):
            return measured
    return UNMEASURED
