"""Opening the table: the lock, the checks, and what is done when it is damaged."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio import to_thread

from glimpsed.errors import SchemaError, StateError, TableError
from glimpsed.files import shown
from glimpsed.storing import durable, older
from glimpsed.storing.columns import columns_in
from glimpsed.storing.engine import NAME, Engine
from glimpsed.storing.faults import BrokenTableError
from glimpsed.storing.lookup import Lookup
from glimpsed.storing.probing import broken_indexes, prove_rows
from glimpsed.storing.schema import differs, table_schema

_OLDER = 8  # versions that are tried before a table is given up


class Table(Lookup):
    """The table as the rest of the program sees it: its reads; `writer.Writer` has the writes."""

    def __init__(self, engine: Engine, state: str, notices: list[str]) -> None:
        super().__init__(engine)
        self.state = state
        self.notices = notices
        """What people should know about the opening, such as that a damaged table was set aside."""
        self._changed = anyio.Event()

    @property
    def engine(self) -> Engine:
        """What lies below; for the writer."""
        return self._engine

    async def note_version(self) -> None:
        """Take note of what the writer did."""
        self.version = await self._engine.version()
        self._changed.set()
        self._changed = anyio.Event()

    async def wait_changed(self, since: int) -> None:
        """Until the version is another one than that."""
        while self.version == since:
            await self._changed.wait()

    async def note_columns(self) -> None:
        """Take note of the stronger encoders that there are columns for."""
        self.columns = columns_in(await self._engine.schema())


@asynccontextmanager
async def open_table(state: str, *, fallback: str = "", thorough: bool = False) -> AsyncIterator[Table]:
    """The table in the state directory, for this process alone, until the end of the block.

    Made anew where there is none; where it is damaged, it is set aside as `<state>/damaged-…` and `Table.notices`
    says so. `fallback` is the id of the encoder that made `vector` in a table of version 1, which does not tell.
    `thorough`, where damage was met: all that rows hold is read first, and all indexes are built anew.

    AlreadyRunningError where another process has it open; SchemaError where another version of glimpsed wrote it;
    StateError where the state directory cannot be used.
    """
    state = os.path.abspath(state)  # noqa: ASYNC240  asks no disk; `db…` would be an address
    with durable.locked(state):
        durable.make_directory(os.path.join(state, "table"), state)
        engine = Engine(os.path.join(state, "table"))
        table = Table(engine, state, [])
        try:
            try:
                await _open(table, fallback, thorough=thorough)
                await to_thread.run_sync(durable.sync, engine.directory)
                await table.note_version()
                await table.take_stock()
                await table.hold()
            except StateError:
                raise
            except (OSError, TableError) as error:
                raise durable.unusable(state, error) from error
            yield table
        finally:
            engine.close()


def rebuild(state: str) -> Path | None:
    """Set the table aside as `<state>/replaced-…`, whatever its state, so that the next opening makes a new one.

    Returns where it is now; None where there was none. Raises what `open_table` raises.
    """
    state = os.path.abspath(state)
    with durable.locked(state):
        place = _place(state)
        try:
            return durable.set_aside(place, state, prefix="replaced") if place.exists() else None
        except OSError as error:
            raise durable.unusable(state, error) from error


def _place(state: str) -> Path:
    return Path(state) / "table" / f"{NAME}.lance"


async def _open(table: Table, fallback: str, *, thorough: bool) -> None:
    place = _place(table.state)
    if place.exists():
        durable.sweep(place)
        if dropped := durable.drop_newest_manifests(place, table.state):
            table.notices.append(_older(dropped))
        for _ in range(_OLDER):
            if not durable.manifests(place):
                break
            try:
                await _open_checked(table, fallback, thorough=thorough)
            except BrokenTableError as error:
                table.engine.close()
                dropped = durable.drop_newest_manifests(place, table.state, even_sound=True)
                table.notices.append(f"{_older(dropped)}: {error.what}")
            else:
                return
        if any((place / "data").glob("*")):
            aside = durable.set_aside(place, table.state)
            table.notices.append(
                f"the table was damaged; it is set aside as {shown(str(aside))}, and all pictures are indexed anew"
            )
        else:
            shutil.rmtree(place)  # killed while it was made: nothing was ever in it
    await table.engine.create(table_schema())
    await table.engine.make_ready()


def _older(dropped: list[str]) -> str:
    return f"the newest state of the table was damaged; an older one is used ({len(dropped)} set aside)"


async def _open_checked(table: Table, fallback: str, *, thorough: bool) -> None:
    engine = table.engine
    await engine.open()
    schema = await engine.schema()
    if older.is_older(schema):
        await prove_rows(engine, whole=False)  # what is damaged is told before anything is changed
        await to_thread.run_sync(older.bring_up, engine.directory, fallback)
        await engine.open()
        schema = await engine.schema()
    if why := differs(schema):
        raise SchemaError(
            f"the table cannot be used: {why}", where=shown(table.state), hint="start once with: glimpsed --rebuild"
        )
    table.columns = columns_in(schema)
    await prove_rows(engine, whole=thorough)
    await engine.make_ready()
    if thorough or await broken_indexes(engine):
        await engine.index_anew()
