"""Answers `/v1/errors`: which pictures could not be read, why, and when each is tried next."""

import base64
import os
from collections import Counter

from glimpsed import files, upkeep
from glimpsed.explaining import moment
from glimpsed.indexing.rows import ENCODING_FAILED, OCR_FAILED
from glimpsed.pipeline import Pipeline
from glimpsed.reading import formats
from glimpsed.serving.verified import Errors, Failed, FailureKind
from glimpsed.storing.backlog import Failure


async def errors(pipeline: Pipeline, paths: list[str], k: int) -> Errors:
    """See Door."""
    wanted = upkeep.placed(pipeline, paths)
    found = await pipeline.context.table.failures([under or folder for folder, under in wanted])
    kinds = Counter(kind_of(one) for one in found)
    due = [one.retry_at for one in found if one.retry_at is not None]
    return Errors(
        errors=[_shown(one) for one in found[:k]],
        total=len(found),
        by_kind=dict(sorted(kinds.items())),
        next=moment(min(due, default=None)),
        warnings=upkeep.offline(pipeline, wanted, "its pictures are tried when it is back"),
    )


def kind_of(one: Failure) -> FailureKind:
    """What failed, as far as it tells what helps."""
    if one.error.startswith(OCR_FAILED):
        return "words"
    if one.error.startswith(ENCODING_FAILED):
        return "encoding"
    if formats.named(one.error) is not None:
        return "format"
    return "lasting" if one.retry_at is None else "passing"


def _shown(one: Failure) -> Failed:
    exact, shown = os.fsencode(one.path), files.shown(one.path)
    return Failed(
        path=shown,
        path_bytes=None if os.fsencode(shown) == exact else base64.b64encode(exact).decode("ascii"),
        kind=kind_of(one),
        error=one.error,
        attempts=one.attempts,
        retry_at=moment(one.retry_at),
    )
