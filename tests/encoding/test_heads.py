"""Token weights of texts laid end to end."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.encoding.heads import sparse_of

TOKEN = st.tuples(st.integers(0, 12), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
SPECIAL = {0, 2}


@settings(deadline=None, max_examples=200)
@given(texts=st.lists(st.lists(TOKEN, max_size=12), max_size=8))
def test_each_text_has_the_largest_weight_of_each_of_its_tokens(texts: list[list[tuple[int, float]]]) -> None:
    flat = [token for text in texts for token in text]
    made = sparse_of(
        np.array([token for token, _ in flat], dtype=np.int32),
        np.array([weight for _, weight in flat], dtype=np.float32),
        np.array([len(text) for text in texts], dtype=np.int64),
        np.array(sorted(SPECIAL), dtype=np.int32),
    )
    assert len(made) == len(texts)
    for text, sparse in zip(texts, made, strict=True):
        expected: dict[int, float] = {}
        for token, weight in text:
            if weight and token not in SPECIAL:
                expected[token] = max(weight, expected.get(token, 0.0))
        assert dict(zip(sparse.tokens.tolist(), sparse.weights.tolist(), strict=True)) == expected
        assert sparse.tokens.tolist() == sorted(expected)
        assert sparse.tokens.dtype == np.int32
        assert sparse.weights.dtype == np.float32
