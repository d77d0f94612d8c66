"""Which hits are sure, by what was measured for the encoder."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searching import fakes
from tests.searching.fakes import Weights, row

from glimpsed.encoding.fallback import FALLBACK_ID
from glimpsed.searching import certainty, hits
from glimpsed.searching.candidates import Candidate
from glimpsed.searching.certainty import UNMEASURED, Evidence, Judge, evidence, judge
from glimpsed.searching.coverage import ask
from glimpsed.searching.search import Search

NOTHING = Evidence("/p/a.jpg", exact=False, covered=0.0, contents=1.0, place=9, cosine=0.2, lead=0.0)
MEASURED = judge(FALLBACK_ID)


def test_thresholds_go_by_the_family_of_the_encoder() -> None:
    assert MEASURED.cosine < 1
    assert judge("bge-m3/5617a9f6/1024") is judge(None) is judge("multilingual-e5-large/x") is UNMEASURED


@pytest.mark.parametrize("one", [MEASURED, UNMEASURED])
def test_words_alone_can_be_sure_with_any_encoder(one: Judge) -> None:
    assert one.is_sure(replace(NOTHING, exact=True))
    assert one.is_sure(replace(NOTHING, covered=1.0))
    assert one.is_sure(replace(NOTHING, covered=one.covered_near, place=1))
    assert not one.is_sure(replace(NOTHING, covered=one.covered_near))
    assert not one.is_sure(replace(NOTHING, covered=1.0, contents=0.0))  # function words
    assert not one.is_sure(NOTHING)


def test_nearness_and_lead_are_believed_where_they_were_measured() -> None:
    near = replace(NOTHING, place=1, cosine=MEASURED.cosine)
    leading = replace(NOTHING, place=1, cosine=MEASURED.lead_cosine, lead=MEASURED.lead)
    for one in (near, leading):
        assert MEASURED.is_sure(one)
        assert not UNMEASURED.is_sure(replace(one, cosine=1.0, lead=1.0))
    assert not MEASURED.is_sure(replace(leading, cosine=MEASURED.lead_cosine - 0.01))


@given(
    st.builds(
        Evidence,
        path=st.just("/p"),
        exact=st.booleans(),
        covered=st.floats(0, 1),
        contents=st.sampled_from([0.0, 1.0, 3.0]),
        place=st.none() | st.integers(1, 200),
        cosine=st.floats(-1, 1),
        lead=st.floats(0, 1),
    ),
    st.floats(0, 1),
)
@settings(deadline=None, max_examples=150)
def test_more_of_anything_never_makes_a_hit_less_sure(one: Evidence, more: float) -> None:
    for which in (MEASURED, UNMEASURED):
        if which.is_sure(one):
            assert which.is_sure(replace(one, covered=min(1.0, one.covered + more)))
            assert which.is_sure(replace(one, cosine=one.cosine + more))
            assert which.is_sure(replace(one, lead=one.lead + more))
            assert which.is_sure(replace(one, exact=True))


def weighed(*found: tuple[str, int | None, float | None, str]) -> list[hits.Weighed]:
    asked = ask("whale", (), {}, 10)
    made = []
    for path, place, cosine, encoder in found:
        one = replace(row(f"/p/{path}.jpg", path), encoder=encoder)
        made.append((Candidate(one.path, place, cosine), one))
    return hits.by_score(asked, made, Weights())


def test_the_lead_is_over_the_next_other_text_of_the_same_encoder() -> None:
    asked = ask("whale", (), {}, 10)
    found = weighed(("a", 1, 0.6, "x"), ("copy", 1, 0.6, "x"), ("other", 2, 0.55, "y"), ("c", 3, 0.5, "x"))
    leads = {one.path: one.lead for one in evidence(asked, found)}
    assert leads == {
        "/p/a.jpg": pytest.approx(0.1),
        "/p/copy.jpg": pytest.approx(0.1),
        "/p/other.jpg": 0.0,
        "/p/c.jpg": 0.0,
    }
    assert [one.lead for one in evidence(asked, weighed(("a", 1, 0.6, "x")))] == [0.0]
    assert [one.cosine for one in evidence(asked, weighed(("a", None, None, "x")))] == [0.0]
    assert [one.lead for one in evidence(asked, weighed(("a", 1, None, "x"), ("b", 2, 0.1, "x")))] == [0.0, 0.0]


async def test_nothing_fits_where_no_hit_is_better_than_maybe_and_nothing_is_left_out() -> None:
    rows = [row("/p/a.jpg", "A quiet lake", vector=[1, 0]), row("/p/b.jpg", "A loud street", vector=[0.9, 0.1])]
    known = {question: fakes.asked([1, 0]) for question in ("giraffe", "lake")}
    search = Search(fakes.MemoryTable(rows), fakes.MemoryEncoders(known), fakes.Settings())
    answer = await search.search("giraffe")
    assert answer.nothing_fits
    assert [hit.certainty for hit in answer.hits] == ["maybe", "maybe"]
    answer = await search.search("lake")
    assert not answer.nothing_fits
    assert [hit.certainty for hit in answer.hits] == ["sure", "maybe"]
    assert not (await search.search("type:jpg")).nothing_fits


def test_every_family_has_thresholds_that_can_be_reached() -> None:
    for measured in certainty._JUDGES.values():
        assert 0 < measured.covered_near <= measured.covered <= 1
        assert 0 < measured.lead < measured.cosine < 1
