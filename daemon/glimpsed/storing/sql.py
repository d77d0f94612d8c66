"""Conditions on rows as SQL. Pure: strings in, strings out."""

from collections.abc import Collection, Iterator
from itertools import islice

from glimpsed.files import key_of
from glimpsed.records import Current

PRESENT = "missing_since IS NULL"
MISSING = "missing_since IS NOT NULL"

FARTHEST = 90_000.0
"""Seconds: no retry is put off for longer. One that is farther away was set by a clock that has been set back since."""

_NO_LITERAL = -(2**63)  # read as a positive number first, which is one too large; nothing real is asked for by it
_AT_ONCE = 500  # values in one IN (…): a longer list takes DataFusion longer to plan than to run


def text(value: str) -> str:
    """A string literal. In the dialect that LanceDB parses only the quote is special; no row holds a lone surrogate."""
    return "'" + encodable(value).replace("'", "''") + "'"


def encodable(value: str) -> str:
    """The text with a question mark for each lone surrogate."""
    return value.encode("utf-8", "replace").decode()


def one_of(column: str, values: Collection[str] | Collection[int]) -> Iterator[str]:
    """Conditions that together hold for the rows whose `column` is one of `values`: a few hundred values each."""
    left = (value for value in dict.fromkeys(values) if value != _NO_LITERAL)
    while some := list(islice(left, _AT_ONCE)):
        yield f"{column} IN ({', '.join(text(value) if isinstance(value, str) else str(value) for value in some)})"


def paths_in(paths: Collection[str]) -> Iterator[str]:
    """The same for the column `path`."""
    return one_of("path", [key_of(path) for path in paths])


def inside(place: str) -> str:
    """The rows at or below a directory, or of that file: `files.inside` as SQL."""
    key = key_of(place.rstrip("/"))
    # `//` after the key is no directory's slash but the first undecodable byte of a longer name, unless
    # a third slash says that a name below begins with such a byte.
    below = f"{_begins(key + '/')} AND NOT ({_begins(key + '//')} AND NOT {_begins(key + '///')})"
    return f"(path = {text(key or '/')} OR ({below}))"


def _begins(prefix: str) -> str:
    """A range, because LIKE has wildcards and a range can use an index. All prefixes end in a slash."""
    assert prefix.endswith("/")
    return f"(path >= {text(prefix)} AND path < {text(prefix[:-1] + '0')})"


def _there(current: Current) -> str:
    """Rows whose file is there, as far as can be known."""
    seen = [f"NOT ({one})" for one in one_of("folder", [key_of(folder) for folder in current.offline])]
    seen += [f"NOT {inside(place)}" for place in current.away]
    return " AND ".join([PRESENT, *seen])


def reading_due(current: Current, now: float) -> str:
    """Rows to read again. An error is only tried again when it is due, or by a reader that has not seen it."""
    return (
        f"({_there(current)} AND ((retry_at IS NOT NULL AND (retry_at <= {now!r} OR retry_at > {now + FARTHEST!r}))"
        f" OR (reader IS NULL AND error IS NULL)"
        f" OR (reader IS NOT NULL AND {_another_reader(current)} AND (retry_at IS NULL OR error IS NULL))))"
    )


def _another_reader(current: Current) -> str:
    ids = (current.reader, current.reader_partly)
    return f"({' AND '.join(f'reader <> {text(one)}' for one in ids if one is not None)})"


def ocr_due(current: Current) -> str:
    """Rows whose pixels have not been read for words by the current second pass."""
    if current.ocr is None:
        return "(FALSE)"
    done = " AND ".join(f"ocr <> {text(one)}" for one in (current.ocr, current.ocr_partly) if one is not None)
    return f"({_there(current)} AND error IS NULL AND (ocr IS NULL OR ({done})))"


def to_encode(current: Current) -> str:
    """Rows whose words are worth encoding."""
    return f"{_there(current)} AND error IS NULL AND text_id <> ''"


def encoder_due(current: Current, marker: str | None) -> str:
    """Rows whose words the fallback or the chosen encoder has not encoded.

    `marker` is the column that is null where the chosen one has not; None where the table has no such column.
    """
    due = ["encoder IS NULL", f"encoder <> {text(current.fallback or current.encoder)}"]
    if current.fallback:
        due.append("TRUE" if marker is None else f"{marker} IS NULL")
    return f"({to_encode(current)} AND ({' OR '.join(due)}))"


def unfinished(current: Current) -> str:
    """Rows without an error that a pass, or a first encoding, has yet to come to."""
    return (
        f"({_there(current)} AND error IS NULL AND (reader IS NULL OR {_another_reader(current)}"
        f" OR (encoder IS NULL AND text_id <> '') OR {ocr_due(current)}))"
    )


def stale(current: Current, now: float, marker: str | None) -> str:
    """Rows that the refresh has work with; `marker` as in `encoder_due`."""
    return f"({reading_due(current, now)} OR {ocr_due(current)} OR {encoder_due(current, marker)})"
