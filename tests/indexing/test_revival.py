"""Files that no decoder is installed for: said once a suffix, counted, and read as soon as there is one."""

from pathlib import Path

import pytest
from blake3 import blake3
from tests import pictures
from tests.indexing.house import House, house
from tests.waiting import until

from glimpsed import files
from glimpsed.events import Event
from glimpsed.explaining import formats_status
from glimpsed.reading import formats
from glimpsed.reading.faults import unsupported
from glimpsed.records import Content, Reading

HEIC = formats.by_name("heic")
assert HEIC is not None
MISSING = formats.unreadable(HEIC)


def draw(path: Path, seed: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pictures.encode(pictures.noisy((64, 48), seed), "PNG"))
    return path


def without_decoder(one: House, path: Path) -> None:
    """The first reading of a file is that of an installation without its decoder."""
    stamp = files.look(str(path))
    assert stamp is not None
    name = blake3(path.read_bytes()).hexdigest()
    content = Content(name, format="heic", fault=unsupported(MISSING))
    reading = Reading(str(path), stamp, "", name, content, ())
    one.workers.unread[path.name] = [reading]  # type: ignore[list-item]  # it is handed out as it is


async def test_said_once_counted_and_read_when_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "Pictures"
    lost = [draw(folder / name, seed) for seed, name in enumerate(("a.heic", "b.HEIC", "c.hif"))]
    async with house(tmp_path, folder) as one, one.running():
        for path in lost:
            without_decoder(one, path)
        assert (await one.idle()).errors == 3
        said = one.journal.of(Event.FORMAT_UNREADABLE)
        assert sorted(str(line["suffix"]) for line in said) == [".heic", ".hif"]
        assert {line["reason"] for line in said} == {MISSING}
        assert not one.journal.of(Event.PICTURE_FAILED)
        row = await one.row(lost[0])
        assert (row.error, row.retry_at, row.format) == (MISSING, None, "heic")

        monkeypatch.setattr(formats, "installed", lambda module: module != "pillow_heif")
        status = await formats_status(one.context.table)
        (told,) = status.unreadable
        assert (told.name, told.pictures, told.reason) == ("heic", 3, MISSING)
        assert "heic" not in status.readable
        assert "jpeg" in status.readable

    # Still missing at the next start: nothing is read again.
    async with house(tmp_path, folder) as again, again.running():
        assert (await again.idle()).errors == 3
        assert again.workers.reads == []

    monkeypatch.setattr(formats, "installed", lambda module: True)
    async with house(tmp_path, folder) as mended, mended.running():
        await until(lambda: len(mended.workers.reads) == 3)
        assert (await mended.idle()).fresh == 3
        assert (await mended.row(lost[0])).error is None
        assert (await formats_status(mended.context.table)).unreadable == []
