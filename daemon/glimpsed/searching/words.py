"""The words of a question before it is asked: how rare each is, and which words of the index it stands for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from anyio import to_thread

from glimpsed.folding import lower
from glimpsed.searching import coverage
from glimpsed.searching.coverage import Asked, Term
from glimpsed.searching.ports import Table
from glimpsed.searching.together import together
from glimpsed.searching.vocabulary import MOST, Vocabulary

LOOKED_UP = 48
"""Words whose frequency is asked for; of a longer question the others count as rare."""
FEW = 20
"""A word in as many rows needs no other forms to be found."""
HELD = 8
"""Words of a question that are held against the vocabulary, at most."""
_LARGE = 20_000  # words of the index: more are gone through beside the event loop


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
        # The full-text index takes the longer the more rows hold a word: of common ones the vocabulary knows it.
        known = vocabulary.frequency(word.text) if vocabulary is not None else None
        frequencies[word.text] = await table.frequency(word.said) if known is None else known

    terms = coverage.terms(question)
    await together(*(look_up(word) for word in [term for term in terms if not term.gram][:LOOKED_UP]))
    unknown = [
        term for term in terms if term.telling and not term.gram and not term.code and not frequencies.get(term.text, 1)
    ]
    if unknown and vocabulary is not None:
        await vocabulary.wait_newest()
    rare = [
        term
        for term in terms
        if term.telling and not term.gram and not term.code and frequencies.get(term.text, FEW) < FEW
    ]
    parts = {term.text for term in unknown}
    more: dict[str, float] = {}
    if vocabulary is not None:
        look = partial(_forms, vocabulary, rare[:HELD], coverage.runs(question)[:HELD], parts)
        found = await to_thread.run_sync(look) if vocabulary.words > _LARGE else look()
        for term, forms in found.items():
            if 1.0 in forms.values():  # it is there, only written in another way
                parts.discard(term)
            more |= forms
        # The index folds Latin letters only: of other words, however common, it has to be asked for each spelling.
        words = [term for term in terms if term.telling and not term.gram]
        more |= {spelling: 1.0 for term in words for spelling in vocabulary.spellings(term.text)}
    asked = coverage.ask(question, phrases, frequencies, rows, parts)
    best = sorted(more, key=lambda word: -more[word])[:MOST]
    return Weighed(asked, " ".join([_telling(question, asked), *best]))


def _forms(
    vocabulary: Vocabulary, rare: Sequence[Term], runs: Sequence[str], parts: Collection[str]
) -> dict[str, dict[str, float]]:
    """By word of the question: the words of the index that it stands for, and how well."""
    found = {term.text: vocabulary.forms(coverage.form(term, part=term.text in parts)) for term in rare}
    return found | {run: dict.fromkeys(vocabulary.holding(run), 1.0) for run in runs}


def _telling(question: str, asked: Asked) -> str:
    """What to match: without function words, which most rows hold, unless there is nothing else."""
    telling = [term.said for term in asked.terms if term.telling]
    joined = [piece for term in asked.terms if term.code for piece in term.code.pieces]
    whole = any(term.gram for term in asked.terms) or not telling
    return " ".join([lower(question) if whole else " ".join(telling), *joined])
