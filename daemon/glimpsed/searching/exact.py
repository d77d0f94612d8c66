"""What a hit has to hold, and must not hold, to the letter."""

import os
from collections.abc import Collection

from glimpsed import files
from glimpsed.filters import Filters
from glimpsed.folding import fold
from glimpsed.records import Row
from glimpsed.searching.forms import in_word
from glimpsed.searching.query import Query


class Demands:
    """Those of a question that no index decides: its phrases, its exclusions, words in the pixels."""

    def __init__(self, query: Query) -> None:
        self._filters = query.filters
        self._phrases = tuple(filter(None, map(fold, query.phrases)))
        self._excluded = tuple(filter(None, map(fold, query.excluded)))

    def met(self, row: Row) -> bool:
        """Whether a row is missing or not as asked for, holds every phrase and nothing that is excluded.

        Case, accents and width do not count. A phrase has to stand in one part of the description or in the file's
        name, as whole words where its script is written with blanks.
        """
        if (row.missing_since is not None) != self._filters.missing or not _text_as_asked(self._filters, row):
            return False
        if not self._phrases and not self._excluded:
            return True
        texts = [fold(part.text) for part in row.description]
        texts.append(fold(files.shown(os.path.basename(row.path))))
        return all(_held(phrase, texts) for phrase in self._phrases) and not any(
            _held(one, texts) for one in self._excluded
        )


def _text_as_asked(filters: Filters, row: Row) -> bool:
    unwanted = any(other.has_text for other in filters.without)
    if not filters.has_text and not unwanted:
        return True
    there = any(part.label == "ocr" for part in row.description)
    return there if filters.has_text and not unwanted else not there and not filters.has_text


def _held(phrase: str, texts: Collection[str]) -> bool:
    return any(holds(text, phrase) for text in texts)


def holds(text: str, phrase: str) -> bool:
    """Whether a text holds a phrase, both folded, and not within a longer word."""
    at = text.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if not (_glued(text[at - 1 : at + 1]) or _glued(text[end - 1 : end + 1])):
            return True
        at = text.find(phrase, at + 1)
    return False


def _glued(pair: str) -> bool:
    """Whether two neighbours belong to one word."""
    return len(pair) == 2 and in_word(pair[0]) and in_word(pair[1])
