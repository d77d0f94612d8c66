"""The centre that is shipped is the mean of the common questions, by the encoder that is shipped."""

import numpy as np
from tests.searching.common_questions import COMMON

from glimpsed.encoding.fallback import FALLBACK_ID, Fallback
from glimpsed.searching import centre


def test_the_centre_is_the_mean_of_the_common_questions() -> None:
    fallback = Fallback()
    vectors = [one.dense for one in fallback.encode([(text,) for text in COMMON], query=True)]
    fallback.close()
    shipped = centre.of(FALLBACK_ID)
    assert shipped is not None
    # float16, and the library's kernels differ a little between processors.
    assert np.allclose(shipped, np.mean(vectors, axis=0), atol=2e-3)


def test_without_what_all_share_a_vector_is_of_unit_length_and_farther_from_the_centre() -> None:
    middle = centre.of(FALLBACK_ID)
    assert middle is not None
    vector = middle / np.linalg.norm(middle) + np.float32(0.01)
    vector /= np.linalg.norm(vector)
    moved = centre.centred(vector, FALLBACK_ID)
    assert moved.dtype == np.float32
    assert abs(float(np.linalg.norm(moved)) - 1) < 1e-5
    assert moved @ middle < vector @ middle
    assert np.isfinite(centre.centred(middle, FALLBACK_ID)).all()


def test_an_unknown_encoder_keeps_its_vectors() -> None:
    vector = np.asarray([0.6, 0.8], np.float32)
    assert centre.of("large/1") is None
    assert centre.centred(vector, "large/1") is vector
    assert centre.centred(vector, FALLBACK_ID) is vector  # another length: no vector of that encoder
