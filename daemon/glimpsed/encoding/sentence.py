"""Any Sentence Transformers model (Reimers & Gurevych 2019, arXiv:1908.10084), loaded and run by the library.

Everything comes from local files, with the model's own prompts. Lives in the encoder process.
"""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpsed.encoding import cache, devices, sentence_files, weights
from glimpsed.encoding.encoder import Text, fit, rough_tokens
from glimpsed.encoding.forward import first_line, free, is_out_of_memory, names_in, quiet
from glimpsed.encoding.passes import Budget
from glimpsed.encoding.precision import precision
from glimpsed.errors import DeviceError, EncoderError, ExtraMissingError, WeightsMissingError
from glimpsed.records import Encoding


class Sentence:
    """An `Encoder`: dense vectors of the length that the model has, without token weights.

    Questions and passages get the prompts that the model asks for. fp16 on a GPU (bf16 where the model was published
    so: its numbers may not fit fp16), bf16 on a CPU where that is quicker, else float32.
    """

    has_sparse = False
    has_colbert = False

    def __init__(
        self,
        folder: Path,
        device: str,
        max_length: int,
        max_tokens_per_batch: int,
        *,
        trust_remote_code: bool = False,
        exact: bool = False,
    ) -> None:
        """Load the model from `folder` to `device` (`cpu`, `cuda:0`).

        `max_length` is the longest text in tokens, its prompt included; `max_tokens_per_batch` counts padding;
        `exact` means float32 on any device. Raises ExtraMissingError, OwnCodeError where the model brings code and
        that is not trusted, WeightsMissingError where its files cannot be loaded, or DeviceError where the device
        cannot hold it.
        """
        sentence_files.check(folder, None, trusted=trust_remote_code)
        facts = sentence_files.facts(folder, max_length)
        self.id = facts.id
        self.name = cache.name_of(folder)
        self.dimension = facts.dimension
        self.max_tokens = facts.max_tokens
        self.device = device
        self.budget = Budget(max_tokens_per_batch)
        self.precision = "float32" if exact else _precision(folder, device)
        self._prompts = sentence_files.prompts(folder)
        with quiet():
            self._model: Any = _load(folder, device, self.precision, trusted=trust_remote_code)
            self._limit()
            self._count = _counter(self._model)

    @property
    def model(self) -> Any:
        """The library's `SentenceTransformer`, for hooks."""
        return self._model

    def encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        """One encoding a text, in order.

        Raises DeviceError when the device is lost, or has no room even for one text alone.
        """
        prompt = self._prompts.query if query else self._prompts.document
        clean = [tuple(part.encode("utf-8", "replace").decode() for part in text) for text in texts]
        with quiet():
            fitted = [fit(text, lambda string: self._count(prompt + string), self.max_tokens) for text in clean]
        order = sorted(range(len(fitted)), key=lambda i: -fitted[i].tokens)
        lengths = [fitted[i].tokens for i in order]
        encodings: dict[int, Encoding] = {}
        done = 0
        while done < len(order):
            count = self.budget.take(lengths[done:])
            batch = order[done : done + count]
            vectors = self._try([fitted[i].text for i in batch], prompt, query=query)
            if vectors is None:
                if count == 1:
                    raise DeviceError(f"out of memory at a single text of {lengths[done]} tokens", where=self.device)
                self.budget.halve(count * lengths[done])
                continue
            self.budget.passed([fitted[i].tokens for i in batch])
            for i, vector in zip(batch, vectors, strict=True):
                encodings[i] = Encoding(vector, cut=fitted[i].cut)
            done += count
        return [encodings[i] for i in range(len(fitted))]

    def close(self) -> None:
        """Give the memory back; the encoder is not used after."""
        self._model = None
        self._count = _counter(None)
        free()

    def _limit(self) -> None:
        """Have the library cut where `fit` does, or before where it knows better."""
        most = self._model.max_seq_length
        if most is not None and most > self.max_tokens:
            try:
                self._model.max_seq_length = self.max_tokens
            except AttributeError:  # a module that takes any length, such as StaticEmbedding
                return
        elif most is not None:
            self.max_tokens = int(most)

    def _try(self, batch: list[str], prompt: str, *, query: bool) -> NDArray[np.float32] | None:
        """The vectors of texts that fit, (texts, dimension) of unit length; None where memory does not suffice."""
        encode = self._model.encode_query if query else self._model.encode_document
        try:
            with quiet():
                # A prompt of nothing has to be said, too: without any the library would look for a default.
                raw = encode(batch, prompt=prompt, batch_size=len(batch), show_progress_bar=False)
        except Exception as error:
            if not is_out_of_memory(error):
                kind = DeviceError if isinstance(error, RuntimeError) else EncoderError
                raise kind(f"the forward pass failed: {first_line(error)}", where=self.device) from error
        else:
            return self._unit(np.asarray(raw, dtype=np.float32))
        free()  # only here is the failed pass's memory unreferenced
        return None

    def _unit(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise EncoderError(f"gives vectors of shape {vectors.shape}, not of {self.dimension} numbers each")
        if not np.isfinite(vectors).all():
            raise DeviceError("gives numbers that are not finite", where=self.device)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        # Some models have nothing to say of an empty text; a vector of zeros is near to nothing and to everything.
        vectors[lengths[:, 0] == 0, 0] = lengths[lengths == 0] = 1
        vectors /= lengths
        return vectors


def _load(folder: Path, device: str, precision: str, *, trusted: bool) -> Any:
    """A SentenceTransformer on the device, ready for inference, from local files only."""
    # Read when the libraries are imported; a folder that exists is never looked up, this makes sure of the rest.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    if trusted:
        # transformers copies the model's code to where it imports it from; the user's home is read-only to us.
        copies = tempfile.mkdtemp(prefix="glimpsed-code-")
        atexit.register(shutil.rmtree, copies, ignore_errors=True)
        os.environ.setdefault("HF_MODULES_CACHE", copies)
    torch = devices.load_torch()
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415  heavy
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415  heavy
    except Exception as error:
        raise ExtraMissingError(f"cannot be imported: {first_line(error)}", hint=devices.EXTRA_HINT) from error
    for library in ("sentence_transformers", "transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        model = SentenceTransformer(
            str(folder.resolve()),
            device="cpu",
            local_files_only=True,
            trust_remote_code=trusted,
            model_kwargs={"dtype": getattr(torch, precision)},
        )
    except Exception as error:
        if is_out_of_memory(error):
            raise DeviceError("out of memory while loading", where=device) from error
        raise WeightsMissingError(f"cannot be loaded: {first_line(error)}", where=str(folder)) from error
    _expect_trained(model, folder)
    try:
        return model.to(device).eval()
    except Exception as error:
        raise DeviceError(f"cannot hold the model: {first_line(error)}", where=device) from error


def _precision(folder: Path, device: str) -> str:
    """What to compute in, by torch's names."""
    if device == "cpu":
        return precision(device, exact=False)
    config = weights.read_json(folder, "config.json") if weights.there(folder / "config.json") else {}
    published = str(config.get("torch_dtype") or config.get("dtype"))
    return "bfloat16" if published == "bfloat16" else "float16"


def _expect_trained(model: Any, folder: Path) -> None:
    """Raise where the weight files hold hardly anything of the model: transformers would go on with random weights."""
    inner = getattr(model, "transformers_model", None)
    if inner is None:
        return
    first = next(one for one in sentence_files.modules(folder) if weights.files(one.folder)).folder
    lacking = set(inner.state_dict()) - names_in(first)
    # Poolers that nobody uses and old names of layers may well be missing.
    if 2 * len(lacking) > len(inner.state_dict()):
        raise WeightsMissingError(f"lacks {len(lacking)} tensors, such as {min(lacking)}", where=str(folder))


def _counter(model: Any) -> Callable[[str], int]:
    """Tells the tokens of a string by the model's own tokenizer, special ones included; roughly where it has none."""
    tokenizer: Any = getattr(model, "tokenizer", None)
    if hasattr(tokenizer, "encode_batch"):  # of the library `tokenizers` itself
        return lambda string: len(tokenizer.encode(string).ids)
    if callable(tokenizer):
        return lambda string: len(tokenizer(string, return_attention_mask=False)["input_ids"])
    return lambda string: rough_tokens((string,))
