"""Opening: the lock, the checks, the damage."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from tests.storing.making import FOLDER, put, puts, row

from glimpsed.errors import AlreadyRunningError, NoRoomError, SchemaError, StateError, TableError
from glimpsed.records import Filters
from glimpsed.storing import durable, engine
from glimpsed.storing.engine import Engine
from glimpsed.storing.faults import BrokenTableError, translated
from glimpsed.storing.schema import table_schema, to_batch
from glimpsed.storing.table import Table, open_table, rebuild
from glimpsed.storing.writer import Writer


def lance(state: str) -> Path:
    return Path(state) / "table" / "pictures.lance"


async def fill(state: str, commits: int = 3) -> None:
    async with open_table(state) as table:
        for number in range(commits):
            await Writer(table).commit([put(row(number, text=f"word{number} every"))])


async def held(table: Table) -> set[int]:
    """The rows, and that nothing about the table is broken."""
    known = await table.known(FOLDER)
    found = await table.match("every", Filters(), 100)
    assert {path for path, _ in found} == set(known)
    await Writer(table).commit([put(row(99))])
    await Writer(table).maintain(force=True)
    assert set(await table.known(FOLDER)) == {*known, row(99).path}
    return {int(Path(path).stem) for path in known}


async def test_a_table_is_there_again_when_it_is_opened_again(state: str) -> None:
    await fill(state)
    async with open_table(state) as table:
        assert table.notices == []
        assert table.version > 0
        assert await held(table) == {0, 1, 2}


async def test_what_is_ours_is_private(state: str) -> None:
    async with open_table(state):
        for path in (state, os.path.join(state, "table")):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        assert stat.S_IMODE(os.stat(os.path.join(state, "lock")).st_mode) == 0o600


@pytest.mark.parametrize("name", ["with blank", "per%20cent", "hash#tag", "question?", "ünïcode 日本", "db://x", "a'b"])
async def test_a_state_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    state = str(tmp_path / name)
    await fill(state, 1)
    async with open_table(state) as table:
        assert await held(table) == {0}
    assert lance(state).is_dir()


async def test_a_relative_state_directory_is_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await fill("db", 1)
    async with open_table(str(tmp_path / "db")) as table:
        assert await held(table) == {0}
    assert rebuild("db") is not None


async def test_a_second_opening_is_refused(state: str) -> None:
    async with open_table(state) as table:
        with pytest.raises(AlreadyRunningError, match="another glimpsed"):
            async with open_table(state):
                pass
        with pytest.raises(AlreadyRunningError):
            rebuild(state)
        await Writer(table).commit([put(row(1))])
    async with open_table(state) as table:
        assert len(await table.known(FOLDER)) == 1


async def test_what_is_set_aside_now_is_what_is_kept_wherever_the_clock_stood(state: str) -> None:
    await fill(state, 1)
    future = Path(state) / "replaced-29990101T000000.000000-pictures.lance"
    future.mkdir()
    aside = rebuild(state)
    assert aside is not None
    assert (aside / "data").is_dir()
    assert not future.exists()


async def test_a_state_directory_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "table").touch()
    (tmp_path / "locked" / "lock").mkdir(parents=True)
    (tmp_path / "\udcff").mkdir()  # LanceDB takes UTF-8 only
    for state in (
        file,
        file / "below",
        tmp_path / "\udcff",
        tmp_path / "taken",
        tmp_path / "locked",
        Path("/proc/glimpsed"),
    ):
        with pytest.raises(StateError, match="state directory"):
            async with open_table(str(state)):
                pass
    with pytest.raises(StateError):
        rebuild(str(file))


@pytest.mark.parametrize("version", [b"0", b"4", None])
async def test_a_table_of_another_version_is_refused_and_kept(state: str, version: bytes | None) -> None:
    os.makedirs(os.path.join(state, "table"))
    other = Engine(os.path.join(state, "table"))
    schema = table_schema()
    await other.create(schema.with_metadata({b"glimpsed.schema": version} if version else {}))
    other.close()
    with pytest.raises(SchemaError, match="glimpsed --rebuild"):
        async with open_table(state):
            pass
    assert lance(state).is_dir()
    aside = rebuild(state)
    assert aside is not None
    assert aside.is_dir()
    assert rebuild(state) is None
    async with open_table(state) as table:
        assert table.notices == []
        assert await table.known("/") == {}


async def test_a_table_with_other_columns_is_refused(state: str) -> None:
    os.makedirs(os.path.join(state, "table"))
    other = Engine(os.path.join(state, "table"))
    await other.create(table_schema().append(pa.field("colour", pa.utf8())))
    other.close()
    with pytest.raises(SchemaError, match="columns"):
        async with open_table(state):
            pass


def truncated(manifest: Path) -> None:
    os.truncate(manifest, manifest.stat().st_size // 2)


def emptied(manifest: Path) -> None:
    os.truncate(manifest, 0)


def zeroed(manifest: Path) -> None:
    manifest.write_bytes(bytes(manifest.stat().st_size))


def half_zeroed(manifest: Path) -> None:
    data = manifest.read_bytes()
    manifest.write_bytes(data[: len(data) // 4] + bytes(len(data) - len(data) // 4 - 16) + data[-16:])


def garbled(manifest: Path) -> None:
    data = manifest.read_bytes()
    position = int.from_bytes(data[-16:-8], "little")
    body = bytes(value ^ 0x5A for value in data[position + 4 : -16])
    manifest.write_bytes(data[: position + 4] + body + data[-16:])


@pytest.mark.parametrize("damage", [truncated, emptied, zeroed, half_zeroed, garbled])
async def test_a_damaged_newest_manifest_costs_only_what_it_told(state: str, damage: Callable[[Path], None]) -> None:
    await fill(state)
    newest, *_ = durable.manifests(lance(state))
    damage(newest)
    async with open_table(state) as table:
        assert len(table.notices) == 1
        assert "older one" in table.notices[0]
        assert await held(table) == {0, 1}
    assert any(name.startswith("damaged-") for name in os.listdir(state))
    async with open_table(state) as table:
        assert table.notices == []
        assert len(await table.known(FOLDER)) == 3


@pytest.mark.parametrize("damage", [truncated, zeroed, garbled])
async def test_without_any_manifest_left_the_table_is_made_anew(state: str, damage: Callable[[Path], None]) -> None:
    await fill(state)
    for manifest in durable.manifests(lance(state)):
        damage(manifest)
    async with open_table(state) as table:
        assert "set aside as" in table.notices[-1]
        assert await held(table) == set()


async def test_a_lost_data_file_costs_only_what_it_held(state: str) -> None:
    await fill(state)
    newest = max((lance(state) / "data").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    newest.unlink()
    async with open_table(state) as table:
        assert len(table.notices) == 1
        assert await held(table) == {0, 1}


async def test_lost_data_in_every_version_means_a_new_table(state: str) -> None:
    await fill(state, 12)
    oldest = min((lance(state) / "data").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    os.truncate(oldest, 10)
    async with open_table(state) as table:
        assert "set aside as" in table.notices[-1]
        assert await held(table) == set()
    kept = [name for name in os.listdir(state) if name.startswith("damaged-")]
    assert len(kept) == 3


async def test_doubled_rows_are_damage(state: str) -> None:
    async with open_table(state) as table:
        await Writer(table).commit([put(row(1))])
        await table.engine.merge(to_batch([row(2), row(2)], ()))
        assert await table.engine.count() == 3
    async with open_table(state) as table:
        assert "more than one row" in table.notices[0]
        assert set(await table.known(FOLDER)) == {row(1).path}


async def test_a_lost_full_text_index_is_built_again(state: str) -> None:
    async with open_table(state) as table:
        await Writer(table).commit(puts(row(number, text="every") for number in range(5)))
        await Writer(table).maintain(force=True)
    for file in (lance(state) / "_indices").rglob("*"):
        if file.is_file():
            os.truncate(file, file.stat().st_size // 3)
    async with open_table(state) as table:
        assert await held(table) == {0, 1, 2, 3, 4}


async def test_what_a_kill_left_behind_is_swept(state: str) -> None:
    await fill(state)
    left = [
        lance(state) / "_versions" / "18446744073709551611.manifest#3",
        lance(state) / "data" / ".tmp_12",
        lance(state) / "_indices" / ".tmpdir" / "file",
    ]
    left[2].parent.mkdir(parents=True)
    for path in left:
        path.write_bytes(b"x")
    async with open_table(state) as table:
        assert await held(table) == {0, 1, 2}
    assert not any(path.exists() for path in left)
    assert not left[2].parent.exists()


async def test_a_table_whose_making_was_cut_off_is_made(state: str) -> None:
    (lance(state) / "_versions").mkdir(parents=True)
    (lance(state) / "_transactions").mkdir()
    async with open_table(state) as table:
        assert table.notices == []
        assert await held(table) == set()


async def test_a_table_without_key_and_index_gets_them(state: str) -> None:
    os.makedirs(os.path.join(state, "table"))
    bare = Engine(os.path.join(state, "table"))
    await bare.create(table_schema())
    bare.close()
    async with open_table(state) as table:
        assert table.notices == []
        field = (await table.engine.schema()).field("path")
        assert any(b"primary-key" in key for key in field.metadata)
        assert await held(table) == set()


async def test_a_bad_day_is_no_damage(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(state)

    async def fails(self: Engine) -> None:
        with translated("opening", self.directory):
            raise RuntimeError("lance error: Too many open files (os error 24)")

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "open", fails)
        with pytest.raises(StateError, match="Too many open files"):
            async with open_table(state):
                pass
    async with open_table(state) as table:
        assert await held(table) == {0, 1, 2}


class PanicException(BaseException):
    pass


def test_errors_of_the_library_become_ours() -> None:
    for raised, wanted in [
        (RuntimeError("LanceError(IO): No space left on device (os error 28)"), NoRoomError),
        (OSError(122, "Disk quota exceeded"), NoRoomError),
        (RuntimeError("Permission denied (os error 13)"), TableError),
        (RuntimeError("Not found: x.lance"), BrokenTableError),
        (PanicException("index out of bounds"), BrokenTableError),
        (ValueError(""), BrokenTableError),
    ]:
        with pytest.raises(TableError) as caught, translated("trying", "/somewhere"):
            raise raised
        assert type(caught.value) is wanted
        assert "trying failed" in str(caught.value)
    with pytest.raises(KeyboardInterrupt), translated("trying", "/somewhere"):
        raise KeyboardInterrupt


def test_syncing_what_is_not_there_is_an_error_of_the_table(tmp_path: Path) -> None:
    durable.sync(str(tmp_path))
    with pytest.raises(TableError, match="did not reach the disk"):
        durable.sync(str(tmp_path / "nowhere"))


def test_the_library_is_told_to_keep_quiet() -> None:
    assert os.environ["LANCEDB_LOG"]
    assert engine.NAME == "pictures"
