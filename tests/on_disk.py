"""The table against the disk, each read without the daemon."""

import os
from collections.abc import Iterator
from pathlib import Path

import lance
from blake3 import blake3
from tests.daemons import PATIENCE, Daemon
from tests.waiting import wait_for

from glimpsed.files import inside, path_of

SUFFIXES = (".jpg", ".jpeg", ".png", ".cr2", ".orf", ".tif", ".gif", ".webp")
UNFINISHED = (".", "~")


def pictures_in(place: Path) -> Iterator[Path]:
    """What is to have a row, by a rule of the tests' own: no links, nothing hidden or unfinished."""
    for directory, names, files in os.walk(place):
        names[:] = [name for name in names if not name.startswith(UNFINISHED)]
        for name in files:
            path = Path(directory, name)
            if name.lower().endswith(SUFFIXES) and not name.startswith(UNFINISHED) and not path.is_symlink():
                yield path


def rows_in(daemon: Daemon, place: Path) -> list[tuple[str, str, str | None]]:
    """Path, content id and error of every row there that is not missing, doubles included."""
    table = lance.dataset(daemon.state / "table" / "pictures.lance")
    found = table.to_table(columns=["path", "content_id", "error"], filter="missing_since IS NULL").to_pylist()
    rows = [(path_of(row["path"]), row["content_id"], row["error"]) for row in found]
    return sorted(row for row in rows if inside(row[0], str(place)))


def differences(daemon: Daemon, place: Path) -> list[tuple[str, str, str | None]]:
    """Rows that are not on the disk with the bytes that they tell of, and files that have no row; none is right."""
    there = sorted((str(path), blake3(path.read_bytes()).hexdigest(), None) for path in pictures_in(place))
    rows = rows_in(daemon, place)
    return [one for one in rows if one not in there] + [one for one in there if one not in rows] or (
        [] if len(rows) == len(there) else rows
    )


def agree(daemon: Daemon, *places: Path) -> None:
    """Wait until all is done, and the rows of these places are their files."""

    def equal() -> bool:
        if daemon.client.status()["state"] != "idle":
            return False
        return not any(differences(daemon, place) for place in places)

    try:
        wait_for(equal, deadline=PATIENCE)
    except AssertionError:
        found = {str(place): differences(daemon, place) for place in places}
        raise AssertionError(f"{daemon.client.status()}\n{found}\n{daemon.tail()}") from None
