"""The one writer: group commits, forgetting, and maintenance by need."""

import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio
from anyio import CancelScope, to_thread

from glimpsed.errors import UnfitRowError
from glimpsed.records import Change, Row, Written
from glimpsed.silence import Silence
from glimpsed.storing import durable, maintenance, purging, sql
from glimpsed.storing.columns import Columns, of
from glimpsed.storing.schema import same, to_batch
from glimpsed.storing.table import Table

LONGEST = 300.0
"""Seconds that one write may take; mostly it is a few hundredths, on a disk that is dying some."""

LONGEST_MAINTENANCE = 3600.0
"""Seconds that maintenance may take: indexes of a million rows are built in minutes."""

_COMMITS = 64
"""Commits after which maintenance is due: each adds files that every search has to open."""

_FRAGMENTS = 100
"""Pieces of the table after which it is due at once: a kill may have kept it from happening."""


class Writer:
    """All writes of the table. One for a table; its methods wait for one another.

    What it returned from is on the disk. A cancelled caller waits for the write that has begun.
    NoRoomError and TableError say that nothing of the call was acknowledged; it may be made again, but for
    UnfitRowError: one of its rows will never fit.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._engine = table.engine
        self._lock = anyio.Lock()
        self.silence = Silence()
        """How long a write has been under way, on the monotonic clock."""
        self._commits: int | None = None  # None: not known, as after opening
        self._unsynced = False
        self._uncounted = False

    async def commit(self, changes: Sequence[Change]) -> list[Written]:
        """Make these changes, in order, in one version of the table, each against the row as it stands then.

        What leaves a row as it was is not written. One `Written` a change, in the same order.
        """
        async with self._alone(LONGEST):
            await self._count()
            before = await self._table.rows({change.path for change in changes}) if changes else {}
            rows: dict[str, Row] = dict(before)
            written = []
            for change in changes:
                current = rows.get(change.path)
                row = change.apply(current)
                if row is not None and row.path != change.path:
                    raise UnfitRowError(f"a change of {change.path!r} made a row of {row.path!r}")
                if row is None or (current is not None and same(row, current)):
                    written.append(Written(change.path, current, None))
                else:
                    rows[change.path] = row
                    written.append(Written(change.path, current, row))
            wanted = [row for path, row in rows.items() if path not in before or not same(row, before[path])]
            with CancelScope(shield=True):
                if wanted:
                    await self._merge(wanted, before)
                    self._table.new_texts.note(row.text for row in wanted if row.text != _text(before.get(row.path)))
                await self._sync()
            return written

    @asynccontextmanager
    async def _alone(self, longest: float) -> AsyncIterator[None]:
        """One write at a time, which should take `longest` seconds at most."""
        async with self._lock:
            self.silence.asked(time.monotonic(), longest)
            try:
                yield
            finally:
                self.silence.answered()

    async def _merge(self, rows: list[Row], before: Mapping[str, Row]) -> None:
        try:
            batch = to_batch(rows, self._table.columns)
        except (ValueError, OverflowError, TypeError) as error:
            raise UnfitRowError(f"a row does not fit the table: {error}") from error
        self._unsynced = self._uncounted = True
        self._table.presence.learn_rows(rows)
        # Nobody else writes: what was not there a moment ago is new, and adding takes a fraction of merging.
        await (self._engine.merge(batch) if any(row.path in before for row in rows) else self._engine.add(batch))
        self._table.note_rows((before[row.path] for row in rows if row.path in before), rows)
        self._uncounted = False
        self._commits = None if self._commits is None else self._commits + 1
        await self._table.note_version()

    async def _count(self) -> None:
        """Count the rows anew, where what became of them is not known."""
        if self._uncounted:
            await self._table.count_anew()
            self._uncounted = False

    async def _sync(self) -> None:
        if self._unsynced:
            await to_thread.run_sync(durable.sync, self._engine.directory)
            self._unsynced = False

    async def forget(self, paths: Collection[str]) -> int:
        """Delete the rows of these paths, those that are still missing; how many."""
        async with self._alone(LONGEST):
            deleted = 0
            with CancelScope(shield=True):
                for chunk in sql.paths_in(paths):
                    self._unsynced = True
                    self._uncounted = True
                    deleted += await self._engine.delete(f"{chunk} AND {sql.MISSING}")
                    self._commits = None if self._commits is None else self._commits + 1
                await self._table.note_version()
                await self._count()
                await self._sync()
            return deleted

    async def drop(self, paths: Collection[str]) -> None:
        """Delete all rows of these paths, whatever they are: of a path that has more than one, none can be believed."""
        async with self._alone(LONGEST):
            with CancelScope(shield=True):
                for chunk in sql.paths_in(paths):
                    self._unsynced = True
                    self._uncounted = True
                    await self._engine.delete(chunk)
                await self._table.note_version()
                await self._count()
                await self._sync()

    async def reindex(self) -> None:
        """Build all indexes anew; as `maintain`."""
        async with self._alone(LONGEST_MAINTENANCE):
            with CancelScope(shield=True):
                self._unsynced = True
                await self._engine.index_anew()
                await maintenance.maintain(self._engine, self._table.view)
                await self._table.note_version()
                await self._table.hold()
                await self._sync()

    async def take_stock(self) -> None:
        """Make what is held in memory of the table anew."""
        async with self._alone(LONGEST_MAINTENANCE):
            await self._table.take_stock()
            await self._table.vectors.drop()
            await self._table.hold()

    async def purge(self) -> None:
        """See to it that nothing of any deleted row is left in a file of the table; see `purging.purge`.

        Takes some seconds a hundred thousand rows, in which nothing is written, while searches go on.
        """
        async with self._alone(LONGEST_MAINTENANCE):
            with CancelScope(shield=True):
                self._unsynced = True
                await purging.purge(self._engine)
                self._table.new_texts.drop()
                await self._table.note_version()
                await self._table.hold()
                await self._sync()
                self._commits = 0

    async def add_encoder(self, encoder: str, dimension: int) -> bool:
        """Give the table columns for that encoder's vectors, of that length; whether it had none.

        What other encoders made stays. Until then rows are committed without what it made.
        """
        async with self._alone(LONGEST):
            known = of(self._table.columns, encoder)
            if known is not None and known.dimension == dimension:
                return False
            with CancelScope(shield=True):
                self._unsynced = True
                if known is not None:
                    await self._engine.drop_columns(known.names)
                await self._engine.add_columns(Columns(encoder, dimension).fields)
                await self._reshaped()
            return True

    async def drop_encoders(self, but: str) -> list[str]:
        """Drop the columns of all stronger encoders but this one's, in one version of the table; their ids."""
        async with self._alone(LONGEST):
            dropped = [one for one in self._table.columns if one.encoder != but]
            if dropped:
                with CancelScope(shield=True):
                    self._unsynced = True
                    await self._engine.drop_columns([name for one in dropped for name in one.names])
                    await self._reshaped()
            return [one.encoder for one in dropped]

    async def _reshaped(self) -> None:
        await self._table.note_columns()
        await self._table.note_version()
        await self._sync()

    async def maintain(self, *, force: bool = False) -> bool:
        """Put the table's pieces together, bring its indexes up to date and drop old versions, where that is due.

        Takes about a second, in which nothing is written, while searches go on. Whether it was due.
        """
        async with self._alone(LONGEST_MAINTENANCE):
            if self._commits is None:
                fragments = await self._engine.fragments()
                self._commits = _COMMITS if fragments >= _FRAGMENTS else fragments * _COMMITS // _FRAGMENTS
            if not force and self._commits < _COMMITS:
                return False
            with CancelScope(shield=True):
                self._unsynced = True
                await maintenance.maintain(self._engine, self._table.view)
                await self._table.note_version()
                await self._table.hold()
                await self._sync()
                self._commits = 0
            return True


def _text(row: Row | None) -> str | None:
    return None if row is None else row.text
