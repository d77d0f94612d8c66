"""inotify: with limits that are really low, and watches that are really there."""

import json
import os
import sys
from pathlib import Path

from tests.watching.confined import confined

from glimpsed.doctor import watches
from glimpsed.doctor.findings import worst
from glimpsed.doctor.watches import Asked
from glimpsed.watching.directories import SHARE
from glimpsed.watching.ignore import Ignore
from glimpsed.watching.observer import Observer

FEW = """
import json, sys
from dataclasses import asdict
from glimpsed.doctor import watches
print(json.dumps([asdict(one) for one in watches.needed(watches.Asked((sys.argv[1],), (), False))]))
"""


def tree(folder: Path, count: int) -> Path:
    for number in range(count):
        (folder / f"d{number}").mkdir(parents=True)
    return folder


def test_enough_watches(tmp_path: Path) -> None:
    asked = Asked((str(tree(tmp_path / "p", 9)), str(tmp_path / "gone")), ("d1",), follow_symlinks=False)
    assert Asked.parsed(asked.encoded()) == asked
    (said,) = watches.needed(asked)
    assert (said.level, said.what.partition(" ")[0]) == ("ok", "9")


def test_too_few_watches_name_a_limit_that_would_do(tmp_path: Path) -> None:
    (said,) = json.loads(confined(FEW, str(tree(tmp_path / "p", 30)), watches=40))
    assert said["level"] == "warning"
    assert said["what"].startswith("31 watches are needed; this user may have 40, of which glimpsed takes at most 20")
    assert said["mend"].endswith("sudo sysctl -w fs.inotify.max_user_watches=524288")


def test_the_limit_to_set_has_room_for_others() -> None:
    for needed in (1, 262_144, 262_145, 3_000_000):
        to = watches._enough(needed)
        assert needed / SHARE <= to
        assert to & (to - 1) == 0


def test_watches_and_instances_in_use_are_counted(tmp_path: Path) -> None:
    tree(tmp_path, 5)
    observer = Observer(lambda path: None, lambda folder, reason: None)
    try:
        assert observer.watch(str(tmp_path), Ignore(str(tmp_path), (), follow_symlinks=False)) is None
        after, instances = watches.used(os.geteuid())
        besides, _ = watches.used(os.geteuid(), besides=Path(sys.executable).name)
    finally:
        observer.stop()
    assert after >= 6
    assert instances >= 1
    assert besides <= after - 6


def test_few_instances_left(tmp_path: Path) -> None:
    limit = tmp_path / "limit"
    limit.write_text(str(watches.used(os.geteuid())[1] + 1))
    (said,) = watches.instances([str(limit), str(tmp_path / "gone")])
    assert said.level == "warning"
    assert said.mend is not None
    assert "max_user_instances=1024" in said.mend
    limit.write_text("1000000")
    assert worst(watches.instances([str(limit)])) == "ok"


def test_the_share_that_is_configured_counts(tmp_path: Path) -> None:
    asked = Asked((str(tree(tmp_path / "p", 9)),), (), follow_symlinks=False, share=1e-9)
    assert Asked.parsed(asked.encoded()) == asked
    (said,) = watches.needed(asked)
    assert said.level == "warning"
    assert "takes at most 0" in said.what
