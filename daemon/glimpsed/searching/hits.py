"""From candidates and their rows to hits: weighed, best first, one a picture, each with its reason."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from glimpsed import files, groups
from glimpsed.records import Row
from glimpsed.searching import rank, snippets, why
from glimpsed.searching.candidates import Candidate
from glimpsed.searching.coverage import Asked
from glimpsed.searching.ports import Certainty, Hit, Told, Weights


@dataclass(frozen=True, slots=True)
class Weighed:
    """One candidate with its score."""

    order: tuple[float, int, int, str]
    """Best first."""
    score: float
    candidate: Candidate
    row: Row
    match: why.Match
    others: tuple[str, ...] = ()
    """Other paths of the same picture or of its group, best first."""


def by_score(
    asked: Asked, found: Sequence[tuple[Candidate, Row]], weights: Weights, *, strong: bool = False
) -> list[Weighed]:
    """The candidates, one a picture. Equal scores: the better full-text match first, then the newer file."""
    after_last = 1 + max((one.dense_place or 0 for one, _ in found), default=0)
    weighed = []
    for one, row in found:
        matched = why.match(asked, row.description, _name(row))
        place = one.dense_place or after_last
        signals = rank.Signals(place, matched.covered, matched.covered_together, matched.exact)
        total = rank.score(signals, weights, strong=strong)
        order = (-round(total, 9), one.text_place or len(found) + 1, -row.mtime_ns, row.path)
        weighed.append(Weighed(order, total, one, row, matched))
    weighed.sort(key=lambda one: one.order)
    return _by_picture(weighed)


def listed(rows: Sequence[Row], order: str) -> list[Hit]:
    """The rows as hits in the order they come in, which `order` names, for a question without words."""
    nothing = Asked("", (), ())
    weighed = [
        Weighed((0.0, 0, 0, ""), 1.0, Candidate(row.path), row, why.match(nothing, row.description, "")) for row in rows
    ]

    def telling(one: Weighed) -> Callable[[], Told]:
        text = one.match.part.text if one.match.part else ""
        return lambda: _told(snippets.marked(nothing, text).cut(snippets.WIDTH), order)

    return [_hit(one, "sure", telling(one)) for one in _by_picture(weighed)]


def as_hit(asked: Asked, one: Weighed, certainty: Certainty) -> Hit:
    """One of them as a hit; its reason, which takes a while, is found when it is shown."""
    found, name, near = one.match, _name(one.row), one.candidate.dense_place is not None

    def tell() -> Told:
        marked = snippets.marked(asked, found.part.text if found.part else "")
        second = snippets.marked(asked, found.second.text if found.second else "")
        quotes = marked.cut(snippets.QUOTE).text, second.cut(snippets.QUOTE).text
        return _told(marked.cut(snippets.WIDTH), why.why(found, *quotes, near=near, file_name=name))

    return _hit(one, certainty, tell)


def _told(snippet: snippets.Snippet, reason: str) -> Told:
    return Told(snippet.text, snippet.positions, reason)


def _name(row: Row) -> str:
    return files.shown(os.path.basename(row.path))


def _by_picture(weighed: Sequence[Weighed]) -> list[Weighed]:
    """The best of each picture, at the place of the first.

    One picture are the files with the same bytes, and a camera's raw file with the pictures made of it. Of these the
    raw file is shown only where it holds more of the question: everybody can open the others. A file whose bytes could
    never be read is one for itself.
    """
    raw = {groups.key(one.row.path) for one in weighed if groups.is_raw(one.row.path)}
    if not raw and len({one.row.content_id for one in weighed}) == len(weighed):
        return list(weighed)  # as nearly always
    same: dict[str, str] = {}  # of two things that tell one picture the second to the first

    def name(mark: str) -> str:
        while (other := same.get(mark, mark)) != mark:
            mark = other
        return mark

    marks = []
    for one in weighed:
        key = groups.key(one.row.path)
        mark = f"id {one.row.content_id}" if one.row.content_id else f"path {one.row.path}"
        if key in raw:  # also where a copy of it, elsewhere, was seen before the others of the group
            same[name(f"group {key}")] = name(mark)
        marks.append(mark)
    found: dict[str, list[Weighed]] = {}
    for one, mark in zip(weighed, marks, strict=True):
        found.setdefault(name(mark), []).append(one)
    return [_shown(every) for every in found.values()]


def _shown(same: Sequence[Weighed]) -> Weighed:
    if len(same) == 1:
        return same[0]
    first = max(same, key=lambda one: (one.match.covered, not groups.is_raw(one.row.path)))
    if not groups.is_raw(same[0].row.path):
        first = same[0]
    others = tuple(one.row.path for one in same if one is not first)
    return replace(first, order=same[0].order, score=same[0].score, others=others)


def _hit(one: Weighed, certainty: Certainty, tell: Callable[[], Told]) -> Hit:
    row = one.row
    return Hit(
        id=row.content_id,
        path=row.path,
        folder=row.folder,
        score=round(one.score, 4),
        signals=_signals(one.candidate, one.match),
        label=one.match.part.label if one.match.part else "",
        certainty=certainty,
        taken_at=row.taken_at,
        width=row.width,
        height=row.height,
        also=one.others,
        tell=tell,
    )


def _signals(one: Candidate, matched: why.Match) -> dict[str, float]:
    """Those that apply, 0 to 1."""
    signals = {"dense": one.dense, "sparse": one.sparse, "colbert": one.colbert, "text": matched.covered or None}
    return {name: round(min(1.0, max(0.0, value)), 4) for name, value in signals.items() if value is not None}
