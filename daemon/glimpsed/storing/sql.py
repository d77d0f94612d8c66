"""Conditions on rows as SQL. Pure: strings in, strings out."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice

from glimpsed.errors import QueryError
from glimpsed.files import key_of
from glimpsed.records import Current, Filters

PRESENT = "missing_since IS NULL"
MISSING = "missing_since IS NOT NULL"

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


def filtered(filters: Filters) -> str:
    """The rows that a question is about. QueryError where a date is none."""
    conditions = [MISSING if filters.missing else PRESENT]
    if filters.after is not None:
        conditions.append(_since(filters.after))
    if filters.before is not None:
        # A row has either a taken_at or none, and mtime_ns is never null: so the complement is exact.
        conditions.append(f"NOT {_since(filters.before)}")
    if filters.places:
        conditions.append(_any(inside(place) for place in filters.places))
    if filters.types:
        conditions.append(_any(one_of("format", [kind.lower() for kind in filters.types])))
    return " AND ".join(conditions)


def _any(conditions: Iterator[str]) -> str:
    return "(" + " OR ".join(conditions) + ")"


def _since(prefix: str) -> str:
    """Taken at or after the beginning of an ISO 8601 prefix; without a date, by the file's time, locally."""
    moment = beginning(prefix)
    return (
        f"((taken_at IS NOT NULL AND taken_at >= {text(shortest(moment))})"
        f" OR (taken_at IS NULL AND mtime_ns >= {_nanoseconds(moment)}))"
    )


def _nanoseconds(moment: datetime) -> int:
    """Since the epoch, as far as 64 bits reach."""
    try:
        seconds = int(moment.timestamp())
    except (OverflowError, ValueError, OSError):  # a local time before the year 1
        seconds = -_FAR
    return max(-_FAR, min(_FAR, seconds)) * 1_000_000_000


_FAR = 9_000_000_000  # seconds: the years 1684 to 2255

_FORMS = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def beginning(prefix: str) -> datetime:
    """The local moment at which the year, month, day, … that `prefix` names begins. QueryError where it is none."""
    for form in _FORMS:
        try:
            return datetime.strptime(prefix.strip().replace(" ", "T", 1), form)
        except ValueError:
            continue
    raise QueryError(f"{prefix!r} is no date", hint="dates look like 2024, 2024-06 or 2024-06-30")


def shortest(moment: datetime) -> str:
    """The least text that sorts at or after nothing taken before `moment` and before all taken from then on.

    A picture may know no more than its year: `2024` sorts before `2024-01-01`, yet begins with it.
    """
    full = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    for least in (":00", ":00", "T00", "-01", "-01"):
        if not full.endswith(least):
            break
        full = full.removesuffix(least)
    return full


def _there(current: Current) -> str:
    """Rows whose file is there, as far as can be known."""
    seen = [f"NOT ({one})" for one in one_of("folder", [key_of(folder) for folder in current.offline])]
    return " AND ".join([PRESENT, *seen])


def reading_due(current: Current, now: float) -> str:
    """Rows to read again. An error is only tried again when it is due, or by a reader that has not seen it."""
    return (
        f"({_there(current)} AND ((retry_at IS NOT NULL AND retry_at <= {now!r})"
        f" OR (reader IS NULL AND error IS NULL)"
        f" OR (reader IS NOT NULL AND reader <> {text(current.reader)} AND retry_at IS NULL)"
        f" OR (reader IS NOT NULL AND reader <> {text(current.reader)} AND error IS NULL)))"
    )


def ocr_due(current: Current) -> str:
    """Rows whose pixels have not been read for words by the current second pass."""
    if current.ocr is None:
        return "(FALSE)"
    return f"({_there(current)} AND error IS NULL AND (ocr IS NULL OR ocr <> {text(current.ocr)}))"


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
        f"({_there(current)} AND error IS NULL AND (reader IS NULL OR reader <> {text(current.reader)}"
        f" OR (encoder IS NULL AND text_id <> '') OR {ocr_due(current)}))"
    )


def stale(current: Current, now: float, marker: str | None) -> str:
    """Rows that the refresh has work with; `marker` as in `encoder_due`."""
    return f"({reading_due(current, now)} OR {ocr_due(current)} OR {encoder_due(current, marker)})"
