"""Whatever happens in a watched folder is hinted at: random changes, and the disk compared before and after."""

import tempfile
from pathlib import Path

from anyio import run
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.watching.listening import Ear
from tests.watching.test_scan_model import Move, make, move, pictures_of

from glimpsed.watching.ignore import Ignore
from glimpsed.watching.observer import Observer


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(move, min_size=1, max_size=10), min_size=1, max_size=4), st.booleans())
def test_no_change_goes_unheard(rounds: list[list[Move]], follow_symlinks: bool) -> None:
    run(_play, rounds, follow_symlinks)


async def _play(rounds: list[list[Move]], follow_symlinks: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ear = Ear()
        ignore = Ignore(folder, (), follow_symlinks=follow_symlinks)
        with Observer(ear.hint, ear.lost) as observer:
            assert observer.watch(folder, ignore) is None
            before = pictures_of(folder)
            for moves in rounds:
                for one in moves:
                    make(folder, one)
                after = pictures_of(folder)
                ear.hints = await ear.after(Path(folder))
                changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
                for path in changed:
                    assert ear.told(path)(), (path, ear.hints)
                ear.hints = []
                before = after
            assert ear.losses == []
            assert observer.watch(folder, ignore) is None
