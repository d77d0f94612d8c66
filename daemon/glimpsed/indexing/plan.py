"""What the stale rows of one round need. Pure: nothing is done here."""

from collections.abc import Sequence
from dataclasses import dataclass

from glimpsed.indexing.retry import is_due
from glimpsed.indexing.rows import ENCODING_FAILED, OCR_FAILED
from glimpsed.records import Current, Row

_OCR_ROUND = 16  # pictures; some seconds of work, after which newer pictures get their turn


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round of stale rows needs."""

    read: tuple[Row, ...] = ()
    ocr: tuple[Row, ...] = ()
    encode: tuple[Row, ...] = ()
    """By the fallback."""
    strengthen: tuple[Row, ...] = ()
    """By the chosen encoder."""
    forgive: tuple[Row, ...] = ()
    """Nothing is asked of them any more that had failed: only the error goes."""


def plan(rows: Sequence[Row], current: Current, *, fallback: str, can_strengthen: bool, now: float) -> Plan:
    """Sort stale rows by the first thing that each needs: to be read, encoded at all, OCR, a stronger vector."""
    read, ocr, encode, strengthen, forgive = [], [], [], [], []
    for row in rows:
        base, _ = row.base
        retry = is_due(row.retry_at, now)
        later = (row.error or "").startswith((OCR_FAILED, ENCODING_FAILED))
        if not current.has_reader(row.reader) or (retry and not later):
            read.append(row)
        elif row.vector is None or base is None:
            encode.append(row)
        elif not current.has_ocr(row.ocr) and row.content_id:
            ocr.append(row)
        elif base != fallback:
            encode.append(row)
        elif current.encoder not in (fallback, row.encoder):
            if can_strengthen:
                strengthen.append(row)
        elif retry:
            forgive.append(row)
    return Plan(tuple(read), tuple(ocr[:_OCR_ROUND]), tuple(encode), tuple(strengthen), tuple(forgive))
