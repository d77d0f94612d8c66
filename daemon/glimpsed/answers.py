"""What the door asks, answered from the table and the pipeline."""

import base64
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
from anyio import to_thread

from glimpsed import __version__, failures, files, forgetting, upkeep
from glimpsed.events import Event
from glimpsed.explaining import formats_status, unchanged
from glimpsed.explanation import Explainer
from glimpsed.filters import Fields
from glimpsed.pipeline import Pipeline
from glimpsed.reading import available
from glimpsed.records import Counts, Row
from glimpsed.searching.ports import Hit
from glimpsed.searching.search import Search
from glimpsed.serving import explained, models, verified
from glimpsed.verification import Verification


class Answers:
    """The daemon as the door sees it; see `serving.door.Door` for the promises."""

    def __init__(self, pipeline: Pipeline, search: Search) -> None:
        self._pipeline = pipeline
        self._context = pipeline.context
        self._search = search
        self._explainer = Explainer(pipeline)
        self._verification = Verification(pipeline)
        self.stopping = anyio.Event()

    async def search(
        self, question: str | Fields, *, k: int, sort: models.Sort, cursor: str | None, sync: bool, timeout: float
    ) -> models.Found:
        """See Door."""
        context = self._context
        warnings = await self._pipeline.caught_up(timeout) if sync else []
        answer = await self._search.search(question, k, cursor, sort=sort)
        offline = self._pipeline.folders.offline
        context.metrics.searches.inc()
        context.metrics.search_seconds.observe(answer.took_ms / 1000)
        context.journal.say(
            Event.SEARCHED,
            q=str(question),
            hits=len(answer.hits),
            encoders=list(answer.encoders),
            ms=round(answer.took_ms, 1),
        )
        return models.Found(
            hits=[_shown(hit, offline=offline(hit.folder, hit.path)) for hit in answer.hits],
            next=answer.next,
            nothing_fits=answer.nothing_fits,
            took_ms=round(answer.took_ms, 2),
            encoders=list(answer.encoders),
            warnings=[*warnings, *answer.warnings],
        )

    async def complete(self, text: str) -> list[models.Completion]:
        """See Door."""
        found = await self._search.complete(text)
        return [models.Completion(text=one.text, start=one.start, end=one.end) for one in found]

    async def status(self) -> models.Status:
        """See Door."""
        context = self._context
        counts, waiting, state = await self._counted()
        by_folder = await context.table.folder_counts()
        encoder = context.encoders.state
        return models.Status(
            version=__version__,
            state=state,
            encoder=models.EncoderStatus(
                id=encoder.id,
                name=encoder.name,
                device=encoder.device,
                reason=encoder.reason,
                step=encoder.step,
                phase=encoder.phase,
                lost=[
                    models.LostDevice(device=one.device, reason=one.reason, looked=one.looked) for one in encoder.lost
                ],
            ),
            refresh=await self._refresh(),
            pictures=models.PictureCounts(
                fresh=counts.fresh,
                stale=counts.stale,
                missing=counts.missing,
                errors=counts.errors,
                waiting=waiting,
            ),
            formats=await formats_status(context.table),
            folders=[
                models.FolderStatus(
                    path=files.shown(folder.path),
                    state=folder.state,
                    pictures=by_folder.get(folder.path, folder.pictures),
                )
                for folder in self._pipeline.folders.states
            ],
            confinement=[models.ConfinementStatus(**one._asdict()) for one in context.workers.confinement],
            warnings=self._warnings(await context.table.unread(context.current)),
        )

    async def _refresh(self) -> models.RefreshStatus | None:
        context, current = self._context, self._context.current
        done, total = await context.table.encoded(current)
        if done >= total:
            return None
        pace = context.progress.pace(total - done, time.monotonic())
        return models.RefreshStatus(
            encoder=current.encoder,
            name=context.encoders.state.name,
            done=done,
            total=total,
            rate=None if pace.rate is None else round(pace.rate, 1),
            seconds_left=None if pace.seconds_left is None else round(pace.seconds_left),
        )

    async def line(self) -> str:
        """The status in one line, for people."""
        counts, waiting, state = await self._counted()
        total = counts.fresh + counts.stale + counts.errors
        encoder = self._context.encoders.state
        left = counts.stale + waiting
        work = f", {left} to do" if left else ""
        return f"{state}: {total} pictures{work}; {encoder.name} on {encoder.device}"

    async def scan(self, paths: list[str]) -> models.Scanned:
        """See Door."""
        return await upkeep.scan(self._pipeline, paths)

    async def retry(self, paths: list[str]) -> models.Retried:
        """See Door."""
        return await upkeep.retry(self._pipeline, paths)

    async def errors(self, paths: list[str], k: int) -> verified.Errors:
        """See Door."""
        return await failures.errors(self._pipeline, paths, k)

    async def verify(
        self, paths: list[str], *, full: bool, repair: bool
    ) -> AbstractAsyncContextManager[AsyncIterator[verified.VerifyLine]]:
        """See Door."""
        return self._verification.run(upkeep.placed(self._pipeline, paths), full=full, repair=repair)

    async def forget(self, paths: list[str]) -> models.Forgotten:
        """See Door."""
        return await forgetting.forget(self._pipeline, paths)

    async def explain(self, path: str, read: explained.ReadAnew = "none") -> explained.Explained:
        """See Door."""
        return await self._explainer.explain(path, read)

    async def picture(self, content_id: str) -> models.Picture | None:
        """See Door."""
        rows = await self._rows(content_id)
        if not rows:
            return None
        row = rows[0]
        return models.Picture(
            id=content_id,
            paths=sorted(files.shown(row.path) for row in rows),
            format=row.format,
            width=row.width,
            height=row.height,
            taken_at=row.taken_at,
            camera=row.camera,
            latitude=row.latitude,
            longitude=row.longitude,
            place=row.place,
            description=[models.PartShown(label=part.label, text=part.text) for part in row.description],
        )

    async def thumbnail(self, content_id: str) -> Path | None:
        """See Door."""
        if await self.picture(content_id) is None:
            return None
        return await to_thread.run_sync(self._context.thumbnails.path, content_id, abandon_on_cancel=True)

    async def file(self, content_id: str) -> Path | None:
        """See Door."""
        return await to_thread.run_sync(unchanged, await self._rows(content_id), abandon_on_cancel=True)

    async def _rows(self, content_id: str) -> list[Row]:
        rows = (await self._context.table.by_content([content_id])).get(content_id, [])
        return [row for row in rows if row.missing_since is None and row.folder in self._pipeline.folders.names]

    async def metrics(self) -> bytes:
        """See Door."""
        context = self._context
        counts = await context.table.counts(context.current, context.wall())
        for state in ("fresh", "stale", "missing", "errors"):
            context.metrics.pictures.labels(state).set(getattr(counts, state))
        context.metrics.waiting.set(self._waiting)
        return context.metrics.text()

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[Mapping[str, object]]]:
        """See Door."""
        return self._context.journal.subscribe()

    def refused(self, route: str, status: int, reason: str) -> None:
        """See Door."""
        self._context.journal.say(Event.REQUEST_REFUSED, route=route, status=status, reason=reason[:500])

    @property
    def _waiting(self) -> int:
        return self._context.backlog.waiting + len(self._pipeline.inbox)

    async def _counted(self) -> tuple[Counts, int, str]:
        """The rows, the hints that are not rows yet, and the state."""
        context, scans = self._context, self._pipeline.scans
        # What is on its way is looked at before what has arrived: the other way round it could be in neither.
        waiting, begun, scanning = self._waiting, scans.begun, scans.waiting
        counts = await context.table.counts(context.current, context.wall())
        if self.stopping.is_set():
            state = "stopping"
        elif context.paused is not None:
            state = "paused"
        elif not begun or scanning:
            state = "scanning" if begun else "starting"
        else:
            state = "indexing" if waiting or counts.stale else "idle"
        return counts, waiting, state

    def _warnings(self, unread: int) -> list[str]:
        context = self._context
        warnings = list(context.table.notices)
        warnings += [
            f"{files.shown(folder.path)}: {folder.state}"
            for folder in self._pipeline.folders.states
            if folder.reason is not None
        ]
        warnings += self._pipeline.missing.warnings
        if context.paused is not None:
            warnings.append(f"indexing is paused: {context.paused}")
        warnings += available.advice(unread, context.foreign)
        return warnings


def _shown(hit: Hit, *, offline: bool) -> models.Hit:
    exact = os.fsencode(hit.path)
    shown = files.shown(hit.path)
    return models.Hit(
        id=hit.id,
        path=shown,
        path_bytes=None if os.fsencode(shown) == exact else base64.b64encode(exact).decode("ascii"),
        score=round(hit.score, 4),
        signals={name: round(value, 4) for name, value in hit.signals.items()},
        label=hit.label,
        snippet=hit.snippet,
        positions=list(hit.positions),
        why=hit.why,
        certainty=hit.certainty,
        taken_at=hit.taken_at,
        width=hit.width,
        height=hit.height,
        offline=offline,
        also=[files.shown(path) for path in hit.also],
    )
