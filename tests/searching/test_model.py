"""A stronger encoder's own score, and its order where ColBERT has seen only some."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searching import fakes
from tests.searching.fakes import STRONG, MemoryEncoders, MemoryTable, Weights, asked, row

from glimpsed.records import Encoding, Row, Sparse
from glimpsed.searching import model
from glimpsed.searching.search import COMPARED, Search

WEIGHTS = Weights()


def sparse(**weights: float) -> Sparse:
    tokens = sorted(int(name[1:]) for name in weights)
    return Sparse(np.asarray(tokens, np.int32), np.asarray([weights[f"t{t}"] for t in tokens], np.float32))


def a_row(name: str, words: Sparse | None = None) -> Row:
    return replace(row(f"/p/{name}"), text_id=name, sparse=words)


def names(ordered: list[model.Scored]) -> str:
    return "".join(one.text_id for one in ordered)


def test_the_score_is_the_models_own_recipe() -> None:
    rows = {"/p/a": a_row("a", sparse(t1=0.5, t2=0.2))}
    ordered = model.in_order(rows, {"/p/a": 0.8}, sparse(t1=0.4, t3=0.9), WEIGHTS)
    assert ordered[0].sparse == pytest.approx(0.2)
    assert ordered[0].score == pytest.approx((0.4 * 0.8 + 0.2 * 0.2) / 0.6)
    [full] = model.with_colbert(ordered, {"a": 0.7}, WEIGHTS)
    assert full.score == pytest.approx(0.4 * 0.8 + 0.2 * 0.2 + 0.4 * 0.7)
    [alone] = model.in_order({"/p/a": a_row("a")}, {"/p/a": 0.8}, None, WEIGHTS)
    assert alone.score == pytest.approx(0.8)


def test_a_row_beyond_the_nearest_counts_as_the_last_of_them() -> None:
    rows = {"/p/a": a_row("a"), "/p/b": a_row("b", sparse(t1=1)), "/p/c": a_row("c"), "/p/d": a_row("d", sparse(t2=1))}
    ordered = model.in_order(rows, {"/p/a": 0.9, "/p/c": 0.3}, sparse(t1=0.9), WEIGHTS)
    assert names(ordered) == "abc"  # of `d` nothing is known
    assert ordered[1].dense is None
    assert ordered[1].score == pytest.approx((0.4 * 0.3 + 0.2 * 0.9) / 0.6)


def test_those_that_colbert_has_seen_are_dealt_out_the_places_they_held() -> None:
    rows = {f"/p/{name}": a_row(name) for name in "abcde"}
    near = dict(zip(rows, (0.9, 0.8, 0.7, 0.6, 0.5), strict=True))
    ordered = model.in_order(rows, near, None, WEIGHTS)
    again = model.with_colbert(ordered, {"a": 0.1, "c": 0.9, "d": 0.8}, WEIGHTS)
    assert names(again) == "cbdae"
    assert [one.colbert for one in again] == [0.9, None, 0.8, 0.1, None]
    assert model.with_colbert(ordered, {}, WEIGHTS) == ordered


def test_copies_of_a_text_share_a_place() -> None:
    rows = {f"/p/{name}": replace(a_row(name), text_id="same" if name in "ab" else name) for name in "abc"}
    ordered = model.in_order(rows, {"/p/a": 0.9, "/p/b": 0.9, "/p/c": 0.1}, None, WEIGHTS)
    assert [place for place, _ in model.placed(ordered).values()] == [1, 1, 2]
    again = model.with_colbert(ordered, {"same": 0.5}, WEIGHTS)
    assert [place for place, _ in model.placed(again).values()] == [1, 1, 2]


SPARSES = st.dictionaries(st.integers(0, 30), st.floats(0.01, 1), max_size=8).map(
    lambda weights: sparse(**{f"t{token}": weight for token, weight in weights.items()})
)


@given(SPARSES, SPARSES)
@settings(deadline=None, max_examples=100)
def test_the_sparse_product_is_that_of_the_tokens_both_have(one: Sparse, other: Sparse) -> None:
    ours = dict(zip(one.tokens.tolist(), one.weights.tolist(), strict=True))
    theirs = dict(zip(other.tokens.tolist(), other.weights.tolist(), strict=True))
    expected = sum(weight * theirs.get(token, 0.0) for token, weight in ours.items())
    assert model.product(one, other) == pytest.approx(expected, abs=1e-6)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.dictionaries(st.integers(0, 19), st.floats(0, 1)),
    st.integers(0, 19),
    st.floats(0, 1),
)
@settings(deadline=None, max_examples=150)
def test_a_greater_colbert_score_never_costs_a_place_and_moves_nobody_that_was_not_seen(
    near: list[float], colbert: dict[int, float], which: int, more: float
) -> None:
    rows = {f"/p/{i:02}": replace(a_row(f"{i:02}")) for i in range(len(near))}
    ordered = model.in_order(rows, dict(zip(rows, near, strict=True)), None, WEIGHTS)
    seen = {f"{i:02}": score for i, score in colbert.items()}
    before = model.with_colbert(ordered, seen, WEIGHTS)
    assert sorted(names([one]) for one in before) == sorted(names([one]) for one in ordered)
    assert all(a == b for a, b in zip(before, ordered, strict=True) if b.text_id not in seen)
    name = f"{which:02}"
    if name in seen and f"/p/{name}" in rows:
        after = model.with_colbert(ordered, seen | {name: seen[name] + more}, WEIGHTS)
        place = [one.text_id for one in before].index(name)
        assert [one.text_id for one in after].index(name) <= place


def a_search(scores: dict[str, float], **settings: str | int) -> tuple[Search, MemoryEncoders]:
    rows = [
        replace(row(f"/p/{name}.jpg", f"thing {name}", vector=[1, i / 9, 0], strong=[1, i / 3]), text_id=name)
        for i, name in enumerate("abcd")
    ]
    question = fakes.Asked(asked([1, 0, 0]).fallback, Encoding(fakes.unit([1, 0])))
    encoders = MemoryEncoders({"which": question}, STRONG, scores=scores)
    made = fakes.Settings(**settings)  # type: ignore[arg-type]  # only colbert is given
    encoded = lambda row: (row.text,)  # noqa: E731
    return Search(MemoryTable(rows), encoders, made, encoded=encoded), encoders


async def test_colbert_orders_the_best_candidates() -> None:
    search, encoders = a_search({"a": 0.1, "b": 0.2, "c": 0.9})
    answer = await search.search("which")
    assert [hit.path for hit in answer.hits] == ["/p/c.jpg", "/p/b.jpg", "/p/a.jpg", "/p/d.jpg"]
    assert [hit.signals.get("colbert") for hit in answer.hits] == [0.9, 0.2, 0.1, None]
    assert encoders.compared == [(["a", "b", "c", "d"], None)]


@pytest.mark.parametrize(("limit", "compared", "first"), [("off", [], "a"), (2, [(["a", "b"], 2)], "b")])
async def test_how_many_are_compared_is_set(limit: str | int, compared: list[object], first: str) -> None:
    search, encoders = a_search({"a": 0.1, "b": 0.2, "c": 0.9}, colbert=limit)
    answer = await search.search("which")
    assert encoders.compared == compared
    assert answer.hits[0].path == f"/p/{first}.jpg"


async def test_without_a_stronger_encoder_nothing_is_compared() -> None:
    rows = [row("/p/a.jpg", "thing", vector=[1, 0, 0])]
    encoders = MemoryEncoders({"which": asked([1, 0, 0])})
    await Search(MemoryTable(rows), encoders, fakes.Settings()).search("which")
    assert encoders.compared == []


async def test_copies_are_compared_once_and_not_more_than_can_be() -> None:
    rows = [
        replace(row(f"/p/{i}.jpg", "thing", vector=[1, 0, 0], strong=[1, i / 500]), text_id=f"{i // 2}")
        for i in range(2 * COMPARED + 20)
    ]
    question = fakes.Asked(asked([1, 0, 0]).fallback, Encoding(fakes.unit([1, 0])))
    encoders = MemoryEncoders({"which": question}, STRONG)
    await Search(MemoryTable(rows), encoders, fakes.Settings()).search("which", 1000)
    assert all(len(set(ids)) == len(ids) <= COMPARED for ids, _ in encoders.compared)
