"""What the table does on a disk that is full, or may only be read. Runs in a mount namespace of its own."""

import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from tests.storing.making import FOLDER, put, row

from glimpsed.errors import NoRoomError, StateError
from glimpsed.records import Filters
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer

REFUSED = 77
"""Exit status where this machine lets us mount nothing."""


def mount(*arguments: str) -> None:
    if subprocess.run(["mount", *arguments], check=False).returncode != 0:
        sys.exit(REFUSED)


async def full(place: Path) -> None:
    """Commits fail in the end, without loss, while searches go on; with room again, so do commits."""
    mount("-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place))
    state = str(place / "state")
    ballast = place / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    acknowledged = set()
    refused = None
    async with open_table(state) as table:
        writer = Writer(table)
        for number in range(1_000):
            one = row(number, text=f"every {number} " + "".join(chr(0x4E00 + i * number % 9_000) for i in range(9_000)))
            try:
                await writer.commit([put(one)])
            except NoRoomError:
                refused = one
                break
            acknowledged.add(one.path)
        assert refused is not None, "the disk was not full"
        assert acknowledged
        for _ in range(3):
            await fails(writer.commit, [put(refused)])
            assert set(await table.known(FOLDER)) == acknowledged
        await fails(writer.maintain)
        assert {path for path, _ in await table.match("every", Filters(), 1_000)} == acknowledged
        assert refused.vector is not None
        assert len(await table.nearest(refused.vector, strong=False, filters=Filters(), k=1_000)) == len(acknowledged)
        ballast.unlink()
        (written,) = await writer.commit([put(refused)])
        assert written.after == refused
        acknowledged.add(refused.path)
        assert set(await table.known(FOLDER)) == acknowledged
    async with open_table(state) as table:
        assert table.notices == []
        assert set(await table.known(FOLDER)) == acknowledged


async def fails(call: Callable[..., Awaitable[object]], *arguments: object) -> None:
    """The call raises NoRoomError; maintenance, which is asked for by force, may find what little it needs."""
    try:
        if arguments:
            await call(*arguments)
        else:
            await call(force=True)
            return
    except NoRoomError:
        return
    raise AssertionError("there was room")


async def no_room_at_all(place: Path) -> None:
    """A state directory without any room cannot be used."""
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place))
    (place / "ballast").write_bytes(bytes(60 << 10))
    await unusable(place / "state")


async def read_only(place: Path) -> None:
    """Nor can one that may only be read, be there a table or not."""
    mount("-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place))
    async with open_table(str(place / "state")) as table:
        await Writer(table).commit([put(row(1))])
    mount("-o", "remount,ro", str(place))
    await unusable(place / "state")
    await unusable(place / "other")


async def unusable(state: Path) -> None:
    with pytest.raises(StateError) as caught:
        async with open_table(str(state)):
            pass
    assert type(caught.value) is StateError


if __name__ == "__main__":
    tests = {"full": full, "no room at all": no_room_at_all, "read only": read_only}
    anyio.run(tests[sys.argv[1]], Path(sys.argv[2]))
