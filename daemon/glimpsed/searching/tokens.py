"""One line of text → its tokens: words, phrases in double quotes, filters. Any line has tokens, or a fault."""

import re
from dataclasses import dataclass

from glimpsed.errors import QueryError

NAMES = ("after", "before", "on", "in", "type", "camera", "place", "near", "size", "has", "is")
"""The filters there are."""

_BLANK = re.compile(r"\s")
_HEAD = re.compile(r"([A-Za-z]{2,20}):")
_UNSAYABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a phrase or a filter."""

    column: int
    """Where it begins, from 1; of a negated one what follows its minus."""
    name: str | None
    """Of a filter, in lower case; None for a word."""
    value: str
    quoted: bool = False
    negated: bool = False
    value_column: int = 0


def tokens(question: str) -> list[Token]:
    """The tokens of a line, in its order. QueryError where a filter's quote is never closed.

    A minus negates what it stands before, if that begins with a letter or a quote: `-5`, `--flag`, `-` and `e-mail`
    are words. A quote that is never closed, or stands within a word, is a part of the word.
    """
    found, at, end = [], 0, len(question)
    while at < end:
        if question[at].isspace():
            at += 1
            continue
        token, at = _token(question, at)
        found.append(token)
    return found


def _token(question: str, at: int) -> tuple[Token, int]:
    """The token that begins at `at`, and where it ends."""
    begin = at
    negated = question[at] == "-" and (question[at + 1 : at + 2].isalpha() or question.startswith('"', at + 1))
    at += negated
    if question[at] == '"' and (closed := _unquoted(question, at)) is not None:
        value, stop = closed
        return Token(at + 1, None, value, quoted=True, negated=negated), stop
    blank = _BLANK.search(question, at)
    stop = blank.start() if blank else len(question)
    text = question[at:stop]
    name = _name(text)
    if name is None:
        if negated and text.startswith('"'):  # it is never closed
            return Token(begin + 1, None, question[begin:stop]), stop
        return Token(at + 1, None, text, negated=negated), stop
    value_at = at + len(name) + 1
    value, quoted = question[value_at:stop], False
    if value.startswith('"'):
        closed = _unquoted(question, value_at)
        if closed is None:
            raise QueryError("this quote is never closed", column=value_at + 1)
        (value, stop), quoted = closed, True
    return Token(at + 1, name, value, quoted, negated, value_at + 1), stop


def _unquoted(question: str, at: int) -> tuple[str, int] | None:
    """The text of the quotes that open at `at`, and where it goes on; None where they do not close."""
    said: list[str] = []
    i = at + 1
    while i < len(question):
        c = question[i]
        if c == "\\" and question[i + 1 : i + 2] in ('"', "\\"):
            said.append(question[i + 1])
            i += 2
        elif c == '"':
            return "".join(said), i + 1
        else:
            said.append(c)
            i += 1
    return None


def _name(token: str) -> str | None:
    """The filter's name where a token reads as one.

    Words are: times (10:30), addresses (https://…), drives (C:\\…), scopes (std::sort), and what merely ends in a
    colon (`Error:`) unless that is a filter's name.
    """
    head = _HEAD.match(token)
    if not head:
        return None
    name, rest = head[1].lower(), token[head.end() :]
    if name in NAMES:
        return name
    if not rest or rest.startswith(("//", ":", "\\")):
        return None
    return name


def quoted(text: str) -> str:
    """The text in double quotes, as `tokens` reads it back."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def value(text: str) -> str:
    """A filter's value as a question has it: in quotes where it has to be."""
    return quoted(text) if not text or _BLANK.search(text) or text.startswith('"') else text


def plain(text: str) -> str:
    """Words that can be looked for: without control characters and halves of characters, blanks made single."""
    return " ".join(_UNSAYABLE.sub(" ", text).split())
