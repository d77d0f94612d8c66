"""Hits in another order than the best first."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from glimpsed.folding import fold
from glimpsed.records import Row
from glimpsed.searching import hits as hits_module
from glimpsed.searching.ports import Hit, Sort

SORTED = 1_000
"""The best hits of a question with words that are sorted by date or name, at most."""
COVERED = 0.8
"""Share of the question whose words a hit holds that matches it …"""
SCORE = 0.5
"""… or share of the best hit's score that it has at least."""


def matching(found: Sequence[Hit]) -> list[Hit]:
    """Those of the hits, best first, that are worth sorting: without it every picture would be among them."""
    least = SCORE * found[0].score if found else 0.0
    return [hit for hit in found if hit.score >= least or hit.signals.get("text", 0.0) >= COVERED]


def in_order(found: Sequence[Hit], rows: Mapping[str, Row], sort: Sort) -> list[Hit]:
    """The hits newest first, or by the names of their files; one whose row is gone is left out."""
    there = [hit for hit in found if hit.path in rows]
    if sort == "name":
        return sorted(there, key=lambda hit: (fold(os.path.basename(hit.path)), hit.path))
    return sorted(there, key=lambda hit: (_taken(rows[hit.path]), hit.path), reverse=True)


def listed(rows: Sequence[Row], sort: Sort) -> list[Hit]:
    """The rows as hits, in the order they come in, for a question without words."""
    return hits_module.listed(rows, "by name" if sort == "name" else "by date, newest first")


def _taken(row: Row) -> str:
    """When the picture was taken, else when its file changed, as local time."""
    return row.taken_at or datetime.fromtimestamp(row.mtime_ns // 1_000_000_000).isoformat()
