"""How far folders are with what scans found."""

from hypothesis import given
from hypothesis import strategies as st

from glimpsed.indexing.catching_up import CatchingUp


class Told:
    def __init__(self, worth: int) -> None:
        self.lines: list[tuple[str, str, int]] = []
        self.one = CatchingUp(
            lambda folder, found: self.lines.append(("begins", folder, found)),
            lambda folder, found: self.lines.append(("ends", folder, found)),
            worth=worth,
        )


def test_counts_by_folder_and_says_so_once() -> None:
    told = Told(worth=3)
    one = told.one
    one.found("/a", 0)
    assert one.of("/a") is None
    one.found("/a", 3)
    one.found("/b", 1)
    assert (one.of("/a"), one.of("/b")) == ((0, 3), (0, 1))
    for path in ("/a/1", "/a/2", "/a/3"):
        one.begun("/a", path)
    one.begun("/b", "/b/1")
    one.done("/a/2")
    one.done("/elsewhere")
    one.done("/a/2")
    assert one.of("/a") == (1, 3)
    one.found("/a", 2)
    one.begun("/a", "/a/3")  # by the second scan, too
    one.begun("/a", "/a/4")
    assert one.of("/a") == (2, 5)
    for path in ("/a/1", "/a/3", "/b/1", "/a/4"):
        one.done(path)
    assert one.of("/a") is None
    assert told.lines == [("begins", "/a", 3), ("ends", "/a", 5)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.integers(0, 5), max_size=6)), max_size=8))
def test_all_that_begins_ends(scans: list[tuple[str, list[int]]]) -> None:
    told = Told(worth=2)
    for folder, numbers in scans:
        told.one.found(folder, len(numbers))
        for number in numbers:
            told.one.begun(folder, f"{folder}{number}")
            found = told.one.of(folder)
            assert found is not None
            assert 0 <= found[0] < found[1]
    for folder in "ab":
        for number in range(6):
            told.one.done(f"{folder}{number}")
        assert told.one.of(folder) is None
    assert [one for one, *_ in told.lines].count("begins") == [one for one, *_ in told.lines].count("ends")
