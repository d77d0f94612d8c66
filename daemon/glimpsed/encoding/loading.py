"""BGE-M3 as FlagEmbedding loads it, from local files that are all there and fit each other. Encoder process only."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glimpsed.encoding import devices, weights
from glimpsed.encoding.forward import first_line, is_out_of_memory, names_in
from glimpsed.encoding.precision import Precision
from glimpsed.errors import DeviceError, EncoderError, ExtraMissingError, HeadsMissingError, WeightsMissingError

_UNUSED = frozenset(("pooler.dense.weight", "pooler.dense.bias"))


def load(folder: Path, device: str, precision: Precision) -> Any:
    """A BGEM3FlagModel on the device, ready for inference, from local files only.

    Raises ExtraMissingError; HeadsMissingError or WeightsMissingError, which name the file or the folder; or
    DeviceError where the device cannot hold the model.
    """
    # Read when the libraries are imported; a folder that exists is never looked up, this makes sure of the rest.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    torch = devices.load_torch()
    try:
        from FlagEmbedding import BGEM3FlagModel  # noqa: PLC0415  heavy
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415  heavy
    except Exception as error:
        raise ExtraMissingError(f"cannot be imported: {first_line(error)}", hint=devices.EXTRA_HINT) from error
    for library in ("FlagEmbedding", "transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    with _loading(folder, device):
        embedder = BGEM3FlagModel(
            str(folder.resolve()),
            use_fp16=precision == "float16",
            use_bf16=precision == "bfloat16",
            devices=device,
            trust_remote_code=False,
        )
        lacking = set(embedder.model.model.state_dict()) - names_in(folder) - _UNUSED
    if lacking:  # transformers would go on with random ones
        raise WeightsMissingError(f"lacks {len(lacking)} tensors, such as {min(lacking)}", where=str(folder))
    try:
        embedder.model.to(torch.device(device)).eval()
    except Exception as error:
        raise DeviceError(f"cannot hold the model: {first_line(error)}", where=device) from error
    return embedder


def check_heads(folder: Path, dimension: int) -> None:
    """Nothing, where both head files are there and fit a model of this dimension.

    Raises HeadsMissingError (FlagEmbedding would take random ones) or WeightsMissingError; both name the file.
    """
    torch = devices.load_torch()
    for name, width in zip(weights.HEADS, (dimension, 1), strict=True):
        path = folder / name
        if not path.is_file():
            raise HeadsMissingError(f"the model lacks its head file {name}", where=str(folder))
        with _loading(path, "cpu"):
            tensors = torch.load(path, map_location="cpu", weights_only=True)
            found = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
        wanted = {"weight": (width, dimension), "bias": (width,)}
        if found != wanted:
            raise WeightsMissingError(f"is not BGE-M3's: it holds {found}, not {wanted}", where=str(path))


@contextmanager
def _loading(what: Path, device: str) -> Iterator[None]:
    """Whatever torch and transformers raise over damaged or foreign files is an error of the weights."""
    try:
        yield
    except EncoderError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise DeviceError("out of memory while loading", where=device) from error
        raise WeightsMissingError(f"cannot be loaded, fetch them anew: {first_line(error)}", where=str(what)) from error
