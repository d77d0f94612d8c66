"""The words of a question before it is asked: how rare each is, and which words of the index it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass

from glimpsed.searching import coverage
from glimpsed.searching.coverage import Asked, Term
from glimpsed.searching.ports import Table
from glimpsed.searching.together import together
from glimpsed.searching.vocabulary import MOST, Vocabulary

LOOKED_UP = 48
"""Words whose frequency is asked for; of a longer question the others count as rare."""
FEW = 20
"""A word in as many rows needs no other forms to be found."""
_LONGEST_LOOKED_FOR = 8  # words of a question that are held against the vocabulary


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question with the weight of each of its words."""

    asked: Asked
    sought: str
    """What the full-text index is asked for."""


async def weigh(
    question: str, phrases: Sequence[str], table: Table, vocabulary: Vocabulary | None, rows: int
) -> Weighed:
    """Ask the table how many rows hold each word, and the vocabulary what else it may be in the index."""
    frequencies: dict[str, int] = {}

    async def look_up(word: Term) -> None:
        frequencies[word.text] = await table.frequency(word.said)

    terms = coverage.terms(question)
    await together(*(look_up(word) for word in [term for term in terms if not term.gram][:LOOKED_UP]))
    unknown = [
        term for term in terms if term.telling and not term.gram and not term.code and not frequencies.get(term.text, 1)
    ]
    if unknown and vocabulary is not None:
        await vocabulary.wait_newest()
    more: dict[str, float] = {}
    parts = {term.text for term in unknown}
    if vocabulary is not None:
        for term in terms:
            if len(more) >= MOST or term.gram or term.code or not term.telling:
                continue
            if frequencies.get(term.text, FEW) < FEW:
                forms = vocabulary.forms(coverage.form(term, part=term.text in parts))
                if 1.0 in forms.values():  # it is there, only written in another way
                    parts.discard(term.text)
                more |= forms
        for run in coverage.runs(question):
            more |= dict.fromkeys(vocabulary.holding(run), 1.0)
    asked = coverage.ask(question, phrases, frequencies, rows, parts)
    best = sorted(more, key=lambda word: -more[word])[:MOST]
    return Weighed(asked, " ".join([_telling(question, asked), *best]))


def _telling(question: str, asked: Asked) -> str:
    """What to match: without function words, which most rows hold, unless there is nothing else."""
    telling = [term.said for term in asked.terms if term.telling]
    joined = [piece for term in asked.terms if term.code for piece in term.code.pieces]
    whole = any(term.gram for term in asked.terms) or not telling
    return " ".join([question if whole else " ".join(telling), *joined])
