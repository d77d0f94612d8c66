"""What every encoder promises, asked of the fallback, of BGE-M3 on a small checkpoint, and of the tests' fake."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.encoding.fakes import FakeEncoder

from glimpsed.encoding.encoder import ColbertEncoder, Encoder, Text
from glimpsed.encoding.fallback import Fallback
from glimpsed.encoding.messages import EncoderSpec

TEXTS: tuple[Text, ...] = (
    ("ramen receipt", "Kyoto", "2 bowls of shoyu ramen 1,960 yen"),
    ("火车票", "上海虹桥 开 北京南"),
    ("cartel del concierto",),
    (),
    ("",),
    ("named \udcff\udcfe like this", "nul \0 inside"),
    ("\ufdfa" * 400,),
)


@pytest.fixture(scope="module", params=["fallback", "bge-m3", "fake"])
def encoder(request: pytest.FixtureRequest) -> Iterator[Encoder]:
    one: Encoder
    if request.param == "fallback":
        one = Fallback()
    elif request.param == "bge-m3":
        pytest.importorskip("FlagEmbedding", reason="the extra bge-m3 is not installed")
        from tests.encoding.checkpoint import checkpoint

        from glimpsed.encoding.bge_m3 import BgeM3

        one = BgeM3(checkpoint(), "cpu", 512, 4096)
    else:
        one = FakeEncoder(EncoderSpec("bge-m3"))
    yield one
    one.close()


def test_says_what_it_is(encoder: Encoder) -> None:
    assert encoder.id
    assert encoder.name
    assert encoder.device == "cpu"
    assert encoder.dimension > 0
    assert encoder.max_tokens > 8
    assert encoder.precision


@pytest.mark.parametrize("query", [True, False])
def test_vectors_are_float32_of_unit_length_in_order(encoder: Encoder, query: bool) -> None:
    encodings = encoder.encode(TEXTS, query=query)
    assert len(encodings) == len(TEXTS)
    for encoding in encodings:
        assert encoding.dense.dtype == np.float32
        assert encoding.dense.shape == (encoder.dimension,)
        assert np.linalg.norm(encoding.dense) == pytest.approx(1.0, abs=1e-3)
        assert (encoding.sparse is not None) == encoder.has_sparse
    backwards = encoder.encode(TEXTS[::-1], query=query)[::-1]
    for one, other in zip(encodings, backwards, strict=True):
        assert cosine(one.dense, other.dense) > 0.999


def test_a_text_is_encoded_the_same_alone_and_in_company(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS, query=False)
    for text, encoding in zip(TEXTS, together, strict=True):
        [alone] = encoder.encode([text], query=False)
        assert cosine(alone.dense, encoding.dense) > 0.999
        assert alone.cut == encoding.cut


def test_token_weights_are_ordered_and_positive(encoder: Encoder) -> None:
    if not encoder.has_sparse:
        assert all(one.sparse is None for one in encoder.encode(TEXTS, query=False))
        return
    for encoding in encoder.encode(TEXTS, query=False):
        assert encoding.sparse is not None
        tokens, weights = encoding.sparse.tokens, encoding.sparse.weights
        assert tokens.dtype == np.int32
        assert weights.dtype == np.float32
        assert tokens.shape == weights.shape
        assert (np.diff(tokens) > 0).all()
        assert (weights > 0).all()


def test_one_with_colbert_has_a_vector_of_unit_length_for_each_token_but_the_first(encoder: Encoder) -> None:
    if not encoder.has_colbert:
        assert not hasattr(encoder, "encode_all")
        return
    full = cast(ColbertEncoder, encoder).encode_all(TEXTS, query=False)
    for one, other in zip(full, encoder.encode(TEXTS, query=False), strict=True):
        assert cosine(one.dense, other.dense) > 0.999
        assert (one.cut, other.colbert) == (other.cut, None)
        assert one.colbert is not None
        assert len(one.colbert) >= 1
        assert one.colbert.shape[1] == encoder.dimension
        assert one.colbert.dtype == np.float16
        np.testing.assert_allclose(np.linalg.norm(one.colbert.astype(np.float32), axis=1), 1, atol=1e-2)


def test_nothing_to_encode(encoder: Encoder) -> None:
    assert encoder.encode([], query=False) == []


def test_what_fits_is_not_cut_and_what_does_not_is_counted(encoder: Encoder) -> None:
    long = "word " * (encoder.max_tokens - 20)
    whole, first, both, page = encoder.encode(
        [("short", "texts"), ("caption here", long, long), (long + long, long), ("name", long + long)], query=False
    )
    assert whole.cut == 0
    assert first.cut == 1
    assert both.cut == 2
    assert page.cut == 1


def test_the_most_telling_parts_count(encoder: Encoder) -> None:
    """What does not fit leaves the vector as if it were not there."""
    filling = "word " * (encoder.max_tokens - 16)
    [cut] = encoder.encode([("caption here", filling, filling)], query=False)
    [without] = encoder.encode([("caption here", filling)], query=False)
    assert cut.cut == 1
    assert cosine(cut.dense, without.dense) > 0.999


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other)
