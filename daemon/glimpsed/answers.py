"""What the door asks, answered from the table and the pipeline."""

import base64
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from glimpsed import __version__, failures, files, forgetting, guards, status_parts, upkeep
from glimpsed.condition import condition, measure
from glimpsed.errors import TableError
from glimpsed.events import Event
from glimpsed.explaining import formats_status, unchanged
from glimpsed.explanation import Explainer
from glimpsed.filters import Fields
from glimpsed.idling import Use
from glimpsed.indexing.advance import Advance
from glimpsed.pipeline import Pipeline
from glimpsed.reading import available
from glimpsed.records import Counts, Row
from glimpsed.searching.ports import Hit
from glimpsed.searching.search import Search
from glimpsed.serving import asking, explained, guarded, models, verified
from glimpsed.status_line import StatusLine
from glimpsed.verification import Verification


class Answers:
    """The daemon as the door sees it; see `serving.door.Door` for the promises."""

    def __init__(self, pipeline: Pipeline, search: Search) -> None:
        self._pipeline = pipeline
        self._context = pipeline.context
        self._search = search
        self._explainer = Explainer(pipeline)
        self._advance = Advance()
        self._line = StatusLine()
        self.config_refused: str | None = None
        """What is wrong with the configuration that was read last and does not hold; None where nothing is."""
        self._verification = Verification(pipeline)
        self.stopping = anyio.Event()
        self.use = Use()
        """Searches, and what else takes memory for an answer."""

    async def search(
        self, question: str | Fields, *, k: int, sort: asking.Sort, cursor: str | None, sync: bool, timeout: float
    ) -> models.Found:
        """See Door."""
        context = self._context
        warnings = await self._pipeline.caught_up(timeout) if sync else []
        with self.use.held():
            answer = await self._search.search(question, k, cursor, sort=sort)
        offline = self._pipeline.folders.offline
        context.metrics.searches.inc()
        context.metrics.search_seconds.observe(answer.took_ms / 1000)
        context.metrics.stage.labels("search").observe(answer.took_ms / 1000)
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
        return models.Status(
            version=__version__,
            state=state,
            encoder=status_parts.encoder(context),
            refresh=await status_parts.refresh(context),
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
            guards=[guarded.GuardStatus(**one._asdict()) for one in await self._guards()],
            held=[guarded.HeldStatus(what=one.what, why=one.why) for one in context.hold.held],
            **status_parts.inside(await condition(self._pipeline)),
            work=status_parts.work(counts, waiting, self._advance),
            last_errors=await status_parts.last_errors(context) if counts.errors else [],
            warnings=self._warnings(await context.table.unread(context.current)),
        )

    async def _guards(self) -> tuple[guards.Guard, ...]:
        folders = self._pipeline.folders.online()
        return await to_thread.run_sync(guards.look, folders, self._context.workers.confinement, abandon_on_cancel=True)

    async def line(self) -> str:
        """The status in one line, for people; what is wrong with the table, where it cannot be asked just now."""
        try:
            counts, waiting, state = await self._counted()
        except TableError as error:
            return str(error)
        encoder = self._context.encoders.state
        return self._line.line(
            time.monotonic(),
            state=state,
            done=counts.fresh + counts.errors,
            left=counts.stale + waiting,
            encoder=f"{encoder.name} on {encoder.device}" if encoder.device else encoder.name,
            reason=self._context.paused,
        )

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

    async def pause(self, *, paused: bool) -> models.Paused:
        """See Door."""
        return models.Paused(paused=paused, changed=await self._context.hold.pause(paused))

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

    async def file(self, content_id: str) -> int | None:
        """See Door."""
        rows, follow = await self._rows(content_id), self._context.config.watch.follow_symlinks
        return await to_thread.run_sync(partial(unchanged, rows, follow=follow))

    async def _rows(self, content_id: str) -> list[Row]:
        rows = (await self._context.table.by_content([content_id])).get(content_id, [])
        return [row for row in rows if row.missing_since is None and row.folder in self._pipeline.folders.names]

    async def metrics(self) -> bytes:
        """See Door."""
        context = self._context
        counts = await context.table.counts(context.current, context.wall())
        measure(self._pipeline, counts, self._waiting, await condition(self._pipeline))
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
        self._advance.told(time.monotonic(), counts.fresh + counts.errors, counts.stale + waiting)
        if self.stopping.is_set():
            state = "stopping"
        elif context.paused is not None or context.hold.asked:
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
        if self.config_refused is not None:
            warnings.append(f"the configuration has faults, and the one before holds: {self.config_refused}")
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
