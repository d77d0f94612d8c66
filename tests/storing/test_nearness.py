"""Vectors held in full and in little: which are nearest."""

import numpy as np
import pytest
from numpy.typing import NDArray

from glimpsed.storing.nearness import Coarse, Exact, Held
from glimpsed.storing.schema import DIMENSION


def like_texts(count: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors as texts have them: much is shared by all, some by those of one subject."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal(DIMENSION)
    shared *= 0.87 / np.linalg.norm(shared)
    subjects = rng.standard_normal((200, DIMENSION)) * (0.35 / np.sqrt(DIMENSION))
    own = rng.standard_normal((count, DIMENSION)) * (0.35 / np.sqrt(DIMENSION))
    made: NDArray[np.float32] = (shared + subjects[rng.integers(0, len(subjects), count)] + own).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def filled(held: Held, vectors: NDArray[np.float32], room: int) -> Held:
    held = held.of(np.empty(0, np.intp), room)
    for start in range(0, len(vectors), 1_000):
        held.put(start, vectors[start : start + 1_000])
    return held


@pytest.mark.parametrize("kind", [Exact, Coarse])
def test_what_is_gone_is_not_found_and_the_rest_keeps_its_distance(kind: type[Held]) -> None:
    vectors = like_texts(3_000, 1)
    held = filled(kind(), vectors, 4_000)
    assert held.room == 4_000
    assert held.bytes >= 3_000 * DIMENSION
    there = np.arange(3_000) % 3 != 0
    best, distances = held.nearest(vectors[4], there, 10)
    assert there[best].all()
    assert best[np.argmin(distances)] == 4
    assert distances == pytest.approx(1 - vectors[best] @ vectors[4], abs=0.003)
    few = held.of(np.flatnonzero(there), 2_500)
    best, distances = few.nearest(vectors[4], np.ones(2_000, np.bool_), 10)
    assert np.flatnonzero(there)[best[np.argmin(distances)]] == 4
    none, nothing = held.nearest(vectors[4], np.zeros(3_000, np.bool_), 10)
    assert len(none) == len(nothing) == 0


def test_little_of_each_finds_nearly_all() -> None:
    vectors, questions = np.split(like_texts(30_040, 2), [30_000])
    held = filled(Coarse(), vectors, 30_000)
    assert held.bytes == 30_000 * (DIMENSION + DIMENSION // 8 + 4)
    shared, there = vectors.mean(axis=0), np.ones(30_000, np.bool_)
    recall = []
    for question in questions:
        sought = (question - shared) / np.linalg.norm(question - shared)
        best, distances = held.nearest(sought, there, 72)
        nearest = set(np.argsort(-(vectors @ sought))[:72].tolist())
        recall.append(len(nearest & set(best[np.argsort(distances)[:72]].tolist())) / 72)
    assert np.mean(recall) > 0.9
