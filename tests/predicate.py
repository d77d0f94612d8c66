"""What filters mean, in plain Python: the table in memory goes by it, and the real one is held against it."""

import math
from datetime import datetime

from glimpsed import files
from glimpsed.filters import Area, Filters, Range
from glimpsed.folding import fold
from glimpsed.records import Row


def asked_for(row: Row, filters: Filters) -> bool:
    return (row.missing_since is not None) == filters.missing and holds(row, filters) and not any(
        holds(row, other) for other in filters.without
    )  # fmt: skip


def holds(row: Row, filters: Filters) -> bool:
    """All but `missing` and `without`."""
    checks = [
        filters.after is None or taken(row) >= beginning(filters.after),
        filters.before is None or taken(row) < beginning(filters.before),
        not filters.places or any(files.inside(row.path, place) for place in filters.places),
        not filters.types or (row.format in filters.types),
        not filters.cameras or named(row.camera, filters.cameras),
        not filters.towns or named(row.place, filters.towns),
        not filters.near or any(metres(row, area) <= area.metres for area in filters.near),
        row.size in filters.size,
        filters.longer == Range() or (sides(row) != () and max(sides(row)) in filters.longer),
        filters.shorter == Range() or (sides(row) != () and min(sides(row)) in filters.shorter),
        not filters.has_text or any(part.label == "ocr" for part in row.description),
        not filters.has_gps or None not in (row.latitude, row.longitude),
    ]
    return all(checks)


def named(name: str | None, parts: tuple[str, ...]) -> bool:
    return name is not None and any(fold(part) in fold(name) for part in parts)


def sides(row: Row) -> tuple[int, ...]:
    return () if row.width is None or row.height is None else (row.width, row.height)


def taken(row: Row) -> datetime:
    return datetime.fromtimestamp(row.mtime_ns // 10**9) if row.taken_at is None else beginning(row.taken_at)


def beginning(prefix: str) -> datetime:
    """The local moment at which what a prefix of ISO 8601 names begins; the offset is not looked at."""
    least = "0001-01-01T00:00:00"
    return datetime.fromisoformat(prefix[:19] + least[len(prefix[:19]) :])


def metres(row: Row, area: Area) -> float:
    """Along the surface, from the chord between both points: another formula than the table's."""
    if row.latitude is None or row.longitude is None:
        return math.inf
    chord = math.dist(_point(row.latitude, row.longitude), _point(area.latitude, area.longitude))
    return 2 * 6_371_008.8 * math.asin(min(1.0, chord / 2))


def _point(latitude: float, longitude: float) -> tuple[float, float, float]:
    up, around = math.radians(latitude), math.radians(longitude)
    return math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)
