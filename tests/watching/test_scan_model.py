"""Scans of a real directory that changes at random, against the slow and simple way of comparing."""

import os
import shutil
import tempfile
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed import files
from glimpsed.records import Known
from glimpsed.watching.ignore import Ignore
from glimpsed.watching.scan import Difference, scan

DIRECTORIES = ("", "one", "one/deep", "x.jpg", ".hidden", "b\udce9")
NAMES = ("a.jpg", "a.xmp", "a.jpg.txt", "b.PNG", "b.txt", "B.XMP", "x.jpg", "n.pdf", ".h.jpg", "\udcff.gif")

directory = st.sampled_from(DIRECTORIES)
file = st.builds(os.path.join, directory, st.sampled_from(NAMES))
place = directory.filter(bool) | file
move = st.one_of(
    st.tuples(st.just("write"), file, st.sampled_from("xyz")),
    st.tuples(st.just("write"), st.sampled_from(("a.jpg", "b.PNG", "a.xmp", "one/a.jpg")), st.sampled_from("xyz")),
    st.tuples(st.just("remove"), place, st.none()),
    st.tuples(st.just("make"), directory, st.none()),
    st.tuples(st.just("rename"), place, place),
)
Move = tuple[str, str, str | None]


def make(folder: str, move: Move) -> None:
    """Do it where it is possible."""
    what, path, argument = move[0], os.path.join(folder, move[1]), move[2]
    try:
        if what == "write":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as handle:
                handle.write(argument or "")
        elif what == "remove":
            (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)
        elif what == "make":
            os.makedirs(path, exist_ok=True)
        elif argument is not None:
            os.makedirs(os.path.dirname(os.path.join(folder, argument)), exist_ok=True)
            os.rename(path, os.path.join(folder, argument))
    except OSError:
        pass


def pictures_of(folder: str) -> dict[str, Known]:
    """Every picture that is there, by the plainest of means."""
    found = {}
    for where, directories, names in os.walk(folder):
        directories[:] = [name for name in directories if not name.startswith(".")]
        for name in names:
            path = os.path.join(where, name)
            stamp = files.look(path)
            if files.is_picture(name) and not name.startswith(".") and stamp is not None:
                found[path] = Known(stamp, files.beside(path), missing=False)
    return found


def expected(known: dict[str, Known], there: dict[str, Known], inside: Callable[[str], bool]) -> set[Difference]:
    new = {Difference(path, there[path].stamp.mtime_ns / 1e9) for path in there if known.get(path) != there[path]}
    gone = {Difference(path, None) for path in known if path not in there and not known[path].missing}
    return {difference for difference in new | gone if inside(difference.path)}


def rounded(differences: "set[Difference] | list[Difference]") -> set[tuple[str, float | None]]:
    return {(path, mtime and round(mtime, 3)) for path, mtime in differences}


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.lists(move, min_size=3, max_size=25), st.none() | place, st.booleans()), min_size=2, max_size=5
    ),
    st.booleans(),
)
def test_equals_the_plain_comparison(rounds: list[tuple[list[Move], str | None, bool]], follow_symlinks: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        known: dict[str, Known] = {}
        ignore = Ignore(folder, (), follow_symlinks=follow_symlinks)
        device = os.stat(folder).st_dev
        for moves, part, forget in rounds:
            for move in moves:
                make(folder, move)
            there = pictures_of(folder)
            under = None if part is None else os.path.join(folder, part)
            found = scan(folder, ignore, known, under=under, device=device, stop=lambda: False)
            assert found.offline is None
            start = under or folder
            if under is not None and files.is_sidecar(under) and not os.path.isdir(under):
                owners = files.owners(under)
                wanted = expected(known, there, owners.__contains__)
                assert rounded(found.hints) == rounded({found for found in wanted if found.mtime is not None})
            else:
                within = {path for path in (*known, *there) if files.inside(path, start)}
                assert rounded(found.hints) == rounded(expected(known, there, within.__contains__))
            times = [difference.mtime for difference in found.hints]
            told = [time for time in times if time is not None]
            assert told == sorted(told, reverse=True)
            assert None not in times[: len(told)]
            assert len(set(found.hints)) == len(found.hints)
            if under is None:
                assert found.pictures == len(there)
            # The daemon looks at each hint, and then knows what is there.
            for path, mtime in found.hints:
                if path in there:
                    known[path] = there[path]
                elif mtime is None:
                    if forget:
                        del known[path]
                    else:
                        known[path] = known[path]._replace(missing=True)
        assert rounded(scan(folder, ignore, known, device=device, stop=lambda: False).hints) == rounded(
            expected(known, pictures_of(folder), lambda _: True)
        )
