"""One line of text, or its parts → words to look for, phrases and exclusions to hold to, and filters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from glimpsed.errors import QueryError
from glimpsed.filters import Fields, Filters, unique
from glimpsed.searching.filtering import Context, narrowed
from glimpsed.searching.tokens import Token, plain, tokens

LONGEST = 4096
"""Characters of a question."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question, understood."""

    words: str = ""
    """What to look for, as the user wrote it, phrases included, blanks made single; may be empty."""
    filters: Filters = field(default_factory=Filters)
    phrases: tuple[str, ...] = ()
    """Those of the words that stood in double quotes: a hit holds each of them."""
    excluded: tuple[str, ...] = ()
    """Words and phrases: a hit holds none of them."""


def parse(question: str, *, now: datetime, folders: Sequence[str] = (), home: str | None = None) -> Query:
    """Understand a question; raises QueryError with the column, from 1, of what cannot be understood.

    The language is docs/search.md's. `now` tells, in its own time zone, what day `today` is; `in:` takes a path that
    is absolute, below `~` (`home`; the user's own unless given), or relative to one of `folders`, with or without
    that folder's own name in front. Words in double quotes are never filters.
    """
    _bounded(len(question))
    context = Context(now, folders, home)
    filters, words, phrases, excluded = Filters(), [], [], []
    for token in tokens(question):
        if token.name is not None:
            filters = narrowed(filters, token, context)
        elif not (word := plain(token.value)):
            continue
        elif token.negated:
            excluded.append(word)
        else:
            words.append(word)
            phrases += [word] if token.quoted else []
    return Query(" ".join(words), filters, unique(phrases), unique(excluded))


def parse_fields(fields: Fields, *, now: datetime, folders: Sequence[str] = (), home: str | None = None) -> Query:
    """The same for a question in parts; QueryError names the field that cannot be understood."""
    texts = [fields.words, *fields.phrases, *fields.excluded]
    _bounded(sum(map(len, texts)) + sum(len(said) for _, said in (*fields.filters, *fields.without)))
    context = Context(now, folders, home)
    filters = Filters()
    for negated, given in ((False, fields.filters), (True, fields.without)):
        for name, said in given:
            try:
                filters = narrowed(filters, Token(1, name, said, value_column=1, negated=negated), context)
            except QueryError as error:
                what, field = error.what.removeprefix(f"{name}: "), f"without.{name}" if negated else name
                raise QueryError(what, hint=error.hint, suggestion=error.suggestion, field=field) from None
    phrases = unique(filter(None, map(plain, fields.phrases)))
    excluded = unique(filter(None, map(plain, fields.excluded)))
    return Query(" ".join(filter(None, [plain(fields.words), *phrases])), filters, phrases, excluded)


def _bounded(length: int) -> None:
    if length > LONGEST:
        raise QueryError(f"a question has at most {LONGEST} characters, this one {length}", column=LONGEST + 1)
