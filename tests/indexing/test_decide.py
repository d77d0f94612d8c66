"""What a settled path needs."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from glimpsed.indexing.decide import Back, Gone, Moved, Nothing, Read, Refused, Rehash, Seen, Work, decide, identity
from glimpsed.records import Fault, FaultKind, Row, Stamp

STAMP = Stamp(mtime_ns=10, ctime_ns=11, size=12, inode=13)
NOW = 1000.0


def a_row(path: str = "/p/a.png", stamp: Stamp = STAMP, **more: object) -> Row:
    row = Row(
        path,
        "/p",
        content_id="c1",
        mtime_ns=stamp.mtime_ns,
        ctime_ns=stamp.ctime_ns,
        size=stamp.size,
        inode=stamp.inode,
        reader="r1",
    )
    return replace(row, **more)  # type: ignore[arg-type]  # the tests' own shorthand


def work(seen: Seen, row: Row | None, *, twin: Row | None = None, known: frozenset[str] = frozenset()) -> Work:
    twins = {identity(twin.stamp): twin} if twin else {}
    return decide(seen, row, folder="/p", twins=twins, by_size={STAMP.size: known}, reader="r1", now=NOW)


def test_a_row_that_is_true_needs_nothing() -> None:
    assert work(Seen("/p/a.png", STAMP), a_row()) == Nothing()


def test_a_new_path_is_read_and_told_what_is_known_of_its_size() -> None:
    assert work(Seen("/p/a.png", STAMP), None, known=frozenset({"c9"})) == Read(frozenset({"c9"}), "new")


def test_a_vanished_file_is_gone_once() -> None:
    assert work(Seen("/p/a.png", None), a_row()) == Gone()
    assert work(Seen("/p/a.png", None), a_row(missing_since=1.0)) == Nothing()
    assert work(Seen("/p/a.png", None), None) == Nothing()


def test_a_file_that_cannot_be_seen_is_not_gone() -> None:
    fault = Fault(FaultKind.UNREADABLE, "Input/output error")
    assert work(Seen("/p/a.png", None, refused=fault), a_row()) == Refused(fault)


def test_the_same_file_under_a_new_name_is_moved() -> None:
    assert work(Seen("/p/b.png", STAMP), None, twin=a_row()) == Moved(a_row())
    later = STAMP._replace(ctime_ns=99)
    assert work(Seen("/p/b.png", later), None, twin=a_row()) == Moved(a_row())


def test_a_moved_file_whose_sidecars_stay_behind_is_read() -> None:
    """What they told is in its row, and no longer true."""
    assert work(Seen("/p/b.png", STAMP), None, twin=a_row(beside="x")) == Read(frozenset(), "moved")
    assert work(Seen("/p/b.png", STAMP, beside="y"), None, twin=a_row(beside="x")) == Read(frozenset(), "moved")


def test_a_moved_file_with_sidecars_has_only_those_read() -> None:
    assert work(Seen("/p/b.png", STAMP, beside="x"), None, twin=a_row()) == Read(frozenset({"c1"}), "moved")


def test_a_twin_that_was_never_read_whole_is_no_twin() -> None:
    for twin in (a_row(error="broken"), a_row(reader="r0"), a_row(content_id="")):
        assert isinstance(work(Seen("/p/b.png", STAMP), None, twin=twin), Read)


def test_a_missing_file_that_is_there_again_unchanged_is_back() -> None:
    assert work(Seen("/p/a.png", STAMP), a_row(missing_since=1.0)) == Back()


def test_a_change_of_ctime_alone_rehashes() -> None:
    assert work(Seen("/p/a.png", STAMP._replace(ctime_ns=99)), a_row()) == Rehash(a_row())


def test_a_change_of_anything_else_reads() -> None:
    for stamp in (STAMP._replace(mtime_ns=99), STAMP._replace(inode=99)):
        assert work(Seen("/p/a.png", stamp), a_row(), known=frozenset({"c9"})) == Read(frozenset({"c9"}), "changed")
    assert work(Seen("/p/a.png", STAMP._replace(size=99)), a_row()) == Read(frozenset(), "changed")


def test_a_changed_sidecar_reads_its_picture() -> None:
    assert work(Seen("/p/a.png", STAMP, beside="x"), a_row()) == Read(frozenset(), "sidecar")


def test_a_new_reader_and_a_due_retry_read_again() -> None:
    assert work(Seen("/p/a.png", STAMP), a_row(reader="r0")) == Read(frozenset(), "new reader")
    assert work(Seen("/p/a.png", STAMP), a_row(error="no", retry_at=NOW)) == Read(frozenset(), "tried again")
    assert work(Seen("/p/a.png", STAMP), a_row(error="no", retry_at=NOW + 1)) == Nothing()


def test_a_raw_file_that_could_not_be_developed_is_read_again_only_once_it_can_be() -> None:
    seen, row = Seen("/p/a.nef", STAMP), a_row(reader="r1+undeveloped")
    asked: dict[str, Any] = {"folder": "/p", "twins": {}, "by_size": {}, "reader": "r1", "now": NOW}
    assert decide(seen, row, **asked, reader_partly="r1+undeveloped") == Nothing()
    assert decide(seen, row, **asked) == Read(frozenset(), "new reader")
    assert decide(seen, a_row(reader=None), **asked) == Read(frozenset(), "new reader")


def test_of_a_picture_whose_sidecar_was_refused_any_hint_tells_that_it_may_be_read_now() -> None:
    refused = a_row(retry_at=NOW + 1)
    for stamp in (STAMP, STAMP._replace(ctime_ns=99)):  # the rights of both may be others
        assert work(Seen("/p/a.png", stamp), refused) == Read(frozenset(), "sidecar")
    assert work(Seen("/p/a.png", STAMP), replace(refused, missing_since=1.0)) == Back()
    assert work(Seen("/p/a.png", STAMP._replace(mtime_ns=99)), refused) == Read(frozenset(), "changed")


def test_a_broken_picture_is_read_again_only_when_it_changes() -> None:
    broken = a_row(error="broken", attempts=1)
    assert work(Seen("/p/a.png", STAMP), broken) == Nothing()
    assert isinstance(work(Seen("/p/a.png", STAMP._replace(mtime_ns=99)), broken), Read)


def test_a_folder_configured_anew_takes_its_rows() -> None:
    row = a_row(folder="/")
    assert work(Seen("/p/a.png", STAMP), row) == Moved(row)
    for less in (
        replace(row, error="broken"),
        replace(row, content_id="", error="Permission denied", retry_at=NOW + 9),
    ):
        assert work(Seen("/p/a.png", STAMP), less) == Read(frozenset(), "moved")
    assert isinstance(work(Seen("/p/a.png", STAMP._replace(ctime_ns=99)), row), Read)


stamps = st.builds(Stamp, *[st.integers(0, 3)] * 4)


@given(
    stamp=st.none() | stamps,
    row=st.none() | stamps.map(lambda stamp: a_row(stamp=stamp)),
    missing=st.booleans(),
    beside=st.sampled_from(["", "x"]),
)
def test_nothing_is_decided_only_where_the_row_equals_the_disk(
    stamp: Stamp | None, row: Row | None, missing: bool, beside: str
) -> None:
    if row is not None and missing:
        row = replace(row, missing_since=1.0)
    decided = work(Seen("/p/a.png", stamp, beside if stamp else ""), row)
    if decided == Nothing():
        if stamp is None:
            assert row is None or row.missing_since is not None
        else:
            assert row is not None
            assert (row.stamp, row.beside, row.missing_since) == (stamp, beside, None)
