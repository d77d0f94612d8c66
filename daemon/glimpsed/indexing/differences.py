"""What a verification found to differ: kinds, and a list that stays short however much differs. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MOST: Final = 100
"""Differences that are told one by one, of all kinds together."""


class Kind(StrEnum):
    """In what the table, or what belongs to it, is not what the disk says. Names are an interface."""

    NOT_INDEXED = "not_indexed"
    """A picture has no row, or one that says that it is missing."""
    GONE = "gone"
    """A row's file is not there, or is ignored, and the row does not say so."""
    CHANGED = "changed"
    """A file, or what stands beside it, is not in the state that its row was made from."""
    CONTENT = "content"
    """A file has other bytes than its row says, although nothing else tells so."""
    UNREADABLE = "unreadable"
    """A file cannot be read now, and its row does not say so."""
    FOLDER = "folder"
    """A row is said to lie in another folder than it does."""
    DOUBLED = "doubled"
    """A path has more than one row."""
    VECTOR = "vector"
    """A row is said to be encoded, and its vector is not one."""
    FULL_TEXT = "full_text"
    """A row is not found by a word of its text."""
    INDEX = "index"
    """An index does not cover all rows."""
    COUNT = "count"
    """What is held in memory of the table is not what the table has."""
    THUMBNAIL_MISSING = "thumbnail_missing"
    """A picture that could be read has no thumbnail."""
    THUMBNAIL_ORPHANED = "thumbnail_orphaned"
    """A thumbnail, or what was to become one, is of no row's content."""


LOOKED_AT: Final = frozenset({Kind.NOT_INDEXED, Kind.GONE, Kind.CHANGED, Kind.FOLDER})
"""What a look at the path mends."""

READ_AGAIN: Final = frozenset({Kind.CONTENT, Kind.UNREADABLE, Kind.THUMBNAIL_MISSING})
"""What is mended by reading the file again."""

INDEXES: Final = frozenset({Kind.FULL_TEXT, Kind.INDEX})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs."""

    kind: Kind
    path: str
    """Of the picture, or of the thumbnail's file; empty where it is about the whole table."""
    what: str
    """In words."""
    mtime: float | None = None
    """Of the file when it was seen, in seconds since the epoch; None where it was not."""


@dataclass(slots=True)
class Findings:
    """What differs, and what was looked at."""

    differences: list[Difference] = field(default_factory=list)
    under_way: int = 0
    """Paths that differ only because work on them is under way."""
    pictures: int = 0
    """Files that were compared."""
    rows: int = 0
    hashed: int = 0
    thumbnails: int = 0
    texts: int = 0
    """Rows that were looked for by a word of their text."""
    vectors: int = 0
    """Rows whose vector was looked at."""
    warnings: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        return dict(sorted(Counter(one.kind.value for one in self.differences).items()))

    def of(self, kinds: Iterable[Kind]) -> list[Difference]:
        """Those of some kinds."""
        wanted = frozenset(kinds)
        return [one for one in self.differences if one.kind in wanted]

    def told(self) -> list[Difference]:
        """At most MOST of them, some of every kind."""
        by_kind: dict[Kind, list[Difference]] = {}
        for one in self.differences:
            by_kind.setdefault(one.kind, []).append(one)
        told: list[Difference] = []
        for place in range(MOST):
            row = [some[place] for some in by_kind.values() if place < len(some)]
            if not row or len(told) >= MOST:
                break
            told += row
        order = list(Kind)
        return sorted(told[:MOST], key=lambda one: (order.index(one.kind), one.path))
