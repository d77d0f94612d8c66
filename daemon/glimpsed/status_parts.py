"""Parts of the status, as the door shows them."""

import time
from datetime import UTC, datetime
from typing import Any

from glimpsed import files
from glimpsed.condition import Condition
from glimpsed.indexing.advance import Advance
from glimpsed.indexing.context import Context
from glimpsed.indexing.progress import Pace
from glimpsed.records import Counts
from glimpsed.serving import inside as shown
from glimpsed.serving import models

_ERRORS = 5
_LONGEST = 500  # characters of what is said of one


def encoder(context: Context) -> models.EncoderStatus:
    """The choice, its reason, and what was lost."""
    state = context.encoders.state
    return models.EncoderStatus(
        id=state.id,
        name=state.name,
        device=state.device,
        reason=state.reason,
        step=state.step,
        phase=state.phase,
        lost=[models.LostDevice(device=one.device, reason=one.reason, looked=one.looked) for one in state.lost],
    )


async def refresh(context: Context) -> models.RefreshStatus | None:
    """How far the chosen encoder is; None where it has encoded all."""
    current = context.current
    done, total = await context.table.encoded(current)
    if done >= total:
        return None
    rate, left = _rounded(context.progress.pace(total - done, time.monotonic()))
    return models.RefreshStatus(
        encoder=current.encoder,
        name=context.encoders.state.name,
        done=done,
        total=total,
        rate=rate,
        seconds_left=left,
    )


def work(counts: Counts, waiting: int, advance: Advance) -> shown.WorkStatus | None:
    """How far the work is as a whole; None while there is none."""
    left, done = counts.stale + waiting, counts.fresh + counts.errors
    if not left:
        return None
    rate, seconds = _rounded(advance.pace(left))
    return shown.WorkStatus(done=done, total=done + left, rate=rate, seconds_left=seconds)


def inside(now: Condition) -> dict[str, Any]:
    """Queues, watches, processes and table, by the names of the status."""
    return {
        "queues": [shown.QueueStatus(name=name, depth=one[0], bound=one[1]) for name, one in now.queues.items()],
        "watches": shown.WatchesStatus(**now.watches._asdict()),
        "processes": [shown.ProcessStatus(**one._asdict()) for one in now.processes],
        "table": shown.TableStatus(rows=now.rows, **now.table._asdict()),
    }


async def last_errors(context: Context) -> list[shown.ErrorStatus]:
    """The pictures that could not be read last."""
    return [
        shown.ErrorStatus(
            path=files.shown(one.path),
            error=one.error[:_LONGEST],
            attempts=one.attempts,
            at=datetime.fromtimestamp(one.at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        )
        for one in await context.table.last_errors(_ERRORS)
    ]


def _rounded(pace: Pace) -> tuple[float | None, float | None]:
    rate, left = pace.rate, pace.seconds_left
    # Three digits: a picture with much to read may take half a minute.
    return None if rate is None else float(f"{rate:.3g}"), None if left is None else round(left)
