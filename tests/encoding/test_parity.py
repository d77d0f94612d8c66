"""BGE-M3's three kinds of vectors and their scores against FlagEmbedding's own, in float32, on a small checkpoint."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.encoding.checkpoint import DIMENSION, stretched
from tests.encoding.test_bge_m3 import ODD, SCRIPTS, flag_embedding, weights_of

from glimpsed.encoding import weights
from glimpsed.encoding.bge_m3 import BgeM3
from glimpsed.encoding.encoder import Text
from glimpsed.encoding.scoring import Many, colbert_score, vectors_of
from glimpsed.records import Encoding

CLOSE = 1e-4
LONG = {
    "two thousand tokens": "the ramen shop near the station in Kyoto where we had lunch " * 165,
    "two thousand Chinese": "上海虹桥到北京南的高铁车票二等座当日当次有效" * 90,
}
STRINGS = [*SCRIPTS.values(), *ODD.values(), *LONG.values()]
TEXTS: list[Text] = [(string,) for string in STRINGS]
MODES = [0.4, 0.2, 0.4]
QUESTIONS = ["ramen receipt", "高铁车票", "Билет на поезд", "cat", "", "🎉 party", "قطار", "KeyError: 'name'"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights.find(str(stretched(tmp_path_factory.mktemp("models") / "m3")))


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Iterator[BgeM3]:
    one = BgeM3(folder, "cpu", 8192, 4096, exact=True)
    yield one
    one.close()


@pytest.fixture(scope="module")
def reference(folder: Path) -> Iterator[Any]:
    with flag_embedding(folder) as model:
        yield model


@pytest.fixture(scope="module")
def ours(encoder: BgeM3) -> list[Encoding]:
    return encoder.encode_all(TEXTS, query=False)


def score(one: Encoding, other: Encoding) -> dict[str, float]:
    """The three scores, and their sum by the recipe."""
    here, there = weights_of(one), weights_of(other)
    each = {
        "dense": float(one.dense @ other.dense),
        "sparse": sum(weight * there.get(token, 0.0) for token, weight in here.items()),
        "colbert": colbert_score(vectors_of(one), vectors_of(other)),
    }
    return {**each, "colbert+sparse+dense": float(np.dot(MODES, list(each.values())))}


def test_each_vector_equals_flag_embeddings(encoder: BgeM3, reference: Any, ours: list[Encoding]) -> None:
    """Ten scripts, empty, one token, repeats, emoji, 2,000 tokens: in one call of mixed lengths."""
    assert max(len(vectors_of(one)) for one in ours) > 1900
    assert len(SCRIPTS) >= 10
    text_of = dict(zip(STRINGS, ours, strict=True))
    kinds = {"return_dense": True, "return_sparse": True, "return_colbert_vecs": True}
    for strings in ([*SCRIPTS.values(), *ODD.values()], *([string] for string in LONG.values())):
        expected = reference.encode(strings, max_length=2304, **kinds)
        for place, string in enumerate(strings):
            one = text_of[string]
            np.testing.assert_allclose(one.dense, expected["dense_vecs"][place], atol=CLOSE)
            theirs = {int(token): float(weight) for token, weight in expected["lexical_weights"][place].items()}
            assert weights_of(one) == pytest.approx(theirs, abs=CLOSE)
            many = vectors_of(one)
            assert many.dtype == np.float32
            assert many.shape == expected["colbert_vecs"][place].shape
            np.testing.assert_allclose(many, expected["colbert_vecs"][place], atol=CLOSE)
            assert one.cut == 0


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_each_score_and_their_sum_equal_flag_embeddings(
    encoder: BgeM3, reference: Any, ours: list[Encoding], together: bool
) -> None:
    strings = [*SCRIPTS.values(), *ODD.values()] if together else STRINGS
    asked = dict(zip(QUESTIONS, encoder.encode_all([(q,) for q in QUESTIONS], query=True), strict=True))
    pairs = [(QUESTIONS[place % len(QUESTIONS)], string) for place, string in enumerate(strings)]
    pairs += [(string, string) for string in list(ODD.values())[:4]]
    lengths = {"max_query_length": 2304, "max_passage_length": 2304, "weights_for_different_modes": MODES}
    if together:
        expected = reference.compute_score(pairs, **lengths)
    else:
        alone = [reference.compute_score([pair], **lengths) for pair in pairs]
        expected = {name: [one[name][0] for one in alone] for name in alone[0]}
    text_of = dict(zip(STRINGS, ours, strict=True))
    for place, (question, string) in enumerate(pairs):
        found = score(asked.get(question) or text_of[question], text_of[string])
        for name, value in found.items():
            assert value == pytest.approx(expected[name][place], abs=CLOSE), (name, question, string[:40])
    assert any(abs(value) > 0.01 for value in expected["sparse"]), "heads whose weights are all zero compare nothing"


def test_the_score_of_vectors_equals_flag_embeddings_own(reference: Any, ours: list[Encoding]) -> None:
    for one in ours[:6]:
        for other in ours:
            theirs = float(reference.colbert_score(vectors_of(one), vectors_of(other)))
            assert colbert_score(vectors_of(one), vectors_of(other)) == pytest.approx(theirs, abs=1e-5)


def test_no_vector_depends_on_its_company(encoder: BgeM3, ours: list[Encoding]) -> None:
    short = TEXTS[: -len(LONG)]
    for company in ([[text] for text in short], [short[::-1]], [short[::3] * 2, short[1::3], [*short[:2], TEXTS[-1]]]):
        for texts in company:
            for text, other in zip(texts, encoder.encode_all(texts, query=True), strict=True):
                one = ours[TEXTS.index(text)]
                np.testing.assert_allclose(one.dense, other.dense, atol=CLOSE)
                assert weights_of(one) == pytest.approx(weights_of(other), abs=CLOSE)
                np.testing.assert_allclose(vectors_of(one), vectors_of(other), atol=CLOSE)


def test_without_colbert_the_rest_is_the_same(encoder: BgeM3, ours: list[Encoding]) -> None:
    for one, other in zip(ours, encoder.encode(TEXTS[: -len(LONG)], query=False), strict=False):
        assert other.colbert is None
        np.testing.assert_allclose(one.dense, other.dense, atol=CLOSE)
        assert weights_of(one) == pytest.approx(weights_of(other), abs=CLOSE)


def test_as_they_are_kept_the_scores_are_nearly_the_same(ours: list[Encoding]) -> None:
    """float16 halves what a text costs in the cache."""

    def kept(one: Encoding) -> Many:
        return vectors_of(one).astype(np.float16)

    for one in ours[:8]:
        for other in ours:
            exact = colbert_score(vectors_of(one), vectors_of(other))
            assert colbert_score(kept(one), kept(other)) == pytest.approx(exact, abs=1e-3)


def test_vectors_are_of_unit_length_and_do_not_hold_their_batch(ours: list[Encoding]) -> None:
    for one in ours:
        many = vectors_of(one)
        assert many.shape[1] == DIMENSION
        np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1, atol=1e-5)
        assert many.base is None, "a text in the cache would keep all of its batch in memory"
