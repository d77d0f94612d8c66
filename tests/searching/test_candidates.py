"""Lists of neighbours and matches become one list of candidates."""

from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.searching.candidates import Candidate, merge_dense, places, union
from glimpsed.searching.model import Scored


def test_equal_scores_share_a_place() -> None:
    assert places([("a", 0.9), ("b", 0.9), ("c", 0.8999999), ("d", 0.7)]) == {"a": 1, "b": 1, "c": 1, "d": 2}
    assert places([("a", 0.9), ("a", 0.5)]) == {"a": 1}
    assert places([]) == {}


def test_without_the_chosen_encoder_the_fallback_orders_all() -> None:
    assert merge_dense([("a", 0.9), ("b", 0.8)], {}, {"a"}) == {"a": (1, 0.9), "b": (2, 0.8)}


def test_the_chosen_encoder_deals_out_its_rows_places_anew() -> None:
    fallback = [("a", 0.9), ("old", 0.85), ("b", 0.8), ("c", 0.7)]
    strong = {"c": (1, 0.5), "a": (2, 0.4), "b": (3, None)}
    assert merge_dense(fallback, strong, {"a", "b", "c"}) == {
        "old": (2, 0.85),
        "c": (1, 0.5),
        "a": (3, 0.4),
        "b": (4, None),
    }


def test_to_be_refreshed_first_is_no_advantage() -> None:
    fallback = [(str(i), 1 - i / 100) for i in range(50)]
    merged = merge_dense(fallback, {"far": (1, 0.4), "40": (2, 0.3)}, {"40", "far"})
    assert merged["0"][0] == 1
    assert merged["far"] == (41, 0.4)
    assert merged["40"] == (51, 0.3)  # places that the fallback gave are used up


def test_rows_of_another_chosen_encoder_do_not_count() -> None:
    assert merge_dense([("a", 0.9)], {"a": (1, 0.2), "b": (2, 0.3)}, set()) == {"a": (1, 0.9)}


def test_the_union_has_each_row_once_and_its_place_in_each_list() -> None:
    dense = {"a": (2, 0.8), "b": (1, 0.9)}
    scored = [Scored("a", "", 0.8, 0.3, 0.6), Scored("c", "", None, 0.1)]
    assert union(dense, [("c", 7.0), ("a", 3.0)], scored) == [
        Candidate("b", 1, 0.9),
        Candidate("a", 2, 0.8, text_place=2, sparse=0.3, colbert=0.6),
        Candidate("c", text_place=1, sparse=0.1),
    ]


FOUND = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(-1, 1)), unique_by=lambda one: one[0]).map(
    lambda found: sorted(found, key=lambda one: -one[1])
)


@given(FOUND, FOUND, st.sets(st.sampled_from("abcdefgh")))
@settings(deadline=None, max_examples=150)
def test_merging_keeps_each_encoders_order_of_its_rows(
    fallback: list[tuple[str, float]], strong: list[tuple[str, float]], carriers: set[str]
) -> None:
    placed: dict[str, tuple[int, float | None]]
    placed = {path: (place, score) for place, (path, score) in enumerate(strong, start=1)}
    merged = merge_dense(fallback, placed, carriers)
    theirs = [path for path, _ in strong if path in carriers]
    others = [path for path, _ in fallback if path not in carriers or not strong]
    for order in (theirs, others):
        held = [merged[path][0] for path in order]
        assert held == sorted(held)
    assert set(merged) == set(theirs) | set(others)
    assert all(place >= 1 for place, _ in merged.values())
