"""Answers that are remembered, so that the pages that follow keep their order while the index changes."""

import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable

from glimpsed.errors import UsageError
from glimpsed.searching.ports import Hit

ANSWERS = 64
"""Remembered at once, at most."""
HITS = 10_000
"""Of all of them together, at most; a hit keeps its row, which takes some kilobytes."""
SECONDS = 900.0
"""After its last page an answer is remembered for so long."""

_CURSOR = re.compile(r"(\d{1,5})\.([\w-]{12})\.([0-9a-f]{12})", re.ASCII)


class Kept:
    """One answer as far as it is known: hits are only ever added at its end, each picture once."""

    def __init__(self, key: str) -> None:
        self.token = secrets.token_urlsafe(9)
        self.key = key
        """Of the question and all that decides its answer."""
        self.hits: list[Hit] = []
        self.more = True
        """Whether there may be hits beyond these."""
        self.used: tuple[str, ...] = ()
        """Ids of the encoders that took part."""
        self.nothing_fits = False
        """Whether words were asked for and no hit was better than `maybe`."""
        self._seen: set[str] = set()
        self._gone: set[int] = set()

    def add(self, found: Iterable[Hit], *, more: bool, most: int) -> int:
        """Add the hits that are not there yet, until there are `most`; how many that were."""
        before = len(self.hits)
        for hit in found:
            if len(self.hits) >= most:
                break
            if self._seen.isdisjoint(_marks(hit)):
                self.hits.append(hit)
                self._seen.update(_marks(hit))
        self.more = more and len(self.hits) < most
        return len(self.hits) - before

    def left(self, begin: int, count: int) -> list[int]:
        """The next `count` places from `begin` whose hits are not known to be gone."""
        places = (place for place in range(begin, len(self.hits)) if place not in self._gone)
        return [place for place, _ in zip(places, range(count), strict=False)]

    def drop(self, place: int) -> None:
        """Its picture is gone; if it comes back, or is there under another path by now, it is found anew."""
        self._gone.add(place)
        self.more = True
        self._seen.difference_update(_marks(self.hits[place]))


class Pages:
    """The answers that are remembered: the least recently used goes first. `now` is in seconds, of any clock."""

    def __init__(self, answers: int = ANSWERS, hits: int = HITS, seconds: float = SECONDS) -> None:
        self._answers, self._hits, self._seconds = answers, hits, seconds
        self._kept: OrderedDict[str, tuple[float, Kept]] = OrderedDict()

    def keep(self, answer: Kept, now: float) -> None:
        """Remember an answer, whose last page is asked for now."""
        self._kept[answer.token] = (now, answer)
        self._kept.move_to_end(answer.token)
        self._forget(now)

    def find(self, token: str, now: float) -> Kept | None:
        """The answer of a cursor; None where it is no longer remembered."""
        self._forget(now)
        found = self._kept.get(token)
        return None if found is None else found[1]

    def __len__(self) -> int:
        return len(self._kept)

    def _forget(self, now: float) -> None:
        size = sum(len(answer.hits) for _, answer in self._kept.values())
        while self._kept:
            then, oldest = next(iter(self._kept.values()))
            if now - then <= self._seconds and len(self._kept) <= self._answers and size <= self._hits:
                return
            del self._kept[oldest.token]
            size -= len(oldest.hits)


def cursor(answer: Kept, place: int) -> str:
    """Names a place in an answer."""
    return f"{place}.{answer.token}.{_seal(place, answer.token, answer.key)}"


def read(said: str, key: str) -> tuple[int, str]:
    """Place and token of a cursor. UsageError where it is none of an earlier answer to this very question."""
    parts = _CURSOR.fullmatch(said)
    if not parts or not secrets.compare_digest(parts[3], _seal(int(parts[1]), parts[2], key)):
        raise UsageError(f"{said[:60]!r} is not a cursor of an earlier answer to this question")
    return int(parts[1]), parts[2]


def _seal(place: int, token: str, key: str) -> str:
    text = f"{place}\0{token}\0{key}".encode("utf-8", "surrogatepass")
    return hashlib.blake2s(text, digest_size=6).hexdigest()


def _marks(hit: Hit) -> set[str]:
    """What must not come twice: the picture, and its paths."""
    paths = {f"path {path}" for path in (hit.path, *hit.also)}
    return {f"id {hit.id}", *paths} if hit.id else paths
