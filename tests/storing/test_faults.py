"""Kill, full disk, read-only disk: what was acknowledged is there, and nothing is doubled."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.storing import confined
from tests.storing.committing import PATHS, of_all_encoders
from tests.storing.making import FOLDER, put, row

from glimpsed.records import Row
from glimpsed.storing.table import Table, open_table
from glimpsed.storing.writer import Writer

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'daemon'}:{ROOT}", "PYTHONWARNINGS": "default"}

KILLS = ["begin", "maintain", "done", "reshape", "forget", "maintain", "begin", "reshape"]


def python(*arguments: str, prefix: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*prefix, sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Told:
    """What a killed process acknowledged, and what it may have done beyond that."""

    def __init__(self) -> None:
        self.sure: dict[str, int] = {}
        self.begun: list[tuple[str, int, list[str]]] = []
        self.number = 0

    def hear(self, output: str) -> None:
        for line in output.splitlines():
            what, *rest = line.split()
            if what in ("begin", "forget"):
                self.begun.append((what, int(rest[0]), rest[1:]))
                self.number = int(rest[0])
            elif what in ("done", "forgotten"):
                kind, number, paths = self.begun.pop()
                assert number == int(rest[0])
                self.sure.update(dict.fromkeys(paths, number if kind == "begin" else -1))
        assert len(self.begun) <= 1

    def settle(self, rows: dict[str, Row]) -> None:
        """The rows are those that were acknowledged, or those and all of what was begun."""
        held = {path: one.attempts for path, one in rows.items()}
        possible = [{path: number for path, number in self.sure.items() if number >= 0}]
        for kind, number, paths in self.begun:
            beyond = possible[0] | dict.fromkeys(paths, number)
            possible.append({path: n for path, n in beyond.items() if kind == "begin" or path not in paths})
        assert held in possible
        self.begun.clear()
        self.sure = held


async def test_killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_doubled(state: str) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    told = Told()
    everything = [row(number).path for number in range(PATHS)]
    for turn, during in enumerate(KILLS):
        ended = python("tests.storing.committing", state, str(told.number), str(seed + turn), during)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        assert "notice" not in ended.stdout
        told.hear(ended.stdout)
        async with open_table(state) as table:
            assert table.notices == []
            assert await table.engine.count() == len(await table.known(FOLDER))
            rows = await table.rows(everything)
            told.settle(rows)
            for number, path in enumerate(everything):
                if path in rows:
                    whole(rows[path], of_all_encoders(number))
    async with open_table(state) as table:
        await _works(table)
    assert len(told.sure) > 10


def whole(found: Row, made: Row) -> None:
    """What is there of encodings is what the encoders made, none another's."""
    assert found.vector is not None
    assert found.base[0] == "small"
    for encoder, encoding in found.encodings.items():
        assert np.array_equal(encoding.dense, made.others[encoder].dense.astype(np.float16))


async def _works(table: Table) -> None:
    await Writer(table).commit([put(row(999))])
    await Writer(table).maintain(force=True)
    assert row(999).path in await table.known(FOLDER)


@pytest.mark.parametrize("fault", ["full", "no room at all", "read only"])
def test_a_bad_disk_is_told_and_nothing_is_lost(tmp_path: Path, fault: str) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    alone = ("unshare", "--user", "--map-root-user", "--mount")
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let us make a user namespace")
    ended = python("tests.storing.confined", fault, str(tmp_path), prefix=alone)
    if ended.returncode == confined.REFUSED:
        pytest.skip("this machine does not let us mount in a user namespace")
    assert ended.returncode == 0, ended.stderr
